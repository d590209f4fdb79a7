//! The shape of a market: what can be measured of a session of ITCH messages without knowing anything
//! of who trades in it. A recorded stretch and a simulated day are held against each other by it.
//!
//! It reads messages with the feed handler's views and keeps small books of its own, so it is also
//! independent of the engine. Figures are exact counts, sums and quantiles over all observations;
//! nothing is sampled but the mid-price, each second. An order that was there before the session
//! began has no known side, price or age: messages about it count by their type and in nothing else.
//!
//! Except for the counts by type, figures are of continuous trading: from the system event `Q` (start
//! of market hours) to `M` (their end), or as far as the session has it. A session without a `Q` begins
//! in the middle; the orders that it doesn't know leave its books thinner than they were, so figures
//! that rest on books begin [`SETTLING_NS`] after its first message.

mod book;
mod figures;
mod flow;
mod lifetime;
mod quotes;
mod session;
mod symbol;
mod weighted;

pub use figures::{Figure, Unit, figures, text_of};
pub use flow::{Arrivals, Runs};
pub use lifetime::{Lifetimes, Survival};
pub use quotes::{Mids, Quotes};
pub use session::{MarketShape, SETTLING_NS, ShapeError, measure};
pub use symbol::{Placement, Shape};
pub use weighted::Weighted;
