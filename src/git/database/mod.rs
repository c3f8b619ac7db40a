//! The object database: objects, refs, notes, and coexistence with its garbage collection.
//!
//! Invariant: objects are written before a ref names them, and refs change only by
//! compare-and-swap.

pub(crate) mod changes;
pub(crate) mod gc;
pub(crate) mod notes;
pub(crate) mod objects;
pub(crate) mod refs;
