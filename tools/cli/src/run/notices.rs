//! What feeds tell while they run, in a line for people.

use feed_handlers::live::LiveNotice;
use feed_handlers::live::soup::SoupNotice;
use feed_handlers::moldudp64::session::{Notice, SnapshotFailure};

use crate::config::LiveFeed;
use crate::output::decimal::grouped;

/// The line for a notice; `None` where it is told otherwise.
pub(super) fn line(feed: &LiveFeed, notice: &LiveNotice) -> Option<String> {
    let text = match notice {
        LiveNotice::Mold(notice) => of_mold(feed, notice)?,
        LiveNotice::Soup(notice) => of_soup(notice),
    };
    Some(format!("feed {}: {text}", feed.name()))
}

/// The session that a feed follows from now on, where the notice says so.
pub(super) fn session_followed(notice: &LiveNotice) -> Option<String> {
    match notice {
        LiveNotice::Mold(Notice::Session(session)) => {
            // As a configuration has it: without the padding.
            Some(String::from_utf8_lossy(&session.0).trim_end().to_owned())
        }
        LiveNotice::Soup(SoupNotice::Connected { session, .. }) => Some(session.clone()),
        _ => None,
    }
}

fn of_mold(feed: &LiveFeed, notice: &Notice) -> Option<String> {
    let line =
        |line: &usize| feed.lines.get(*line).map_or_else(|| line.to_string(), ToString::to_string);
    Some(match notice {
        Notice::Session(session) => format!("follows session {session}"),
        Notice::Stale { .. } => String::from("stale: nothing comes, heartbeats neither"),
        Notice::Fresh { silent_ns } => {
            format!("packets come again after {:.1} s", *silent_ns as f64 / 1e9)
        }
        Notice::LineSilent { line: number, .. } => {
            format!("line {} is silent while another brings packets", line(number))
        }
        Notice::LineBack { line: number } => format!("line {} brings packets again", line(number)),
        Notice::Jumped { from, to } => format!(
            "the stream jumps from message {} to {}, and sixteen packets agree",
            from.0, to.0
        ),
        Notice::BufferFull => String::from(
            "more waits behind a hole than packets_max or bytes_max allow: it is given up",
        ),
        Notice::SnapshotDone { next } => {
            format!("a snapshot is taken over before message {}: its books are right again", next.0)
        }
        Notice::SnapshotFailed(why) => {
            format!("no snapshot: {}; its books stay suspect, and it is tried again", failure(why))
        }
        Notice::Ended { next } => {
            format!("the session has ended, {} messages", grouped(next.0.saturating_sub(1)))
        }
        Notice::DayRoll { session } => {
            format!("session {session} has begun: this one is over, begin another run for it")
        }
    })
}

fn failure(why: &SnapshotFailure) -> String {
    match why {
        SnapshotFailure::NotFetched(why) => String::from(*why),
        SnapshotFailure::TooOld { next, needed } => {
            format!("it goes on with message {}, and {} is needed", next.0, needed.0)
        }
        SnapshotFailure::TooNew { next } => format!("it claims to be at message {}", next.0),
        SnapshotFailure::TooLarge => String::from("it is larger than bytes_max, or not whole"),
        SnapshotFailure::TooLong => String::from("it took longer than snapshot_wait"),
        SnapshotFailure::BufferFull => {
            String::from("more packets came meanwhile than packets_max or bytes_max allow")
        }
    }
}

fn of_soup(notice: &SoupNotice) -> String {
    match notice {
        SoupNotice::Connected { server, session, next } => {
            format!("logged in at {server}, session {session}, from message {next} on")
        }
        SoupNotice::Lost { server, why } => format!("{server}: {why}; connecting again"),
        SoupNotice::Stale => String::from("stale: nothing comes, heartbeats neither"),
        SoupNotice::Fresh => String::from("packets come again"),
        SoupNotice::OtherSession { expected, found } => format!(
            "the server runs session {found}, and this one is {expected}: begin another run for it"
        ),
        SoupNotice::Ended { next } => {
            format!("the session has ended, {} messages", grouped(next.saturating_sub(1)))
        }
    }
}
