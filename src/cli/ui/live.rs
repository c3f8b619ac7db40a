//! The live display of `start` on a terminal: running tasks, below the lines of past events.
//!
//! Invariant: if the output is not a terminal, the same lines are printed, without the display.

use crate::domain::text::styled;
use indicatif::{ProgressBar, ProgressStyle};

/// Permanent lines, with a changing block below them.
pub(crate) struct Live {
    bar: Option<ProgressBar>,
}

impl Live {
    /// Creates a display; `wanted` is true on a terminal.
    pub(crate) fn new(wanted: bool) -> Live {
        let style = ProgressStyle::with_template("{msg}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        Live { bar: wanted.then(|| ProgressBar::new_spinner().with_style(style)) }
    }

    /// Prints a permanent line above the block.
    pub(crate) fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| super::to_stderr(text)),
            None => super::to_stderr(text),
        }
    }

    /// Shows these lines in the block until the next call, each cut to the terminal's width.
    pub(crate) fn show(&self, lines: &[String]) {
        if let Some(bar) = &self.bar {
            let width = usize::from(terminal_width());
            let cut = |line: &String| styled(line).chars().take(width).collect::<String>();
            bar.set_message(lines.iter().map(cut).collect::<Vec<_>>().join("\n"));
            bar.tick();
        }
    }

    /// Removes the block, so that another program can use the terminal.
    pub(crate) fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.set_message("");
            bar.finish_and_clear();
            // Ready to be shown again when the other program has ended.
            bar.reset();
        }
    }
}

fn terminal_width() -> u16 {
    rustix::termios::tcgetwinsize(std::io::stderr()).map_or(80, |size| size.ws_col.max(20))
}
