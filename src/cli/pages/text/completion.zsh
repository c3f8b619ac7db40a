#compdef git-orchestrate
#description run a plan of coding tasks in parallel git worktrees

# Completion of git-orchestrate and, through zsh's completion of git, of git orchestrate.
# git-orchestrate itself prints the candidates; nothing is listed here.

_git-orchestrate() {
    local -a elsewhere before lines described files folders
    local line value
    # git -C DIR orchestrate
    [[ -n ${opt_args[-C]-} ]] && elsewhere=(-C "${(Q)${~opt_args[-C]}}")
    (( CURRENT > 2 )) && before=("${(@Q)words[2,CURRENT-1]}")
    lines=("${(@f)$(_call_program orchestrate git-orchestrate ${(q)elsewhere} complete -- ${(q)before} ${(qq)${(Q)PREFIX}} 2>/dev/null)}")
    for line in $lines; do
        value=${line%%$'\t'*}
        case ${line#*$'\t'} in
            (folder) folders+=("$value") ;;
            (file) files+=("$value") ;;
            (*) described+=("${value//:/\\:}:${line#*$'\t'}") ;;
        esac
    done
    # Keep a tilde unquoted; quote everything else as on the line.
    local -a raw
    [[ $PREFIX == \~* ]] && raw=(-Q)
    local ret=1
    (( $#described )) && _describe -t orchestrate 'git orchestrate' described && ret=0
    (( $#files )) && compadd $raw -f -- $files && ret=0
    (( $#folders )) && compadd $raw -f -S '' -- $folders && ret=0
    return ret
}

_git-orchestrate "$@"
