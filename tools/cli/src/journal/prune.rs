//! `tapewatch journal prune`: removes the oldest closed segments of a session that nobody needs.
//!
//! The only place besides a recording's upkeep that reads the clock for it.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueHint};
use engine::log::LogKind;
use engine::log::prune::PruneReport;
use serde_json::{Value, json};

use crate::console::{self, Console};
use crate::exit::{Failure, Status};
use crate::journal::line::time_text;
use crate::output::decimal::grouped;
use crate::retention::needed::Needed;
use crate::retention::{self, Keep, LogPlan, Logs, PruneLock};
use crate::session_dir::SessionDir;
use crate::span;

const EXAMPLES: &str = "\
Examples:
  tapewatch journal prune session --keep 5d --dry-run
  tapewatch journal prune session --keep-bytes 100G

Segments of the journal and of the output log go, oldest first, with their indexes. What the newest valid
snapshot or a consumer's cursor still needs stays, and so does what is not closed: a session may be
recorded meanwhile. Exit status: 0 done, also where nothing may go; 1 it could not be done; 2 usage.";

/// Remove a session's oldest segments.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct PruneArgs {
    /// The directory of a recorded session.
    #[arg(value_name = "SESSION", value_hint = ValueHint::DirPath)]
    session: PathBuf,
    /// Keep what was received within this time, such as 5d or 12h.
    #[arg(long, value_name = "DURATION", value_parser = span::parse, required_unless_present = "keep_bytes")]
    keep: Option<Duration>,
    /// Keep the newest segments, as many as have no more bytes than this: 500M, 100G, 2T.
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    keep_bytes: Option<u64>,
    /// Tell what would go, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// A number of bytes: `100G`, `512M`, `4096`; units are powers of 1,024.
fn bytes(text: &str) -> Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let shift = match unit.trim_end_matches("iB").trim_end_matches('B') {
        "" => 0,
        "K" | "k" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => return Err(String::from("bytes are a whole number and K, M, G or T, such as 100G")),
    };
    let number: u64 =
        number.parse().map_err(|_| String::from("bytes are a whole number, such as 100G"))?;
    number.checked_mul(1 << shift).ok_or_else(|| String::from("more bytes than there can be"))
}

/// Runs the command.
pub(super) fn run(args: &PruneArgs, console: Console) -> Result<Status, Failure> {
    let session = SessionDir::open(&args.session)?;
    let _lock = PruneLock::take(session.path())?;
    let logs = Logs {
        path: session.path().to_owned(),
        journal: session.journal_directories()?,
        output: session.output_directories()?,
    };
    let needed = Needed::of(session.path(), session.id())?;
    let keep = Keep { age: args.keep, bytes: args.keep_bytes };
    let plans = retention::plan(&logs, keep, &needed, retention::now())?;
    if !args.dry_run && plans.iter().any(|plan| !plan.removed().is_empty()) {
        retention::make_durable(session.path())?;
    }
    let mut done = Vec::new();
    for plan in &plans {
        done.push(match args.dry_run {
            true => None,
            false => Some(retention::carry_out(plan)?),
        });
        if let Some(why) = &plan.held {
            console.note(&format!("{}: {why}", name_of(plan.kind)));
        }
    }
    let told: Vec<_> = plans.iter().zip(&done).collect();
    let text = match args.json {
        true => format!("{:#}\n", json_of(args.dry_run, &told)),
        false => table_of(args.dry_run, &told),
    };
    console::write_result(&text)?;
    Ok(Status::Done)
}

fn name_of(kind: LogKind) -> &'static str {
    match kind {
        LogKind::Journal => "journal",
        LogKind::Output => "output log",
    }
}

fn json_of(dry_run: bool, told: &[(&LogPlan, &Option<PruneReport>)]) -> Value {
    let log = |(plan, done): &(&LogPlan, &Option<PruneReport>)| {
        json!({
            "log": match plan.kind { LogKind::Journal => "journal", LogKind::Output => "output" },
            "first_segment": plan.first_kept().0,
            "segments_removed": plan.removed().len(),
            "bytes_removed": plan.removed_bytes(),
            "bytes_left": plan.bytes() - plan.removed_bytes(),
            "files_removed": done.map_or(0, |done| done.removed_files),
            "held": plan.held,
        })
    };
    json!({ "dry_run": dry_run, "logs": told.iter().map(log).collect::<Vec<_>>() })
}

fn table_of(dry_run: bool, told: &[(&LogPlan, &Option<PruneReport>)]) -> String {
    let mut text = String::new();
    let verb = if dry_run { "would go" } else { "removed" };
    for (plan, _) in told {
        let removed = plan.removed();
        let until = removed.last().and_then(|segment| segment.greatest_time);
        let until = until.map_or_else(String::new, |time| format!(", up to {}", time_text(time)));
        text += &format!(
            "{:<12} {} segment(s), {} bytes {verb}{until}; begins with segment {}, {} bytes left\n",
            name_of(plan.kind),
            removed.len(),
            grouped(plan.removed_bytes()),
            plan.first_kept().0,
            grouped(plan.bytes() - plan.removed_bytes()),
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn bytes_are_numbers_with_a_unit() {
        for (given, expected) in
            [("0", 0), ("4096", 4_096), ("2K", 2_048), ("100G", 100 << 30), ("1TiB", 1 << 40)]
        {
            assert_eq!(bytes(given), Ok(expected), "{given}");
        }
        for wrong in ["", "G", "-1", "1.5G", "5 G", "5X", "99999999999999999999", "99999999999T"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }
}
