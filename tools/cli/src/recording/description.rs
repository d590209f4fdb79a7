//! `session.toml`: what a session is, and the whole configuration it was recorded under.
//!
//! ```toml
//! [session]
//! format_version = 1
//! id = "32 hexadecimal digits"
//! protocol = "itch50"
//! exchange = "nasdaq"
//! date = "2019-12-30"
//! decoder_version = 1
//! state_versions = { books = 2, metrics = 2, windows = 2, detectors = 1 }
//! symbols = ["AAPL"]              # those computed; empty for all
//! state = "recording"             # then "complete", or "incomplete" where the journal failed
//! over_capacity = 0               # orders and prints refused at a limit
//! tapewatch = "0.1.0"
//!
//! [feed]                          # and on: every key of the configuration
//! ```
//! Written when the session begins and again, by rename, when it ends. The journal's first record
//! holds the text of the beginning.

use std::fmt::Write as _;

use engine::log::SessionId;
use engine::state::Section;

use crate::config::Config;
use crate::day::TradingDay;
use crate::recording::dir::quoted;

/// Version of the file. A newer program reads every older one.
pub(crate) const FORMAT_VERSION: u32 = 1;

/// Version of what the decoder makes of the bytes of a message; rises whenever that changes.
pub(crate) const DECODER_VERSION: u32 = 1;

/// The protocol that is decoded.
pub(crate) const PROTOCOL: &str = "itch50";

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recorded {
    /// It is being recorded, or its writer died.
    Recording,
    /// It ended in order and all that arrived is journaled.
    Complete,
    /// The journal failed on the way and the run went on without, or a stage of the engine failed.
    Incomplete,
}

impl Recorded {
    fn word(self) -> &'static str {
        match self {
            Recorded::Recording => "recording",
            Recorded::Complete => "complete",
            Recorded::Incomplete => "incomplete",
        }
    }
}

/// What a session is.
#[derive(Clone, Debug)]
pub(crate) struct Description {
    /// Its id.
    pub(crate) id: SessionId,
    /// Its day.
    pub(crate) day: TradingDay,
    /// The symbols that are computed; none for all.
    pub(crate) symbols: Vec<String>,
    /// What it is recorded under.
    pub(crate) config: Config,
}

impl Description {
    /// The text of `session.toml`.
    /// `over_capacity` is how often a limit was met: then the state depends on the number of shards.
    pub(crate) fn text(&self, state: Recorded, over_capacity: u64) -> String {
        let versions = Section::ALL
            .map(|section| format!("{} = {}", section.name(), section.state_version()))
            .join(", ");
        let symbols: Vec<String> = self.symbols.iter().map(|name| quoted(name)).collect();
        let mut text = String::from("[session]\n");
        let mut key = |name: &str, value: String| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name} = {value}");
        };
        key("format_version", FORMAT_VERSION.to_string());
        key("id", quoted(&self.id.to_string()));
        key("protocol", quoted(PROTOCOL));
        key("exchange", quoted("nasdaq"));
        key("date", quoted(&self.day.to_string()));
        key("decoder_version", DECODER_VERSION.to_string());
        key("state_versions", format!("{{ {versions} }}"));
        key("symbols", format!("[{}]", symbols.join(", ")));
        key("state", quoted(state.word()));
        key("over_capacity", over_capacity.to_string());
        key("tapewatch", quoted(env!("CARGO_PKG_VERSION")));
        text.push('\n');
        text += &self.config.to_toml();
        text
    }
}
