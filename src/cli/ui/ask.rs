//! Questions to a person at a terminal.
//!
//! Invariant: asked only where both the question is seen and the answer is typed; an end of input,
//! or a signal, is no answer.

use std::io::{BufRead, IsTerminal, Write};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// How often it is looked whether the question is given up.
const GLANCE: Duration = Duration::from_millis(50);

/// Returns true where somebody can be asked.
pub(crate) fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks, and returns the line that was typed, without space around it; `None` at the end of input,
/// or when the question is over.
pub(crate) fn ask(question: &str, is_over: &dyn Fn() -> bool) -> std::io::Result<Option<String>> {
    {
        let mut err = anstream::stderr().lock();
        write!(err, "{question} ")?;
        err.flush()?;
    }
    let (sender, receiver) = channel();
    // Nothing interrupts a read; the thread ends with the process.
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line);
        let _ = sender.send(read.map(|bytes| (bytes > 0).then(|| line.trim().to_owned())));
    });
    loop {
        match receiver.recv_timeout(GLANCE) {
            Ok(answer) => return answer,
            Err(RecvTimeoutError::Timeout) if !is_over() => {}
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Ok(None),
        }
    }
}
