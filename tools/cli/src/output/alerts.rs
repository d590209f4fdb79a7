//! The words of alerts under a configuration; [`alert_lines`](engine::output::alert_lines) says what they are.

use engine::detect::Catalogue;

use crate::config::Config;

pub(crate) use engine::output::alert_lines::{AlertWords, Alerts, symbol};

/// What the words of a configuration's alerts come from.
pub(crate) fn words(config: &Config) -> AlertWords {
    let live = config.feeds.iter().map(|feed| feed.name.as_str().to_owned());
    let mut feeds: Vec<String> = live.collect();
    if feeds.is_empty() {
        feeds.push(config.feed.name.as_str().to_owned());
    }
    AlertWords::new(feeds, Catalogue::of(&config.detect.0))
}
