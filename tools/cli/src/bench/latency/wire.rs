//! The way through the kernel: one thread sends datagrams when they are due, the engine's thread takes
//! them off a socket of loopback as a run takes a live feed.
//!
//! ```text
//!  sender's core: spin until due ─► send ─► kernel, loopback ─► socket ─► arbitration ─► engine's core
//!  time due ────────────────────────────────────────────────────────────────────► published
//! ```
//! A packet's time is from when it was due, as it stands in its messages: it holds the sender's lateness,
//! the kernel and the queue in the socket. Both threads read one clock. **Full**: the kernel drops what the
//! socket cannot hold; that is counted, the feed sees a hole, waits for it as it is configured to by
//! default, gives it up, and all that stood behind it is late by that. A row ends when all that was sent
//! has come or was given up, or after [`TICK`](feed_handlers::live::TICK) of silence behind the sender.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use engine::packet::{Arrival, Source as _};
use engine::pipeline::pin::{self, Core};
use engine::units::{FeedId, Sequence};
use feed_handlers::live::{LiveFeedSettings, LiveFeeds, LiveSettings, MoldSettings};
use feed_handlers::moldudp64::session::FeedSettings;
use feed_handlers::udp::UdpSettings;

use super::clock::{Clock as _, Steady};
use super::open_loop::{Driven, drive};
use super::prepared::{Prepared, SESSION};
use super::times::Times;
use crate::bench::pipeline::Pipeline;
use crate::config::LiveFeed;
use crate::exit::Failure;
use crate::interrupt::Interrupt;
use crate::replay::faults;
use crate::run::report;

const FEED: FeedId = FeedId(0);

/// The sender has not ended.
const SENDS: u64 = u64::MAX;

/// What a row came to.
#[derive(Clone, Debug)]
pub(super) struct Received {
    /// Of the packets that count, from due to published.
    pub(super) times: Times,
    /// Messages of these that came, and of all.
    pub(super) messages: u64,
    pub(super) came: u64,
    /// When the first and the last of them were published, ns since the row's zero.
    pub(super) first_done_ns: u64,
    pub(super) done_ns: u64,
    /// The sender's packets, and how late they left.
    pub(super) sent: Driven,
    /// Messages sent that did not come.
    pub(super) lost: u64,
    /// Datagrams that the kernel dropped, as it counts them.
    pub(super) kernel_drops: u64,
    /// Bytes of the socket's buffer.
    pub(super) buffer_bytes: usize,
}

/// Runs a row, the engine on the calling thread, the sender on `sender`. It is cut `cut_ns` after its zero.
pub(super) fn run(
    pipeline: &mut Pipeline,
    prepared: &Prepared,
    sender: Core,
    cut_ns: u64,
    interrupt: &Interrupt,
) -> Result<Received, Failure> {
    let mut feeds = open(prepared.first_sequence()).map_err(|error| report::of_live(&error))?;
    let Some(line) = feeds.lines(FEED).pop() else {
        unreachable!("Invariant: the feed was opened with one line")
    };
    let (sent, is_over) = (AtomicU64::new(SENDS), AtomicBool::new(false));
    thread::scope(|scope| {
        let (give_zero, zero) = mpsc::sync_channel(1);
        let (sent, is_over) = (&sent, &is_over);
        let sends = Sends { prepared, to: line.address, cut_ns, interrupt, sent, is_over };
        let started = thread::Builder::new()
            .name(String::from("sender"))
            .spawn_scoped(scope, move || sends.on(sender, &zero));
        let sender = started.map_err(|error| {
            Failure::no(format_args!("cannot start a thread: {error}; raise `ulimit -u`"))
        })?;
        let clock = Steady::start();
        // A sender that cannot be pinned is gone: it tells why at its end.
        let _ = give_zero.send(clock);
        let taken = take(pipeline, prepared, &mut feeds, clock, sent, interrupt);
        is_over.store(true, Ordering::Relaxed);
        let sent = sender.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        let Taken { times, messages, came, first_done_ns, done_ns } = taken?;
        let counts = feeds.lines(FEED).pop().map(|line| line.counts).unwrap_or_default();
        Ok(Received {
            times,
            messages,
            came,
            first_done_ns,
            done_ns,
            lost: prepared.messages_of(sent.packets).saturating_sub(came),
            sent,
            kernel_drops: counts.kernel_drops,
            buffer_bytes: line.buffer_bytes,
        })
    })
}

