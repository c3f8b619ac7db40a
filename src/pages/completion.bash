# Completion of git-orchestrate and, through git's own completion, of git orchestrate.
# What can follow is asked of git-orchestrate itself; nothing is listed here.

# $1: the word at the cursor; the rest: the program to ask, then the words after its name.
__git_orchestrate_complete() {
    local cur=$1 asked glued tail='' files='' line about
    shift
    # What is quoted on the line is not quoted in an answer.
    asked=${cur//\\\'/$'\1'}
    asked=${asked//[\"\']/}
    asked=${asked//$'\1'/\'}
    asked=${asked//\\/}
    # Only what follows the last = or : is replaced.
    glued=''
    [[ $COMP_WORDBREAKS == *=* && $asked == *=* ]] && glued=${asked%"${asked##*=}"}
    [[ $COMP_WORDBREAKS == *:* && ${asked#"$glued"} == *:* ]] && glued=${asked%"${asked##*:}"}
    # An answer is complete: no file names where there is none, a space after it.
    # bash before 4 has no compopt, and git's completion wants the space from here.
    if ! compopt +o default +o bashdefault +o nospace 2>/dev/null; then
        [[ ${BASH_VERSINFO[0]} -lt 4 && ${1-} == __git ]] && tail=' '
    fi
    COMPREPLY=()
    while IFS=$'\t' read -r line about; do
        case $about in
            # readline adds the slash of a folder that it sees, and leaves a quote open there.
            folder) files=1 && [[ -d $line ]] && line=${line%/} ;;
            file) files=1 && line+=$tail ;;
            *) line+=$tail ;;
        esac
        COMPREPLY+=("${line#"$glued"}")
    done < <("$@" "$asked" 2>/dev/null)
    # Names of files are quoted where they need it.
    [[ -n $files ]] && compopt -o filenames 2>/dev/null
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == */ ]] && compopt -o nospace 2>/dev/null
    return 0
}

# For git-orchestrate: bash has cut the words at every = and :.
_git__orchestrate() {
    local word cur before=()
    for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
        case $word,${before[*]: -1} in
            =,--* | *,--*=) before[${#before[@]}-1]+=$word ;;
            *) before+=("$word") ;;
        esac
    done
    cur=${before[${#before[@]}-1]}
    unset "before[${#before[@]}-1]"
    __git_orchestrate_complete "$cur" "${COMP_WORDS[0]}" complete -- ${before[@]+"${before[@]}"}
}

# git's completion calls this, with its own words, cword and cur; __git heeds git -C DIR.
_git_orchestrate() {
    local first=$((${__git_cmd_idx:-1} + 1))
    __git_orchestrate_complete "$cur" __git orchestrate complete -- "${words[@]:first:cword-first}"
}

complete -F _git__orchestrate git-orchestrate
