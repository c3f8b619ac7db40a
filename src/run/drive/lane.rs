//! A lane: work that is done one piece after the other, in the background.
//!
//! Invariant: at most one piece is under way. Whoever begins it says when it ends.

use std::collections::VecDeque;

use crate::system::process::StopSwitch;

/// The pieces of one kind of work.
pub(super) struct Lane<T> {
    current: Option<T>,
    queue: VecDeque<T>,
    stop: StopSwitch,
}

impl<T> Default for Lane<T> {
    fn default() -> Lane<T> {
        Lane { current: None, queue: VecDeque::new(), stop: StopSwitch::default() }
    }
}

impl<T: Clone + PartialEq> Lane<T> {
    pub(super) fn push(&mut self, piece: T) {
        self.queue.push_back(piece);
    }

    /// Takes the next piece; `None` if one is under way or none waits.
    pub(super) fn begin(&mut self) -> Option<T> {
        if self.current.is_none() {
            self.current = self.queue.pop_front();
            return self.current.clone();
        }
        None
    }

    /// Takes note that the piece under way has ended.
    pub(super) fn end(&mut self) {
        self.current = None;
    }

    pub(super) fn is_busy(&self) -> bool {
        self.current.is_some()
    }

    /// Returns true if a piece is under way or waits.
    pub(super) fn has_work(&self) -> bool {
        self.is_busy() || !self.queue.is_empty()
    }

    /// Returns true if this piece is under way or waits.
    pub(super) fn contains(&self, piece: &T) -> bool {
        self.current.as_ref() == Some(piece) || self.queue.contains(piece)
    }

    /// Drops what waits.
    pub(super) fn clear(&mut self) {
        self.queue.clear();
    }

    /// Ends the process of the piece under way, and of any that would follow.
    pub(super) fn stop(&self) {
        self.stop.stop();
    }

    /// Returns the switch by which a piece can be ended while it runs.
    pub(super) fn switch(&self) -> StopSwitch {
        self.stop.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_piece_at_a_time_in_order() {
        let mut lane = Lane::default();
        lane.push(1);
        lane.push(2);
        assert_eq!((lane.begin(), lane.begin()), (Some(1), None));
        lane.end();
        assert_eq!(lane.begin(), Some(2));
        lane.end();
        assert!(!lane.has_work());
    }
}
