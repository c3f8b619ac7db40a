# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_git_orchestrate_global_optspecs
    string join \n C= git-dir= work-tree= q/quiet h/help V/version
end

function __fish_git_orchestrate_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_git_orchestrate_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_git_orchestrate_using_subcommand
    set -l cmd (__fish_git_orchestrate_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c git-orchestrate -n "__fish_git_orchestrate_needs_command" -s C -d 'Run as if started in DIR' -r -f -a "(__fish_complete_directories)"
complete -c git-orchestrate -n "__fish_git_orchestrate_needs_command" -l git-dir -d 'Act on the repository with this git directory, as with git\'s own option' -r -f -a "(__fish_complete_directories)"
complete -c git-orchestrate -n "__fish_git_orchestrate_needs_command" -l work-tree -d 'Take DIR for the worktree of that repository, as with git\'s own option' -r -f -a "(__fish_complete_directories)"
complete -c git-orchestrate -n "__fish_git_orchestrate_needs_command" -s q -l quiet -d 'Say only what was asked for and what went wrong'
complete -c git-orchestrate -n "__fish_git_orchestrate_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c git-orchestrate -n "__fish_git_orchestrate_needs_command" -s V -l version -d 'Print version'
complete -c git-orchestrate -n "__fish_git_orchestrate_needs_command" -f -a "clean" -d 'Remove worktrees and branches that are merged'
complete -c git-orchestrate -n "__fish_git_orchestrate_needs_command" -f -a "demo" -d 'Run a small plan in a new repository, to see how it works'
complete -c git-orchestrate -n "__fish_git_orchestrate_needs_command" -f -a "doctor" -d 'Look for what would go wrong here, and say how to mend it; changes nothing'
complete -c git-orchestrate -n "__fish_git_orchestrate_needs_command" -f -a "log" -d 'Show what a task\'s agent printed'
complete -c git-orchestrate -n "__fish_git_orchestrate_needs_command" -f -a "merge" -d 'Merge what is finished, tested before it is published'
complete -c git-orchestrate -n "__fish_git_orchestrate_needs_command" -f -a "plan" -d 'Check a plan: layers, critical path, overlaps, mistakes; writes nothing'
complete -c git-orchestrate -n "__fish_git_orchestrate_needs_command" -f -a "report" -d 'Say how a task ended (what an agent calls when it is finished)'
complete -c git-orchestrate -n "__fish_git_orchestrate_needs_command" -f -a "retry" -d 'Let a blocked task run again, in the worktree it has'
complete -c git-orchestrate -n "__fish_git_orchestrate_needs_command" -f -a "show" -d 'Show one task: its text, attempts, commits and changes'
complete -c git-orchestrate -n "__fish_git_orchestrate_needs_command" -f -a "start" -d 'Run a plan to the end, or go on with a run'
complete -c git-orchestrate -n "__fish_git_orchestrate_needs_command" -f -a "status" -d 'Show where everything stands'
complete -c git-orchestrate -n "__fish_git_orchestrate_needs_command" -f -a "trust" -d 'Trust the commands in these files as they are now'
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand clean" -l run -d 'Act on the run of this name' -r
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand clean" -s C -d 'Run as if started in DIR' -r -f -a "(__fish_complete_directories)"
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand clean" -l git-dir -d 'Act on the repository with this git directory, as with git\'s own option' -r -f -a "(__fish_complete_directories)"
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand clean" -l work-tree -d 'Take DIR for the worktree of that repository, as with git\'s own option' -r -f -a "(__fish_complete_directories)"
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand clean" -s n -l dry-run -d 'Say what would be removed, and remove nothing'
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand clean" -s f -l force -d 'Remove what is not merged or not clean too, after writing a backup ref'
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand clean" -l all -d 'Also remove what a finished run leaves: its logs, its test worktree and its journal'
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand clean" -s q -l quiet -d 'Say only what was asked for and what went wrong'
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand clean" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand demo" -s C -d 'Run as if started in DIR' -r -f -a "(__fish_complete_directories)"
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand demo" -l git-dir -d 'Act on the repository with this git directory, as with git\'s own option' -r -f -a "(__fish_complete_directories)"
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand demo" -l work-tree -d 'Take DIR for the worktree of that repository, as with git\'s own option' -r -f -a "(__fish_complete_directories)"
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand demo" -s q -l quiet -d 'Say only what was asked for and what went wrong'
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand demo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand doctor" -s C -d 'Run as if started in DIR' -r -f -a "(__fish_complete_directories)"
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand doctor" -l git-dir -d 'Act on the repository with this git directory, as with git\'s own option' -r -f -a "(__fish_complete_directories)"
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand doctor" -l work-tree -d 'Take DIR for the worktree of that repository, as with git\'s own option' -r -f -a "(__fish_complete_directories)"
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand doctor" -l json -d 'Print JSON'
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand doctor" -s q -l quiet -d 'Say only what was asked for and what went wrong'
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand log" -l run -d 'Act on the run of this name' -r
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand log" -l attempt -d 'The output of this attempt [default: the last one]' -r
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand log" -s C -d 'Run as if started in DIR' -r -f -a "(__fish_complete_directories)"
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand log" -l git-dir -d 'Act on the repository with this git directory, as with git\'s own option' -r -f -a "(__fish_complete_directories)"
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand log" -l work-tree -d 'Take DIR for the worktree of that repository, as with git\'s own option' -r -f -a "(__fish_complete_directories)"
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand log" -s f -l follow -d 'Go on printing until the attempt ends'
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand log" -l test -d 'What the tests printed on the task\'s merge, instead'
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand log" -s q -l quiet -d 'Say only what was asked for and what went wrong'
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand log" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand merge" -l run -d 'Act on the run of this name' -r
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand merge" -s C -d 'Run as if started in DIR' -r -f -a "(__fish_complete_directories)"
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand merge" -l git-dir -d 'Act on the repository with this git directory, as with git\'s own option' -r -f -a "(__fish_complete_directories)"
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand merge" -l work-tree -d 'Take DIR for the worktree of that repository, as with git\'s own option' -r -f -a "(__fish_complete_directories)"
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand merge" -s q -l quiet -d 'Say only what was asked for and what went wrong'
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand merge" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand plan" -s C -d 'Run as if started in DIR' -r -f -a "(__fish_complete_directories)"
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand plan" -l git-dir -d 'Act on the repository with this git directory, as with git\'s own option' -r -f -a "(__fish_complete_directories)"
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand plan" -l work-tree -d 'Take DIR for the worktree of that repository, as with git\'s own option' -r -f -a "(__fish_complete_directories)"
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand plan" -l json -d 'Print JSON'
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand plan" -s q -l quiet -d 'Say only what was asked for and what went wrong'
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand plan" -s h -l help -d 'Print help'
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand report" -s m -l message -d 'What was done, what is missing, or what blocks' -r
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand report" -l task -d 'The task [default: $ORCHESTRATE_TASK, or the one whose worktree this is]' -r
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand report" -l run -d 'Act on the run of this name' -r
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand report" -s C -d 'Run as if started in DIR' -r -f -a "(__fish_complete_directories)"
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand report" -l git-dir -d 'Act on the repository with this git directory, as with git\'s own option' -r -f -a "(__fish_complete_directories)"
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand report" -l work-tree -d 'Take DIR for the worktree of that repository, as with git\'s own option' -r -f -a "(__fish_complete_directories)"
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand report" -s q -l quiet -d 'Say only what was asked for and what went wrong'
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand report" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand retry" -s m -l message -d 'What the next attempt should know' -r
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand retry" -l run -d 'Act on the run of this name' -r
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand retry" -s C -d 'Run as if started in DIR' -r -f -a "(__fish_complete_directories)"
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand retry" -l git-dir -d 'Act on the repository with this git directory, as with git\'s own option' -r -f -a "(__fish_complete_directories)"
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand retry" -l work-tree -d 'Take DIR for the worktree of that repository, as with git\'s own option' -r -f -a "(__fish_complete_directories)"
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand retry" -s q -l quiet -d 'Say only what was asked for and what went wrong'
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand retry" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand show" -l run -d 'Act on the run of this name' -r
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand show" -s C -d 'Run as if started in DIR' -r -f -a "(__fish_complete_directories)"
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand show" -l git-dir -d 'Act on the repository with this git directory, as with git\'s own option' -r -f -a "(__fish_complete_directories)"
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand show" -l work-tree -d 'Take DIR for the worktree of that repository, as with git\'s own option' -r -f -a "(__fish_complete_directories)"
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand show" -l prompt -d 'Print the very text that the last attempt was given'
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand show" -s q -l quiet -d 'Say only what was asked for and what went wrong'
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand start" -l agent -d 'The agent: `claude`, `codex`, or a shell command that reads the prompt from standard input' -r
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand start" -s j -l jobs -d 'How many tasks may run at once [default: 8]' -r
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand start" -l into -d 'Merge into this branch instead of the run\'s own, feat/NAME' -r
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand start" -l only -d 'Run only these tasks, and what they depend on' -r
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand start" -l run -d 'With PLAN: the name of the new run, instead of the plan\'s; else: the run to go on with' -r
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand start" -s C -d 'Run as if started in DIR' -r -f -a "(__fish_complete_directories)"
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand start" -l git-dir -d 'Act on the repository with this git directory, as with git\'s own option' -r -f -a "(__fish_complete_directories)"
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand start" -l work-tree -d 'Take DIR for the worktree of that repository, as with git\'s own option' -r -f -a "(__fish_complete_directories)"
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand start" -l keep -d 'Leave worktrees and branches of merged tasks for `clean`'
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand start" -s n -l dry-run -d 'Say what would be done, and do nothing'
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand start" -l trust -d 'Trust the commands in the plan and in .orchestrate/config.toml as they are now'
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand start" -s q -l quiet -d 'Say only what was asked for and what went wrong'
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand start" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand status" -l run -d 'Act on the run of this name' -r
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand status" -s C -d 'Run as if started in DIR' -r -f -a "(__fish_complete_directories)"
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand status" -l git-dir -d 'Act on the repository with this git directory, as with git\'s own option' -r -f -a "(__fish_complete_directories)"
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand status" -l work-tree -d 'Take DIR for the worktree of that repository, as with git\'s own option' -r -f -a "(__fish_complete_directories)"
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand status" -l json -d 'Print JSON'
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand status" -s w -l watch -d 'Stay, and show every change, until the run ends'
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand status" -s q -l quiet -d 'Say only what was asked for and what went wrong'
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand trust" -s C -d 'Run as if started in DIR' -r -f -a "(__fish_complete_directories)"
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand trust" -l git-dir -d 'Act on the repository with this git directory, as with git\'s own option' -r -f -a "(__fish_complete_directories)"
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand trust" -l work-tree -d 'Take DIR for the worktree of that repository, as with git\'s own option' -r -f -a "(__fish_complete_directories)"
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand trust" -s q -l quiet -d 'Say only what was asked for and what went wrong'
complete -c git-orchestrate -n "__fish_git_orchestrate_using_subcommand trust" -s h -l help -d 'Print help (see more with \'--help\')'
