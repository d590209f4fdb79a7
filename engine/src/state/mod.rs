//! The one walk over engine state, and what is made of it: digests now, snapshots of the same bytes.
//!
//! ```text
//!  Shard ─► encode: every field once, in one order ─► Sink ─┬─► Digester: a digest a symbol and section
//!                                                           └─► bytes
//!  symbol digests ─► sum a section (SectionSums) ─► sum over shards ─► StateHash ─► `hashes` file
//! ```
//! State is what events lead to and later events depend on. Its bytes do not depend on where a record
//! lies in memory, on the index in use, on batches or on the number of shards; receive times, suspect
//! flags, latencies and the statistics of lines and boards are not among them.
//!
//! - [`encode`]: the walk, and the bytes drawn
//! - [`decode`]: the bytes of the walk read back
//! - [`image`]: a whole engine between two packets as bytes, and one restored from them
//! - [`digest`]: from bytes to one hash
//! - [`section`]: the four sections, and when two digests may be compared
//! - [`hashes`]: the session's `hashes` file
//! - `prefetch`: hints for the walk
//!
//! A hash point walks everything and allocates nothing. With 300,000 live orders, a million prints and
//! 8,000 symbols, 46 MB of encoding, it took 17 to 21 ms (median of three runs 18) on one of the two
//! cores of a virtual machine that others were using (Intel Xeon, AVX2; `benches/benches/state.rs`).
//! Hashing is 2 of them; the rest is memory, some 30 ns an order and 8 a print, and prints only grow in
//! number. So latency runs have no hash points, and live they are the follower's work.

pub mod decode;
pub mod digest;
pub mod encode;
pub mod hashes;
pub mod image;
mod prefetch;
pub mod section;

pub use digest::{Digest, SectionSums, StateHash, section_sums};
pub use section::{Compared, Fingerprint, NotComparable, Section, SectionHash};
