//! A symbol's ladder: ten levels a side with their sizes and orders, and what its prints came to.

use engine::board::symbol::{Detail, ShownLevel};
use engine::units::Price;
use ratatui::text::{Line, Span};

use super::Palette;
use super::cells::{count, left, price, price_text, right};
use crate::output::decimal::{grouped, nine_decimals};
use crate::output::symbols::state_text;
use crate::stat::figure::{short, short_count};
use crate::stat::there;
use crate::top::readings::{Readings, Row};
use crate::top::state::State;

const ORDERS: usize = 8;
const SIZE: usize = 12;
const PRICE: usize = 14;

/// The lines.
pub(super) fn lines(readings: &Readings, state: &State, palette: Palette) -> Vec<Line<'static>> {
    let Some(row) = state.selected().and_then(|symbol| readings.row(symbol)) else {
        return vec![Line::raw("the symbol is not on the board any more")];
    };
    let mut lines = vec![title(&row, palette)];
    let Some(detail) = &row.detail else {
        lines.push(Line::raw("its ladder was not published yet"));
        return lines;
    };
    lines.extend([
        Line::raw(prices(&row)),
        Line::raw(volumes(detail)),
        Line::raw(messages(detail)),
    ]);
    let heading = format!(
        "{} {} {}   {} {} {}",
        right("ORDERS", ORDERS),
        right("SIZE", SIZE),
        right("BID", PRICE),
        left("ASK", PRICE),
        left("SIZE", SIZE),
        left("ORDERS", ORDERS)
    );
    lines.push(Line::styled(heading, palette.heading()));
    let (mut bids, mut asks) = (there(&detail.bids), there(&detail.asks));
    loop {
        let (bid, ask) = (bids.next(), asks.next());
        if bid.is_none() && ask.is_none() {
            break;
        }
        lines.push(level(bid, ask, palette));
    }
    lines
}

fn title(row: &Row, palette: Palette) -> Line<'static> {
    let state = row.state.map_or_else(|| "-".to_owned(), state_text);
    let mut spans = vec![
        Span::styled(format!("{}  ", row.name), palette.title()),
        Span::raw(format!("state {state}  {} msgs/s", short(row.messages_per_s))),
    ];
    if let Some(spread) = row.spread() {
        spans.push(Span::raw(format!("  spread {}", price_text(spread))));
    }
    if row.is_suspect {
        let text = "  SUSPECT: messages of its feed were lost";
        spans.push(Span::styled(text, palette.warning()));
    }
    Line::from(spans)
}

fn prices(row: &Row) -> String {
    let Some(detail) = row.prints() else { return "no prints yet".to_owned() };
    let text = |price: i64| price_text(Price(price));
    format!(
        "last {}  open {}  high {}  low {}",
        text(detail.last),
        text(detail.open),
        text(detail.high),
        text(detail.low)
    )
}

fn volumes(detail: &Detail) -> String {
    let vwap = vwap(detail).map_or_else(|| "-".to_owned(), |vwap| nine_decimals(Price(vwap)));
    format!(
        "volume {} in {} trades  vwap {vwap}  hidden {}  cross {}",
        grouped(detail.volume),
        grouped(detail.trades),
        short_count(detail.hidden_volume),
        short_count(detail.cross_volume)
    )
}

/// Notional by volume, rounded half away from zero; `None` of no shares.
fn vwap(detail: &Detail) -> Option<i64> {
    let (notional, volume) = (detail.notional(), i128::from(detail.volume));
    if volume == 0 {
        return None;
    }
    let half = volume / 2 * notional.signum();
    i64::try_from(notional.saturating_add(half) / volume).ok()
}

fn messages(detail: &Detail) -> String {
    format!(
        "adds {}  executions {}  cancels {}  deletes {}  replaces {}  levels {}/{}",
        short_count(detail.adds),
        short_count(detail.executions),
        short_count(detail.cancels),
        short_count(detail.deletes),
        short_count(detail.replaces),
        detail.bid_levels(),
        detail.ask_levels()
    )
}

fn level(bid: Option<&ShownLevel>, ask: Option<&ShownLevel>, palette: Palette) -> Line<'static> {
    let number = |of: Option<u64>, width| of.map_or_else(|| right("", width), |n| count(n, width));
    let trimmed = |text: String, width| left(text.trim(), width);
    let price_of = |level: Option<&ShownLevel>| level.map(|level| Price(level.price));
    let bid_text = format!(
        "{} {} {}",
        number(bid.map(|level| level.orders), ORDERS),
        number(bid.map(|level| level.qty), SIZE),
        price(price_of(bid), PRICE)
    );
    let ask_text = format!(
        "{} {} {}",
        trimmed(price(price_of(ask), PRICE), PRICE),
        trimmed(number(ask.map(|level| level.qty), SIZE), SIZE),
        trimmed(number(ask.map(|level| level.orders), ORDERS), ORDERS)
    );
    Line::from(vec![
        Span::styled(bid_text, palette.bid()),
        Span::raw(" | "),
        Span::styled(ask_text, palette.ask()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vwap_is_rounded_half_away_from_zero() {
        let of = |notional: i128, volume| {
            let (notional_low, notional_high) = (notional as u64, (notional >> 64) as u64);
            vwap(&Detail { notional_low, notional_high, volume, ..Detail::default() })
        };
        assert_eq!(of(10, 4), Some(3));
        assert_eq!(of(9, 4), Some(2));
        assert_eq!(of(-10, 4), Some(-3));
        assert_eq!(of(10, 0), None);
        assert_eq!(of(i128::MAX, 1), None);
    }
}
