//! Full-depth books, order by order, for every symbol of a session.
//!
//! ```text
//!  event ─► books ─► index: (symbol, reference) → order handle      paged, sparse
//!                    orders: pool of 32-byte resting orders          queue links, level handle
//!                    levels: pool of 32-byte price levels            queue head and tail, totals
//!                    ladder: per side, (price, level) sorted, best at the end
//! ```
//! One [`Books`] holds all symbols of one shard, and that shard is its only writer. Handles are `u32`
//! indices into pools that recycle the most recently freed slot first (it is still in the cache); 0
//! is none. What cannot be applied is counted in [`crate::quality::Quality`] and changes nothing;
//! when a pool is full the order is refused and counted as `over_capacity`.
//!
//! [`view`] is the way to read a book, [`validate`] checks every invariant that joins the parts,
//! `restore` reads books back from the bytes of the walk over state.

pub mod applied;
pub mod books;
pub mod index;
pub mod levels;
pub mod orders;
mod paged;
pub mod pool;
pub(crate) mod restore;
pub(crate) mod sparse;
pub mod validate;
pub mod view;

pub use applied::{Applied, Resting};
pub use books::Books;
pub use validate::Violation;
pub use view::{BookView, LevelView, OrderView};
