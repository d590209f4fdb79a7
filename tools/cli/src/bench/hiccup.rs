//! `tapewatch bench hiccup`: how long this host keeps a spinning thread from its core.
//!
//! A thread pinned to each core reads the clock in a tight loop and records the gap between each two
//! reads. Most gaps are the cost of a read and of the recording; what is far above was taken by
//! interrupts, the scheduler, the hypervisor or the firmware. No latency that is measured on these
//! cores can be better than this floor.
//!
//! Percentiles are of time, not of gaps: in 99 % of the time the thread was in a gap no longer than
//! p99. So a pause of a second weighs as much as all the short gaps that it kept from being seen.

use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use core_affinity::CoreId;
use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::bench::host::Host;
use crate::console::{self, Console};
use crate::exit::{Failure, Status};
use crate::output::decimal::grouped;
use crate::output::table;
use crate::progress::Progress;

const EXAMPLES: &str = "\
Examples:
  tapewatch bench hiccup
  tapewatch bench hiccup --cores 2,3 --seconds 60 --json

Without --cores every core that this process may use is measured, two at a time. Lost is the share
of time in gaps above 8 times the least.";

/// Threads that spin at the same time unless more cores are named.
const AT_A_TIME: usize = 2;

/// A gap this many times the least is lost time: rigtorp's hiccups uses the same.
const LOST_MULTIPLE: u64 = 8;

/// Longest gap that is recorded as it is; a longer one counts as this and as saturated.
const GAP_MAX_NS: u64 = 60_000_000_000;

/// Digits to which a gap is recorded.
const DIGITS: u8 = 3;

/// Reads before the measurement, so that code, caches, branches and clock speed are warm.
const WARM_UP: Duration = Duration::from_millis(50);

/// Highest number of a core that an affinity mask of the C library can hold.
pub(super) const CORE_MAX: u16 = 1_023;

/// Measure how long this host keeps a spinning thread from its core: the floor of any latency.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct HiccupArgs {
    /// How long each core is measured.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// The cores, all at the same time [default: those allowed, two at a time].
    #[arg(long, value_name = "A,B,...", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(0..=i64::from(CORE_MAX)))]
    cores: Vec<u16>,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(args: &HiccupArgs, console: Console) -> Result<Status, Failure> {
    let duration = Duration::from_secs(args.seconds);
    let (cores, at_a_time) = match &args.cores[..] {
        [] => (allowed_cores()?, AT_A_TIME),
        named => (named.to_vec(), named.len()),
    };
    check(&cores)?;
    let waves = cores.chunks(at_a_time);
    if waves.len() > 1 {
        let seconds = args.seconds.saturating_mul(waves.len() as u64);
        console.note(&format!("{} cores, two at a time: {seconds} s", cores.len()));
    }
    let progress = Progress::steps(console, waves.len() as u64);
    let mut measured = Vec::new();
    for wave in waves {
        measured.extend(measure(wave, duration)?);
        progress.step();
    }
    progress.finish();
    let host = Host::look();
    let text = if args.json {
        format!("{:#}\n", json_of(&measured, args.seconds, &host))
    } else {
        text_of(&measured, args.seconds, &host)
    };
    console::write_result(&text)?;
    Ok(Status::Done)
}

/// Whether a thread can be pinned to each of `cores`, none of which is named twice. Before any
/// measurement: a wrong core is told now, not after minutes.
pub(super) fn check(cores: &[u16]) -> Result<(), Failure> {
    for (place, core) in cores.iter().enumerate() {
        if cores[..place].contains(core) {
            return Err(Failure::usage(format_args!(
                "--cores names core {core} twice; two threads on one core would measure each other"
            )));
        }
    }
    cores.iter().try_for_each(|&core| on_a_thread(core, move || pin(core)))
}

/// The cores that this process may use now.
pub(super) fn allowed_cores() -> Result<Vec<u16>, Failure> {
    let mask = rustix::thread::sched_getaffinity(None).map_err(|error| {
        Failure::usage(format_args!(
            "cannot ask for the allowed cores: {error}; name some by --cores"
        ))
    })?;
    Ok((0..=CORE_MAX).filter(|core| mask.is_set(usize::from(*core))).collect())
}

