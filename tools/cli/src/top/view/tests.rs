//! What a user sees, cell by cell.

use std::time::Duration;

use engine::board::Liveness;
use engine::board::counters::{FeedCounts, LineCounts, label};
use engine::board::kept::{RingDepth, ThreadTimes};
use engine::board::symbol::{Detail, ShownLevel};
use engine::units::{Nanos, SymbolId};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::Color;

use super::*;
use crate::stat::fixture;
use crate::stat::look::Look;
use crate::top::input;

/// A busy engine: 40 symbols, two lines of one feed, rings, threads.
fn look() -> Look {
    let mut look = fixture::look();
    look.ingest.messages = 12_345_678;
    look.ingest.packets = 345_678;
    look.ingest.bytes = 500_000_000;
    look.ingest.feed_time_ns = look.engine.midnight.0 + 34_201_234_000_000;
    (look.ingest.gaps, look.ingest.gap_messages) = (3, 120);
    look.ingest.unknown_type = 7;
    look.shards[0].orders = 1_234_567;
    let symbol =
        |n| fixture::symbol(n, &format!("SYM{n:02}"), 28_667, 28_670, 9_000 - u64::from(n));
    look.symbols = (1..=40).map(symbol).collect();
    look.symbols[0].name = "AAPL".to_owned();
    let line = |name: &str, lost| LineCounts {
        name: label(name),
        packets: 345_678,
        lost,
        duplicates: 300_000,
        ..LineCounts::default()
    };
    look.lines = vec![line("itch A", 12), line("itch B", 34)];
    let state = FeedCounts::STATES.iter().position(|state| *state == "live").unwrap() as u64;
    look.feeds = vec![FeedCounts {
        name: label("itch"),
        state,
        gaps_opened: 46,
        healed_by_line: 43,
        healed_by_retransmit: 2,
        gaps_open: 1,
        ..FeedCounts::default()
    }];
    look.rings.push(RingDepth { name: label("signals-0"), capacity: 4_096, ..look.rings[0] });
    look.threads = ["ingest", "shard-0"]
        .map(|name| ThreadTimes {
            name: label(name),
            thread: name.len() as u64,
            on_core_ns: 75_000_000_000,
            at_ns: look.at.0,
            core: 1,
            ..ThreadTimes::default()
        })
        .to_vec();
    (look.ingest.thread, look.ingest.busy_ns) = (6, 50_000_000_000);
    look
}

fn detail() -> Detail {
    let level = |price: i64, orders| ShownLevel { price: price * 10_000_000, qty: 1_500, orders };
    let mut detail = Detail {
        sequence: 1,
        last: 286_680_000_000,
        open: 280_000_000_000,
        high: 290_500_000_000,
        low: 279_000_000_000,
        trades: 321,
        volume: 1_234_567,
        notional_low: (1_234_567i64 * 286_000_000_000) as u64,
        levels: 10 | 2 << 32,
        ..Detail::default()
    };
    for at in 0..10 {
        detail.bids[at as usize] = level(28_667 - at, 3);
    }
    (detail.asks[0], detail.asks[1]) = (level(28_670, 5), level(28_671, 1));
    detail
}

fn readings() -> Readings {
    let mut readings = Readings::new(look());
    readings.take_detail(SymbolId(1), detail());
    readings
}

fn key(state: &mut State, code: KeyCode) {
    let action = input::action(KeyEvent::new(code, KeyModifiers::NONE), state.mode);
    assert!(state.act(action.unwrap()));
}

/// The rows of the screen.
fn drawn_on(size: (u16, u16), readings: &Readings, state: &mut State) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
    state.order(readings);
    terminal.draw(|frame| draw(frame, readings, state, Palette::new(true))).unwrap();
    let buffer = terminal.backend().buffer();
    let rows = buffer.content.chunks(usize::from(size.0));
    rows.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>()).collect()
}

#[track_caller]
fn has(rows: &[String], parts: &[&str]) {
    let is_row = |row: &&String| parts.iter().all(|part| row.contains(part));
    assert!(rows.iter().any(|row| is_row(&row)), "no row with {parts:?} in\n{}", rows.join("\n"));
}

