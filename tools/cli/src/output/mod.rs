//! What a replay leaves: the files of `--out`, the summary and the tables on stdout.

pub(crate) mod alerts;
pub(crate) mod bars;
pub(crate) mod bars_follower;
pub(crate) mod bbo;
pub(crate) mod decimal;
pub(crate) mod files;
pub(crate) mod hlog;
pub(crate) mod late_windows;
pub(crate) mod metrics;
pub(crate) mod quantiles;
pub(crate) mod recorder;
pub(crate) mod rows;
pub(crate) mod spool;
pub(crate) mod summary;
pub(crate) mod symbols;
pub(crate) mod table;
pub(crate) mod trades;

pub(crate) use engine::output::names;
