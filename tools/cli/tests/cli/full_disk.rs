//! A session on a file system without room, or that cannot be written at all: a clear line, never a
//! signal, and what was accepted verifies and replays.
//!
//! The file systems are small tmpfs, which takes root to mount. Without that right the tests say so on
//! stderr; with `CI=true` they fail.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tapewatch_tests::session::RandomSession;
use tempfile::TempDir;

use crate::recording::{Place, names, replayed, verified};
use crate::support::{Run, arg, tapewatch, tapewatch_in, text};

const SEGMENT_BYTES: u64 = 256 << 10;
const PAGE_BYTES: u64 = 4_096;

/// A mounted tmpfs, gone when it is dropped.
struct Tmpfs {
    directory: TempDir,
}

impl Tmpfs {
    /// `None` if this process may not mount.
    fn mount(bytes: u64) -> Option<Tmpfs> {
        Tmpfs::mount_with(&format!("size={bytes}"))
    }

    fn mount_with(options: &str) -> Option<Tmpfs> {
        let directory = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "tapewatch-test"]).arg(directory.path());
        match mount.output() {
            Ok(output) if output.status.success() => Some(Tmpfs { directory }),
            refused => {
                assert!(std::env::var("CI").as_deref() != Ok("true"), "{refused:?}");
                let line = format!("skipped: a tmpfs cannot be mounted here: {refused:?}");
                let _ = writeln!(std::io::stderr(), "{line}");
                None
            }
        }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        // Lazy: whatever a failed test still has open must not keep it mounted.
        let _ = Command::new("umount").arg("-l").arg(self.path()).output();
    }
}

/// More than any of these file systems holds.
fn session() -> RandomSession {
    RandomSession::new(11, 20, 100_000)
}

/// Which of a session's directories is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Full {
    /// The journal is written on disk.
    Disk,
    /// It is written in memory, and that is full.
    Memory,
    /// It is written in memory, and the disk that it is archived to is full.
    Archive,
}

/// A place with a full file system in it.
struct Small {
    place: Place,
    tmpfs: Tmpfs,
    full: Full,
}

impl Small {
    fn new(full: Full, bytes: u64) -> Option<Small> {
        Some(Small { place: Place::new(), tmpfs: Tmpfs::mount(bytes)?, full })
    }

    fn dir(&self) -> PathBuf {
        match self.full {
            Full::Disk | Full::Archive => self.tmpfs.path().join("session"),
            Full::Memory => self.place.path("session"),
        }
    }

    fn memory(&self) -> PathBuf {
        match self.full {
            Full::Memory => self.tmpfs.path().to_owned(),
            Full::Disk | Full::Archive => self.place.memory().to_owned(),
        }
    }

    fn record(&self, append: &str, more: &[&str]) -> Run {
        let input = self.place.file("day.itch", session().bytes());
        let place = if self.full == Full::Disk { "disk" } else { "memory" };
        let mut args = self.place.record(arg(&input), &self.dir(), (place, append));
        if self.full == Full::Memory {
            let key = format!("journal.memory_dir={}", self.memory().display());
            args.extend(["--set".to_owned(), key]);
        }
        args.extend(more.iter().map(ToString::to_string));
        tapewatch(&args)
    }

    /// What was accepted can be read, and is the beginning of the input.
    fn is_kept(&self) -> u64 {
        // All of it is on disk, and memory is free again.
        assert_eq!(names(&self.memory()), [""; 0]);
        assert!(!verified(&self.dir()).ended_orderly);
        let (kept, run) = replayed(&self.dir(), &[], &self.place.path("kept"));
        assert_eq!(run.json()["hash_check"]["mismatch"], serde_json::Value::Null);
        let session = session();
        let prefix = session.prefix(usize::try_from(kept.messages).unwrap());
        let input = self.place.file("prefix", prefix);
        assert_eq!(kept, replayed(&input, &[], &self.place.path("direct")).0);
        kept.messages
    }
}

const CONTINUE: [&str; 2] = ["--set", "journal.on_error=continue-unjournaled"];

