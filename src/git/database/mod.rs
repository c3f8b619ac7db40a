//! What git stores: objects, refs and notes, and how to live beside its garbage collection.
//!
//! Invariant: objects are written before a ref names them, and a ref changes by compare-and-swap.

pub(crate) mod gc;
pub(crate) mod notes;
pub(crate) mod objects;
pub(crate) mod refs;