/// One line on a free port of loopback, from the message `next` on; its thread never sleeps.
fn open(next: Sequence) -> Result<LiveFeeds, feed_handlers::live::LiveError> {
    let line = UdpSettings {
        address: SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0),
        interface: Ipv4Addr::LOCALHOST,
        source: None,
        receive_buffer_bytes: LiveFeed::default().receive_buffer_bytes as usize,
    };
    let feed = FeedSettings { session: Some(SESSION), next: Some(next), ..FeedSettings::default() };
    let mold = MoldSettings {
        lines: vec![line],
        servers: Vec::new(),
        snapshot: None,
        is_suspect: false,
        feed,
    };
    LiveFeeds::open(&LiveSettings {
        feeds: vec![LiveFeedSettings::Mold(Box::new(mold))],
        busy_poll: true,
    })
}

/// What the engine's thread took.
struct Taken {
    times: Times,
    /// Messages that came of the packets that count, and of all.
    messages: u64,
    came: u64,
    first_done_ns: u64,
    done_ns: u64,
}

/// Takes in what comes until all has come that the sender says it has sent.
fn take(
    pipeline: &mut Pipeline,
    prepared: &Prepared,
    feeds: &mut LiveFeeds,
    clock: Steady,
    sent: &AtomicU64,
    interrupt: &Interrupt,
) -> Result<Taken, Failure> {
    let (stamps, counted_ns) = (prepared.stamps(), prepared.first_counted_ns());
    let times = Times::new();
    let mut taken = Taken { times, messages: 0, came: 0, first_done_ns: 0, done_ns: 0 };
    let mut given_up = 0;
    loop {
        match feeds.next().map_err(|error| report::of_live(&error))? {
            Arrival::Packet(packet) => {
                pipeline.packet(&packet)?;
                let done_ns = clock.now_ns();
                // What was sent is stamped, message by message.
                let due_ns = packet.iter().next().and_then(|message| stamps.due_ns(message));
                let messages = packet.iter().count() as u64;
                taken.came += messages;
                // One without is nobody's who sends here: it has no time.
                if let Some(due_ns) = due_ns.filter(|due_ns| *due_ns >= counted_ns) {
                    if taken.first_done_ns == 0 {
                        taken.first_done_ns = done_ns;
                    }
                    taken.done_ns = done_ns;
                    taken.times.record(done_ns.saturating_sub(due_ns));
                    taken.messages += messages;
                }
            }
            Arrival::Gap { feed, first, end } => {
                pipeline.gap(feed, first, end)?;
                given_up += end.0.saturating_sub(first.0);
            }
            Arrival::Tick { feed, last, time } => {
                pipeline.tick(feed, last, time)?;
                if sent.load(Ordering::Acquire) != SENDS {
                    return Ok(taken);
                }
            }
            Arrival::Idle => {
                pipeline.idle();
                while feeds.next_notice().is_some() {}
                if sent.load(Ordering::Acquire) == taken.came + given_up || interrupt.is_asked() {
                    return Ok(taken);
                }
            }
            // Nobody sends anything else.
            Arrival::SnapshotItem(_) | Arrival::Parameters(_) | Arrival::End => return Ok(taken),
        }
    }
}

/// What the sender's thread works with.
struct Sends<'a> {
    prepared: &'a Prepared,
    to: SocketAddrV4,
    cut_ns: u64,
    interrupt: &'a Interrupt,
    /// Messages sent, at the end.
    sent: &'a AtomicU64,
    /// Set once nobody takes anything in any more.
    is_over: &'a AtomicBool,
}

impl Sends<'_> {
    /// The thread's work, from the zero on that it is given.
    fn on(self, core: Core, zero: &Receiver<Steady>) -> Result<Driven, Failure> {
        let driven = self.send(core, zero);
        let packets = driven.as_ref().map_or(0, |driven| driven.packets);
        self.sent.store(self.prepared.messages_of(packets), Ordering::Release);
        driven
    }

    fn send(&self, core: Core, zero: &Receiver<Steady>) -> Result<Driven, Failure> {
        pin::pin_current_thread(core).map_err(|error| faults::not_pinned(&error))?;
        let cannot = |error: io::Error| {
            Failure::no(format_args!("cannot send to {}: {error}; is loopback up?", self.to))
        };
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).map_err(cannot)?;
        socket.connect(self.to).map_err(cannot)?;
        let Ok(clock) = zero.recv() else {
            return Err(Failure::no("the engine's thread has ended before its row began"));
        };
        let goes_on = || !self.interrupt.is_asked() && !self.is_over.load(Ordering::Relaxed);
        drive(&clock, self.prepared.datagrams(), self.cut_ns, goes_on, |datagram| {
            send(&socket, datagram).map_err(cannot)
        })
    }
}

/// Sends a datagram; waits while the kernel has no room for it.
#[inline]
fn send(socket: &UdpSocket, datagram: &[u8]) -> io::Result<()> {
    loop {
        match socket.send(datagram) {
            Ok(_) => return Ok(()),
            // What an earlier one met: whoever listened is gone, and ends the row for a reason of its own.
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => return Ok(()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
