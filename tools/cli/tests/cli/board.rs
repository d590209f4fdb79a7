//! `stat`: what people and programs are told of a running engine, and of one that is not.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use engine::board::{BoardReader, Liveness};
use engine::units::Nanos;
use rustix::process::Signal;
use serde_json::Value;

use crate::recording::{Place, words};
use crate::running::Running;
use crate::support::{Csv, Run, arg, tapewatch};

/// A session that is being recorded, of which half has come.
pub(crate) struct Live {
    pub(crate) place: Place,
    pub(crate) session: PathBuf,
    pub(crate) running: Running,
    pub(crate) board: PathBuf,
    rest: Vec<u8>,
}

impl Live {
    pub(crate) fn start() -> Live {
        let place = Place::new();
        let mut bytes = day(&place);
        let session = place.path("session");
        let mut running = Running::start(&place.record("-", &session, ("memory", "inline")));
        let mut rest = bytes.split_off(bytes.len() / 2);
        running.feed(&bytes).unwrap();
        let board = running.until("a board", || told(&session).filter(|path| path.exists()));
        let reader = BoardReader::attach(&board).unwrap();
        // A thread that waits for its input shows what it has counted, and the ladders that are due, with
        // the next that comes.
        while !shows_enough(&reader) {
            let more = rest.split_off(1_000);
            running.feed(&std::mem::replace(&mut rest, more)).unwrap();
            let since = Instant::now();
            running.until("counts", || {
                let is_late = since.elapsed() > Duration::from_millis(50);
                (shows_enough(&reader) || is_late).then_some(())
            });
        }
        Live { place, session, running, board, rest }
    }

    /// All of the input comes, and the run ends in order.
    pub(crate) fn finish(mut self) -> (Place, Run) {
        self.running.feed(&self.rest).unwrap();
        self.running.close_input();
        (self.place, self.running.end())
    }

    /// Its board under another name, which stays when the session ends.
    pub(crate) fn link(&self) -> PathBuf {
        let link = self.place.memory().join("kept");
        fs::hard_link(&self.board, &link).unwrap();
        link
    }
}

/// Whether most of what has come is counted, and every symbol has its ladder. What is being written at
/// the moment is not there yet.
fn shows_enough(reader: &BoardReader) -> bool {
    let (Ok(symbols), Ok(ingest)) = (reader.symbols(), reader.ingest()) else { return false };
    let has_ladder = |symbol| reader.detail(symbol).is_ok_and(|detail| detail.is_some());
    ingest.messages >= 5_000
        && symbols.len() == 30
        && symbols.iter().all(|shown| has_ladder(shown.symbol))
}

/// A day of 30 symbols.
fn day(place: &Place) -> Vec<u8> {
    let out = place.path("day");
    let line =
        format!("simulate --seed 8 --symbols 30 --messages 20000 --quiet --out {}", arg(&out));
    tapewatch(&line.split_whitespace().collect::<Vec<_>>()).ended_with(0);
    fs::read(out.join("session.itch")).unwrap()
}

/// The board that the lock of a session tells.
fn told(session: &Path) -> Option<PathBuf> {
    let lock = fs::read_to_string(session.join("lock")).ok()?;
    let told = lock.lines().find_map(|line| line.strip_prefix("board = \"")?.strip_suffix('"'));
    told.map(PathBuf::from)
}

pub(crate) fn now() -> Nanos {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Nanos(i64::try_from(since.as_nanos()).unwrap())
}

fn stat(board: &Path, more: &[&str]) -> Run {
    tapewatch(&[&["stat", arg(board)], more].concat())
}

