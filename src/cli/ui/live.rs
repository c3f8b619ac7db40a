//! The live display of `start` on a terminal: what runs now, below the lines of what happened.
//!
//! Invariant: on anything but a terminal only the lines are printed, and they are the same.

use indicatif::{ProgressBar, ProgressStyle};

/// Lines that stay, and a block below them that changes.
pub(crate) struct Live {
    bar: Option<ProgressBar>,
}

impl Live {
    /// Shows a changing block where `wanted`, which is to say on a terminal.
    pub(crate) fn new(wanted: bool) -> Live {
        let style = ProgressStyle::with_template("{msg}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        Live { bar: wanted.then(|| ProgressBar::new_spinner().with_style(style)) }
    }

    /// Prints a line that stays.
    pub(crate) fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| super::to_stderr(text)),
            None => super::to_stderr(text),
        }
    }

    /// Shows these lines until the next call; each is cut to the terminal's width.
    pub(crate) fn show(&self, lines: &[String]) {
        if let Some(bar) = &self.bar {
            let width = usize::from(terminal_width());
            let cut = |line: &String| line.chars().take(width).collect::<String>();
            bar.set_message(lines.iter().map(cut).collect::<Vec<_>>().join("\n"));
            bar.tick();
        }
    }

    /// Takes the changing block away, so that something else can use the terminal.
    pub(crate) fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.set_message("");
            bar.finish_and_clear();
            bar.reset();
        }
    }
}

fn terminal_width() -> u16 {
    rustix::termios::tcgetwinsize(std::io::stderr()).map_or(80, |size| size.ws_col.max(20))
}
