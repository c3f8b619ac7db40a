
# git's completion calls this for `git orchestrate`, with its own words, cword, cur and prev.
_git_orchestrate() {
    local first=$((${__git_cmd_idx:-1} + 1))
    local COMP_WORDS=("git-orchestrate" "${words[@]:first}") COMP_CWORD=$((cword - first + 1))
    _git__orchestrate git-orchestrate "$cur" "$prev"
}