/// Room for what both logs prepare at first, for the files that a session begins with, and for more or
/// fewer of the pages that these need later.
const SIZES: [u64; 6] = [
    6 * SEGMENT_BYTES + SEGMENT_BYTES / 2,
    6 * SEGMENT_BYTES + 10 * PAGE_BYTES,
    6 * SEGMENT_BYTES + 11 * PAGE_BYTES,
    6 * SEGMENT_BYTES + 12 * PAGE_BYTES,
    6 * SEGMENT_BYTES + 13 * PAGE_BYTES,
    6 * SEGMENT_BYTES + 15 * PAGE_BYTES,
];

#[test]
fn a_recording_ends_with_a_line_where_there_is_no_more_room() {
    let (mut begun, mut refused) = (0, 0);
    for full in [Full::Disk, Full::Memory, Full::Archive] {
        for append in ["inline", "thread"] {
            for bytes in SIZES {
                // Memory goes round, so it must be too small for what is prepared at first.
                let bytes = if full == Full::Memory { bytes / 3 } else { bytes };
                let Some(small) = Small::new(full, bytes) else { return };
                let run = small.record(append, &[]).ended_with(1);
                run.says(&["cannot ", "No space left on device", "make room"]);
                run.says(&[arg(small.tmpfs.path())]);
                if !run.stderr.contains("cannot journal: cannot ") {
                    // What the logs prepare ahead had taken all of it before the session was made:
                    // nothing was accepted, nothing is left.
                    assert!(!small.dir().exists(), "{full:?}: {run:#?}");
                    assert_eq!(names(&small.memory()), [""; 0]);
                    refused += 1;
                    continue;
                }
                begun += 1;
                let kept = small.is_kept();
                assert!(kept > 1_000, "{full:?}: {kept}");
            }
        }
    }
    // Two directories have room to begin with.
    assert!(begun > refused, "{begun} {refused}");
}

#[test]
fn a_recording_goes_on_without_its_journal_where_it_is_told_to() {
    for full in [Full::Disk, Full::Archive] {
        for append in ["inline", "thread"] {
            for bytes in SIZES {
                let Some(small) = Small::new(full, bytes) else { return };
                let out = small.place.path("out");
                let mut more = vec!["--out", arg(&out)];
                more.extend(CONTINUE);
                let run = small.record(append, &more).ended_with(0);
                run.says(&["warning", "No space left", "the session is marked incomplete"]);
                assert_eq!(run.json()["messages"], 100_000);
                let (whole, _) = replayed(
                    &small.place.file("whole", session().bytes()),
                    &[],
                    &small.place.path("whole-out"),
                );
                assert_eq!(run.json()["state_hash"], whole.state_hash);
                let description = text(&small.dir().join("session.toml"));
                assert!(description.contains("\nstate = \"incomplete\"\n"), "{description}");
                assert!(small.is_kept() < 100_000);
            }
        }
    }
}

#[test]
fn a_disk_without_room_for_one_segment_makes_no_session() {
    for full in [Full::Disk, Full::Memory, Full::Archive] {
        let Some(small) = Small::new(full, SEGMENT_BYTES / 2) else { return };
        let run = small.record("inline", &[]).ended_with(1);
        run.says(&["cannot make a journal", "segment 0", "No space left", "make room"]);
        assert!(!small.dir().exists(), "{full:?}: {:?}", names(&small.dir()));
        assert_eq!(names(small.tmpfs.path()), [""; 0], "{full:?}");
        assert_eq!(names(small.place.memory()), [""; 0], "{full:?}");
    }
}

