//! Two pinned threads and a queue of 64-byte values between them: streams and ping-pong.
//!
//! [`contenders`] are our ring and published ones. Every run checks that all values arrived in order.
//! All contenders wait in the same way: a spin-loop hint between two looks. The floor under a
//! ping-pong is [`line_round_trip_ns`]: what the two cores need to bounce a cache line each way,
//! without any queue.

pub mod contenders;

use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use engine::event::{Event, Kind};
use engine::pipeline::pin::{Core, allowed_cores, pin_current_thread};

use self::contenders::Contender;

/// Values of a chunk.
pub const CHUNK: usize = 32;

/// The value at `sequence` of a stream.
#[must_use]
pub fn value(sequence: u64) -> Event {
    Event {
        sequence,
        time_ns: sequence as i64,
        recv_ns: sequence as i64,
        symbol: sequence as u32,
        kind: Kind::Add as u8,
        side: b'B',
        flags: 0,
        words: [sequence; 4],
    }
}

/// What is done with a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// One thread sends single values as fast as it can, the other takes them one by one.
    Single,
    /// One thread sends chunks of [`CHUNK`], the other takes all there is at a time.
    Chunks,
    /// A value goes to the other thread and comes back through a second queue.
    PingPong,
}

impl Pattern {
    /// All.
    pub const ALL: [Pattern; 3] = [Pattern::Single, Pattern::Chunks, Pattern::PingPong];

    /// Its name in JSON, and what it does.
    #[must_use]
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Pattern::Single => ("single", "stream, single values"),
            Pattern::Chunks => ("chunks", "stream, chunks of 32"),
            Pattern::PingPong => ("ping_pong", "ping-pong, round trip"),
        }
    }

    /// Time for `count` values or round trips.
    #[must_use]
    pub fn run<C: Contender>(self, cores: Cores, capacity: usize, count: u64) -> Duration {
        match self {
            Pattern::Single => single::<C>(cores, capacity, count),
            Pattern::Chunks => chunks::<C>(cores, capacity, count),
            Pattern::PingPong => ping_pong::<C>(cores, capacity, count),
        }
    }
}

/// The two cores of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cores {
    /// Of the thread that takes, or pings.
    pub first: Core,
    /// Of the thread that sends, or echoes.
    pub second: Core,
}

impl Cores {
    /// The first two that this process may use; `None` if there is but one.
    #[must_use]
    pub fn first_two() -> Option<Cores> {
        match allowed_cores().as_slice() {
            &[first, second, ..] => Some(Cores { first, second }),
            _ => None,
        }
    }

    /// Whether they are two, and threads can be pinned to them.
    #[must_use]
    pub fn are_usable(self) -> bool {
        self.first != self.second
            && [self.first, self.second].into_iter().all(|core| {
                thread::spawn(move || pin_current_thread(core))
                    .join()
                    .is_ok_and(|pinned| pinned.is_ok())
            })
    }
}

/// Runs both at the same time, each on its core; gives what the first gives. The second is on its core
/// before the first begins.
///
/// # Panics
/// If the cores cannot be used, see [`Cores::are_usable`], or a run finds a wrong value.
fn on_cores<R: Send>(
    cores: Cores,
    first: impl FnOnce() -> R + Send,
    second: impl FnOnce() + Send,
) -> R {
    let is_ready = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            pin_current_thread(cores.second).expect("the second core can be used");
            is_ready.store(true, Ordering::Release);
            second();
        });
        let first = scope.spawn(|| {
            pin_current_thread(cores.first).expect("the first core can be used");
            while !is_ready.load(Ordering::Acquire) {
                wait();
            }
            first()
        });
        first.join().expect("a run ends well")
    })
}

#[inline(always)]
fn wait() {
    spin_loop();
}

/// That all values of a stream arrive, in order and whole.
#[derive(Default)]
struct Checked {
    next: u64,
    wrong: u64,
}

impl Checked {
    #[inline(always)]
    fn take(&mut self, value: &Event) {
        self.wrong |= (value.sequence ^ self.next) | (value.words[3] ^ self.next);
        self.next += 1;
    }

    fn end(&self) {
        assert_eq!(self.wrong, 0, "values arrived out of order");
    }
}

// In each run the closures own their ends, as threads of a program would: ends that lie side by side
// on one stack share a cache line, which costs some contenders half their speed.

fn single<C: Contender>(cores: Cores, capacity: usize, count: u64) -> Duration {
    let (mut sender, mut receiver) = C::make(capacity);
    let take = move || {
        let start = Instant::now();
        let mut checked = Checked::default();
        while checked.next < count {
            checked.take(&receive::<C>(&mut receiver));
        }
        checked.end();
        start.elapsed()
    };
    let send = move || (0..count).for_each(|sequence| send::<C>(&mut sender, &value(sequence)));
    on_cores(cores, take, send)
}

