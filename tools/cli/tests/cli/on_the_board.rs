//! What a recorded run shows on its board while it goes on, and what it leaves: the same results as
//! without one.

use std::fs;
use std::path::{Path, PathBuf};

use engine::board::histogram::Stage;
use engine::board::{BoardReader, Liveness};
use engine::units::{Nanos, SymbolId};
use rustix::process::Signal;
use serde_json::Value;

use crate::recording::{Place, names, words};
use crate::running::Running;
use crate::support::{arg, tapewatch, text};

/// A day of 30 symbols with bars; its file.
fn day(place: &Place, messages: u32) -> PathBuf {
    let out = place.path("day");
    let line =
        format!("simulate --seed 8 --symbols 30 --messages {messages} --quiet --out {}", arg(&out));
    tapewatch(&line.split_whitespace().collect::<Vec<_>>()).ended_with(0);
    out.join("session.itch")
}

/// The board that the lock of a session tells.
fn board_told(session: &Path) -> Option<PathBuf> {
    let lock = fs::read_to_string(session.join("lock")).ok()?;
    let told = lock.lines().find_map(|line| line.strip_prefix("board = \"")?.strip_suffix('"'));
    told.map(PathBuf::from)
}

fn now() -> Nanos {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Nanos(i64::try_from(since.as_nanos()).unwrap())
}

#[test]
fn a_board_changes_nothing_that_a_run_comes_to() {
    let place = Place::new();
    let input = day(&place, 60_000);
    let mut came_to: Vec<(Value, Vec<String>)> = Vec::new();
    let layouts: [&[&str]; 3] = [
        &["--topology", "inline"],
        &["--topology", "pipelined", "--shards", "1"],
        &["--topology", "pipelined", "--shards", "2"],
    ];
    for layout in layouts {
        for board in ["true", "false"] {
            let session = place.path(&format!("session-{}-{board}", came_to.len()));
            let mut args = place.record(arg(&input), &session, ("memory", "inline"));
            args.extend(words(&["--bar", "1s", "--bar", "1m", "--set"]));
            args.push(format!("board.enabled={board}"));
            args.extend(words(layout));
            let summary = tapewatch(&args).ended_with(0).json();
            let stages = &summary["latency"]["stages"];
            let packets = summary["input"]["packets"].as_u64().unwrap();
            if board == "true" {
                assert_eq!(stages["received_accepted"]["samples"], packets, "{summary}");
                let missed = summary["latency"]["missed_packets"].as_u64().unwrap();
                let published = stages["received_published"]["samples"].as_u64().unwrap();
                match layout {
                    ["--topology", "inline"] => assert_eq!((published, missed), (packets, 0)),
                    // A packet is for one shard or for both.
                    _ => assert!(published > 0 && published + missed >= packets * 9 / 10),
                }
                let at = |stage: &str, figure: &str| stages[stage][figure].as_u64().unwrap();
                assert!(at("received_published", "p50_ns") >= at("applied_published", "p50_ns"));
                assert!(stages["wire_published"].is_null(), "nothing was on a wire");
                let log = text(&session.join("report/latency.hlog"));
                for tag in ["ingest.received_accepted", "shard-0.received_published"] {
                    assert!(log.contains(&format!("\nTag={tag},0.000,")), "no {tag} in {log}");
                }
            } else {
                assert!(summary["latency"].is_null(), "{summary}");
                assert!(!session.join("report/latency.hlog").exists());
            }
            let files = ["symbols.csv", "bars.csv"];
            let files = files.map(|name| text(&session.join("report").join(name))).to_vec();
            came_to.push((summary["sections"].clone(), files));
            assert_eq!(names(place.memory()), [""; 0], "nothing is left in memory");
            assert!(!session.join("lock").exists());
        }
    }
    assert!(came_to[0].1[1].lines().count() > 10, "there are bars");
    for other in &came_to[1..] {
        assert_eq!(*other, came_to[0]);
    }
}

