//! `tapewatch simulate --inject-into`: a recorded day with labelled episodes in it.
//!
//! The record is read twice: once to learn who trades when, once to be written with what comes
//! between. Both files appear whole, by rename, at the end. There is no truth.csv: no matching engine
//! made the record.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use exchange::injection::labels::write_jsonl;
use exchange::injection::splice::{self, SpliceError, Spliced, Survey};
use serde_json::json;

use super::SimulateArgs;
use crate::console::{self, Console};
use crate::exit::{Failure, Status};
use crate::interrupt::Interrupt;
use crate::output::decimal::grouped;
use crate::output::files::{OutDir, SealedFile};
use crate::progress::Progress;

const ITCH: &str = "session.itch";
const LABELS: &str = "labels.jsonl";
/// What an earlier run may have left, and is not of this one.
const FOREIGN: [&str; 2] = ["truth.csv", "session.pcap"];

/// Runs the command.
pub(super) fn run(args: &SimulateArgs, record: &Path, console: Console) -> Result<Status, Failure> {
    let Some(out) = &args.out else {
        return Err(Failure::usage("nothing says where to: give --out DIR"));
    };
    let told = |error: &SpliceError| failed(record, error);
    splice::spliced(args.families()).map_err(|error| told(&error))?;
    let interrupt = Interrupt::listen().map_err(|error| {
        Failure::no(format_args!("cannot listen for signals: {error}; run it again"))
    })?;
    let start = Instant::now();
    let survey = Survey::of(open(record)?).map_err(|error| told(&error))?;
    let dir = OutDir::create(out)?;
    for name in FOREIGN.iter().filter(|name| dir.path().join(name).exists()) {
        let path = dir.path().join(name);
        console.warning(&format!("{} is of an earlier run and stays; delete it", path.display()));
    }
    let mut itch = dir.begin(ITCH)?;
    let progress = Progress::messages(console, survey.messages());
    let goes_on = |recorded: u64| {
        progress.show(recorded, recorded);
        !interrupt.is_asked()
    };
    let input = open(record)?;
    let spliced = splice::splice(&survey, args.families(), args.seed, input, &mut itch, goes_on)
        .map_err(|error| match error {
            SpliceError::Write(error) => itch.fault(&error),
            other => told(&other),
        })?;
    itch.flush().map_err(|error| itch.fault(&error))?;
    progress.finish();
    let mut labels = dir.begin(LABELS)?;
    write_jsonl(spliced.labels.iter(), args.day().midnight().0, &mut labels)
        .map_err(|error| labels.fault(&error))?;
    [itch.seal()?, labels.seal()?].into_iter().try_for_each(SealedFile::publish)?;
    report(args, out, &spliced, start)
}

fn open(record: &Path) -> Result<File, Failure> {
    File::open(record).map_err(|error| {
        Failure::usage(format_args!(
            "{}: {error}; give an ITCH 5.0 file (BinaryFILE) that can be read",
            record.display()
        ))
    })
}

fn failed(record: &Path, error: &SpliceError) -> Failure {
    let path = record.display();
    match error {
        SpliceError::Refused(_) => {
            let kinds = splice::SPLICED.map(|family| family.name()).join(",");
            Failure::usage(format_args!("{error}; of --inject these can be: {kinds}"))
        }
        SpliceError::Interrupted => {
            Failure::no(format_args!("interrupted; nothing was written; run it again"))
        }
        SpliceError::Read(_)
        | SpliceError::Truncated { .. }
        | SpliceError::NoTrading
        | SpliceError::Write(_) => Failure::usage(format_args!(
            "{path}: {error}; give a whole ITCH 5.0 file (BinaryFILE, not compressed)"
        )),
    }
}

fn report(
    args: &SimulateArgs,
    out: &Path,
    spliced: &Spliced,
    start: Instant,
) -> Result<Status, Failure> {
    let Spliced { labels, recorded, added } = spliced;
    let (labels, day) = (labels.len(), args.day());
    let text = if args.json {
        let value = json!({
            "tapewatch": env!("CARGO_PKG_VERSION"),
            "directory": out.display().to_string(),
            "date": day.to_string(),
            "seed": args.seed,
            "messages": recorded + added,
            "recorded": recorded,
            "added": added,
            "labels": labels,
            "elapsed_s": start.elapsed().as_secs_f64(),
        });
        format!("{value:#}\n")
    } else {
        format!(
            "date         {day}\nrecorded     {} messages\nadded        {} messages\nlabels       {labels} in \
             labels.jsonl\nreplay it    tapewatch replay {} --date {day}\n",
            grouped(*recorded),
            grouped(*added),
            out.join(ITCH).display()
        )
    };
    console::write_result(&text)?;
    Ok(Status::Done)
}
