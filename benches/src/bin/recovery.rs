#![forbid(unsafe_code)]
//! What snapshots, archiving and compression cost a run that records, and how long a restart takes: the
//! README's table.
//!
//! Everything is measured on the `tapewatch` that was built beside this program, as a user runs it. Runs
//! with and without are interleaved, so that a host that slows down slows both; what they add is taken
//! round by round. For the restart a run is fed by a pipe, which is held open once all is written but the
//! last hundredth: when the follower has come to the end, the run is killed, and gone on with from the
//! whole file.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use serde_json::Value;
use tapewatch_benches::clock::Spread;
use tapewatch_benches::tape::Tape;
use tapewatch_benches::upkeep::{self, Beside, Felt};

/// What snapshots and archiving cost, and how long a restart takes.
#[derive(Debug, Parser)]
struct Arguments {
    /// A BinaryFILE of ITCH 5.0 messages, five million at least.
    file: PathBuf,
    /// Rounds of runs with and without.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(3..=100))]
    runs: u32,
    /// Where sessions lie; removed at the end.
    #[arg(long, default_value = "/dev/shm")]
    place: PathBuf,
}

type Failed = Box<dyn core::error::Error>;

/// How long no snapshot may come before it is taken that there will be no more.
const QUIET: Duration = Duration::from_secs(6);

/// Nothing but the journal.
const OFF: [&str; 2] = ["snapshots.every_messages=0", "archive.compress=false"];
/// As configured unless told otherwise.
const ON: [&str; 0] = [];

/// Removed when it ends.
struct Root(PathBuf);

