//! The symbol indexes beside a journal's closed segments, as `journal verify` looks at them.
//!
//! They hold nothing that the journal does not, so one that is damaged or out of date is worth a note
//! and never a fault: whoever needs it next makes it again.

use engine::journal::symbol_index::SealedSegment;
use engine::journal::symbol_index::segment::{Beside, beside};
use engine::log::LogKind;
use engine::log::segment::{number_of, symbol_index_name};
use engine::log::storage::Directory;
use feed_handlers::itch50::keys::Itch50Keys;

use crate::console::Console;
use crate::session_dir::SessionDir;

/// Tells which of them cannot be used.
pub(super) fn note_unusable(session: &SessionDir, console: Console) {
    let Ok(directories) = session.journal_directories() else { return };
    // A directory that cannot be listed has been told of.
    let mut numbers: Vec<_> = directories
        .names()
        .unwrap_or_default()
        .iter()
        .filter_map(|(_, name)| number_of(name, "sym"))
        .collect();
    numbers.sort_unstable();
    for number in numbers {
        let why = match directories.seal(session.id(), LogKind::Journal, number) {
            Ok(Some(block)) => {
                let segment = SealedSegment::of(session.id(), &block);
                // It is of one feed, whichever was asked for last.
                let feeds = 0..session.feed_count();
                let found =
                    feeds.map(|feed| beside::<Directory, Itch50Keys>(&directories, &segment, feed));
                let is_usable = |found: &Beside| matches!(found, Beside::Index(_) | Beside::Absent);
                let found: Vec<Beside> = found.collect();
                if found.iter().any(is_usable) {
                    continue;
                }
                match found.into_iter().next().unwrap_or(Beside::Absent) {
                    Beside::Index(_) | Beside::Absent => continue,
                    Beside::Unusable(error) => error.to_string(),
                    Beside::Unreadable(error) => error.to_string(),
                }
            }
            Ok(None) => String::from("its segment is not there, or not sealed"),
            // The segment is damaged, which is what matters.
            Err(_) => continue,
        };
        let name = symbol_index_name(number);
        console.note(&format!("{name} cannot be used: {why}; whoever needs it makes it again"));
    }
}
