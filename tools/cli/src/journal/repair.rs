//! `tapewatch journal repair`: makes a session with a damaged log one that can be read and gone on with.
//!
//! ```text
//!  journal/00000003.seg, damaged      ─► journal/damaged-1/00000003.seg    as it was, kept
//!                                     ─► journal/00000003.seg              up to the last whole frame
//!  output/00000000.seg.zst, damaged   ─► output/damaged-1/00000000.seg.zst
//!                                     ─► output/00000000.seg               as far as it can be read
//! ```
//! The session is locked meanwhile. First the files that are going to change are copied, into a directory
//! that gets its name when all of it is on disk; then the log is repaired; then a session that was
//! complete and is not any more is described as incomplete, so that `--resume` goes on with it. Killed
//! anywhere, it can be run again.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use engine::log::directories::Medium;
use engine::log::error::LogError;
use engine::log::options::LogOptions;
use engine::log::reopen::ReopenError;
use engine::log::reopen::repair::{Plan, plan, put_aside_name, repair};
use engine::log::storage::Directory;
use serde_json::{Value, json};

use crate::console::{self, Console};
use crate::exit::{Failure, Status};
use crate::journal::verify::cannot_read;
use crate::output::decimal::grouped;
use crate::recording;
use crate::recording::dir::{RecordingDir, is_locked};
use crate::session_dir::SessionDir;

const EXAMPLES: &str = "\
Examples:
  tapewatch journal repair session --dry-run
  tapewatch journal repair session
  tapewatch replay day.itch --session session --resume

Files that are changed stay as they were in journal/damaged-1 and so on, those of the output log in
output/damaged-1. A session.toml that is gone comes back with --resume, not with this. Exit status: 0
nothing is damaged, or it is repaired; 1 with --dry-run something is damaged, or it cannot be repaired;
2 no session, it is being written, or its key is not there.";

/// Cut a damaged log behind its last whole frame, keeping what was there.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct RepairArgs {
    /// The directory of a recorded session.
    #[arg(value_name = "SESSION", value_hint = ValueHint::DirPath)]
    session: PathBuf,
    /// Say what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// What was done about one log.
struct Repaired {
    name: &'static str,
    plan: Plan,
    put_aside: Option<PathBuf>,
}

/// Runs the command.
pub(super) fn run(args: &RepairArgs, console: Console) -> Result<Status, Failure> {
    let path = &args.session;
    let session = SessionDir::open(path)?;
    let config = session.config(&[])?;
    let had_lock = path.join("lock").exists();
    let lock = match args.dry_run {
        false => Some(RecordingDir::take_up(path)?),
        true if is_locked(path) => {
            return Err(Failure::usage(format_args!(
                "the session in {} is being written; wait for its end",
                path.display()
            )));
        }
        true => None,
    };
    let mut all = Vec::new();
    for (name, options) in recording::log_options(path, &config, session.id())? {
        all.push(repaired(name, &options, args.dry_run)?);
    }
    let is_open = all.iter().any(|log| log.plan.fault.is_some() && !log.plan.is_ended);
    if let Some(lock) = lock {
        if is_open && session.state() == "complete" {
            lock.describe(&session.text_of_incomplete())?;
        }
        if !had_lock {
            lock.end()?;
        }
    }
    let text = match args.json {
        true => format!("{:#}\n", json_of(&all, args.dry_run)),
        false => all.iter().map(|log| table_of(log, args.dry_run)).collect(),
    };
    console::write_result(&text)?;
    let damaged = all.iter().find_map(|log| log.plan.fault.as_ref());
    match damaged {
        Some(fault) if args.dry_run => Err(Failure::no(format_args!(
            "{} at byte {}: {}; run it without --dry-run",
            fault.file, fault.offset_bytes, fault.what
        ))),
        Some(_) => {
            let line =
                "what is lost comes again with `tapewatch replay INPUT --session DIR --resume`";
            console.note(line);
            Ok(Status::Done)
        }
        None => Ok(Status::Done),
    }
}

