//! What a session's journal says of its feeds: changes that were taken over, and the exchange's session
//! that each feed follows.
//!
//! Both are `Parameters` records, TOML, a dotted key a line. A feed's session is no change of the
//! configuration: where that names none, the first one that came is followed, and stays the one.

use toml::{Table, Value};

use crate::config::Config;
use crate::recording::dir::quoted;

/// See the module.
pub(super) struct Recorded {
    /// The configuration that held last.
    pub(super) config: Config,
    /// By feed: the session that it followed.
    pub(super) followed: Vec<Option<String>>,
}

/// The record that says which session the feed with this number follows.
pub(super) fn session_text(feed: usize, session: &str) -> String {
    format!("followed.{feed} = {}\n", quoted(session))
}

impl Recorded {
    /// Of a session that was begun under `begun`, whose journal has records of these texts.
    pub(super) fn of(begun: &Config, texts: &[String]) -> Recorded {
        let mut config = begun.clone();
        let mut followed = vec![None; begun.feeds.len()];
        for text in texts {
            let Ok(table) = text.parse::<Table>() else { continue };
            for (feed, session) in
                table.get("followed").and_then(Value::as_table).into_iter().flatten()
            {
                let slot = feed.parse::<usize>().ok().and_then(|feed| followed.get_mut(feed));
                if let (Some(slot), Some(session)) = (slot, session.as_str()) {
                    *slot = Some(session.to_owned());
                }
            }
            if table.contains_key("followed") {
                continue;
            }
            let changes: Vec<String> =
                text.lines().map(|line| line.replacen(" = ", "=", 1)).collect();
            // What an older program took over and this one does not know is left as it was.
            if let Ok(changed) = Config::from_toml(&config.to_toml(), &[], &changes) {
                config = changed;
            }
        }
        Recorded { config, followed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::changes;

    fn config(set: &[&str]) -> Config {
        let text = "[[feeds]]\nlines = [\"239.0.0.1:5\"]\n[[feeds]]\nname = \"g\"\nlines = [\"239.0.0.2:5\"]";
        let set: Vec<String> = set.iter().map(ToString::to_string).collect();
        Config::from_toml(text, &[], &set).unwrap()
    }

    #[test]
    fn what_was_taken_over_holds_and_the_last_session_followed_is_known() {
        let begun = config(&[]);
        let new = config(&["feeds.1.stale=3s", "retention.keep=2h"]);
        let texts = [
            session_text(0, "000010059B"),
            changes::text(begun.changes(&new).iter()),
            session_text(1, "odd \" name"),
        ];
        let recorded = Recorded::of(&begun, &texts);
        assert_eq!(recorded.config, new);
        let session = |text: &str| Some(String::from(text));
        assert_eq!(recorded.followed, [session("000010059B"), session("odd \" name")]);
        let none = Recorded::of(&begun, &[String::from("no toml")]);
        assert_eq!((none.config, none.followed), (begun, vec![None, None]));
    }
}
