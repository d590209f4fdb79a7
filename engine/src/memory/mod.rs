//! Memory that the hot path grows without the global allocator.
//!
//! [`mapped_vec`] is a vector over one anonymous mapping that never moves; [`masked_table`] a table in
//! which every index is valid; [`array_arena`] hands out short arrays from such a vector and takes
//! them back; [`prefetch`] asks the cache for a line ahead of its use; [`lock`] keeps all of it in
//! memory. [`append_map`] is the memory of a log's segment while it is written, `shared_words` that of the
//! board. All `unsafe` of books, logs and board is in this folder.

pub mod append_map;
pub mod array_arena;
pub mod lock;
pub mod mapped_vec;
pub mod masked_table;
pub mod prefetch;
pub(crate) mod shared_words;

pub use mapped_vec::{MappedVec, MemoryError};