impl Drop for Root {
    fn drop(&mut self) {
        // What is left behind is seen, and does no harm.
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Root {
    fn session(&self) -> PathBuf {
        self.0.join("session")
    }

    fn clear(&self) -> io::Result<()> {
        match fs::remove_dir_all(self.session()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    /// The command that records `input`, or goes on.
    fn replay(&self, input: &Path, settings: &[&str]) -> Result<Command, Failed> {
        let program = std::env::current_exe()?.with_file_name("tapewatch");
        let mut command = Command::new(program);
        command.arg("replay").arg(input).arg("--session").arg(self.session());
        command.args(["--json", "--quiet"]);
        settings.iter().for_each(|setting| {
            command.args(["--set", setting]);
        });
        Ok(command)
    }
}

fn summary(mut command: Command) -> Result<Value, Failed> {
    let output = command.stderr(Stdio::piped()).output()?;
    if !output.status.success() {
        return Err(format!(
            "{command:?} ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        )
        .into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

/// One row: ns a message without and with, and what is added round by round, in percent.
fn row(
    root: &Root,
    file: &Path,
    name: &str,
    topology: &[&str],
    runs: u32,
) -> Result<(String, Value, f64), Failed> {
    let (mut off, mut on, mut added) = (Vec::new(), Vec::new(), Vec::new());
    let mut last = Value::Null;
    for _ in 0..runs {
        let run = |settings: &[&str]| -> Result<Value, Failed> {
            root.clear()?;
            summary(root.replay(file, &[topology, settings].concat())?)
        };
        let without = number(&run(&OFF)?["ns_per_message"]);
        last = run(&ON)?;
        let with = number(&last["ns_per_message"]);
        off.push(without);
        on.push(with);
        added.push((with / without - 1.0) * 100.0);
    }
    let spread = |figures: Vec<f64>| Spread::of(figures).ok_or("no runs");
    let (off, on, added) = (spread(off)?, spread(on)?, spread(added)?);
    let text = format!(
        "| {name} | {:.1} | {:.1} | {:+.1} % ({:+.1} to {:+.1}) |\n",
        off.median, on.median, added.median, added.min, added.max
    );
    Ok((text, last, on.median))
}

/// What the hot thread feels of those beside it, packet by packet.
fn felt(file: &Path, place: &Path) -> Result<String, Failed> {
    let tape = Tape::file(file)?;
    let mut text = String::from(
        "\n| ns a packet, journaled and applied inline; beside it | p50 | p90 | p99 | p99.9 | p99.99 | max | taken or archived |\n|---|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for beside in Beside::ALL {
        let Felt { ns, done } = upkeep::pass(&tape, place, beside)
            .map_err(|error| -> Failed { error.to_string().into() })?;
        let figures = [0.5, 0.9, 0.99, 0.999, 0.9999]
            .map(|quantile| ns.value_at_quantile(quantile).to_string())
            .join(" | ");
        text += &format!("| {} | {figures} | {} | {done} |\n", beside.name(), ns.max());
    }
    Ok(text)
}

/// Gives all but the last hundredth of `file` to a run that is killed when its newest snapshot is the
/// last that there will be. Returns how many messages that has.
fn killed_near_the_end(root: &Root, file: &Path) -> Result<(), Failed> {
    root.clear()?;
    let mut child = root
        .replay(Path::new("-"), &[])?
        .args(["--format", "itch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let mut pipe = child.stdin.take().ok_or("no pipe")?;
    let bytes = fs::metadata(file)?.len();
    let mut input = BufReader::new(File::open(file)?).take(bytes / 100 * 99);
    io::copy(&mut input, &mut pipe)?;
    pipe.flush()?;
    // Until nothing has changed for long enough that the follower has come to the end.
    let newest = || newest_snapshot(&root.session());
    let (mut seen, mut since) = (newest(), Instant::now());
    while since.elapsed() < QUIET {
        thread::sleep(Duration::from_millis(20));
        let now = newest();
        if now != seen {
            (seen, since) = (now, Instant::now());
        }
    }
    child.kill()?;
    child.wait()?;
    drop(pipe);
    Ok(())
}

/// The name of the newest snapshot, and its bytes.
fn newest_snapshot(session: &Path) -> Option<(String, u64)> {
    let names = fs::read_dir(session.join("snapshots")).ok()?.flatten();
    names
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            name.ends_with(".snap").then_some((name, entry.metadata().ok()?.len()))
        })
        .max()
}

fn table(arguments: &Arguments) -> Result<String, Failed> {
    let name = format!("tapewatch-bench-{}", std::process::id());
    let root = Root(arguments.place.join(name));
    fs::create_dir_all(&root.0)?;
    let file = &arguments.file;
    let mut text = String::from(
        "| recording, ns a message | without | with snapshots and archive | added, round by round |\n|---|---:|---:|---:|\n",
    );
    let (inline, last, full_speed_ns) = row(&root, file, "inline", &[], arguments.runs)?;
    text += &inline;
    let pipelined = ["engine.topology=pipelined"];
    text += &row(&root, file, "pipelined, one shard", &pipelined, arguments.runs)?.0;
    let snapshots = &last["snapshots"];
    text += &format!(
        "\n{} snapshots of {} messages; the last has {:.0} MB, none took longer to write than {:.2} s.\n",
        snapshots["taken"],
        last["messages"],
        number(&snapshots["last_bytes"]) / 1e6,
        number(&snapshots["longest_write_s"]),
    );
    text += &felt(file, &arguments.place)?;
    killed_near_the_end(&root, file)?;
    let mut command = root.replay(file, &[])?;
    command.arg("--resume");
    let from = Instant::now();
    let resumed = summary(command)?;
    let whole_s = from.elapsed().as_secs_f64();
    let restart = &resumed["restarted_from"];
    let recovered = number(&restart["recovered_messages"]);
    let ready_s = number(&restart["ready_s"]);
    let at_full_speed_s = recovered * full_speed_ns / 1e9;
    text += &format!(
        "\nKilled after 99 % of {} messages, gone on with: the snapshot has {} of them and was restored in {:.2} s; \
         after {ready_s:.2} s in all the input was checked, the {recovered:.0} messages behind the snapshot \
         were applied, and the first new one was taken. At full speed those take {at_full_speed_s:.2} s: \
         {:.2} s more. ({:.1} M messages a second were recovered; the whole command took {whole_s:.2} s.)\n",
        resumed["messages"],
        restart["messages"],
        number(&restart["restored_s"]),
        ready_s - at_full_speed_s,
        (number(&restart["messages"]) + recovered) / ready_s / 1e6,
    );
    Ok(text)
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let written =
        table(&arguments).and_then(|text| Ok(io::stdout().lock().write_all(text.as_bytes())?));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody can be told that telling failed.
            let _ = writeln!(io::stderr(), "recovery: {error}");
            ExitCode::FAILURE
        }
    }
}