/// Measures these cores, all at the same time, for `duration` each.
///
/// # Errors
/// Usage (2): a thread cannot be started or pinned to its core.
pub(super) fn measure(cores: &[u16], duration: Duration) -> Result<Vec<Hiccups>, Failure> {
    let begin = Instant::now() + WARM_UP;
    thread::scope(|scope| {
        let threads: Vec<_> = cores
            .iter()
            .map(|&core| {
                let work = move || measure_here(core, begin, duration);
                named(core).spawn_scoped(scope, work).map_err(|error| not_started(&error))
            })
            .collect();
        threads.into_iter().map(|started| joined(started?.join())).collect()
    })
}

/// `work` on a thread of its own, whose mask it may change.
fn on_a_thread<T: Send + 'static>(
    core: u16,
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let started = named(core).spawn(work).map_err(|error| not_started(&error))?;
    joined(started.join())
}

fn named(core: u16) -> thread::Builder {
    thread::Builder::new().name(format!("hiccup-{core}"))
}

fn not_started(error: &std::io::Error) -> Failure {
    Failure::usage(format_args!("cannot start a thread: {error}; name fewer cores with --cores"))
}

fn joined<T>(ended: thread::Result<Result<T, Failure>>) -> Result<T, Failure> {
    ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Pins this thread to `core`, and reads back that it is.
fn pin(core: u16) -> Result<(), Failure> {
    let id = usize::from(core);
    let is_set = core_affinity::set_for_current(CoreId { id });
    let is_there = is_set
        && rustix::thread::sched_getaffinity(None)
            .is_ok_and(|mask| mask.count() == 1 && mask.is_set(id));
    if is_there {
        return Ok(());
    }
    Err(Failure::usage(format_args!(
        "core {core} is not there or not allowed here; `tapewatch doctor` tells the cores, --cores names them"
    )))
}

/// Measures the core that this thread will be pinned to; warm until `begin`.
fn measure_here(core: u16, begin: Instant, duration: Duration) -> Result<Hiccups, Failure> {
    pin(core)?;
    let mut hiccups = Hiccups::new(core);
    hiccups.watch(begin);
    hiccups.clear();
    hiccups.watch(Instant::now() + duration);
    Ok(hiccups)
}

/// The gaps of one core.
#[derive(Clone, Debug)]
pub(super) struct Hiccups {
    core: u16,
    gaps_ns: Histogram<u64>,
    /// Exact, where the histogram has three digits.
    max_ns: u64,
    saturated: u64,
    /// Gaps recorded.
    samples: u64,
    elapsed: Duration,
}

impl Hiccups {
    /// None yet. Every page of the histogram is touched, so that recording never faults.
    fn new(core: u16) -> Hiccups {
        // The bounds are constants that the histogram takes.
        let gaps_ns = Histogram::new_with_bounds(1, GAP_MAX_NS, DIGITS)
            .unwrap_or_else(|error| unreachable!("a histogram of constant bounds: {error}"));
        let mut hiccups =
            Hiccups { core, gaps_ns, max_ns: 0, saturated: 0, samples: 0, elapsed: Duration::ZERO };
        hiccups.clear();
        hiccups
    }

    /// Forgets everything; writes every count.
    fn clear(&mut self) {
        self.gaps_ns.reset();
        (self.max_ns, self.saturated, self.samples) = (0, 0, 0);
        self.elapsed = Duration::ZERO;
    }

    /// Reads the clock until it is past `until`.
    fn watch(&mut self, until: Instant) {
        let start = Instant::now();
        let mut last = start;
        while last < until {
            let now = Instant::now();
            self.record(now.duration_since(last));
            last = now;
        }
        self.elapsed += last.duration_since(start);
    }

    /// Records one gap.
    fn record(&mut self, gap: Duration) {
        let gap_ns = u64::try_from(gap.as_nanos()).unwrap_or(u64::MAX);
        // Weighted by its length: a message that arrives at any instant meets a long gap more likely
        // than a short one. One count a gap would leave out all that would have come in a long one.
        self.gaps_ns.saturating_record_n(gap_ns.min(GAP_MAX_NS), gap_ns);
        self.samples += 1;
        self.max_ns = self.max_ns.max(gap_ns);
        self.saturated += u64::from(gap_ns > GAP_MAX_NS);
    }

    /// The least gap that was not zero: what a read costs, or the clock's step where that is more.
    pub(super) fn least_ns(&self) -> u64 {
        // A histogram without such a gap gives the greatest number.
        Some(self.gaps_ns.min_nz()).filter(|least| *least <= GAP_MAX_NS).unwrap_or(0)
    }

    /// The gap that is not exceeded in `quantile` (0 to 1) of the time.
    pub(super) fn quantile_ns(&self, quantile: f64) -> u64 {
        // The histogram gives the upper end of its class.
        self.gaps_ns.value_at_quantile(quantile).min(self.max_ns)
    }

    /// The share of time in gaps above [`LOST_MULTIPLE`] times the least.
    fn lost_share(&self) -> f64 {
        let threshold_ns = self.least_ns().saturating_mul(LOST_MULTIPLE);
        let lost_ns: f64 = self
            .gaps_ns
            .iter_recorded()
            .map(|class| (class.value_iterated_to(), class.count_at_value()))
            .filter(|(gap_ns, _)| *gap_ns > threshold_ns)
            .map(|(_, time_ns)| time_ns as f64)
            .sum();
        let elapsed_ns = self.elapsed.as_nanos() as f64;
        if elapsed_ns > 0.0 { (lost_ns / elapsed_ns).min(1.0) } else { 0.0 }
    }

    /// The core.
    pub(super) fn core(&self) -> u16 {
        self.core
    }

    /// The gaps, each counted as often as it has nanoseconds.
    pub(super) fn gaps_ns(&self) -> &Histogram<u64> {
        &self.gaps_ns
    }

    /// How long they were recorded.
    pub(super) fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// Adds those of another time on the same core.
    pub(super) fn add(&mut self, other: &Hiccups) {
        debug_assert_eq!(self.core, other.core, "Invariant: gaps are added up core by core");
        for class in other.gaps_ns.iter_recorded() {
            self.gaps_ns.saturating_record_n(class.value_iterated_to(), class.count_at_value());
        }
        self.max_ns = self.max_ns.max(other.max_ns);
        self.saturated += other.saturated;
        self.samples += other.samples;
        self.elapsed += other.elapsed;
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        json!({
            "core": self.core,
            "p50_ns": self.quantile_ns(0.5),
            "p90_ns": self.quantile_ns(0.9),
            "p99_ns": self.quantile_ns(0.99),
            "p999_ns": self.quantile_ns(0.999),
            "p9999_ns": self.quantile_ns(0.9999),
            "max_ns": self.max_ns,
            "samples": self.samples,
            "lost_share": self.lost_share(),
            "min_ns": self.least_ns(),
            "saturated": self.saturated,
        })
    }

    /// The longest gap.
    pub(super) fn max_ns(&self) -> u64 {
        self.max_ns
    }

    fn row(&self) -> [String; 10] {
        let at = |quantile: f64| grouped(self.quantile_ns(quantile));
        [
            self.core.to_string(),
            grouped(self.least_ns()),
            at(0.5),
            at(0.9),
            at(0.99),
            at(0.999),
            at(0.9999),
            grouped(self.max_ns),
            grouped(self.samples),
            format!("{:.4} %", self.lost_share() * 100.0),
        ]
    }
}

fn json_of(measured: &[Hiccups], seconds: u64, host: &Host) -> Value {
    let cores: Vec<Value> = measured.iter().map(Hiccups::json).collect();
    json!({"cores": cores, "seconds": seconds, "host": host.json()})
}

fn text_of(measured: &[Hiccups], seconds: u64, host: &Host) -> String {
    let header =
        ["core", "least ns", "p50", "p90", "p99", "p99.9", "p99.99", "max", "samples", "lost"];
    let saturated: u64 = measured.iter().map(|hiccups| hiccups.saturated).sum();
    let host = host.lines().join("\n");
    format!(
        "{}\ngaps between two reads of the clock on a pinned thread, ns; {seconds} s a core; {} above one minute\n\
         percentiles are of time: in 99 % of it the thread was in a gap no longer than p99
\
         lost: share of time in gaps above {LOST_MULTIPLE} times the least\n{host}\n",
        table::aligned(&header, measured.iter().map(Hiccups::row), &[]),
        grouped(saturated),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a second with these gaps gives.
    fn of(gaps_ns: &[u64]) -> Hiccups {
        let mut hiccups = Hiccups::new(0);
        for gap_ns in gaps_ns {
            hiccups.record(Duration::from_nanos(*gap_ns));
        }
        hiccups.elapsed = Duration::from_secs(1);
        hiccups
    }

    #[test]
    fn lost_time_is_in_gaps_above_eight_times_the_least() {
        // The threshold is 8 × 25 = 200 ns: 200 is not above it, 1 ms and 99 ms are.
        let hiccups = of(&[0, 25, 30, 200, 1_000_000, 99_000_000]);
        assert_eq!(hiccups.least_ns(), 25);
        assert!((hiccups.lost_share() - 0.1).abs() < 1e-4, "{}", hiccups.lost_share());
        assert_eq!(of(&[25, 30]).lost_share(), 0.0);
    }

    #[test]
    fn quantiles_never_exceed_the_greatest_gap() {
        let mut gaps: Vec<u64> = vec![30; 9_999];
        gaps.push(1_234_567);
        let hiccups = of(&gaps);
        // 9,999 gaps of 30 ns are a fifth of the time, the long one is the rest.
        assert_eq!(hiccups.quantile_ns(0.19), 30);
        assert_eq!(hiccups.quantile_ns(0.5), 1_234_567);
        assert_eq!(hiccups.quantile_ns(1.0), 1_234_567);
        assert_eq!(hiccups.max_ns, 1_234_567);
    }

    #[test]
    fn a_gap_too_long_to_record_is_counted_and_the_greatest_stays_exact() {
        let hiccups = of(&[25, GAP_MAX_NS + 1]);
        assert_eq!((hiccups.saturated, hiccups.max_ns), (1, GAP_MAX_NS + 1));
        assert_eq!(hiccups.samples, 2);
        assert_eq!(hiccups.lost_share(), 1.0);
    }

    #[test]
    fn what_is_added_up_is_as_if_it_had_been_recorded_at_once() {
        let (mut one, other) = (of(&[25, 30, 1_000_000]), of(&[20, 30, 5_000_000]));
        one.add(&other);
        let at_once = Hiccups {
            elapsed: Duration::from_secs(2),
            ..of(&[25, 30, 1_000_000, 20, 30, 5_000_000])
        };
        assert_eq!(one.json(), at_once.json());
        assert_eq!((one.samples, one.max_ns), (6, 5_000_000));
    }

    #[test]
    fn nothing_measured_is_nothing_lost() {
        let hiccups = Hiccups::new(0);
        assert_eq!((hiccups.least_ns(), hiccups.lost_share()), (0, 0.0));
        assert_eq!(hiccups.json()["samples"], 0);
    }

    #[test]
    fn a_thread_is_pinned_where_it_may_be_and_refused_where_not() {
        let core = allowed_cores().unwrap()[0];
        let masked = on_a_thread(core, move || {
            pin(core)?;
            allowed_cores()
        });
        assert_eq!(masked.unwrap(), [core]);
        let refused = on_a_thread(CORE_MAX, || pin(CORE_MAX)).unwrap_err();
        assert!(refused.line.contains("core 1023 is not there"), "{}", refused.line);
    }

    #[test]
    fn a_core_named_twice_is_refused() {
        assert!(check(&[0, 1, 0]).unwrap_err().line.contains("core 0 twice"));
        assert!(check(&allowed_cores().unwrap()).is_ok());
    }
}
