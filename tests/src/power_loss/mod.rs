//! Losses of power, by seed: something is written to a disk that fails, the power goes, and what is left
//! is taken up and checked.
//!
//! A [`Workload`] says what is written and what may be left of it; a [`Seed`] how the disk fails and when
//! the power goes. [`run`] does one seed, the program `power-loss` as many as are asked for. The workload
//! runs threads of its own, so a seed decides what the disk does but not at which of their calls.
//!
//! - [`logs`]: journals and output logs, gone on with after the loss, also after one while they are
//!   being taken up
//! - [`cursors`]: cursors of consumers

pub mod cursors;
pub mod lenient;
pub mod logs;

use engine::log::storage::Storage;
use engine::log::storage::fault::FaultStorage;

use crate::random::Random;

/// What can lose power.
pub trait Workload {
    /// What is known of what was written, for the check.
    type Written;

    /// Called so in messages.
    fn name(&self) -> String;

    /// Writes to `disk`, which may fail at any call, and gives what the power leaves of it: what it was
    /// at some moment of the work, passed through
    /// [`after_power_loss`](FaultStorage::after_power_loss).
    ///
    /// # Errors
    /// What went wrong that may not.
    fn write(
        &self,
        seed: &mut Seed,
        disk: &FaultStorage,
    ) -> Result<(Self::Written, FaultStorage), String>;

    /// Takes up what was left, which `wrap` gives as it is read, and holds it to what was written.
    ///
    /// # Errors
    /// What is not as it must be.
    fn check<S, W>(
        &self,
        seed: &mut Seed,
        written: Self::Written,
        left: FaultStorage,
        wrap: W,
    ) -> Result<Outcome, String>
    where
        S: Storage + Clone + 'static,
        S::File: 'static,
        W: Fn(FaultStorage) -> S;
}

/// What a seed came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Runs.
    pub runs: u64,
    /// Runs in which something that was not durable was lost.
    pub lost: u64,
    /// Runs in which whole frames behind a hole were dropped.
    pub dropped: u64,
    /// Runs in which the disk refused a call.
    pub failed: u64,
    /// Runs that were told to be corruption, as they were.
    pub corrupt: u64,
    /// Runs in which the power went once more while what was left was taken up.
    pub again: u64,
}

impl Outcome {
    /// Adds another's counts.
    pub fn add(&mut self, other: Outcome) {
        self.runs += other.runs;
        self.lost += other.lost;
        self.dropped += other.dropped;
        self.failed += other.failed;
        self.corrupt += other.corrupt;
        self.again += other.again;
    }
}

/// How a run fails. Drawn from in a fixed order.
pub struct Seed {
    /// Its number.
    pub number: u64,
    /// Where all is drawn from.
    pub random: Random,
}

impl Seed {
    /// The seed with a number.
    #[must_use]
    pub fn new(number: u64) -> Seed {
        Seed { number, random: Random::new(number.wrapping_mul(0x2545_F491_4F6C_DD1D)) }
    }

    /// Whether something happens that does `times` in 100.
    pub fn happens(&mut self, times: u64) -> bool {
        self.random.below(100) < times
    }
}

/// Runs one seed of a workload; `wrap` gives a storage as it is read after the loss.
///
/// # Errors
/// What is not as it must be, with the workload and the seed.
pub fn run_reading<L, S, W>(workload: &L, number: u64, wrap: W) -> Result<Outcome, String>
where
    L: Workload,
    S: Storage + Clone + 'static,
    S::File: 'static,
    W: Fn(FaultStorage) -> S,
{
    let mut seed = Seed::new(number);
    let told = |what: String| format!("{}, seed {number}: {what}", workload.name());
    let disk = FaultStorage::new(Default::default());
    let (written, left) = workload.write(&mut seed, &disk).map_err(told)?;
    let mut outcome = workload.check(&mut seed, written, left, wrap).map_err(told)?;
    outcome.runs = 1;
    Ok(outcome)
}

/// Runs one seed of every workload.
///
/// # Errors
/// As [`run_reading`].
pub fn run(number: u64) -> Result<Outcome, String> {
    let mut outcome = Outcome::default();
    let all = logs::LogWork::all();
    let work = &all[(number % all.len() as u64) as usize];
    outcome.add(run_reading(work, number, |disk| disk)?);
    if number.is_multiple_of(4) {
        outcome.add(run_reading(&cursors::CursorWork, number, |disk| disk)?);
    }
    Ok(outcome)
}