#[test]
fn told_to_go_on_a_session_without_room_for_any_journal_is_marked_incomplete() {
    for full in [Full::Disk, Full::Memory, Full::Archive] {
        let Some(small) = Small::new(full, SEGMENT_BYTES / 2) else { return };
        let run = small.record("inline", &CONTINUE).ended_with(0);
        let warnings: Vec<&str> = run.stderr.lines().collect();
        let told = [["cannot make a journal", "the session is marked incomplete"]];
        // Where the memory is full there is no board either, and nothing else is missed.
        let board = ["cannot make the board", "the run goes on without"];
        let told = if full == Full::Memory {
            [vec![board], told.to_vec()].concat()
        } else {
            told.to_vec()
        };
        assert_eq!(warnings.len(), told.len(), "{run:#?}");
        for (line, parts) in warnings.iter().zip(told) {
            assert!(line.contains("warning") && line.contains("No space left"), "{line}");
            assert!(parts.iter().all(|part| line.contains(part)), "{line}");
        }
        assert_eq!(run.json()["messages"], 100_000);
        let description = text(&small.dir().join("session.toml"));
        assert!(description.contains("\nstate = \"incomplete\"\n"), "{description}");
        let known = ["hashes", "journal", "output", "report", "session.toml"];
        assert_eq!(names(&small.dir()), known);
        assert_eq!(names(small.place.memory()), [""; 0], "{full:?}");
    }
}

#[test]
fn a_file_system_that_may_not_be_written_is_a_matter_of_usage() {
    let Some(tmpfs) = Tmpfs::mount_with("ro") else { return };
    let place = Place::new();
    let input = place.file("day.itch", session().prefix(100));
    let dir = tmpfs.path().join("session");
    let run = tapewatch(&place.record(arg(&input), &dir, ("disk", "inline"))).ended_with(2);
    run.says(&["cannot write to the session directory", arg(&dir), "Read-only file system"]);

    let dir = place.path("session");
    let mut args = place.record(arg(&input), &dir, ("memory", "inline"));
    args.extend(["--set".to_owned(), format!("journal.memory_dir={}", tmpfs.path().display())]);
    let run = tapewatch(&args).ended_with(2);
    run.says(&[arg(tmpfs.path()), "Read-only file system", "journal.memory_dir"]);
    assert!(!dir.exists());
}

#[test]
fn a_simulated_day_that_does_not_fit_leaves_no_file_and_one_line() {
    let Some(tmpfs) = Tmpfs::mount(1 << 20) else {
        return;
    };
    let out = tmpfs.path().join("day");
    for more in [&[][..], &["--pcap"]] {
        let mut args = vec!["simulate", "--symbols", "12", "--messages", "100000", "--quiet"];
        args.extend(["--out", arg(&out)]);
        args.extend(more);
        let run = tapewatch(&args).ended_with(1);
        run.says(&["cannot write", "session.", "make room"]);
        assert_eq!(names(&out), [""; 0]);
    }
}

#[test]
fn a_demo_without_room_for_its_session_says_where_to_find_some() {
    let Some(tmpfs) = Tmpfs::mount(2 << 20) else {
        return;
    };
    let args = ["demo", "--symbols", "12", "--messages", "300000", "--quiet"];
    let run = tapewatch_in(&args, &[("TMPDIR", arg(tmpfs.path()))]).ended_with(1);
    run.says(&["TMPDIR", arg(tmpfs.path())]);
    assert_eq!(names(tmpfs.path()), [""; 0], "the session is gone");
}

#[test]
fn a_demo_fits_the_memory_that_there_is() {
    let place = Place::new();
    for (bytes, told) in [(64 << 20, "at most 32 MiB"), (1 << 20, "written to disk directly")] {
        let Some(tmpfs) = Tmpfs::mount(bytes) else {
            return;
        };
        let memory = format!("journal.memory_dir={}", tmpfs.path().display());
        let args = ["demo", "--symbols", "12", "--messages", "60000", "--set", &memory, "--json"];
        let folder = place.path("folder");
        std::fs::create_dir_all(&folder).unwrap();
        let run = tapewatch_in(&args, &[("TMPDIR", arg(&folder))]).ended_with(0);
        assert!(run.stderr.contains(told), "{run:#?}");
        assert_eq!(run.json()["verified"], true);
        assert_eq!(names(tmpfs.path()), [""; 0]);
    }
}

