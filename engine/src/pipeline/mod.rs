//! How packets become state: the stages of one feed and the order in which they run.
//!
//! `stage` has what flows between the stages and the trait a decoder implements.

pub mod stage;
