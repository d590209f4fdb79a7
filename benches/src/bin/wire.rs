#![forbid(unsafe_code)]
//! How many packets two multicast lines bring through loopback into the feed's machine, sent as fast as one
//! thread can, and where each one went: received, dropped by the kernel, or a duplicate.
//!
//! One thread sends every packet on line A and then on line B; one receives. A row that does no more than
//! read the sockets is the floor of the same run. What does not add up exactly ends the program.

use std::hint::black_box;
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use engine::packet::{Arrival, Source as _};
use engine::units::{FeedId, Sequence};
use feed_handlers::live::mold::SocketReport;
use feed_handlers::live::{LiveFeedSettings, LiveFeeds, LiveSettings, MoldSettings};
use feed_handlers::moldudp64::session::FeedSettings;
use feed_handlers::moldudp64::{SessionId, encode_end_of_session, encode_packet};
use feed_handlers::udp::{UdpReceiver, UdpSettings};
use socket2::{Domain, Protocol, Socket, Type};
use tapewatch_benches::appends::pin;

/// What two lines bring through loopback.
#[derive(Parser)]
struct Arguments {
    /// Packets sent on each line, a row.
    #[arg(long, default_value_t = 400_000)]
    packets: u64,
    /// Kernel's buffer of each line.
    #[arg(long, default_value_t = 8 << 20)]
    receive_buffer_bytes: usize,
    /// Cores of the sender and the receiver.
    #[arg(long, value_delimiter = ',', default_values_t = [0, 1])]
    cores: Vec<usize>,
}

type Failed = Box<dyn std::error::Error + Send + Sync>;

const LOOPBACK: Ipv4Addr = Ipv4Addr::LOCALHOST;
const SESSION: SessionId = SessionId(*b"BENCHWIRE1");
/// Bytes of a message: an add order's.
const MESSAGE_BYTES: usize = 36;
/// Messages of a packet of some 1,400 bytes.
const MESSAGES_FULL: u64 = 36;

/// A buffer that runs over.
const SMALL: usize = 8 << 10;
/// More ends of the session than are told until one is taken.
const ENDS_MAX: u64 = 1_000;

/// A row: what is sent, and who takes it.
#[derive(Clone, Copy)]
struct Row {
    messages: u64,
    taker: Taker,
    receive_buffer_bytes: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Taker {
    /// Reads the sockets and nothing else.
    Floor,
    /// The feed's machine, asleep while nothing comes.
    Blocking,
    /// The feed's machine, awake.
    Busy,
}

impl Taker {
    fn name(self) -> &'static str {
        match self {
            Taker::Floor => "sockets only",
            Taker::Blocking => "feed, blocking",
            Taker::Busy => "feed, busy-poll",
        }
    }
}

/// What a row came to.
struct Measured {
    sent: u64,
    sending: Duration,
    taking: Duration,
    received: u64,
    drops: u64,
    /// Messages that came out, and those given up.
    delivered: u64,
    given_up: u64,
    duplicates: u64,
}

fn main() -> Result<(), Failed> {
    let arguments = Arguments::parse();
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "| packets | taken by | sent, M packets/s | received, M packets/s | M messages/s | sent on both lines | received | dropped by the kernel | messages out | duplicates | given up |\n\
         |---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    )?;
    let takers = [Taker::Floor, Taker::Blocking, Taker::Busy];
    for messages in [MESSAGES_FULL, 1] {
        let whole = takers.map(|taker| (taker, arguments.receive_buffer_bytes));
        // And once with a buffer that runs over.
        for (taker, receive_buffer_bytes) in whole.into_iter().chain([(Taker::Blocking, SMALL)]) {
            let row = Row { messages, taker, receive_buffer_bytes };
            let it = measure(&arguments, row)?;
            it.check(&row)?;
            let (sent, taken) = (it.sending.as_secs_f64(), it.taking.as_secs_f64());
            writeln!(
                out,
                "| {}{} | {} | {:.3} | {:.3} | {:.2} | {} | {} | {} | {} | {} | {} |",
                if messages == 1 { "one message" } else { "36 messages" },
                if receive_buffer_bytes == SMALL { ", buffers of 8 KiB" } else { "" },
                taker.name(),
                it.sent as f64 / sent / 1e6,
                it.received as f64 / taken / 1e6,
                it.received as f64 * messages as f64 / taken / 1e6,
                it.sent,
                it.received,
                it.drops,
                it.delivered,
                it.duplicates,
                it.given_up,
            )?;
        }
    }
    Ok(())
}

impl Measured {
    /// Every packet sent was received or dropped by the kernel, and every message is accounted for.
    fn check(&self, row: &Row) -> Result<(), Failed> {
        let Measured { sent, received, drops, delivered, given_up, duplicates, .. } = *self;
        if sent != received + drops {
            return Err(format!("{sent} packets sent, {received} received, {drops} dropped").into());
        }
        if row.taker != Taker::Floor {
            if received * row.messages != delivered + duplicates {
                return Err(format!(
                    "{received} packets of {} messages, {delivered} out, {duplicates} duplicates",
                    row.messages
                )
                .into());
            }
            if delivered + given_up != sent / 2 * row.messages {
                return Err(format!("{delivered} messages out, {given_up} given up").into());
            }
        }
        Ok(())
    }
}