#[test]
fn at_80_by_24_the_header_the_table_a_panel_and_the_keys_have_their_places() {
    let rows = drawn_on((80, 24), &readings(), &mut State::new());
    assert_eq!(rows[0].trim_end(), "tapewatch 1f1f1f1f1f1f  pid 4242  up 00:01:40  RUNNING");
    let speed = "feed 09:30:01.234  123 k msgs/s  3.46 k packets/s  5.00 MB/s  (average)";
    assert_eq!(rows[1].trim_end(), speed);
    assert_eq!(
        rows[2].trim_end(),
        "12,345,678 msgs  40 symbols  1,234,567 orders  3 gaps (120 msgs)  7 amiss"
    );
    let heading = "SYMBOL   S    SIZE        BID        ASK    SIZE       LAST     VOLUME   MSGS/S";
    assert_eq!(rows[3].trim_end(), heading);
    let first = "AAPL     T     300     286.67     286.70   1,200     286.68  1,234,567       90";
    assert_eq!(rows[4].trim_end(), first);
    // Eleven symbols, then the panel.
    assert!(rows[14].starts_with("SYM11 "), "{}", rows[14]);
    assert!(rows[15].starts_with(" lines & gaps "), "{}", rows[15]);
    has(&rows, &["itch A", "345,678", "12"]);
    has(&rows, &["itch live: 46 holes, by line 43 retr. 2 snap. 0, 1 open"]);
    assert!(rows[23].starts_with("by rate  q quit  p pause"), "{}", rows[23]);
}

#[test]
fn tab_shows_the_other_panels_where_not_all_fit() {
    let (readings, mut state) = (readings(), State::new());
    key(&mut state, KeyCode::Tab);
    has(&drawn_on((80, 24), &readings, &mut state), &["shard-0", "12", "800", "16,384", "3"]);
    key(&mut state, KeyCode::Tab);
    has(&drawn_on((80, 24), &readings, &mut state), &["ingest", "50.0%", "25.0%", "25.0%"]);
    key(&mut state, KeyCode::Tab);
    has(&drawn_on((80, 24), &readings, &mut state), &["nothing was measured yet"]);
}

#[test]
fn at_120_by_40_all_panels_and_more_columns_are_shown() {
    let rows = drawn_on((120, 40), &readings(), &mut State::new());
    has(&rows, &["SPREAD", "HIGH", "LOW"]);
    has(&rows, &["AAPL", "0.03", "290.50", "279.00"]);
    has(&rows, &["lines & gaps", "rings & journal"]);
    has(&rows, &["threads", "latency"]);
    has(&rows, &["itch B", "shard-0"]);
    has(&rows, &["signals-0", "4,096"]);
}

#[test]
fn enter_shows_ten_levels_a_side_at_80_by_24() {
    let (readings, mut state) = (readings(), State::new());
    state.order(&readings);
    key(&mut state, KeyCode::Enter);
    let rows = drawn_on((80, 24), &readings, &mut state);
    has(&rows, &["AAPL  state T  90 msgs/s  spread 0.03"]);
    has(&rows, &["last 286.68  open 280.00  high 290.50  low 279.00"]);
    has(&rows, &["volume 1,234,567 in 321 trades  vwap 286.000000000"]);
    has(&rows, &["ORDERS", "SIZE", "BID", "ASK"]);
    has(&rows, &["3        1,500         286.67 | 286.70         1,500        5"]);
    has(&rows, &["3        1,500         286.58 |"]);
    key(&mut state, KeyCode::Esc);
    assert!(drawn_on((80, 24), &readings, &mut state)[3].starts_with("SYMBOL"));
    // A symbol whose detail was not read yet.
    key(&mut state, KeyCode::Char('j'));
    key(&mut state, KeyCode::Enter);
    has(&drawn_on((80, 24), &readings, &mut state), &["its ladder was not published yet"]);
}

#[test]
fn a_filter_is_seen_while_it_is_typed_and_after() {
    let (readings, mut state) = (readings(), State::new());
    key(&mut state, KeyCode::Char('/'));
    for character in "sym3".chars() {
        key(&mut state, KeyCode::Char(character));
    }
    let rows = drawn_on((80, 24), &readings, &mut state);
    assert!(rows[23].starts_with("/sym3_"), "{}", rows[23]);
    assert!(rows[4].starts_with("SYM30 "), "{}", rows[4]);
    key(&mut state, KeyCode::Enter);
    has(&drawn_on((80, 24), &readings, &mut state), &["by rate /sym3 (10)"]);
    key(&mut state, KeyCode::Char('/'));
    key(&mut state, KeyCode::Char('x'));
    has(&drawn_on((80, 24), &readings, &mut state), &["no symbol begins with sym3x"]);
}

#[test]
fn an_engine_that_is_gone_or_stale_or_ended_has_a_banner_and_its_figures_stay() {
    for (liveness, banner) in [
        (Liveness::Gone, "GONE: pid 4242 left without ending its session"),
        (Liveness::Stale(3_200_000_000), "STALE: pid 4242 is there, but has not kept its board"),
        (Liveness::Ended(Nanos(fixture::STARTED_NS)), "ENDED in order at 2023-11-14T22:13:20"),
    ] {
        let mut readings = readings();
        readings.set_liveness(liveness);
        let rows = drawn_on((80, 24), &readings, &mut State::new());
        assert!(rows[3].contains(banner), "{}", rows[3]);
        assert!(
            rows[4].starts_with("SYMBOL") && rows[5].starts_with("AAPL"),
            "{}",
            rows.join("\n")
        );
        has(&rows, &["12,345,678 msgs"]);
    }
}

