//! Figures of every symbol, kept in place and always current.
//!
//! [`symbol`] holds what a message of its symbol touches; [`volume`] the figures of the tape;
//! [`quote`] the time-weighted spread, and the figures that follow from a book as it stands;
//! [`clock`] the quote that stood before, and the symbol's time; [`flow`] order-flow and aggressor
//! imbalance; [`spread`] effective and realised spread; [`variance`] realised variance;
//! [`impact`] Kyle's lambda and Amihud's illiquidity; [`lifetime`] the lives and fills of orders;
//! [`lots`] odd lots; [`auction`] imbalances and official crosses; [`vpin`] flow toxicity. [`mid`] says
//! when there is a mid.
//!
//! What is a count or a sum of integers is exact. Statistics are `f64`, from + − × ÷ in a fixed order
//! and the logarithm of `libm`: equal on every machine.

pub mod auction;
pub mod clock;
pub mod flow;
pub mod histogram;
pub mod impact;
pub mod lifetime;
pub mod lots;
pub mod mid;
pub mod quote;
pub mod spread;
pub mod symbol;
pub mod variance;
pub mod volume;
pub mod vpin;

pub use symbol::SymbolMetrics;
