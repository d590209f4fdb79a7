//! Two pinned threads and a queue of 64-byte values between them: streams and ping-pong.
//!
//! [`contenders`] are our ring and published ones. Every run checks that all values arrived in order.
//! All contenders wait in the same way. The floor under a ping-pong is [`line_round_trip_ns`]: what
//! the two cores need to bounce one cache line each way, without any queue.

pub mod contenders;

use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use core_affinity::CoreId;
use engine::event::{Event, Kind};

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

    /// Time for `count` values (round trips).
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
    /// Of the thread that sends first.
    pub first: usize,
    /// Of the other.
    pub second: usize,
}

/// Runs both at the same time, each on its core; gives what the first gives. The second is on its core
/// before the first begins.
fn on_cores<R: Send>(
    cores: Cores,
    first: impl FnOnce() -> R + Send,
    second: impl FnOnce() + Send,
) -> R {
    let is_ready = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            pin(cores.second);
            is_ready.store(true, Ordering::Release);
            second();
        });
        let first = scope.spawn(|| {
            pin(cores.first);
            while !is_ready.load(Ordering::Acquire) {
                spin_loop();
            }
            first()
        });
        first.join().expect("a run ends well")
    })
}

fn pin(core: usize) {
    assert!(core_affinity::set_for_current(CoreId { id: core }), "core {core} can be used");
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

fn single<C: Contender>(cores: Cores, capacity: usize, count: u64) -> Duration {
    let (mut sender, mut receiver) = C::make(capacity);
    let taken = move || {
        let start = Instant::now();
        let mut checked = Checked::default();
        while checked.next < count {
            match C::receive(&mut receiver) {
                Some(value) => checked.take(&value),
                None => wait(),
            }
        }

        checked.end();
        start.elapsed()
    };
    let send = move || {
        for sequence in 0..count {
            let value = value(sequence);
            while !C::send(&mut sender, &value) {
                wait();
            }
        }
    };
    on_cores(Cores { first: cores.second, second: cores.first }, taken, send)
}

fn chunks<C: Contender>(cores: Cores, capacity: usize, count: u64) -> Duration {
    let (mut sender, mut receiver) = C::make(capacity);
    let taken = move || {
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
    on_cores(Cores { first: cores.second, second: cores.first }, taken, send)
}

fn ping_pong<C: Contender>(cores: Cores, capacity: usize, count: u64) -> Duration {
    let (mut sender, mut echo_receiver) = C::make(capacity);
    let (mut echo_sender, mut receiver) = C::make(capacity);
    let ping = move || {
        let start = Instant::now();
        let mut checked = Checked::default();
        for sequence in 0..count {
            let ping = value(sequence);
            while !C::send(&mut sender, &ping) {
                wait();
            }
            checked.take(&receive::<C>(&mut receiver));
        }
        checked.end();
        start.elapsed()
    };
    let pong = move || {
        for _ in 0..count {
            let value = receive::<C>(&mut echo_receiver);
            while !C::send(&mut echo_sender, &value) {
                wait();
            }
        }
    };
    on_cores(cores, ping, pong)
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
    let bounce = |ours: &Line, others: &Line, leads: bool| {
        for turn in 1..=count {
            if leads {
                ours.0.store(turn, Ordering::Release);
            }
            while others.0.load(Ordering::Acquire) != turn {
                wait();
            }
            if !leads {
                ours.0.store(turn, Ordering::Release);
            }
        }
    };
    let taken = on_cores(
        cores,
        || {
            let start = Instant::now();
            bounce(&ping, &pong, true);
            start.elapsed()
        },
        || bounce(&pong, &ping, false),
    );
    taken.as_nanos() as f64 / count as f64
}
