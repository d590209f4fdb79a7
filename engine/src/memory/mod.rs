//! Memory that the hot path grows without the global allocator.
//!
//! [`mapped_vec`] is a vector over one anonymous mapping that never moves; [`array_arena`] hands out
//! short arrays from such a vector and takes them back; [`prefetch`] asks the cache for a line ahead
//! of its use. All `unsafe` of the books is in this folder.

pub mod array_arena;
pub mod mapped_vec;
pub mod prefetch;

pub use mapped_vec::{MappedVec, MemoryError};
