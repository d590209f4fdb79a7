//! The engine's configuration: a TOML file, `--set KEY=VALUE` over it, and `tapewatch config`.
//!
//! [`model`] is the data, [`keys`] the one table of what each key means; everything else goes by
//! it. A configuration is either right as a whole or refused with every fault and its line.

pub(crate) mod changes;
mod clashes;
mod command;
mod detect_keys;
mod fault;
mod feed_clashes;
mod feed_keys;
mod keys;
mod layout;
mod live_feed;
mod model;
mod print;
mod read;
mod suggest;
#[cfg(test)]
mod tests;
mod value;

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use engine::window::tick::Span;

pub(crate) use command::{ConfigArgs, run};
pub(crate) use fault::Fault;
pub(crate) use live_feed::{LiveFeed, Protocol, StartAt, Timing};
pub(crate) use model::{
    Append, Config, Core, Journal, OnError, Place, Release, Retention, Sync, Topology,
};
pub(crate) use suggest::nearest;

use crate::exit::Failure;

/// Largest file that is read as a configuration.
const FILE_BYTES_MAX: u64 = 256 << 10;

impl Config {
    /// The configuration in the file at `path` (the defaults without one), and `set`
    /// (`KEY=VALUE` each, such as `journal.sync=batch`) over it.
    ///
    /// # Errors
    /// Usage (2): the file cannot be read, or the first of the faults, and how many there are.
    pub(crate) fn load(path: Option<&Path>, set: &[String]) -> Result<Config, Failure> {
        let (config, faults) = Config::read(path, set)?;
        let [first, rest @ ..] = &faults[..] else {
            return Ok(config);
        };
        let more = match rest.len() {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        let help = match path.filter(|_| first.is_in_file()) {
            Some(path) => format!("`tapewatch config check {}` tells all", path.display()),
            None => String::from("`tapewatch config print` shows every key and its range"),
        };
        Err(Failure::usage(format_args!("{}{more}; {help}", first.text(path))))
    }

    /// As [`Config::load`], with every fault.
    fn read(path: Option<&Path>, set: &[String]) -> Result<(Config, Vec<Fault>), Failure> {
        let text = path.map(file_text).transpose()?.unwrap_or_default();
        Ok(read::read(&text, &[], set))
    }

    /// The configuration in `text`, in which the sections `beside` are somebody else's: what
    /// [`Config::to_toml`] gave, read back from a session's file. `set` as for [`Config::load`].
    ///
    /// # Errors
    /// Every fault, in order of its line.
    pub(crate) fn from_toml(
        text: &str,
        beside: &[&str],
        set: &[String],
    ) -> Result<Config, Vec<Fault>> {
        let (config, faults) = read::read(text, beside, set);
        if faults.is_empty() { Ok(config) } else { Err(faults) }
    }
}

/// A size of a bar as an argument gives it.
pub(crate) fn bar_size(text: &str) -> Result<Span, String> {
    value::span_of(&keys::BAR_SIZES, text)
        .ok_or_else(|| format!("a size is a duration such as `1m30s`, {}", keys::BAR_SIZES.text()))
}

/// What sets bars of these sizes, as for `--set`.
pub(crate) fn bar_sizes(sizes: &[Span]) -> String {
    format!("bars.sizes={}", value::list_of(sizes))
}

/// The text of a configuration file.
fn file_text(path: &Path) -> Result<String, Failure> {
    let cannot = |error: &io::Error| {
        Failure::usage(format_args!(
            "cannot read the configuration {}: {error}; name a file that `tapewatch config print` began",
            path.display()
        ))
    };
    let mut bytes = Vec::new();
    // One byte more than allowed tells a file that is too long from one that just fits.
    File::open(path)
        .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes))
        .map_err(|error| cannot(&error))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        let what = format!("more than {FILE_BYTES_MAX} bytes are no configuration");
        return Err(cannot(&io::Error::other(what)));
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let line = error.as_bytes().iter().take(good).filter(|byte| **byte == b'\n').count() + 1;
        cannot(&io::Error::other(format!("line {line} is not UTF-8 text")))
    })
}
