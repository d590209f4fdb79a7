//! Running statistics of a symbol, each in a few words of plain data.
//!
//! All zero is a statistic that has seen nothing. Whatever the bytes are, an update does not panic. No
//! function of the platform's libm is called: exponentials come from a table, so the same values give
//! the same bits on every machine.

mod decay;
mod median;
mod moments;

pub use decay::decay;
pub use median::Median;
pub use moments::Moments;
