//! Bars: tumbling windows over the prints of every symbol, on the hot path.

pub mod bar;

pub use bar::Bar;
