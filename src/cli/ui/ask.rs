//! Questions to the user at a terminal.
//!
//! Invariant: a question is asked only if the user can see it and type an answer. The end of input,
//! or a signal, is not an answer.

use std::io::{BufRead, IsTerminal, Write};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// How often `ask` checks whether to give up the question.
const INTERVAL: Duration = Duration::from_millis(50);

/// Returns true if the user can be asked: input and messages are a terminal.
pub(crate) fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks, and returns the typed line, trimmed; `None` at the end of input, or once `is_over`.
pub(crate) fn ask(question: &str, is_over: &dyn Fn() -> bool) -> std::io::Result<Option<String>> {
    {
        let mut err = anstream::stderr().lock();
        write!(err, "{} ", crate::domain::text::styled(question))?;
        err.flush()?;
    }
    let (sender, receiver) = channel();
    // A blocked read cannot be interrupted, so it has a thread, which ends with the process.
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line);
        let _ = sender.send(read.map(|bytes| (bytes > 0).then(|| line.trim().to_owned())));
    });
    loop {
        match receiver.recv_timeout(INTERVAL) {
            Ok(answer) => return answer,
            Err(RecvTimeoutError::Timeout) if !is_over() => {}
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Ok(None),
        }
    }
}