#[test]
fn a_demo_that_goes_on_without_its_journal_blames_the_room_and_not_the_program() {
    let Some(tmpfs) = Tmpfs::mount(1 << 20) else {
        return;
    };
    let place = Place::new();
    let folder = place.path("folder");
    std::fs::create_dir_all(&folder).unwrap();
    let memory = format!("journal.memory_dir={}", tmpfs.path().display());
    let mut args = vec!["demo", "--symbols", "12", "--messages", "300000", "--quiet"];
    args.extend(["--set", &memory, "--set", "journal.place=memory"]);
    args.extend([
        "--set",
        "journal.segment_bytes=524288",
        "--set",
        "journal.memory_bytes_max=4194304",
    ]);
    args.extend(["--set", "journal.on_error=continue-unjournaled"]);
    let run = tapewatch_in(&args, &[("TMPDIR", arg(&folder))]).ended_with(1);
    run.says(&["not verified: cannot journal", "TMPDIR", arg(&folder), "journal.memory_dir=DIR"]);
    assert!(!run.stderr.contains("bug"), "{run:#?}");
    assert_eq!((names(tmpfs.path()), names(&folder)), (vec![], vec![]));
}

#[test]
fn a_session_whose_output_log_had_no_room_is_gone_on_with_once_there_is_some() {
    let Some(tmpfs) = Tmpfs::mount(16 << 20) else { return };
    for append in ["inline", "thread"] {
        let place = Place::new();
        let input = place.file("day.itch", session().bytes());
        let (dir, whole) = (place.path("session"), place.path("whole"));
        let args = |dir: &Path| {
            let mut args = place.record(arg(&input), dir, ("disk", append));
            for bar in ["1ms", "2ms", "5ms"] {
                args.extend(["--bar", bar].map(String::from));
            }
            let segment = format!("output.segment_bytes={SEGMENT_BYTES}");
            args.extend(["--set".to_owned(), segment, "--quiet".to_owned()]);
            args
        };
        tapewatch(&args(&whole)).ended_with(0);
        let ballast = tmpfs.path().join("ballast");
        std::fs::write(&ballast, vec![1; 15 << 20]).unwrap();
        let outputs = tmpfs.path().join("output");
        std::fs::create_dir(&outputs).unwrap();
        std::fs::create_dir(&dir).unwrap();
        std::os::unix::fs::symlink(&outputs, dir.join("output")).unwrap();
        let run = tapewatch(&args(&dir)).ended_with(1);
        run.says(&["output log", "No space left", "--resume"]);
        std::fs::remove_file(&ballast).unwrap();
        let mut again = args(&dir);
        again.push("--resume".to_owned());
        tapewatch(&again).ended_with(0);
        let [bars, expected] = [&dir, &whole].map(|dir| text(&dir.join("report/bars.csv")));
        assert!(bars == expected, "{append}");
        std::fs::remove_dir_all(&outputs).unwrap();
    }
}

#[test]
fn an_export_without_room_ends_with_a_line_and_leaves_nothing() {
    let place = Place::new();
    let input = place.file("day.itch", session().bytes());
    let recorded = place.path("session");
    tapewatch(&place.record(arg(&input), &recorded, ("disk", "inline"))).ended_with(0);
    let Some(tmpfs) = Tmpfs::mount(16 * PAGE_BYTES) else { return };
    let out = tmpfs.path().join("x");
    for format in ["itch", "pcap"] {
        let args = ["journal", "export", arg(&recorded), "--out", arg(&out), "--format", format];
        let run = tapewatch(&args).ended_with(1);
        run.says(&["cannot write", "No space left on device", "make room"]);
        assert_eq!(names(tmpfs.path()), [""; 0]);
    }
}

/// Fills a tmpfs but for so many pages.
fn fill(tmpfs: &Tmpfs, pages: u64) -> PathBuf {
    let ballast = tmpfs.path().join("ballast");
    let free = rustix::fs::statvfs(tmpfs.path()).unwrap();
    let bytes = (free.f_bavail * free.f_frsize).saturating_sub(pages * PAGE_BYTES);
    std::fs::write(&ballast, vec![1; usize::try_from(bytes).unwrap()]).unwrap();
    ballast
}

