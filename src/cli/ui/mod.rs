//! Output: answers go to standard output, everything else to standard error.
//!
//! Invariant: only this module prints, and except for the bytes of a log nothing that a repository or
//! an agent wrote reaches a terminal raw: control and hidden characters are shown as what they are. Colour appears only on a terminal, and never if `NO_COLOR` is
//! set (`anstream` decides); without colour the text is the same.

pub(crate) mod ask;
pub(crate) mod live;

use std::io::{IsTerminal, Write};

use anstyle::{AnsiColor, Style};

use crate::domain::error::{causes, hints};
use crate::domain::steps::{Remedy, Scope};
use crate::domain::text::{escaped_json, printable, styled, visible};

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const RED: Style = AnsiColor::Red.on_default();
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default();
pub(crate) const CYAN: Style = AnsiColor::Cyan.on_default();

/// The output of a command.
#[derive(Debug, Default)]
pub(crate) struct Ui {
    pub quiet: bool,
}

impl Ui {
    /// Prints the result of a command, and a final newline if it has none.
    pub(crate) fn answer(&self, text: &str) -> std::io::Result<()> {
        print(&styled(text))
    }

    /// Prints the result of a command as JSON: the exact values, but no character that a terminal
    /// would obey.
    pub(crate) fn json(&self, text: &str) -> std::io::Result<()> {
        print(&escaped_json(text))
    }

    /// Prints a text exactly as it is, so that another program gets it; on a terminal it is shown as
    /// any other.
    pub(crate) fn exact(&self, text: &str) -> std::io::Result<()> {
        print(&if stdout_is_terminal() { visible(text) } else { text.to_owned() })
    }

    /// Prints text over the last lines of output; `lines_above` is their number.
    pub(crate) fn repaint(&self, lines_above: usize, text: &str) -> std::io::Result<()> {
        let back = match lines_above {
            0 => String::new(),
            // Move the cursor up, then clear to the end of the screen.
            lines => format!("\x1b[{lines}A\x1b[J"),
        };
        print(&(back + &styled(text)))
    }

    /// Asks a yes-or-no question; `None` if standard input is not a terminal.
    pub(crate) fn ask(&self, question: &str) -> std::io::Result<Option<bool>> {
        if !std::io::stdin().is_terminal() {
            return Ok(None);
        }
        // Not on standard output, which may be a file or a pipe.
        let mut err = anstream::stderr().lock();
        write!(err, "{}? [y/N] ", styled(question))?;
        err.flush()?;
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer)?;
        Ok(Some(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")))
    }

    /// Prints bytes of a log unchanged.
    pub(crate) fn raw(&self, bytes: &[u8]) -> std::io::Result<()> {
        // Past `anstream`, which would take the agent's own colours out of a log.
        let mut out = std::io::stdout().lock();
        out.write_all(bytes)?;
        out.flush()
    }

    /// Prints a line of progress, unless quiet.
    pub(crate) fn status(&self, text: &str) {
        if !self.quiet {
            to_stderr(text);
        }
    }

    /// Prints what a question is about, even if quiet: the user must see it to answer.
    pub(crate) fn show(&self, text: &str) {
        to_stderr(text.trim_end());
    }

    pub(crate) fn warning(&self, text: &str) {
        let (on, off) = (YELLOW.render(), YELLOW.render_reset());
        to_stderr(&format!("{on}warning:{off} {text}"));
    }

    /// Prints what to do next, unless quiet.
    pub(crate) fn hint(&self, scope: &Scope, remedy: impl Into<Remedy>) {
        if !self.quiet {
            self.lines(&scope.lines(&remedy.into()));
        }
    }

    fn lines(&self, lines: &[String]) {
        let (on, off) = (CYAN.render(), CYAN.render_reset());
        lines.iter().for_each(|line| to_stderr(&format!("{on}hint:{off} {}", printable(line))));
    }

    /// Prints an error, its causes and its remedies.
    pub(crate) fn error(&self, error: &anyhow::Error) {
        let (on, off) = (RED.render(), RED.render_reset());
        for (cause, number) in causes(error).iter().zip(0..) {
            let before = if number == 0 { format!("{on}error:{off}") } else { " ".to_owned() };
            to_stderr(&format!("{before} {cause}"));
        }
        self.lines(&hints(error));
    }
}

/// Prints a line to standard error. Errors are ignored, because a closed terminal must not stop a
/// run.
fn to_stderr(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{}", styled(text));
}

/// Prints to standard output, with a final newline.
fn print(text: &str) -> std::io::Result<()> {
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    if !text.is_empty() && !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    // Now, so that an error of the last bytes is reported and not lost at exit.
    out.flush()
}

/// Returns true if the error is a closed pipe (`git orchestrate status | head`).
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    // The chain, because the error may have a context around it.
    error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
    })
}

/// Returns true if a live display can be shown.
pub(crate) fn stderr_is_terminal() -> bool {
    std::io::stderr().is_terminal()
}

/// Returns true if output can be repainted.
pub(crate) fn stdout_is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Returns the width for output in columns; 100 if it does not go to a terminal.
pub(crate) fn answer_width() -> usize {
    let size = rustix::termios::tcgetwinsize(std::io::stdout());
    // A terminal that does not know its size reports 0 columns.
    size.ok().map(|size| usize::from(size.ws_col)).filter(|width| *width >= 20).unwrap_or(100)
}

/// Returns the text in a style.
pub(crate) fn paint(style: Style, text: &str) -> String {
    format!("{}{text}{}", style.render(), style.render_reset())
}