fn repaired(
    name: &'static str,
    options: &LogOptions<Directory>,
    is_dry_run: bool,
) -> Result<Repaired, Failure> {
    let plan = plan(options).map_err(|error| cannot(&error))?;
    if is_dry_run || plan.fault.is_none() {
        return Ok(Repaired { name, plan, put_aside: None });
    }
    let directory = options.place.directory().path();
    let put_aside = put_aside(options, &plan).map_err(|error| {
        Failure::no(format_args!(
            "cannot keep what is damaged in {}: {error}; make room and run it again",
            directory.display()
        ))
    })?;
    let plan = repair(options).map_err(|error| cannot(&error))?;
    Ok(Repaired { name, plan, put_aside: Some(put_aside) })
}

fn cannot(error: &ReopenError) -> Failure {
    if let ReopenError::Log(error @ LogError::Locked { .. }) = error {
        return cannot_read(error);
    }
    Failure::no(format_args!("cannot repair: {error}; restore the session from a copy"))
}

/// Copies the files that are going to change.
fn put_aside(options: &LogOptions<Directory>, plan: &Plan) -> io::Result<PathBuf> {
    let disk = options.place.directory().path();
    let name = (1..).map(put_aside_name).find(|name| !disk.join(name).exists());
    let to = disk.join(name.unwrap_or_default());
    let part = to.with_extension("part");
    match fs::remove_dir_all(&part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        // Absent, or left by a repair that was killed here.
        _ => {}
    }
    fs::create_dir(&part)?;
    for (medium, name) in &plan.changed {
        let (from, name) = match (medium, options.place.memory_directory()) {
            (Medium::Memory, Some(memory)) => (memory.path(), format!("memory-{name}")),
            _ => (disk, name.clone()),
        };
        copy(&from.join(name.trim_start_matches("memory-")), &part.join(&name))?;
    }
    File::open(&part)?.sync_all()?;
    fs::rename(&part, &to)?;
    File::open(disk)?.sync_all()?;
    Ok(to)
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut file = File::create_new(to)?;
    io::copy(&mut File::open(from)?, &mut file)?;
    file.sync_all()
}

/// The sequences that are lost, as far as they are known.
fn lost(plan: &Plan) -> String {
    match (plan.is_cut, plan.dropped_sequence.0) {
        (false, _) => String::from("nothing"),
        (true, 0) => format!("what followed sequence {}", plan.last_sequence.0),
        (true, last) => format!("sequences {} to {last} and on", plan.last_sequence.0 + 1),
    }
}

fn table_of(log: &Repaired, is_dry_run: bool) -> String {
    let Repaired { name, plan, put_aside } = log;
    let Some(fault) = &plan.fault else {
        return format!("{name:<12} nothing is damaged\n");
    };
    let done = if is_dry_run { "would be repaired" } else { "repaired" };
    let mut text = format!("{name:<12} {done}\n");
    let mut line = |name: &str, value: String| text += &format!("  {name:<10} {value}\n");
    line("damage", format!("{} at byte {}: {}", fault.file, fault.offset_bytes, fault.what));
    line(
        "kept",
        format!("{} frames, up to sequence {}", grouped(plan.frames), plan.last_sequence.0),
    );
    line("lost", lost(plan));
    if plan.is_cut {
        let (bytes, frames) = (grouped(plan.dropped_bytes), grouped(plan.dropped_frames));
        line("dropped", format!("{bytes} bytes, {frames} whole frames"));
    }
    if plan.sealed_anew > 0 {
        let what = "get another seal: one noted before proves nothing of them any more";
        line("seals", format!("{} segment(s) {what}", plan.sealed_anew));
    }
    if let Some(put_aside) = put_aside {
        line("originals", put_aside.display().to_string());
    }
    text
}

fn json_of(all: &[Repaired], is_dry_run: bool) -> Value {
    let logs: Vec<Value> = all
        .iter()
        .map(|log| {
            let plan = &log.plan;
            let fault = plan.fault.as_ref().map(|fault| {
                json!({"file": fault.file, "offset": fault.offset_bytes, "what": fault.what})
            });
            json!({
                "log": log.name,
                "fault": fault,
                "cut": plan.is_cut,
                "frames": plan.frames,
                "last_sequence": plan.last_sequence.0,
                "dropped_bytes": plan.dropped_bytes,
                "dropped_frames": plan.dropped_frames,
                "dropped_sequence": plan.dropped_sequence.0,
                "sealed_anew": plan.sealed_anew,
                "originals": log.put_aside.as_ref().map(|path| path.display().to_string()),
            })
        })
        .collect();
    json!({"dry_run": is_dry_run, "logs": logs})
}