/// Contents of the files that a run writes into a directory, the summary's state for the summary.
fn files(dir: &Path) -> Vec<(String, String)> {
    let content = |name: String| {
        let content = text(&dir.join(&name));
        match name.as_str() {
            "summary.json" => {
                let summary: serde_json::Value = serde_json::from_str(&content).unwrap();
                (name, summary["state_hash"].to_string())
            }
            _ => (name, content),
        }
    };
    names(dir).into_iter().map(content).collect()
}

#[test]
fn wherever_a_report_finds_no_room_the_next_run_writes_it_whole() {
    let Some(tmpfs) = Tmpfs::mount(8 << 20) else { return };
    let place = Place::new();
    let input = place.file("day.itch", RandomSession::new(13, 20, 4_000).bytes());
    let args = |session: &str, out: &Path| {
        let mut args = place.record(arg(&input), &place.path(session), ("disk", "inline"));
        let more = ["--trades", "--bbo", "--metrics", "--quiet", "--bar", "5ms", "--out", arg(out)];
        args.extend(more.map(String::from));
        // What packets took is another file each time.
        args.extend(["--set", "board.enabled=false"].map(String::from));
        args
    };
    let whole = place.path("whole-out");
    tapewatch(&args("whole", &whole)).ended_with(0);
    let expected = files(&whole);
    assert_eq!(expected.len(), 8, "{:?}", names(&whole));
    let out = tmpfs.path().join("out");
    let (mut failed, mut step) = (Vec::new(), 0);
    for run in 0.. {
        let session = format!("session-{run}");
        std::fs::create_dir_all(&out).unwrap();
        let ballast = fill(&tmpfs, step);
        let ended = tapewatch(&args(&session, &out));
        std::fs::remove_file(&ballast).unwrap();
        if ended.status == Some(0) {
            break;
        }
        let ended = ended.ended_with(1);
        ended.says(&["cannot write", arg(&out), "No space left on device"]);
        failed.push(ended.stderr);
        let mut again = args(&session, &out);
        again.push(String::from("--resume"));
        tapewatch(&again).ended_with(0);
        assert!(files(&out) == expected, "after {step} pages: {:?}", names(&out));
        std::fs::remove_dir_all(&out).unwrap();
        step = step * 3 / 2 + 1;
    }
    assert!(files(&out) == expected, "where there is room");
    assert!(failed.len() > 5, "{failed:#?}");
}

#[test]
fn digests_that_find_no_room_or_a_broken_disk_are_told_and_the_session_goes_on_later() {
    let place = Place::new();
    let input = place.file("day.itch", session().bytes());
    let whole = place.path("whole");
    let args = |dir: &Path| place.record(arg(&input), dir, ("disk", "inline"));
    tapewatch(&args(&whole)).ended_with(0);
    // The first line cannot be written: nothing is begun. A write to what is not mapped is an EIO.
    for (target, told) in
        [("/dev/full", "No space left on device"), ("/proc/self/mem", "Input/output error")]
    {
        let dir = place.path("begun");
        std::fs::create_dir(&dir).unwrap();
        std::os::unix::fs::symlink(target, dir.join("hashes")).unwrap();
        let run = tapewatch(&args(&dir)).ended_with(1);
        run.says(&["cannot write", arg(&dir.join("hashes")), told]);
        tapewatch(&args(&dir)).ended_with(0);
        std::fs::remove_dir_all(&dir).unwrap();
    }
    let Some(tmpfs) = Tmpfs::mount(1 << 20) else { return };
    let dir = place.path("session");
    std::fs::create_dir(&dir).unwrap();
    std::os::unix::fs::symlink(tmpfs.path().join("hashes"), dir.join("hashes")).unwrap();
    let ballast = fill(&tmpfs, 2);
    let run = tapewatch(&args(&dir)).ended_with(1);
    run.says(&["cannot write", arg(&dir.join("hashes")), "No space left on device"]);
    std::fs::remove_file(&ballast).unwrap();
    let mut again = args(&dir);
    again.push(String::from("--resume"));
    tapewatch(&again).ended_with(0);
    let came_to = |dir: &Path| {
        let report = dir.join("report");
        let summary = serde_json::from_str(&text(&report.join("summary.json"))).unwrap();
        crate::recording::came_to(&summary, &report)
    };
    assert_eq!(came_to(&dir), came_to(&whole));
    verified(&dir);
}

