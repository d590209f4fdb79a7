//! The run: the floor, row by row, the floor again.
//!
//! A load's packets are made once and go each way, in a session of its own each time; what all of them
//! led to must be the same.

use std::path::Path;
use std::time::{Duration, Instant};

use engine::pipeline::pin;

use super::cuts::Cut;
use super::floor::{Floor, Look};
use super::prepared::{LEAD_NS, Prepared};
use super::row::{Measured, Ran, Row};
use super::rows::{Load, Way};
use super::{in_process, wire};
use crate::bench::input::Tape;
use crate::bench::pipeline::{self, Pipeline};
use crate::config::Config;
use crate::console::Console;
use crate::exit::Failure;
use crate::folder::Folder;
use crate::interrupt::Interrupt;
use crate::progress::Progress;

/// What a row may be late by, besides its own time: a short one is not cut for a hiccup of the host.
const GRACE_NS: u64 = 2_000_000_000;

/// What every row shares.
pub(super) struct Sweep<'a> {
    pub(super) tape: &'a Tape,
    pub(super) cuts: &'a [Cut],
    pub(super) config: &'a Config,
    /// Where sessions lie.
    pub(super) folder: &'a Path,
    /// The engine's core, then the sender's.
    pub(super) cores: &'a [u16],
    /// How long a row is, its warm-up included.
    pub(super) span_ns: u64,
    pub(super) start: Instant,
    pub(super) interrupt: &'a Interrupt,
    pub(super) console: Console,
}

impl Sweep<'_> {
    /// The floor, all rows, the floor again; rows in the order of their ways.
    pub(super) fn measure(
        &self,
        loads: &[Load],
        ways: &[Way],
        floor: Duration,
    ) -> Result<(Vec<Row>, Floor), Failure> {
        let progress = Progress::steps(self.console, 2 + (loads.len() * ways.len()) as u64);
        self.goes_on()?;
        let before = Look::take(self.cores, self.start.elapsed(), floor)?;
        progress.step();
        let mut rows: Vec<Row> = Vec::new();
        let mut left_out = 0;
        for &load in loads {
            let (packets, schedule) = (load.packets(), load.schedule());
            let prepared = Prepared::new(self.tape, self.cuts, packets, schedule, self.span_ns)?;
            left_out = left_out.max(prepared.left_out());
            for &way in ways {
                rows.push(self.row(load, way, &prepared)?);
                progress.step();
            }
            let of_load = &rows[rows.len() - ways.len()..];
            must_be_the_same(of_load.iter().filter(|row| row.is_whole()))?;
        }
        let after = Look::take(self.cores, self.start.elapsed(), floor)?;
        progress.finish();
        self.goes_on()?;
        if left_out > 0 {
            self.console.note(&format!("{left_out} message(s) too short for a time were left out"));
        }
        rows.sort_by_key(|row| ways.iter().position(|way| *way == row.way));
        Ok((rows, Floor::of(before, after)))
    }

    fn goes_on(&self) -> Result<(), Failure> {
        match self.interrupt.is_asked() {
            true => Err(Failure::no("interrupted before all was measured; run it again")),
            false => Ok(()),
        }
    }

    /// One load by one way, in a session of its own.
    fn row(&self, load: Load, way: Way, prepared: &Prepared) -> Result<Row, Failure> {
        let cut_ns = LEAD_NS + 2 * (prepared.last_ns() - LEAD_NS) + GRACE_NS;
        let ran = pipeline::on_a_thread(|| {
            let session = Folder(self.folder.join("session"));
            let (day, is_live) = (self.tape.day, way == Way::UdpLoopback);
            let mut pipeline =
                Pipeline::begin(&session.0, day, self.config, is_live, self.console)?;
            if self.config.board.enabled && pipeline.board().is_none() {
                return Err(Failure::no(
                    "there is no board to publish to; make room for one, or measure without by board.enabled=false",
                ));
            }
            for packet in prepared.before() {
                pipeline.packet(&packet)?;
            }
            self.goes_on()?;
            let (before, began) = (pipeline.messages(), self.start.elapsed());
            let measured = match way {
                Way::InProcess => {
                    let run = in_process::run(&mut pipeline, prepared, cut_ns, self.interrupt);
                    Measured::InProcess(run?)
                }
                Way::UdpLoopback => {
                    let sender = pin::Core(self.cores[1].into());
                    let run = wire::run(&mut pipeline, prepared, sender, cut_ns, self.interrupt);
                    Measured::Wire(Box::new(run?))
                }
            };
            let elapsed = self.start.elapsed() - began;
            self.goes_on()?;
            let applied = pipeline.messages() - before;
            Ok((measured, applied, pipeline.drain()?.end()?, Ran { began, elapsed }))
        });
        let (measured, applied, ended, ran) = ran?;
        let handed = measured.messages(prepared);
        if handed != applied {
            return Err(Failure::no(format_args!(
                "{handed} messages were handed to the engine and it took {applied}; this is a bug, please report it"
            )));
        }
        Ok(Row::of(load, prepared, measured, ended, ran))
    }
}

/// The same messages must have led to the same state, whatever way they came.
fn must_be_the_same<'r>(rows: impl Iterator<Item = &'r Row>) -> Result<(), Failure> {
    let mut hashes = rows.map(|row| row.session.hash);
    let first = hashes.next();
    match hashes.all(|hash| Some(hash) == first) {
        true => Ok(()),
        false => Err(Failure::no(
            "the same messages led to different states by different ways; this is a bug, please report it",
        )),
    }
}

/// Locks the process's memory, all that comes included, where the system permits it; whether it did.
pub(super) fn lock_memory(tape: &Tape, config: &Config, console: Console) -> Result<bool, Failure> {
    // What an engine reserves counts, too: a limit that has no room for that refuses now, and not in the
    // middle of a row.
    let locked = pipeline::on_a_thread(|| {
        let _engine = pipeline::engine(tape.day, config, |_| None)?;
        Ok(engine::memory::lock::lock_all())
    })?;
    if let Err(error) = &locked {
        console.note(&format!(
            "memory is not locked: {error}; raise `ulimit -l` or run with CAP_IPC_LOCK"
        ));
    }
    Ok(locked.is_ok())
}