#[test]
fn a_running_engine_is_found_by_its_session_its_board_and_alone_in_its_memory() {
    let live = Live::start();
    let memory = live.place.memory().to_owned();
    let alone = ["stat", "--memory-dir", arg(&memory), "--json"];
    let runs = [
        tapewatch(&["stat", arg(&live.session), "--json"]),
        tapewatch(&["stat", arg(&live.board), "--json"]),
        tapewatch(&alone),
    ];
    for run in runs {
        let run = run.ended_with(0);
        assert_eq!(run.stderr, "");
        let json = run.json();
        assert_eq!(json["liveness"], "running");
        assert_eq!(json["pid"], live.running.pid());
        assert!(json["messages"].as_u64().unwrap() >= 5_000);
        assert!(json["rates"]["messages_per_s"].as_f64().unwrap() > 0.0);
        assert!(json["journal"]["frames"].as_u64().unwrap() > 0);
        let threads = json["threads"].as_array().unwrap();
        let busy = threads.iter().filter_map(|thread| thread["busy_share"].as_f64());
        let busy: Vec<f64> = busy.collect();
        assert!(!busy.is_empty() && busy.iter().all(|share| (0.0..=1.0).contains(share)));
    }
    let text = tapewatch(&["stat", arg(&live.session)]).ended_with(0).stdout;
    for part in ["running, pid ", "nothing amiss", "THREADS", "LATENCIES", "received_published"] {
        assert!(text.contains(part), "no {part} in {text}");
    }
}

#[test]
fn what_an_ended_engine_has_left_is_what_its_run_came_to() {
    let live = Live::start();
    let (link, session) = (live.link(), live.session.clone());
    let (_place, run) = live.finish();
    let summary = run.ended_with(0).json();
    let csv = Csv::read(&session.join("report/symbols.csv"));
    let symbol = csv.field(0, "symbol").to_owned();
    let run = stat(&link, &["--json", "--symbol", &symbol, "--symbols", "5"]).ended_with(0);
    assert_eq!(run.stderr, "");
    let json = run.json();
    assert_eq!(json["liveness"], "ended");
    for figure in ["messages", "by_type", "quality", "orders_live"] {
        assert_eq!(json[figure], summary[figure], "{figure}");
    }
    let quotes = json["quotes"].as_array().unwrap();
    assert_eq!(quotes.len(), 6);
    for quote in quotes {
        let row = csv.row_of(quote["symbol"].as_str().unwrap());
        for column in ["last", "high", "low", "bid", "ask", "state"] {
            let told = quote[column].as_str().unwrap_or_default();
            assert_eq!(told, csv.field(row, column), "{column} of {quote}");
        }
        for column in ["volume", "trades", "bid_size", "adds", "ask_levels"] {
            let told = quote[column].as_u64().unwrap_or_default().to_string();
            let other = csv.field(row, column);
            assert_eq!(told, if other.is_empty() { "0" } else { other }, "{column} of {quote}");
        }
    }
    // The ladder is the book at the end of the day.
    let at = ["book", arg(&session), "--symbol", &symbol, "--at", "23:59:59", "--json"];
    let book = tapewatch(&at).ended_with(0).json();
    assert_eq!(quotes[0]["bids"], book["bids"]);
    assert_eq!(quotes[0]["asks"], book["asks"]);
    let busiest: Vec<u64> =
        quotes[1..].iter().map(|quote| quote["messages"].as_u64().unwrap()).collect();
    assert!(busiest.is_sorted_by(|one, next| one >= next), "{busiest:?}");
    // In a table too, and a symbol that is not there is told.
    let table = stat(&link, &["--symbol", &symbol]).ended_with(0).stdout;
    assert!(table.contains(&format!("{symbol} ladder")) && table.contains("ENDED"), "{table}");
    stat(&link, &["--symbol", "NOSUCH"]).ended_with(2).says(&["NOSUCH", "--symbols 20"]);
    // The session itself has no board any more.
    let run = tapewatch(&["stat", arg(&session)]).ended_with(2);
    run.says(&["not running (complete)", "journal info"]);
}

