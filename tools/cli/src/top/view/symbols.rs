//! The table of symbols: each with its best bid and offer, what it last printed, and how busy it is.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::Palette;
use super::cells::{count, left, price, right};
use crate::output::symbols::state_text;
use crate::stat::figure::short;
use crate::top::readings::{Readings, Row};
use crate::top::state::State;

/// From this width on there are more columns.
const WIDE: u16 = 112;

/// Columns of 79 characters: a name, its state, then figures.
const NAME: usize = 9;
const STATE: usize = 2;
const SIZE: usize = 7;
const PRICE: usize = 10;
const VOLUME: usize = 10;
const RATE: usize = 8;

/// The lines, a heading first.
pub(super) fn lines(
    readings: &Readings,
    state: &mut State,
    area: Rect,
    palette: Palette,
) -> Vec<Line<'static>> {
    let is_wide = area.width >= WIDE;
    let mut lines = vec![Line::styled(heading(is_wide), palette.heading())];
    let selected = state.selected();
    let height = usize::from(area.height.saturating_sub(1));
    let rows = state.shown(height).iter().filter_map(|symbol| readings.row(*symbol));
    for row in rows {
        let line = line(&row, is_wide, palette);
        let is_selected = Some(row.symbol) == selected;
        lines.push(if is_selected { line.patch_style(palette.selected()) } else { line });
    }
    if lines.len() == 1 {
        let why = if state.filter.is_empty() {
            "no symbol was seen yet".to_owned()
        } else {
            format!("no symbol begins with {}", state.filter)
        };
        lines.push(Line::raw(why));
    }
    lines
}

fn heading(is_wide: bool) -> String {
    let mut heading = format!(
        "{}{}{} {} {} {} {} {} {}",
        left("SYMBOL", NAME),
        left("S", STATE),
        right("SIZE", SIZE),
        right("BID", PRICE),
        right("ASK", PRICE),
        right("SIZE", SIZE),
        right("LAST", PRICE),
        right("VOLUME", VOLUME),
        right("MSGS/S", RATE)
    );
    if is_wide {
        for name in ["SPREAD", "HIGH", "LOW"] {
            heading += &format!(" {}", right(name, PRICE));
        }
    }
    heading
}

fn line(row: &Row, is_wide: bool, palette: Palette) -> Line<'static> {
    let name = if row.is_suspect { format!("{}*", row.name) } else { row.name.clone() };
    let name_style = if row.is_suspect { palette.warning() } else { palette.title() };
    let size =
        |side: Option<_>| side.map_or_else(|| right("", SIZE), |(_, size)| count(size, SIZE));
    let prints = row.prints();
    let of_prints = |of: i64| prints.map(|_| engine::units::Price(of));
    let figures = format!(
        " {} {} {}",
        price(prints.and_then(|detail| of_prints(detail.last)), PRICE),
        prints.map_or_else(|| right("", VOLUME), |detail| count(detail.volume, VOLUME)),
        right(&short(row.messages_per_s), RATE)
    );
    let mut spans = vec![
        Span::styled(left(&name, NAME), name_style),
        Span::raw(left(&row.state.map_or_else(String::new, state_text), STATE)),
        Span::styled(
            format!("{} {} ", size(row.bid), price(row.bid.map(|(price, _)| price), PRICE)),
            palette.bid(),
        ),
        Span::styled(
            format!("{} {}", price(row.ask.map(|(price, _)| price), PRICE), size(row.ask)),
            palette.ask(),
        ),
        Span::raw(figures),
    ];
    if is_wide {
        let (high, low) = prints.map_or((0, 0), |detail| (detail.high, detail.low));
        let wide = [row.spread(), of_prints(high), of_prints(low)];
        spans.extend(wide.map(|of| Span::raw(format!(" {}", price(of, PRICE)))));
    }
    Line::from(spans)
}
