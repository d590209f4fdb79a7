//! `tapewatch simulate --publish`: the day on the wire, as a feed handler would hear an exchange.
//!
//! The exchange runs in threads of its own; this one shows how far it is and hears signals. The first
//! one ends the day behind what is being published, and the end of the session is told as ever. With
//! `--out` the same files are written as without `--publish`, of what was published.

mod address_file;
mod report;

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use clap::{Args, ValueHint};
use exchange::Settings;
use exchange::injection::Families;
use exchange::wire::{
    Ended, Impairment, LineSettings, Pace, Share, Store, Wire, WireError, WireSettings,
};
use feed_handlers::moldudp64::SessionId;

use super::SimulateArgs;
use super::capture;
use super::files::{SessionFiles, Written};
use crate::console::{self, Console};
use crate::day::TradingDay;
use crate::exit::{Failure, Status};
use crate::interrupt::Interrupt;
use crate::percent;
use crate::progress::Progress;
use crate::replay::pace::Speed;
use crate::span;

use report::Report;

/// How often signals are looked for.
const LOOK: Duration = Duration::from_millis(50);

/// Bytes that are copied from what was published to a file at a time.
const PIECE_BYTES: usize = 256 << 10;

/// Packets that overtake one that is held back, where nothing else is said.
const REORDER_PACKETS: u32 = Impairment::NONE.reorder_packets;

/// What `--publish` goes with.
#[derive(Debug, Args)]
#[command(next_help_heading = "On the wire, with --publish")]
pub(super) struct PublishArgs {
    /// Publish the day: MoldUDP64 on two lines, and servers where their addresses are given.
    #[arg(long)]
    pub(super) publish: bool,
    /// Where line A goes: a multicast group or a host, and a port.
    #[arg(long, value_name = "ADDR", default_value = "239.192.12.1:26477", requires = "publish")]
    line_a: SocketAddrV4,
    /// Where line B goes.
    #[arg(long, value_name = "ADDR", default_value = "239.192.12.2:26477", requires = "publish")]
    line_b: SocketAddrV4,
    /// The interface that the lines leave by.
    #[arg(long, value_name = "IP", default_value_t = Ipv4Addr::LOCALHOST, requires = "publish")]
    interface: Ipv4Addr,
    /// Time to live of multicast packets: 0 keeps them on this host, 1 on its network.
    #[arg(long, value_name = "N", default_value_t = 0, requires = "publish")]
    ttl: u8,
    /// Answer retransmission requests (MoldUDP64, UDP) here; port 0 is any.
    #[arg(long, value_name = "ADDR", requires = "publish")]
    retransmit: Option<SocketAddr>,
    /// Give snapshots (GLIMPSE 5.0, TCP) here; port 0 is any.
    #[arg(long, value_name = "ADDR", requires = "publish")]
    glimpse: Option<SocketAddr>,
    /// Give the session (SoupBinTCP 3.00, TCP) here; port 0 is any.
    #[arg(long, value_name = "ADDR", requires = "publish")]
    soup: Option<SocketAddr>,
    /// Messages a second.
    #[arg(long, value_name = "N", conflicts_with = "speed", requires = "publish")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    rate: Option<u64>,
    /// Speed: `1x` is the exchange's own time, `10x` ten times as fast, `max` as fast as it can.
    #[arg(long, default_value = "1x", value_parser = Speed::parse, requires = "publish")]
    speed: Speed,
    #[command(flatten)]
    bad: BadLines,
    /// Requests for retransmission that are not answered.
    #[arg(long, value_name = "PERCENT", default_value = "0", value_parser = percent::parse, requires = "publish")]
    retransmit_loss: Share,
    /// The session's name, up to ten characters [default: a fingerprint of all that the day is made from].
    #[arg(long, value_name = "NAME", value_parser = session, requires = "publish")]
    session: Option<SessionId>,
    /// End the day after so long at the latest.
    #[arg(long, value_name = "DURATION", value_parser = span::parse, requires = "publish")]
    max_time: Option<Duration>,
    /// How long the end of the session is told, and the servers stay.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = span::parse, requires = "publish")]
    linger: Duration,
    /// Write the addresses in use to this file as JSON once all of them are open.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "publish")]
    addresses: Option<PathBuf>,
}

/// What goes wrong on the lines.
#[derive(Debug, Args)]
struct BadLines {
    /// Packets that line A loses.
    #[arg(long, value_name = "PERCENT", default_value = "0", value_parser = percent::parse, requires = "publish")]
    loss_a: Share,
    /// Packets that line B loses.
    #[arg(long, value_name = "PERCENT", default_value = "0", value_parser = percent::parse, requires = "publish")]
    loss_b: Share,
    /// Mean length of line A's losses in packets; 1: each packet by itself.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "publish")]
    burst_a: u32,
    /// Mean length of line B's losses.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "publish")]
    burst_b: u32,
    /// Packets that line A brings twice.
    #[arg(long, value_name = "PERCENT", default_value = "0", value_parser = percent::parse, requires = "publish")]
    duplicate_a: Share,
    /// Packets that line B brings twice.
    #[arg(long, value_name = "PERCENT", default_value = "0", value_parser = percent::parse, requires = "publish")]
    duplicate_b: Share,
    /// Packets that line A brings behind three that were sent after them.
    #[arg(long, value_name = "PERCENT", default_value = "0", value_parser = percent::parse, requires = "publish")]
    reorder_a: Share,
    /// Packets that line B brings behind three that were sent after them.
    #[arg(long, value_name = "PERCENT", default_value = "0", value_parser = percent::parse, requires = "publish")]
    reorder_b: Share,
    /// How much later line A brings everything.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = span::parse, requires = "publish")]
    delay_a: Duration,
    /// How much later line B brings everything.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = span::parse, requires = "publish")]
    delay_b: Duration,
}