#[test]
fn a_watch_tells_a_line_of_json_each_time_and_ends_with_the_engine() {
    let live = Live::start();
    let mut watch = Command::new(env!("CARGO_BIN_EXE_tapewatch"))
        .args(["stat", arg(&live.session), "--json", "--watch", "0.1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(watch.stdout.take().unwrap()).lines().map(Result::unwrap);
    let first = told.next().unwrap();
    let (_place, run) = live.finish();
    run.ended_with(0);
    let lines: Vec<Value> = std::iter::once(first)
        .chain(told)
        .map(|line| serde_json::from_str(&line).unwrap())
        .collect();
    let run = watch.wait_with_output().unwrap();
    assert_eq!((run.status.code(), run.stderr.as_slice()), (Some(0), b"".as_slice()));
    assert_eq!(lines[0]["liveness"], "running");
    assert!(lines.len() >= 2, "{run:?}");
    assert_eq!(lines.last().unwrap()["liveness"], "ended");
    for line in &lines[1..] {
        assert!(line["rates"]["over_s"].as_f64().unwrap() >= 0.09, "{line}");
    }
    let messages: Vec<u64> = lines.iter().map(|line| line["messages"].as_u64().unwrap()).collect();
    assert!(messages.is_sorted(), "{messages:?}");
}

#[test]
fn an_engine_that_is_stopped_is_stale_and_a_killed_one_is_gone() {
    let mut live = Live::start();
    let reader = BoardReader::attach(&live.board).unwrap();
    live.running.signal(Signal::STOP);
    let is_stale = || matches!(reader.liveness(now()), Liveness::Stale(_)).then_some(());
    live.running.until("no heartbeat", is_stale);
    let run = stat(&live.board, &["--json"]).ended_with(1);
    run.says(&["is stale", "ps -o"]);
    assert_eq!(run.json()["liveness"], "stale");
    assert!(run.json()["stale_ns"].as_i64().unwrap() > 2_000_000_000);

    let Live { place, session, running, .. } = live;
    running.kill();
    for more in [&["--json"][..], &["--json", "--watch", "0.1"]] {
        let run = tapewatch(&[&["stat", arg(&session)], more].concat()).ended_with(1);
        run.says(&["is gone", "--resume"]);
        let json = run.json();
        assert_eq!(json["liveness"], "gone");
        assert!(json["messages"].as_u64().unwrap() >= 5_000);
    }
    let run = tapewatch(&["stat", arg(&session)]).ended_with(1);
    assert!(run.stdout.contains("GONE: pid "), "{run:?}");
    // Nobody runs, though a board is left.
    let run = tapewatch(&["stat", "--memory-dir", arg(place.memory())]).ended_with(2);
    run.says(&["no engine is running; 1 left a board"]);
    assert_eq!(run.stdout, "");
}

#[test]
fn without_a_session_one_engine_must_run() {
    let (one, other) = (Live::start(), Live::start());
    // Both below one directory, as they are where all use /dev/shm.
    let memory = one.place.path("memory");
    for live in [&one, &other] {
        let id = live.board.parent().unwrap().file_name().unwrap();
        fs::create_dir_all(memory.join(id)).unwrap();
        fs::hard_link(&live.board, memory.join(id).join("board"))
            .or_else(|_| std::os::unix::fs::symlink(&live.board, memory.join(id).join("board")))
            .unwrap();
    }
    let pids = [&one, &other].map(|live| format!("pid {}", live.running.pid()));
    let run = tapewatch(&["stat", "--memory-dir", arg(&memory)]).ended_with(2);
    run.says(&["2 engines are running", &pids[0], &pids[1], "started "]);
    let empty = one.place.path("empty");
    let run = tapewatch(&["stat", "--memory-dir", arg(&empty)]).ended_with(2);
    run.says(&["no engine is running: there is no board in", "tapewatch run"]);
}

#[test]
fn a_file_that_is_no_whole_board_of_this_version_is_told_in_one_line() {
    let live = Live::start();
    let whole = fs::read(&live.board).unwrap();
    let file = |name: &str, bytes: &[u8]| live.place.file(name, bytes);
    let mut other = whole.clone();
    other[8..16].copy_from_slice(&99u64.to_ne_bytes());
    let mut sections = whole.clone();
    sections[128] ^= 0xff;
    let line = |path: &Path, says: &[&str]| {
        let run = stat(path, &[]).ended_with(2);
        run.says(says);
        assert_eq!(run.stdout, "");
    };
    line(&file("empty", b""), &["is no board"]);
    line(&file("text", &[b'x'; 10_000]), &["is no board"]);
    line(&file("cut", &whole[..whole.len() / 2]), &["damaged", "shorter"]);
    line(&file("other", &other), &["layout version 99"]);
    line(&file("sections", &sections), &["damaged", "sections"]);
    line(&live.place.path("absent"), &["cannot read the board"]);
    line(live.place.disk(), &["is no session"]);
    // A slot whose writer died while it wrote: odd for good. What can be read is shown.
    let torn = file("torn", &whole);
    let ingest = 4_096;
    let sequence = u64::from_ne_bytes(whole[ingest..ingest + 8].try_into().unwrap());
    let odd = (sequence | 1).to_ne_bytes();
    fs::OpenOptions::new()
        .write(true)
        .open(&torn)
        .and_then(|file| file.write_all_at(&odd, ingest as u64))
        .unwrap();
    let json = stat(&torn, &["--json"]).json();
    assert_eq!(json["torn"][0], "ingest");
    assert!(json["symbols"].as_u64().unwrap() > 0);
}

#[test]
fn prometheus_reads_every_family_with_its_type() {
    use prometheus_parse::{Scrape, Value as Sample};
    let live = Live::start();
    let link = live.link();
    let (_place, run) = live.finish();
    let summary = run.ended_with(0).json();
    let exposed = stat(&link, &["--prometheus"]).ended_with(0).stdout;
    assert!(exposed.ends_with('\n'));
    let lines = exposed.lines().map(|line| Ok(line.to_owned()));
    let scrape = Scrape::parse(lines).unwrap();
    let samples = |name: &str| -> Vec<&prometheus_parse::Sample> {
        scrape.samples.iter().filter(|sample| sample.metric == name).collect()
    };
    let value = |name: &str, label: &str, of: &str| -> f64 {
        let of_name = samples(name).into_iter();
        let mut it = of_name.filter(|sample| sample.labels.get(label).unwrap_or("") == of);
        match it.next().unwrap_or_else(|| panic!("no {name} {of}: {exposed}")).value {
            Sample::Counter(value) | Sample::Gauge(value) | Sample::Untyped(value) => value,
            ref other => panic!("{name} is {other:?}"),
        }
    };
    for (kind, count) in summary["by_type"].as_object().unwrap() {
        let told = value("tapewatch_messages_total", "type", kind);
        assert_eq!(told as u64, count.as_u64().unwrap(), "{kind}");
    }
    for (cause, count) in summary["quality"].as_object().unwrap() {
        let told = value("tapewatch_quality_total", "cause", cause);
        assert_eq!(told as u64, count.as_u64().unwrap(), "{cause}");
    }
    assert_eq!(value("tapewatch_up", "", "") as u64, 0);
    assert_eq!(value("tapewatch_liveness", "state", "ended") as u64, 1);
    let stages = &summary["latency"]["stages"];
    let mut histograms = 0;
    for sample in samples("tapewatch_latency_seconds") {
        let Sample::Histogram(buckets) = &sample.value else { continue };
        histograms += 1;
        assert!(buckets.is_sorted_by(|one, next| one.less_than < next.less_than));
        assert!(buckets.is_sorted_by(|one, next| one.count <= next.count));
        let last = buckets.last().unwrap();
        assert!(last.less_than.is_infinite());
        let stage = sample.labels.get("stage").unwrap();
        let samples = stages[stage]["samples"].as_u64().unwrap_or(0);
        assert_eq!(last.count as u64, samples, "{stage}");
        assert_eq!(value("tapewatch_latency_seconds_count", "stage", stage) as u64, samples);
    }
    assert_eq!(histograms, 6);
    // Each family once, each sample of the family that stands above it.
    let mut families: Vec<&str> = Vec::new();
    for line in exposed.lines() {
        match line.strip_prefix("# TYPE ") {
            Some(rest) => {
                let (name, kind) = rest.split_once(' ').unwrap();
                assert!(!families.contains(&name), "{name} twice");
                assert_eq!(name.ends_with("_total"), kind == "counter", "{name}");
                families.push(name);
            }
            None if line.starts_with("# HELP ") => {}
            None => assert!(line.starts_with(families.last().unwrap()), "{line}"),
        }
    }
}

#[test]
fn a_reader_that_goes_away_ends_a_watch() {
    let live = Live::start();
    let mut watch = Command::new(env!("CARGO_BIN_EXE_tapewatch"))
        .args(["stat", arg(&live.session), "--watch", "0.1"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(watch.stdout.take());
    assert_eq!(watch.wait().unwrap().code(), Some(0));
    // What is asked for wrongly is told before anything is read.
    for (args, says) in [
        (words(&["stat", "--watch", "0"]), "0.1 to 86400"),
        (words(&["stat", "--watch", "soon"]), "not a number"),
        (words(&["stat", "--prometheus", "--json"]), "cannot be used with"),
    ] {
        tapewatch(&args).ended_with(2).says(&[says]);
    }
}
