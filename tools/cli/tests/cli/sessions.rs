//! A session's directory: what it holds after an orderly end, and who may write it.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use tapewatch_tests::session::RandomSession;

use crate::recording::{MODES, Place, came_to, journaled, names, replayed, verified};
use crate::running::Running;
use crate::support::{arg, tapewatch, text};

fn input(place: &Place) -> PathBuf {
    place.file("day.itch", RandomSession::new(8, 20, 30_000).bytes())
}

/// The names of a journal of so many segments.
fn segments(count: u64) -> Vec<String> {
    let both = |number: u64| [format!("{number:08}.idx"), format!("{number:08}.seg.zst")];
    (0..count).flat_map(both).chain([String::from("durable.mark")]).collect()
}

#[test]
fn an_orderly_end_leaves_the_session_and_nothing_else() {
    for mode in MODES {
        for more in [&[][..], &["--topology", "pipelined", "--shards", "2"]] {
            let place = Place::new();
            let (input, dir) = (input(&place), place.path("a/session"));
            let mut args = place.record(arg(&input), &dir, mode);
            args.extend(more.iter().map(ToString::to_string));
            let run = tapewatch(&args).ended_with(0);

            assert_eq!(
                names(&dir),
                ["hashes", "journal", "output", "report", "session.toml"],
                "{mode:?}"
            );
            assert_eq!(
                names(&dir.join("report")),
                ["alerts.jsonl", "latency.hlog", "summary.json", "symbols.csv"]
            );
            let verified = verified(&dir);
            assert!(verified.ended_orderly && verified.segments > 2, "{verified:#?}");
            assert_eq!(verified.sealed_segments, verified.segments);
            assert_eq!(names(&dir.join("journal")), segments(verified.segments), "{mode:?}");
            assert_eq!(names(place.memory()), [""; 0], "{mode:?}");

            let summary = run.json();
            assert_eq!(summary["journal"]["place"], mode.0);
            assert_eq!(summary["journal"]["append"], mode.1);
            let (_, seal) = verified.last_seal.unwrap();
            assert_eq!(summary["journal"]["seal"], seal.to_string());
            let description: toml::Table = text(&dir.join("session.toml")).parse().unwrap();
            assert_eq!(description["session"]["state"].as_str(), Some("complete"));
            assert_eq!(description["session"]["id"].as_str(), summary["journal"]["id"].as_str());
            assert_eq!(description["journal"]["place"].as_str(), Some(mode.0));

            let (again, run) = replayed(&dir, &[], &place.path("again"));
            assert_eq!(again, came_to(&summary, &dir.join("report")));
            assert_eq!(run.stderr, "");
        }
    }
}

#[test]
fn outputs_go_to_the_place_that_is_named_instead_of_the_session() {
    let place = Place::new();
    let (input, dir, out) = (input(&place), place.path("session"), place.path("out"));
    let mut args = place.record(arg(&input), &dir, MODES[0]);
    args.extend(["--out", arg(&out), "--trades", "--bbo"].map(String::from));
    tapewatch(&args).ended_with(0);
    assert_eq!(names(&dir), ["hashes", "journal", "output", "session.toml"]);
    assert_eq!(
        names(&out),
        ["alerts.jsonl", "bbo.csv", "latency.hlog", "summary.json", "symbols.csv", "trades.csv"]
    );
}

#[test]
fn a_directory_that_holds_a_session_is_refused_and_stays_as_it_was() {
    let place = Place::new();
    let (input, dir) = (input(&place), place.path("session"));
    let args = place.record(arg(&input), &dir, MODES[0]);
    tapewatch(&args).ended_with(0);
    let before = [text(&dir.join("session.toml")), text(&dir.join("hashes"))];
    let run = tapewatch(&args).ended_with(2);
    run.says(&[arg(&dir), "already holds a session", "tapewatch replay"]);
    assert_eq!(run.stdout, "");
    assert_eq!([text(&dir.join("session.toml")), text(&dir.join("hashes"))], before);
    assert_eq!(names(&dir), ["hashes", "journal", "output", "report", "session.toml"]);
    assert_eq!(names(place.memory()), [""; 0]);
    // So is one of which only the journal is left.
    fs::remove_file(dir.join("session.toml")).unwrap();
    tapewatch(&args).ended_with(2).says(&[arg(&dir), "already holds a session"]);
}

/// A recording that has taken some of its input and waits for more.
fn unfinished(place: &Place, dir: &Path, session: &RandomSession) -> Running {
    let mut recording = Running::start(&place.record("-", dir, MODES[0]));
    recording.feed(session.prefix(10_000)).unwrap();
    recording.until("packets", || (journaled(dir)? > 5_000).then_some(()));
    recording
}

#[test]
fn a_session_that_is_being_recorded_is_locked_and_can_be_read_so_far() {
    let place = Place::new();
    let dir = place.path("session");
    let session = RandomSession::new(8, 20, 30_000);
    let mut recording = unfinished(&place, &dir, &session);
    let writer = format!("process {}", recording.pid());

    let other = place.file("other.itch", session.prefix(100));
    let run = tapewatch(&place.record(arg(&other), &dir, MODES[0])).ended_with(2);
    run.says(&[arg(&dir), "is being written by another process", &writer]);

    let (so_far, run) = replayed(&dir, &[], &place.path("so-far"));
    let prefix = session.prefix(usize::try_from(so_far.messages).unwrap());
    let input = place.file("prefix", prefix);
    assert_eq!(so_far, replayed(&input, &[], &place.path("direct")).0);
    run.says(&["note", arg(&dir), "is being recorded"]);

    // Neither did the recording any harm.
    recording.feed(&session.bytes()[session.prefix(10_000).len()..]).unwrap();
    recording.close_input();
    let run = recording.end().ended_with(0);
    assert_eq!(run.json()["messages"], 30_000);
    assert_eq!(replayed(&dir, &[], &place.path("whole")).0.messages, 30_000);
}

#[test]
fn a_directory_that_was_only_begun_is_taken_up() {
    let place = Place::new();
    let (input, dir) = (input(&place), place.path("session"));
    fs::create_dir_all(dir.join("journal")).unwrap();
    let mut lock = fs::File::create(dir.join("lock")).unwrap();
    lock.write_all(b"pid = 1\nmemory = \"/nowhere/journal\"\n").unwrap();
    tapewatch(&place.record(arg(&input), &dir, MODES[0])).ended_with(0);
    assert_eq!(names(&dir), ["hashes", "journal", "output", "report", "session.toml"]);
}
