//! Event-time windows by Apache Flink's rules, to the edge case.
//!
//! ```text
//!  elements ─► watermark, idleness ─┬─► combine (outputs of one source) ─► valve (inputs) ─┐
//!                                   └─► alignment (sources of a group)                     │
//!                                                                          watermark, idle ▼
//!  elements ───────────────────────► assign ─► merging ─► operator ─► trigger ─► results, late
//!                                                            │
//!                                                            └─► snapshot: bytes and back
//! ```
//! The general operator: any assigner with any trigger, any key, any mergeable aggregate. It is one
//! owner's: whoever feeds it elements and watermarks reads its results, in the call that caused
//! them. It reads no clock; times are [`Tick`]s of whatever unit the stream uses, negative ones
//! included, and saturate at both ends of `i64`. The order of results, and of the bytes of a
//! snapshot, follows from the elements alone.
//!
//! - [`tick`], [`time_window`]: instants, spans, `[start, end)` and where a window starts
//! - [`assign`]: tumbling, sliding, session, global; [`merging`]: sessions that become one
//! - [`trigger`]: when a window fires; [`aggregate`]: what it holds
//! - [`settings`]: what an operator is made of, checked; [`operator`]: elements, watermarks, results
//! - [`sliced`]: the operator behind a store of elements that share their windows, for fast streams
//! - [`correct`]: retractions and corrections; [`snapshot`], [`encoding`]: bytes and back
//! - [`watermark`], [`idleness`], [`combine`], [`valve`], [`alignment`]: where a watermark comes from
//! - [`bars`]: the tumbling windows of the hot path, over prints alone; by the same rules
//!
//! What is late is counted and, if asked for, handed out. What is full is refused whole, counted
//! ([`settings::WindowSettings::windows_max`]). Memory follows the windows that are live. A snapshot
//! that is damaged is a typed error.
//!
//! Rules: `WindowOperator`, `MergingWindowSet`, the triggers, `StatusWatermarkValve`,
//! `WatermarkOutputMultiplexer`, `WatermarksWithIdleness` and `SourceOperator` of Apache Flink 2,
//! read and written anew. Where this departs from Flink, the item's own documentation says so:
//! numbers saturate where Java's wrap, and a periodic trigger cannot fire without end
//! ([`trigger::FIRINGS_MAX`]).

pub mod aggregate;
pub mod alignment;
pub mod assign;
pub mod bars;
pub mod combine;
pub mod correct;
pub mod encoding;
pub mod idleness;
pub mod merging;
pub mod operator;
pub mod output;
mod pane;
pub mod settings;
pub mod sliced;
pub mod snapshot;
pub mod tick;
pub mod time_window;
mod timers;
pub mod trigger;
pub mod valve;
pub mod watermark;

pub use aggregate::{Aggregate, NotRetractable};
pub use assign::Assigner;
pub use operator::{Arrival, WindowError, WindowOperator};
pub use output::{Collected, Fired, Late, Output, Revision};
pub use settings::{SettingsError, WindowSettings};
pub use sliced::SlicedWindows;
pub use tick::{Span, Tick};
pub use time_window::{TimeWindow, Window};
pub use trigger::{Trigger, TriggerResult};

#[cfg(test)]
mod tests;