#[test]
fn a_pause_is_seen_and_a_suspect_book_is_marked() {
    let mut look = look();
    look.shards[0].suspect_feeds = 1;
    look.ingest.is_recovering = 1;
    let (readings, mut state) = (Readings::new(look), State::new());
    key(&mut state, KeyCode::Char('p'));
    let rows = drawn_on((80, 24), &readings, &mut state);
    assert!(rows[0].trim_end().ends_with("RUNNING  RECOVERING  PAUSED"), "{}", rows[0]);
    assert!(rows[4].starts_with("AAPL*"), "{}", rows[4]);
}

#[test]
fn without_colours_nothing_is_coloured() {
    let (readings, mut state) = (readings(), State::new());
    state.order(&readings);
    let mut colours = |palette| {
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
        terminal.draw(|frame| draw(frame, &readings, &mut state, palette)).unwrap();
        let cells = &terminal.backend().buffer().content;
        cells.iter().filter(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset).count()
    };
    assert!(colours(Palette::new(true)) > 0);
    assert_eq!(colours(Palette::new(false)), 0);
}

/// The greatest figures there are, on every size of screen, in every mode: nothing panics, and no line of
/// the table is wider than the screen.
#[test]
fn nothing_overflows_and_no_size_of_screen_panics() {
    let mut look = look();
    look.ingest.messages = u64::MAX;
    (look.ingest.packets, look.ingest.bytes) = (u64::MAX, u64::MAX);
    for line in &mut look.lines {
        (line.packets, line.lost, line.duplicates) = (u64::MAX, u64::MAX, u64::MAX);
    }
    for symbol in &mut look.symbols {
        symbol.name = "A_VERY_LONG_NAME_OF_A_SYMBOL".to_owned();
        (symbol.quote.bid_price, symbol.quote.ask_price) = (i64::MIN, i64::MAX);
        (symbol.quote.bid_qty, symbol.quote.ask_qty) = (u64::MAX, u64::MAX);
    }
    look.threads.extend(vec![look.threads[0]; 40]);
    let mut huge = detail();
    (huge.last, huge.volume, huge.notional_high) = (i64::MIN, u64::MAX, u64::MAX);
    huge.bids = [ShownLevel { price: i64::MIN, qty: u64::MAX, orders: u64::MAX }; 10];
    huge.asks = huge.bids;
    let mut later = look.clone();
    later.taken += Duration::from_secs(1);
    let mut readings = Readings::new(look);
    readings.take(later);
    readings.take_detail(SymbolId(1), huge);
    let sizes =
        [(1, 1), (5, 3), (39, 24), (40, 8), (80, 9), (79, 24), (80, 24), (119, 36), (300, 90)];
    for size in sizes {
        for mode in [Mode::Table, Mode::Filter, Mode::Ladder, Mode::Help] {
            let mut state = State::new();
            for _ in Panel::ALL {
                state.mode = mode;
                drawn_on(size, &readings, &mut state);
                state.act(input::Action::Panel);
            }
        }
    }
    // Each line of the table as it would be without an edge to cut it.
    let area = Rect::new(0, 0, 80, 12);
    let mut state = State::new();
    state.order(&readings);
    for line in symbols::lines(&readings, &mut state, area, Palette::new(false)) {
        assert!(line.width() <= 80, "{line}");
    }
    assert_eq!(drawn_on((20, 5), &readings, &mut state)[0].trim_end(), "too small");
}

/// Every panel and the ladder within 80 columns, a panel within half of 120, with figures of a busy day.
#[test]
fn panels_and_ladder_keep_their_width() {
    let (readings, mut state) = (readings(), State::new());
    state.order(&readings);
    for panel in Panel::ALL {
        for line in panels::lines(panel, false, &readings, 8, Palette::new(false)) {
            assert!(line.width() <= 60, "{panel:?}: {line}");
        }
        for line in panels::lines(panel, true, &readings, 8, Palette::new(false)) {
            assert!(line.width() <= 80, "{panel:?}: {line}");
        }
    }
    for line in ladder::lines(&readings, &state, Palette::new(false)) {
        assert!(line.width() <= 80, "{line}");
    }
    for line in help::lines(Palette::new(false)) {
        assert!(line.width() <= 80, "{line}");
    }
}
