# Completion of git-orchestrate and, through git's own completion, of git orchestrate.
# git-orchestrate itself prints the candidates; nothing is listed here.

# Sets REPLY to the word $1 as the shell will pass it: without quotes and backslashes.
__git_orchestrate_unquote() {
    REPLY=${1//\\\'/$'\1'}
    REPLY=${REPLY//[\"\']/}
    REPLY=${REPLY//$'\1'/\'}
    REPLY=${REPLY//\\/}
}

# Sets REPLY to $1, quoted as it must be typed after $2; fails if $2 has an open quote that cannot
# contain it. A branch name may contain characters that the shell would execute.
__git_orchestrate_quote() {
    printf -v REPLY %q "$1"
    [[ $REPLY == "$1" || $2 != *[\"\']* ]]
}

__git_orchestrate_ask() {
    case $1 in
        __git) shift && __git orchestrate "$@" ;;
        *) "$@" ;;
    esac
}

# $1: the program to ask, or __git; then the words after its name up to the cursor.
__git_orchestrate_complete() {
    local program=$1 word asked glued='' tail='' files='' line about REPLY words=()
    local typed=${!#}
    shift
    for word in "$@"; do
        __git_orchestrate_unquote "$word"
        words+=("$REPLY")
    done
    asked=$REPLY
    # Only what follows the last = or : is replaced.
    [[ $COMP_WORDBREAKS == *=* && $asked == *=* ]] && glued=${asked%"${asked##*=}"}
    [[ $COMP_WORDBREAKS == *:* && ${asked#"$glued"} == *:* ]] && glued=${asked%"${asked##*:}"}
    # Candidates are complete: add a space after them, and no file names if there are none.
    # bash before 4 has no compopt; there git's completion expects the space from this function.
    if ! compopt +o default +o bashdefault +o nospace 2>/dev/null; then
        [[ ${BASH_VERSINFO[0]} -lt 4 && $program == __git ]] && tail=' '
    fi
    COMPREPLY=()
    while IFS=$'\t' read -r line about; do
        case $about in
            # readline itself adds the slash to an existing folder, and then leaves a quote open.
            folder) files=1 && [[ -d $line ]] && line=${line%/} ;;
            file) files=1 && line+=$tail ;;
            *) line=${line#"$glued"} && __git_orchestrate_quote "$line" "$typed" || continue
                COMPREPLY+=("$REPLY$tail") && continue ;;
        esac
        COMPREPLY+=("${line#"$glued"}")
    done < <(__git_orchestrate_ask "$program" complete -- "${words[@]}" 2>/dev/null)
    # Let readline quote file names if necessary.
    [[ -n $files ]] && compopt -o filenames 2>/dev/null
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == */ ]] && compopt -o nospace 2>/dev/null
    return 0
}

# For git-orchestrate: rejoin the words, which bash has split at every = and :.
_git__orchestrate() {
    local word before=()
    for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
        case $word,${before[*]: -1} in
            =,--* | *,--*=) before[${#before[@]}-1]+=$word ;;
            *) before+=("$word") ;;
        esac
    done
    __git_orchestrate_complete "$1" "${before[@]}"
}

# Called by git's completion, with its variables words and cword; __git applies git -C DIR.
_git_orchestrate() {
    local first=$((${__git_cmd_idx:-1} + 1))
    __git_orchestrate_complete __git "${words[@]:first:cword-first+1}"
}

complete -F _git__orchestrate git-orchestrate
