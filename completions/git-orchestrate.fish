# Completion of git-orchestrate and of git orchestrate. It belongs into conf.d, because fish up to
# 3.6.0 does not load completions of external git commands.
# git-orchestrate itself prints the candidates; nothing is listed here.

function __git_orchestrate_complete
    set -l words (commandline -opc)
    # Candidates are compared without quotes.
    set -l typed (string trim -l -c '"\'' -- (commandline -ct) | string replace -a '\\' '')
    set -l at (contains -i -- orchestrate $words)
    if test "$words[1]" = git; and test -n "$at"
        # Keep the options before it, as in git -C DIR orchestrate.
        set -l global $words[2..$at]
        git $global complete -- $words[(math $at + 1)..-1] $typed 2>/dev/null
    else
        git-orchestrate complete -- $words[2..-1] $typed 2>/dev/null
    end
end

complete -c git-orchestrate -f -a '(__git_orchestrate_complete)'
complete -c git -f -n '__fish_git_using_command orchestrate' -a '(__git_orchestrate_complete)'
complete -c git -f -n __fish_git_needs_command -a orchestrate -d 'Run a plan of coding tasks in parallel'
