//! The first lines: whose board it is, how fast the feed comes, how much there is; and, reversed, that
//! nobody is behind it any more.

use engine::board::Liveness;
use engine::units::Nanos;
use ratatui::text::{Line, Span};

use super::Palette;
use crate::output::decimal::grouped;
use crate::stat::figure::{bytes_text, short, short_count, uptime};
use crate::stat::standing;
use crate::top::readings::Readings;
use crate::top::state::State;

/// Lines of it.
pub(super) fn height(readings: &Readings) -> u16 {
    3 + u16::from(readings.last().liveness != Liveness::Running)
}

/// The lines.
pub(super) fn lines(readings: &Readings, state: &State, palette: Palette) -> Vec<Line<'static>> {
    let look = readings.last();
    let mut who = vec![
        Span::styled("tapewatch ", palette.title()),
        Span::raw(format!("{}  ", &look.engine.session.to_string()[..12])),
        Span::raw(format!("pid {}  up {}  ", look.engine.pid, uptime(look.uptime_ns()))),
    ];
    let word = standing::word(look.liveness).to_uppercase();
    who.push(match look.liveness {
        Liveness::Running => Span::styled(word, palette.bid()),
        _ => Span::styled(word, palette.alarm()),
    });
    if look.ingest.is_recovering == 1 {
        who.push(Span::styled("  RECOVERING", palette.warning()));
    }
    if state.is_paused {
        who.push(Span::styled("  PAUSED", palette.warning()));
    }
    let mut lines = vec![Line::from(who), Line::from(speed(readings)), Line::from(sums(readings))];
    if let Some(banner) = standing::banner(look) {
        lines.push(Line::styled(banner, palette.alarm()));
    }
    lines
}

fn speed(readings: &Readings) -> String {
    let (look, rates) = (readings.last(), readings.rates());
    let feed = look.feed_time().map_or_else(
        || "feed --:--:--.---".to_owned(),
        |time| format!("feed {}", time_of_day(time, look.engine.midnight)),
    );
    format!(
        "{feed}  {} msgs/s  {} packets/s  {}/s{}",
        short(rates.messages_per_s),
        short(rates.packets_per_s),
        bytes_text(rates.bytes_per_s),
        if readings.are_averages() { "  (average)" } else { "" }
    )
}

fn sums(readings: &Readings) -> String {
    let look = readings.last();
    let gaps = match look.ingest.gaps {
        0 => "no gaps".to_owned(),
        gaps => format!("{} gaps ({} msgs)", grouped(gaps), short_count(look.ingest.gap_messages)),
    };
    format!(
        "{} msgs  {} symbols  {} orders  {gaps}  {} amiss",
        grouped(look.ingest.messages),
        grouped(look.symbols.len() as u64),
        grouped(look.orders()),
        grouped(readings.amiss())
    )
}

/// A time since midnight, to the millisecond.
fn time_of_day(time: Nanos, midnight: Nanos) -> String {
    let ms = time.since_ns(midnight) / 1_000_000;
    let seconds = ms / 1_000;
    let (minutes, hours) = (seconds / 60 % 60, seconds / 3_600);
    format!("{hours:02}:{minutes:02}:{:02}.{:03}", seconds % 60, ms % 1_000)
}