/// Runs the command.
pub(super) fn run(
    args: &SimulateArgs,
    settings: Settings,
    console: Console,
) -> Result<Status, Failure> {
    let interrupt = Interrupt::listen().map_err(|error| {
        Failure::no(format_args!("cannot listen for signals: {error}; run it again"))
    })?;
    let files = match &args.out {
        Some(out) => Some(SessionFiles::create(out, args.pcap.then(|| args.capture(&settings)))?),
        None => None,
    };
    let session = args
        .wire
        .session
        .unwrap_or_else(|| capture::session(&settings, args.families(), args.day()));
    let start = Instant::now();
    let wire = Wire::start(args.wire.settings((settings, args.families()), session))
        .map_err(|error| failed(&error))?;
    let addresses = wire.addresses();
    console.note(&address_file::line(&addresses));
    if let Some(path) = &args.wire.addresses {
        address_file::write(path, &addresses, session)?;
    }
    let interrupted = watched(&wire, settings.messages, &interrupt, console);
    let ended = wire.join().map_err(|error| failed(&error))?;
    let elapsed = start.elapsed();
    let written = files.map(|files| kept(files, &ended, args.day())).transpose()?;
    let directory = args.out.clone();
    let counts = ended.counts;
    let report = Report {
        settings,
        day: args.day(),
        session,
        addresses,
        counts,
        interrupted,
        directory,
        written,
        elapsed,
    };
    let text = if args.json { format!("{:#}\n", report.json()) } else { report.text() };
    console::write_result(&text)?;
    Ok(Status::Done)
}

/// Shows how far the exchange is until everything is over; whether its end was asked for.
fn watched(wire: &Wire, messages: u64, interrupt: &Interrupt, console: Console) -> bool {
    let progress = Progress::messages(console, messages);
    let mut is_stopped = false;
    while !wire.is_over() {
        if interrupt.is_asked() && !is_stopped {
            wire.stop();
            is_stopped = true;
        }
        let published = wire.counts().messages;
        progress.show(published, published);
        thread::sleep(LOOK);
    }
    progress.finish();
    is_stopped
}

/// Writes what was published, and the books behind it.
fn kept(mut files: SessionFiles, ended: &Ended, day: TradingDay) -> Result<Written, Failure> {
    let store: &Store = &ended.store;
    let (mut next, mut piece) = (1, Vec::new());
    loop {
        piece.clear();
        let count = store.read(next, u64::MAX, PIECE_BYTES, &mut piece).map_err(|error| {
            Failure::no(format_args!(
                "what was published cannot be read again: {error}; check the temporary directory (TMPDIR) and run it again"
            ))
        })?;
        if count == 0 {
            return files.end(&ended.simulation, day);
        }
        files.write(&piece)?;
        next += count;
    }
}

/// Why the exchange did not start or go on.
fn failed(error: &WireError) -> Failure {
    match error {
        WireError::Settings(_) | WireError::Payload { .. } | WireError::Session { .. } => {
            Failure::usage(format_args!("{error}; see `tapewatch simulate --help`"))
        }
        WireError::Open { .. } => Failure::usage(format_args!(
            "{error}; give another address, or an --interface of this host"
        )),
        WireError::Io(_) => Failure::no(format_args!(
            "the exchange left off: {error}; check the network and the temporary directory (TMPDIR)"
        )),
    }
}

impl PublishArgs {
    fn settings(
        &self,
        (simulation, episodes): (Settings, Families),
        session: SessionId,
    ) -> WireSettings {
        let bad = &self.bad;
        let line =
            |to, index, loss, burst_packets, duplicate, reorder, delay: Duration| LineSettings {
                to,
                impairment: Impairment {
                    // Lines lose different packets of one day, the same of the same day.
                    seed: simulation.seed.wrapping_mul(2).wrapping_add(index),
                    loss,
                    burst_packets,
                    duplicate,
                    reorder,
                    reorder_packets: REORDER_PACKETS,
                    delay_ns: u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX),
                },
            };
        let BadLines { loss_a, burst_a, duplicate_a, reorder_a, delay_a, .. } = *bad;
        let BadLines { loss_b, burst_b, duplicate_b, reorder_b, delay_b, .. } = *bad;
        let a = line(self.line_a, 0, loss_a, burst_a, duplicate_a, reorder_a, delay_a);
        let b = line(self.line_b, 1, loss_b, burst_b, duplicate_b, reorder_b, delay_b);
        WireSettings {
            episodes,
            lines: [a, b],
            interface: self.interface,
            ttl: self.ttl,
            pace: self.pace(),
            retransmit: self.retransmit,
            retransmit_loss: self.retransmit_loss,
            glimpse: self.glimpse,
            soup: self.soup,
            linger: self.linger,
            max_time: self.max_time,
            ..WireSettings::new(simulation, session, [self.line_a, self.line_b])
        }
    }

    fn pace(&self) -> Pace {
        match (self.rate, self.speed) {
            (Some(rate), _) => Pace::MessagesPerSecond(rate),
            (None, Speed::Max) => Pace::Max,
            (None, Speed::Times { num, den }) => Pace::Times { num, den },
        }
    }
}

/// Reads a session's name: up to ten printable characters, as the protocols write it.
fn session(text: &str) -> Result<SessionId, String> {
    let is_name = text.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_name || !(1..=10).contains(&text.len()) {
        return Err(String::from("a session's name is one to ten letters, digits or signs"));
    }
    let mut name = [b' '; 10];
    name[..text.len()].copy_from_slice(text.as_bytes());
    Ok(SessionId(name))
}