fn chunks<C: Contender>(cores: Cores, capacity: usize, count: u64) -> Duration {
    let (mut sender, mut receiver) = C::make(capacity);
    let take = move || {
        let start = Instant::now();
        let mut checked = Checked::default();
        while checked.next < count {
            if C::receive_all(&mut receiver, |value| checked.take(value)) == 0 {
                wait();
            }
        }
        checked.end();
        start.elapsed()
    };
    let send = move || {
        let mut chunk: Vec<Event> = (0..CHUNK as u64).map(value).collect();
        let mut sent = 0;
        while sent < count {
            for (sequence, value) in (sent..).zip(&mut chunk) {
                value.sequence = sequence;
                value.words[3] = sequence;
            }
            let mut rest = &chunk[..CHUNK.min((count - sent) as usize)];
            sent += rest.len() as u64;
            while !rest.is_empty() {
                match C::send_chunk(&mut sender, rest) {
                    0 => wait(),
                    count => rest = &rest[count..],
                }
            }
        }
    };
    on_cores(cores, take, send)
}

fn ping_pong<C: Contender>(cores: Cores, capacity: usize, count: u64) -> Duration {
    let (mut sender, mut echo_receiver) = C::make(capacity);
    let (mut echo_sender, mut receiver) = C::make(capacity);
    let ping = move || {
        let start = Instant::now();
        let mut checked = Checked::default();
        for sequence in 0..count {
            send::<C>(&mut sender, &value(sequence));
            checked.take(&receive::<C>(&mut receiver));
        }
        checked.end();
        start.elapsed()
    };
    let pong = move || {
        for _ in 0..count {
            let value = receive::<C>(&mut echo_receiver);
            send::<C>(&mut echo_sender, &value);
        }
    };
    on_cores(cores, ping, pong)
}

#[inline(always)]
fn send<C: Contender>(sender: &mut C::Sender, value: &Event) {
    while !C::send(sender, value) {
        wait();
    }
}

#[inline(always)]
fn receive<C: Contender>(receiver: &mut C::Receiver) -> Event {
    loop {
        match C::receive(receiver) {
            Some(value) => return value,
            None => wait(),
        }
    }
}

/// A counter with lines of its own.
#[repr(align(128))]
#[derive(Default)]
struct Line(AtomicU64);

/// Time of one round trip of a cache line between the two cores, in ns: each thread writes its own
/// counter and waits for the other's.
#[must_use]
pub fn line_round_trip_ns(cores: Cores, count: u64) -> f64 {
    let (ping, pong) = (Line::default(), Line::default());
    let await_turn = |line: &Line, turn| {
        while line.0.load(Ordering::Acquire) != turn {
            wait();
        }
    };
    let first = || {
        let start = Instant::now();
        for turn in 1..=count {
            ping.0.store(turn, Ordering::Release);
            await_turn(&pong, turn);
        }
        start.elapsed()
    };
    let second = || {
        for turn in 1..=count {
            await_turn(&ping, turn);
            pong.0.store(turn, Ordering::Release);
        }
    };
    on_cores(cores, first, second).as_nanos() as f64 / count as f64
}

#[cfg(test)]
mod tests {
    use super::contenders::{Crossbeam, Disruptor, Rtrb, Tapewatch};
    use super::*;

    /// The runs check the values themselves.
    #[test]
    fn every_contender_carries_every_pattern() {
        let Some(cores) = Cores::first_two().filter(|cores| cores.are_usable()) else {
            return;
        };
        for pattern in Pattern::ALL {
            let _ = pattern.run::<Tapewatch>(cores, 64, 5_000);
            let _ = pattern.run::<Rtrb>(cores, 64, 5_000);
            let _ = pattern.run::<Crossbeam>(cores, 64, 5_000);
            let _ = pattern.run::<Disruptor>(cores, 64, 5_000);
        }
        assert!(line_round_trip_ns(cores, 5_000) > 0.0);
    }

    #[test]
    fn one_core_is_not_two() {
        assert!(!Cores { first: Core(0), second: Core(0) }.are_usable());
        assert!(!Cores { first: Core(0), second: Core(1_000) }.are_usable());
    }

    #[test]
    #[should_panic(expected = "out of order")]
    fn a_value_out_of_order_fails_a_run() {
        let mut checked = Checked::default();
        checked.take(&value(1));
        checked.end();
    }
}
