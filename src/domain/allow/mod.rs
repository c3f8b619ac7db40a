//! What an agent may be allowed beyond editing: rules as Claude Code writes them.
//!
//! Invariant: pure. A rule is refused, however it is written, if it would let an agent run anything,
//! or a file that it can write itself, or if an agent program would read several rules in it. An
//! exact command whose programs are named, such as `make lint`, may be used.

pub(crate) mod claude_settings;
mod command;
mod git;
mod line;
mod programs;
mod scripts;
mod tool;

use programs::TOOLS;

use crate::domain::text::{is_hidden, nearest};

const ANYTHING: &str = "it would let an agent run anything";
const GIVEN: &str = "it runs whatever it is given";
const NAMED: &str = "it runs whatever it is given; name what it is to run";
const WRITTEN: &str = "it runs a file that an agent could have written";
const STEERED: &str = "it sets a variable that decides what programs run";

/// Returns why a rule is refused; `None` where it may be used.
pub(crate) fn refusal(rule: &str) -> Option<&'static str> {
    let rule = rule.trim();
    // A rule that begins with `-` would be an option of the agent's program.
    let is_plain = !rule.is_empty() && !rule.starts_with('-') && !rule.contains(char::is_control);
    let Some((tool, pattern)) = parts(rule).filter(|_| is_plain) else {
        return Some("it is not a rule; write it as Edit, Read(PATH) or Bash(COMMAND)");
    };
    if !is_tool(tool) {
        return Some(
            "no agent program has a tool of this name; write it as Edit, Read(PATH), Bash(COMMAND) \
             or mcp__SERVER__TOOL",
        );
    }
    if rule.contains(is_hidden) {
        return Some("it contains a character that is invisible or turns the text around");
    }
    if pattern.is_some_and(|pattern| pattern.contains(['(', ')'])) {
        return Some("a round bracket in it could end the rule, and begin another one");
    }
    if is_shell(tool) {
        command::refusal(&pattern.unwrap_or("*").replace(":*", " *"))
    } else {
        tool::refusal(tool, pattern)
    }
}

/// Takes a rule apart: a tool, and what stands in its round brackets.
fn parts(rule: &str) -> Option<(&str, Option<&str>)> {
    let (tool, pattern) = match rule.trim().split_once('(') {
        Some((tool, rest)) => (tool.trim(), Some(rest.strip_suffix(')')?.trim())),
        None => (rule.trim(), None),
    };
    let is_word = |c: char| c.is_alphanumeric() || "_-".contains(c);
    let is_name = |name: &str| {
        name.chars().all(is_word)
            // The name of an MCP tool, which is judged as such.
            || name.starts_with("mcp__") && name.chars().all(|c| is_word(c) || "*.".contains(c))
    };
    (!tool.is_empty() && is_name(tool)).then_some((tool, pattern))
}

/// Returns true for what an agent program can have as a tool: such a rule does nothing if the name
/// is misspelt, and nobody says so. The names of new tools begin with a capital letter.
fn is_tool(tool: &str) -> bool {
    let is_known = TOOLS.iter().any(|known| known.eq_ignore_ascii_case(tool));
    let is_new = tool.starts_with(|c: char| c.is_ascii_uppercase())
        && nearest(tool, TOOLS.iter().copied()).is_none();
    is_known || is_new || is_shell(tool) || tool.contains('_')
}