#[test]
fn a_prune_without_room_for_its_record_removes_nothing() {
    let Some(tmpfs) = Tmpfs::mount(64 << 20) else { return };
    let place = Place::new();
    let input = place.file("day.itch", session().bytes());
    let dir = tmpfs.path().join("session");
    let mut args = place.record(arg(&input), &dir, ("disk", "inline"));
    for bar in ["1ms", "2ms", "5ms"] {
        args.extend(["--bar", bar].map(String::from));
    }
    tapewatch(&args).ended_with(0);
    let before = names(&dir.join("output"));
    let ballast = fill(&tmpfs, 0);
    let prune = ["journal", "prune", arg(&dir), "--keep", "1s", "--quiet"];
    let run = tapewatch(&prune).ended_with(1);
    run.says(&["output/pruned", "No space left", "nothing was removed", "make room"]);
    assert_eq!(names(&dir.join("output")), before);
    verified(&dir);
    std::fs::remove_file(&ballast).unwrap();
    tapewatch(&prune).ended_with(0);
    assert!(names(&dir.join("output")).len() < before.len());
    verified(&dir);
}

#[test]
fn a_disk_with_little_room_is_told_once_while_a_session_is_recorded() {
    let Some(tmpfs) = Tmpfs::mount(64 << 20) else { return };
    let place = Place::new();
    let input = place.file("day.itch", session().bytes());
    for (low, told) in [("1073741824", 1), ("1024", 0), ("0", 0)] {
        let dir = tmpfs.path().join("session");
        let mut args = place.record(arg(&input), &dir, ("disk", "inline"));
        args.extend(["--set".to_owned(), format!("journal.low_disk_bytes={low}")]);
        let run = tapewatch(&args).ended_with(0);
        assert_eq!(run.stderr.lines().count(), told, "{run:#?}");
        if told > 0 {
            run.says(&["warning", arg(&dir), "bytes of room left", "journal.low_disk_bytes"]);
        }
        std::fs::remove_dir_all(&dir).unwrap();
    }
}

#[test]
fn a_book_is_found_where_its_index_has_no_room() {
    let Some(tmpfs) = Tmpfs::mount(24 << 20) else { return };
    let place = Place::new();
    let input = place.file("day.itch", session().bytes());
    let recorded = tmpfs.path().join("session");
    tapewatch(&place.record(arg(&input), &recorded, ("disk", "inline"))).ended_with(0);
    let mut filler = std::fs::File::create(tmpfs.path().join("filler")).unwrap();
    while filler.write_all(&[1; PAGE_BYTES as usize]).is_ok() {}
    let args = ["book", arg(&recorded), "--symbol", "AB", "--at", "23:59:59", "--json"];
    let run = tapewatch(&args).ended_with(0);
    let journal = recorded.join("journal");
    let index = |name: &String| name.contains(".sym");
    assert!(!names(&journal).iter().any(index), "{:?}", names(&journal));
    // Open, it would keep its room.
    drop(filler);
    std::fs::remove_file(tmpfs.path().join("filler")).unwrap();
    assert_eq!(tapewatch(&args).ended_with(0).stdout, run.stdout);
    assert!(names(&journal).iter().any(index));
}

#[test]
fn a_directory_without_room_for_a_name_is_a_full_disk_and_no_matter_of_usage() {
    let place = Place::new();
    let input = place.file("day.itch", session().prefix(100));
    // The directory itself is the only name that there may be.
    let Some(tmpfs) = Tmpfs::mount_with("size=1m,nr_inodes=1") else { return };
    let dir = tmpfs.path().join("session");
    let run = tapewatch(&place.record(arg(&input), &dir, ("disk", "inline"))).ended_with(1);
    run.says(&["cannot write to the session directory", arg(&dir), "No space left on device"]);
    let run = tapewatch(&["replay", arg(&input), "--out", arg(&tmpfs.path().join("out"))]);
    run.ended_with(1).says(&["cannot write to the output directory", "No space left on device"]);
}