fn measure(arguments: &Arguments, row: Row) -> Result<Measured, Failed> {
    let port = UdpSocket::bind((LOOPBACK, 0))?.local_addr()?.port();
    let groups = [1, 2].map(|last| SocketAddrV4::new(Ipv4Addr::new(239, 192, 77, last), port));
    let udp = groups.map(|address| UdpSettings {
        address,
        interface: LOOPBACK,
        source: None,
        receive_buffer_bytes: row.receive_buffer_bytes,
    });
    let is_taken = Arc::new(AtomicBool::new(false));
    let [sender_core, taker_core] = [arguments.cores[0], *arguments.cores.last().unwrap_or(&0)];
    // Open before anything is sent.
    let mut sockets = Vec::new();
    let mut feeds = None;
    if row.taker == Taker::Floor {
        for settings in &udp {
            sockets.push(UdpReceiver::open(settings)?);
        }
    } else {
        let feed = FeedSettings {
            session: Some(SESSION),
            next: Some(Sequence(1)),
            ..FeedSettings::default()
        };
        let mold = MoldSettings {
            lines: udp.to_vec(),
            servers: Vec::new(),
            snapshot: None,
            is_suspect: false,
            feed,
        };
        let busy_poll = row.taker == Taker::Busy;
        let settings =
            LiveSettings { feeds: vec![LiveFeedSettings::Mold(Box::new(mold))], busy_poll };
        feeds = Some(LiveFeeds::open(&settings)?);
    }
    let (packets, told) = (arguments.packets, Arc::clone(&is_taken));
    let sends = thread::spawn(move || {
        pin(sender_core);
        send(groups, packets, row.messages, &told)
    });
    pin(taker_core);
    let taken = match &mut feeds {
        Some(feeds) => take(feeds),
        None => read(&mut sockets, &sends),
    };
    is_taken.store(true, Ordering::Release);
    let sending = sends.join().map_err(|_| "the sender has panicked")??;
    let (taking, delivered, given_up) = taken?;
    let sent = 2 * packets;
    Ok(match &mut feeds {
        Some(feeds) => {
            let lines = feeds.lines(FeedId(0));
            let datagrams = |line: &SocketReport| line.counts.datagrams;
            let drops = |line: &SocketReport| line.counts.kernel_drops;
            // The ends of the session come in any number; they hold no message.
            let mold = feeds.mold(FeedId(0)).ok_or("no such feed")?;
            let duplicates = mold.statistics().duplicates;
            // Each line's own account of what it brought.
            let came: u64 = (0..lines.len()).map(|line| mold.line(line).messages).sum();
            let with_messages = came / row.messages;
            let all: u64 = lines.iter().map(datagrams).sum();
            if all < with_messages || all > with_messages + ENDS_MAX {
                return Err(format!("{all} datagrams, {with_messages} with messages").into());
            }
            Measured {
                sent,
                sending,
                taking,
                received: with_messages,
                drops: lines.iter().map(drops).sum(),
                delivered,
                given_up,
                duplicates,
            }
        }
        None => {
            let drops: u64 = sockets.iter_mut().filter_map(UdpReceiver::kernel_drops).sum();
            let (received, duplicates) = (delivered, 0);
            Measured { sent, sending, taking, received, drops, delivered: 0, given_up, duplicates }
        }
    })
}

/// Sends all packets on both lines, then the session's end until it was taken. How long the packets took.
fn send(
    groups: [SocketAddrV4; 2],
    packets: u64,
    messages: u64,
    is_taken: &AtomicBool,
) -> Result<Duration, Failed> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_multicast_if_v4(&LOOPBACK)?;
    socket.bind(&SocketAddr::from((LOOPBACK, 0)).into())?;
    let socket = UdpSocket::from(socket);
    let message = [b'A'; MESSAGE_BYTES];
    let (mut packet, mut sequence) = (Vec::new(), 1);
    let start = Instant::now();
    for _ in 0..packets {
        packet.clear();
        let blocks = (0..messages).map(|_| message.as_slice());
        encode_packet(&mut packet, SESSION, sequence, blocks)?;
        for group in groups {
            socket.send_to(&packet, group)?;
        }
        sequence += messages;
    }
    let sending = start.elapsed();
    packet.clear();
    encode_end_of_session(&mut packet, SESSION, sequence);
    while !is_taken.load(Ordering::Acquire) {
        // What the kernel drops of these is no packet of the row: they wait until there is room.
        thread::sleep(Duration::from_millis(200));
        if !is_taken.load(Ordering::Acquire) {
            for group in groups {
                socket.send_to(&packet, group)?;
            }
        }
    }
    Ok(sending)
}

/// Takes arrivals until the session has ended: time, messages out, messages given up.
fn take(feeds: &mut LiveFeeds) -> Result<(Duration, u64, u64), Failed> {
    let (mut delivered, mut given_up) = (0, 0);
    let (mut first, mut last) = (None, Instant::now());
    loop {
        match feeds.next()? {
            Arrival::Packet(packet) => {
                delivered += packet.iter().count() as u64;
                last = Instant::now();
                first.get_or_insert(last);
            }
            Arrival::Gap { first, end, .. } => given_up += end.0 - first.0,
            Arrival::End => break,
            _ => {}
        }
    }
    Ok((last - first.unwrap_or(last), delivered, given_up))
}

/// Reads both sockets until the sender is done and nothing more comes.
fn read(
    sockets: &mut [UdpReceiver],
    sends: &thread::JoinHandle<Result<Duration, Failed>>,
) -> Result<(Duration, u64, u64), Failed> {
    let (mut received, mut first, mut last) = (0, None, Instant::now());
    loop {
        let mut came = 0;
        for socket in sockets.iter_mut() {
            for at in 0..socket.receive()? {
                let datagram = socket.datagram(at);
                // The session's end is no packet of the row.
                if black_box(datagram.bytes).get(18..20) == Some(&[0xFF, 0xFF]) {
                    return Ok((last - first.unwrap_or(last), received, 0));
                }
                came += 1;
            }
        }
        if came > 0 {
            received += came;
            last = Instant::now();
            first.get_or_insert(last);
        } else if sends.is_finished() {
            return Err("the sender has failed".into());
        }
    }
}
