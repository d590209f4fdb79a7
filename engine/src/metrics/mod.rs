//! Figures of every symbol, kept in place and always current.
//!
//! [`symbol`] holds what a message of its symbol touches; [`volume`] the figures of the tape;
//! [`quote`] the time-weighted spread, and the figures that follow from a book as it stands.

pub mod quote;
pub mod symbol;
pub mod volume;

pub use symbol::SymbolMetrics;
