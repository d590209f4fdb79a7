//! Threads on cores: pinned where the configuration says so, and refused where that cannot be.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use engine::pipeline::pin::allowed_cores;
use tapewatch_tests::session::RandomSession;

use crate::recording::{MODES, Place, journaled, names, replayed, words};
use crate::running::Running;
use crate::support::{arg, tapewatch};

fn input(place: &Place) -> PathBuf {
    place.file("day.itch", RandomSession::new(9, 20, 5_000).bytes())
}

/// The first two cores; `None` (told in one line) where there is one only.
fn two_cores() -> Option<[usize; 2]> {
    let cores = allowed_cores();
    if let [first, second, ..] = cores.as_slice() {
        return Some([first.0, second.0]);
    }
    let _ = writeln!(std::io::stderr(), "skipped: there are no two cores here");
    None
}

#[test]
fn more_threads_than_cores_are_told_and_do_their_work() {
    let place = Place::new();
    let input = input(&place);
    let shards = allowed_cores().len().to_string();
    let (alone, run) = replayed(&input, &[], &place.path("inline"));
    assert_eq!(run.stderr, "");
    let args = ["--topology", "pipelined", "--shards", &shards];
    let (together, run) = replayed(&input, &args, &place.path("pipelined"));
    run.says(&["note", "threads of the pipeline share", "yield instead of spinning"]);
    assert_eq!(together, alone);
}

#[test]
fn a_core_for_two_threads_is_refused_before_anything_is_made() {
    let place = Place::new();
    let (input, dir) = (input(&place), place.path("session"));
    for (keys, what) in [
        (&["engine.shards=2", "threads.shard_cores=[0, 0]"][..], "names core 0 twice"),
        (
            &["engine.shards=1", "threads.shard_cores=[1]", "threads.ingest_core=1"],
            "names core 1, as threads.ingest_core does",
        ),
    ] {
        let mut args = place.record(arg(&input), &dir, MODES[0]);
        let keys = keys.iter().chain(&["engine.topology=pipelined"]);
        args.extend(keys.flat_map(|key| words(&["--set", key])));
        tapewatch(&args).ended_with(2).says(&["threads.shard_cores", what]);
        assert!(!dir.exists());
    }
}

#[test]
fn a_core_that_is_not_there_is_refused_and_leaves_nothing() {
    let place = Place::new();
    let (input, dir) = (input(&place), place.path("session"));
    for (topology, key) in [
        ("inline", "threads.ingest_core=1023"),
        ("pipelined", "threads.ingest_core=1023"),
        ("pipelined", "threads.shard_cores=[1023]"),
        ("pipelined", "threads.market_core=1023"),
        ("inline", "threads.journal_core=1023"),
    ] {
        let mut args = place.record(arg(&input), &dir, ("memory", "thread"));
        args.extend(words(&["--topology", topology, "--set", key]));
        let run = tapewatch(&args).ended_with(2);
        run.says(&["core 1023", key.split('=').next().unwrap()]);
        assert_eq!(names(place.memory()), [""; 0], "{key}");
        assert!(!dir.exists(), "{key}: {:?}", names(&dir));
    }
    // So it can be tried again with another core.
    tapewatch(&place.record(arg(&input), &dir, ("memory", "thread"))).ended_with(0);
}

/// The cores that each thread of a process may run on, as the kernel lists them, by name.
fn threads(pid: u32) -> BTreeMap<String, String> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let statuses =
        tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("status")).ok());
    let field = |status: &str, name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(":\t"));
        line.unwrap().to_owned()
    };
    statuses.map(|status| (field(&status, "Name"), field(&status, "Cpus_allowed_list"))).collect()
}

#[test]
fn each_pinned_thread_has_its_core_and_the_others_have_all() {
    let Some([one, two]) = two_cores() else {
        return;
    };
    let place = Place::new();
    let dir = place.path("session");
    let session = RandomSession::new(9, 20, 5_000);
    let mut args = place.record("-", &dir, ("memory", "thread"));
    args.extend(words(&["--topology", "pipelined", "--shards", "1"]));
    args.extend(words(&["--set", &format!("threads.ingest_core={one}")]));
    args.extend(words(&["--set", &format!("threads.shard_cores=[{two}]")]));
    let mut recording = Running::start(&args);
    recording.feed(session.bytes()).unwrap();
    recording.until("packets", || (journaled(&dir)? > 0).then_some(()));
    let cores = threads(recording.pid());
    let all = threads(std::process::id()).into_values().next().unwrap();
    assert_eq!(cores["tapewatch"], one.to_string());
    assert_eq!(cores["shard-0"], two.to_string());
    for name in ["market", "keeper", "journal"] {
        assert_eq!(cores[name], all, "{name} of {cores:?}");
    }

    recording.close_input();
    let pinned = recording.end().ended_with(0).json();
    let input = place.file("day.itch", session.bytes());
    let (free, _) = replayed(&input, &[], &place.path("free"));
    assert_eq!(pinned["state_hash"], free.state_hash);
}