#[test]
fn a_run_shows_what_it_has_and_a_killed_one_is_gone() {
    for mode in [("memory", "inline"), ("disk", "inline")] {
        let place = Place::new();
        let bytes = fs::read(day(&place, 20_000)).unwrap();
        let session = place.path("session");
        let whole = place.file("whole.itch", &bytes);
        let mut args = place.record(arg(&whole), &session, mode);
        // As fast as the exchange was: it goes on for hours.
        args.extend(words(&["--speed", "1x"]));
        let mut running = Running::start(&args);
        let path = running.until("a board", || board_told(&session).filter(|path| path.exists()));
        assert!(path.starts_with(place.memory()), "{}", path.display());
        let reader = BoardReader::attach(&path).unwrap();
        assert_eq!(reader.pid(), running.pid());
        let kept = running.until("a heartbeat", || {
            let kept = reader.kept().ok().filter(|kept| kept.journal_frames > 1)?;
            (reader.liveness(now()) == Liveness::Running).then_some(kept)
        });
        assert_eq!(kept.is_journaled, 1);
        assert!(kept.heartbeat_ns >= reader.started().0 && kept.resident_bytes > 1 << 20);
        let threads = running.until("threads", || reader.threads().ok());
        let ingest = running.until("counts", || reader.ingest().ok().filter(|it| it.packets > 0));
        assert!(threads.iter().any(|thread| thread.thread == ingest.thread), "{threads:?}");
        let shown = running.until("all names", || {
            let shown = reader.symbols().ok()?;
            (shown.iter().filter(|symbol| !symbol.name.is_empty()).count() == 30).then_some(shown)
        });
        assert!(shown.iter().any(|symbol| symbol.quote.sequence > 0));
        assert!(reader.latencies(Stage::ReceivedPublished).samples() > 0);

        running.kill();
        assert_eq!(reader.liveness(now()), Liveness::Gone);
        assert_eq!(BoardReader::attach(&path).unwrap().liveness(now()), Liveness::Gone);

        // Gone on with, there is a board of the process that does.
        let mut args = place.record(arg(&whole), &session, mode);
        args.push(String::from("--resume"));
        let summary = tapewatch(&args).ended_with(0).json();
        assert!(summary["latency"]["stages"]["received_accepted"]["samples"].is_u64());
        assert_eq!(names(place.memory()), [""; 0], "{mode:?}");
        assert_eq!(reader.liveness(now()), Liveness::Gone, "of the process that wrote it");
    }
}

#[test]
fn a_run_that_is_stopped_is_stale_and_goes_on() {
    let place = Place::new();
    let bytes = fs::read(day(&place, 5_000)).unwrap();
    let session = place.path("session");
    let mut running = Running::start(&place.record("-", &session, ("memory", "inline")));
    running.feed(&bytes[..bytes.len() / 2]).unwrap();
    let path = running.until("a board", || board_told(&session).filter(|path| path.exists()));
    let reader = BoardReader::attach(&path).unwrap();
    let is = |wanted: fn(&Liveness) -> bool| wanted(&reader.liveness(now())).then_some(());
    running.until("a heartbeat", || is(|it| *it == Liveness::Running));
    running.signal(Signal::STOP);
    running.until("no heartbeat", || is(|it| matches!(it, Liveness::Stale(_))));
    running.signal(Signal::CONT);
    running.until("a heartbeat again", || is(|it| *it == Liveness::Running));
    running.feed(&bytes[bytes.len() / 2..]).unwrap();
    running.close_input();
    let run = running.end().ended_with(0);
    assert!(matches!(reader.liveness(now()), Liveness::Ended(_)));
    let summary = run.json();
    // What the board shows at the end is what the run came to.
    let ingest = reader.ingest().unwrap();
    assert_eq!(ingest.messages, summary["messages"].as_u64().unwrap());
    let by_type = reader.by_type();
    for (kind, count) in summary["by_type"].as_object().unwrap() {
        assert_eq!(by_type[usize::from(kind.as_bytes()[0])], count.as_u64().unwrap(), "{kind}");
    }
    let shards = reader.shard_counts().unwrap();
    assert_eq!(shards[0].orders, summary["orders_live"].as_u64().unwrap());
    let symbols = crate::support::Csv::read(&session.join("report/symbols.csv"));
    for shown in reader.symbols().unwrap() {
        let row = symbols.row_of(&shown.name);
        let detail = reader.detail(shown.symbol).unwrap().unwrap();
        let of = |column: &str| symbols.field(row, column).parse::<u64>().unwrap_or(0);
        assert_eq!(shown.symbol, SymbolId(of("locate") as u32));
        assert_eq!((detail.volume, detail.trades), (of("volume"), of("trades")));
        assert_eq!((detail.adds, detail.deletes), (of("adds"), of("deletes")));
        assert_eq!(shown.quote.bid().map_or(0, |(_, qty)| qty.0), of("bid_size"));
        assert_eq!(u64::from(detail.ask_levels()), of("ask_levels"));
    }
}
