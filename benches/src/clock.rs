//! Times a pass twice: by the wall and by the CPU time of the thread.
//!
//! The wall is the figure. Where the thread did not have its core the whole time (another process, an
//! interrupt), wall exceeds CPU time: such a pass is marked, and its reader decides. Time that a
//! hypervisor took is in both and cannot be told apart here.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// Share of the wall time, in percent, that may be missing from the CPU time of a quiet pass.
const DISTURBED_PERCENT: u32 = 3;

/// How long a pass took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// On the wall.
    pub wall: Duration,
    /// Of it, how long the thread had a core.
    pub cpu: Duration,
}

impl Taken {
    /// Whether the thread lacked its core for more than 3 % of the pass.
    #[must_use]
    pub fn is_disturbed(self) -> bool {
        self.wall.saturating_sub(self.cpu) * 100 > self.wall * DISTURBED_PERCENT
    }

    /// Wall time a message, in ns.
    #[must_use]
    pub fn ns_per_message(self, messages: u64) -> f64 {
        self.wall.as_nanos() as f64 / messages as f64
    }
}

impl core::ops::AddAssign for Taken {
    fn add_assign(&mut self, more: Taken) {
        self.wall += more.wall;
        self.cpu += more.cpu;
    }
}

/// Runs `pass` and tells how long it took.
pub fn timed<T>(pass: impl FnOnce() -> T) -> (T, Taken) {
    let (wall, cpu) = (Instant::now(), thread_cpu());
    let result = pass();
    let taken = Taken { wall: wall.elapsed(), cpu: thread_cpu().saturating_sub(cpu) };
    (result, taken)
}

/// CPU time of this thread since it began.
fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
}

/// Median, least and greatest of some figures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The middle one, or the mean of the two in the middle.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
}

impl Spread {
    /// Of these figures; `None` if there are none.
    #[must_use]
    pub fn of(figures: impl IntoIterator<Item = f64>) -> Option<Spread> {
        let mut sorted: Vec<f64> = figures.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 {
            sorted[middle]
        } else {
            f64::midpoint(sorted[middle - 1], sorted[middle])
        };
        Some(Spread { median, min, max })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_without_its_core_is_disturbed() {
        let ms = Duration::from_millis;
        assert!(Taken { wall: ms(100), cpu: ms(96) }.is_disturbed());
        assert!(!Taken { wall: ms(100), cpu: ms(97) }.is_disturbed());
        assert!(!Taken { wall: ms(100), cpu: ms(101) }.is_disturbed());
    }

    #[test]
    fn work_shows_in_the_cpu_time_of_its_thread() {
        let (sum, taken) = timed(|| (0..20_000_000u64).fold(0, |sum, i| sum ^ (i * i)));
        assert_ne!(sum, 1);
        assert!(taken.cpu > Duration::ZERO && taken.cpu <= taken.wall + Duration::from_millis(1));
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        let spread = Spread::of([4.0, 1.0, 3.0, 2.0]);
        assert_eq!(spread, Some(Spread { median: 2.5, min: 1.0, max: 4.0 }));
        assert_eq!(Spread::of([]), None);
    }
}