/// The shell, by the names that agent programs have for it.
fn is_shell(tool: &str) -> bool {
    let names = ["bash", "shell", "powershell", "run_shell_command", "exec_command", "local_shell"];
    names.iter().any(|name| tool.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::too_many_lines, reason = "one line for each rule")]
    fn what_runs_anything_is_refused_however_it_is_written() {
        for rule in [
            "Bash",
            "bash",
            "Bash()",
            "Bash(*)",
            "Bash( * )",
            "bash(*)",
            "BASH(:*)",
            "Bash(*:*)",
            "Bash(**)",
            "Bash (*)",
            "Shell(*)",
            "PowerShell",
            "run_shell_command(*)",
            "Bash(python *)",
            "Bash(python3:*)",
            "Bash(python3.12:*)",
            "Bash(python.exe *)",
            "Bash(/usr/bin/python *)",
            "Bash(/usr/bin/python3.12 -c *)",
            "Bash(./../venv/bin/python *)",
            "Bash(py''thon *)",
            "Bash(\\python *)",
            "Bash(pypy3 *)",
            "Bash(Node *)",
            "Bash(npm *)",
            "Bash(npm exec *)",
            "Bash(npm run *)",
            "Bash(npm run-script *)",
            "Bash(npm install *)",
            "Bash(npm exec -- python *)",
            "Bash(npm -w x run *)",
            "Bash(npx *)",
            "Bash(npx node *)",
            "Bash(npx --yes *)",
            "Bash(npx -y ts-node *)",
            "Bash(uv run python *)",
            "Bash(uv run *)",
            "Bash(uvx *)",
            "Bash(pip install *)",
            "Bash(poetry run python -m *)",
            "Bash(bundle exec ruby *)",
            "Bash(cargo *)",
            "Bash(cargo run *)",
            "Bash(go run *)",
            "Bash(make *)",
            "Bash(make -f *)",
            "Bash(docker run x *)",
            "Bash(docker compose *)",
            "Bash(docker compose run *)",
            "Bash(yarn workspace web *)",
            "Bash(sh *)",
            "Bash(sh -c *)",
            "Bash(bash x *)",
            "Bash(busybox sh *)",
            "Bash(env *)",
            "Bash(env python *)",
            "Bash(env A=1 python *)",
            "Bash(A=1 make *)",
            "Bash(nice -n 5 ls *)",
            "Bash(sudo ls *)",
            "Bash(tmux new *)",
            "Bash(vim *)",
            "Bash(sed *)",
            "Bash(awk *)",
            "Bash(tar *)",
            "Bash(ssh host *)",
            "Bash(. *)",
            "Bash(source *)",
            "Bash(! python *)",
            "Bash(~/x *)",
            "Bash(claude -p *)",
            "Bash(/lib64/ld-linux-x86-64.so.2 *)",
            "Bash(git -c *)",
            "Bash(git -c alias.x=!sh *)",
            "Bash(git --exec-path=x *)",
            "Bash(git * && *)",
            "Bash(git *; rm -rf x)",
            "Bash(git log | *)",
            "Bash(git log > *)",
            "Bash($SHELL *)",
            "Bash(`which python` *)",
            "Bash(\"python\" *)",
            "Bash(p* x)",
            "Bash(pytho? x *)",
            "Bash({python,x} *)",
            "Bash([p]ython *)",
            "Bash(make; *)",
            "Bash(xargs  rm *)",
            "Bash(python*)",
            "Bash(npm*)",
            "Bash(git status) Bash(*)",
            "Bash(git status),Bash(python *)",
            "Edit(x) Bash(*)",
            // They ask their input what to run.
            "Bash(python)",
            "Bash(python3 -)",
            "Bash(bash -s)",
            "Bash(sh)",
            "Bash(node)",
        ] {
            assert!(refusal(rule).is_some(), "{rule}");
        }
    }

    #[test]
    fn what_is_narrow_is_taken() {
        for rule in [
            "Edit",
            "Write",
            "Read(./docs/**)",
            "Edit(src/**)",
            "Bash(git *)",
            "Bash(git commit:*)",
            "Bash(git commit -m *)",
            "Bash(git -C sub status)",
            "Bash(gh *)",
            "Bash(make test)",
            "Bash(make lint *)",
            "Bash(cargo test *)",
            "Bash(cargo build --release)",
            "Bash(go test *)",
            "Bash(npm test *)",
            "Bash(npm test)",
            "Bash(npm run lint *)",
            "Bash(npx tsc *)",
            "Bash(uv run pytest *)",
            "Bash(poetry run mypy *)",
            "Bash(docker compose run web test *)",
            "Bash(python --version)",
            "Bash(ls *)",
            "Bash(./gradlew test)",
            "Bash(/usr/bin/make lint)",
            "Bash(python -m pytest)",
            "Bash(python -c 'print 1')",
            "Bash(sh -c 'make lint && make docs')",
            "Bash(bash -n setup.sh)",
            "Bash(env CI=1 make lint)",
            "Bash(CI=1 make lint)",
            "Bash(timeout 60 cargo test)",
            "Bash(time -p make lint)",
            "Bash(cd web && npm run lint)",
            "Bash(find src -name x -print)",
            "Bash(sed -n 1,5p x)",
            "Bash(awk '{print $1}' x)",
            "Bash(uv run pytest -q)",
            "Bash(npx tsc --noEmit)",
            "Bash(bun run lint)",
            "Bash(git config --get user.name)",
            "Bash(git config --list)",
            "Bash(git log --oneline *)",
            "Bash(git rebase --continue)",
            "Bash(git submodule update --init)",
            "Bash(make lint > out.txt)",
            "Edit(./src/**)",
            "Write(notes/*.md)",
            "Edit(**)",
            "mcp__db__query",
            "mcp__context7",
            "WebSearch",
            "Skill(tdd)",
            "NewTool",
            "write",
            "read_file",
            "WebFetch(domain:docs.rs)",
        ] {
            assert_eq!(refusal(rule), None, "{rule}");
        }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "one line for each rule")]
    fn what_runs_a_file_that_an_agent_can_write_is_refused() {
        for rule in [
            "Bash(./x.sh *)",
            "Bash(./x.sh)",
            "Bash(./check *)",
            "Bash(../x)",
            "Bash(scripts/x)",
            "Bash(/tmp/x)",
            "Bash(/usr/bin/../../tmp/x)",
            "Bash(~/x)",
            "Bash($HOME/x)",
            "Bash(x.sh)",
            "Bash(sh x)",
            "Bash(sh check.sh)",
            "Bash(bash -x check.sh)",
            "Bash(bash --norc check.sh)",
            "Bash(sh -c ./x.sh)",
            "Bash(sh -c 'make lint; sh x')",
            "Bash(sh < x)",
            "Bash(. ./x)",
            "Bash(source x)",
            "Bash(busybox sh x)",
            "Bash(python x.py)",
            "Bash(python3.12 x.py)",
            "Bash(python -u x.py)",
            "Bash(python manage.py test *)",
            "Bash(/usr/bin/python3 x.py)",
            "Bash(/usr/bin/env python3 x.py)",
            "Bash(env -S python3 x.py)",
            "Bash(node build.js)",
            "Bash(node --require ./x.js -e 1)",
            "Bash(deno run x.ts)",
            "Bash(deno run -A x.ts)",
            "Bash(bun x.ts)",
            "Bash(bun run ./x.ts)",
            "Bash(npx ts-node x.ts)",
            "Bash(npx tsx x.ts)",
            "Bash(ruby x.rb)",
            "Bash(perl x)",
            "Bash(php x.php)",
            "Bash(lua x.lua)",
            "Bash(tclsh x.tcl)",
            "Bash(osascript x.scpt)",
            "Bash(pwsh -File x.ps1)",
            "Bash(Rscript x.R)",
            "Bash(awk -f x y)",
            "Bash(sed -f x y)",
            "Bash(make -f x)",
            "Bash(make --file=x all)",
            "Bash(make -fx all)",
            "Bash(just --justfile x)",
            "Bash(cmake -P x.cmake)",
            "Bash(uv run x.py)",
            "Bash(uv run python x.py)",
            "Bash(poetry run python x.py)",
            "Bash(pipenv run ./x)",
            "Bash(go run x.go)",
            "Bash(go run ./cmd/x)",
            "Bash(nice -n 5 sh x)",
            "Bash(timeout 5 ./x)",
            "Bash(timeout --signal KILL 5 sh x)",
            "Bash(nohup python x.py)",
            "Bash(setsid sh x)",
            "Bash(stdbuf -oL sh x)",
            "Bash(time sh x)",
            "Bash(command sh x)",
            "Bash(exec ./x)",
            "Bash(eval x)",
            "Bash(sudo make)",
            "Bash(doas make)",
            "Bash(watch make)",
            "Bash(parallel make)",
            "Bash(xargs rm)",
            "Bash(ssh host make)",
            "Bash(script -c ./x out)",
            "Bash(find . -name x -exec rm {} +)",
            "Bash(find . -execdir sh x ;)",
            "Bash(cat x | sh)",
            "Bash(cat x | xargs rm)",
            "Bash(make lint && sh x)",
            "Bash(make lint & ./x)",
            "Bash(if true; then ./x; fi)",
            "Bash(`cat x`)",
            "Bash(make `cat x`)",
            "Bash($RUN)",
            "Bash(PATH=.:/bin make lint)",
            "Bash(LD_PRELOAD=./x.so ls)",
            "Bash(env NODE_OPTIONS=--require=./x npm test)",
            "Bash(export PATH=. && make)",
        ] {
            assert!(refusal(rule).is_some(), "{rule}");
        }
    }

    #[test]
    fn what_lets_git_run_other_programs_is_refused() {
        for rule in [
            "Bash(git -c alias.x=!sh x)",
            "Bash(git -c core.pager=./x log)",
            "Bash(git --config-env=a=b log)",
            "Bash(git --exec-path=. x)",
            "Bash(git config *)",
            "Bash(git config alias.x '!sh x')",
            "Bash(git config --global *)",
            "Bash(git -C sub config x y)",
            "Bash(git bisect run make)",
            "Bash(git bisect *)",
            "Bash(git rebase --exec make main)",
            "Bash(git rebase -x make main)",
            "Bash(git rebase *)",
            "Bash(git submodule foreach make)",
            "Bash(git submodule *)",
            "Bash(git difftool -x ./x)",
            "Bash(git difftool *)",
            "Bash(git mergetool *)",
            "Bash(git filter-branch --tree-filter ./x)",
            "Bash(git fetch --upload-pack=./x .)",
            "Bash(git push --receive-pack=./x .)",
            "Bash(git grep -O./x y)",
            "Bash(git grep --open-files-in-pager=./x y)",
            "Bash(git clone -c core.fsmonitor=./x .)",
            "Bash(git hook run x)",
            "Bash(git x.sh)",
        ] {
            assert!(refusal(rule).is_some(), "{rule}");
        }
    }

    #[test]
    fn what_leaves_the_worktree_or_names_all_tools_is_refused() {
        for rule in [
            "Edit(~/x)",
            "Edit(~/**)",
            "Edit(/**)",
            "Edit(//etc/*)",
            "Write(//tmp/x)",
            "Write(../x)",
            "Edit(src/../../x)",
            "MultiEdit(/x)",
            "NotebookEdit(~/x.ipynb)",
            "Edit($HOME/x)",
            "Edit(C:/x)",
            "Edit(.git/**)",
            "Edit(./.git/hooks/*)",
            "Write(.claude/settings.json)",
            "Write(sub/.git/config)",
            "mcp__*",
            "mcp__db__*",
            "mcp__*__query",
            "mcp__shell__run",
            "mcp__ide__executeCode",
            "mcp__tools__run_command",
            "Edit(a\u{202e}b)",
            "Bash(make \u{200b}lint)",
        ] {
            assert!(refusal(rule).is_some(), "{rule}");
        }
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for rule in [
            "",
            "--settings",
            "Bash(make",
            "a b",
            "Read(x\ny)",
            "*",
            "nonsense",
            "Bsh(make lint)",
            "Edti",
            "make lint",
        ] {
            assert!(refusal(rule).is_some(), "{rule}");
        }
    }
}
