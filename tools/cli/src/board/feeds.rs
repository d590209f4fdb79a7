//! What live feeds and their lines came to, on the board. Shown by the ingest thread now and then: it
//! allocates nothing for it and asks the kernel nothing.

use engine::board::counters::{FeedCounts, LineCounts, label, line_label};
use engine::board::writer::IngestBoard;
use engine::units::FeedId;
use feed_handlers::moldudp64::session::FeedState;

use crate::run::source::LiveSource;

/// Shows all feeds and lines.
pub(super) fn show(live: &mut LiveSource, board: &IngestBoard) {
    let Some((config, feeds)) = live.listened_to() else { return };
    let mut shown = 0;
    for (number, feed) in (0u16..).zip(&config.feeds) {
        let id = FeedId(number);
        let mut counts = FeedCounts { name: label(feed.name()), ..FeedCounts::default() };
        if let Some(soup) = feeds.soup(id) {
            counts.next_sequence = soup.next;
            counts.state = number_of(if soup.is_ended { "ended" } else { "live" });
        }
        if let Some(mold) = feeds.mold(id) {
            let losses = mold.ledger().counts();
            counts.gaps_opened = losses.opened;
            counts.healed_by_line = losses.healed_by_line;
            counts.healed_by_retransmit = losses.healed_by_retransmit;
            counts.healed_by_snapshot = losses.healed_by_snapshot;
            counts.gaps_open = losses.open;
            counts.given_up_messages = losses.given_up_messages;
            counts.next_sequence = mold.next_sequence().map_or(0, |next| next.0);
            counts.state = number_of(match mold.state() {
                FeedState::Unknown => "unknown",
                FeedState::Backfill => "backfill",
                FeedState::Live => "live",
                FeedState::GapFill => "gap-fill",
                FeedState::Ended => "ended",
            });
            for (at, socket) in feeds.line_counts(id).enumerate() {
                let line = mold.line(at);
                let counts = LineCounts {
                    name: line_label(feed.name(), at),
                    packets: line.packets,
                    messages: line.messages,
                    lost: line.lost,
                    duplicates: line.duplicates,
                    late: line.late,
                    kernel_drops: socket.kernel_drops,
                    silences: mold.line_silences(at),
                    datagrams: socket.datagrams,
                    bytes: socket.bytes,
                    ..LineCounts::default()
                };
                board.line(shown, &counts);
                shown += 1;
            }
        }
        board.feed(usize::from(number), &counts);
    }
}

fn number_of(state: &str) -> u64 {
    FeedCounts::STATES.iter().position(|name| *name == state).unwrap_or(0) as u64
}
