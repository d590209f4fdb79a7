//! Captures as `tshark` reads them: an eye of its own on Ethernet, IPv4, UDP and MoldUDP64.
//!
//! Its dissector of ITCH is of the text protocol before 5.0, so a message is taken as the bytes of its
//! MoldUDP64 block, and its type as the first of them.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

/// The UDP port of the captures that [`crate::capture`] and the simulated exchange write.
const PORT: u16 = 26_477;

/// What `tshark` found in a capture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dissected {
    /// Frames, each of which is to be a MoldUDP64 packet.
    pub frames: u64,
    /// Frames that it found malformed: of another protocol, torn, or with a wrong count or length.
    pub malformed: u64,
    /// Messages by sequence.
    pub messages: BTreeMap<u64, Vec<u8>>,
    /// Sequences that came more than once, with other bytes than before.
    pub conflicting: u64,
}

/// Whether `tshark` can be run. Where it cannot, that is told in one line on standard error; under
/// `CI=true` it is a failure.
///
/// # Panics
/// If it is missing under `CI=true`.
#[must_use]
pub fn is_there() -> bool {
    let version = Command::new("tshark").arg("--version").output();
    if version.is_ok_and(|output| output.status.success()) {
        return true;
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "tshark is missing");
    let _ = io::Write::write_all(&mut io::stderr(), b"skipped: tshark is not there\n");
    false
}

/// The fields asked for, in this order: what is wrong with the frame, sequences and blocks.
const FIELDS: [&str; 6] = [
    "_ws.malformed",
    "moldudp64.count.invalid",
    "moldudp64.msglen.invalid",
    "moldudp64.session",
    "moldudp64.msgseq",
    "moldudp64.msgdata",
];

/// Reads a capture.
///
/// # Errors
/// `tshark` cannot be run, does not end well, or writes what it never does.
pub fn dissect(capture: &Path) -> io::Result<Dissected> {
    let mut tshark = Command::new("tshark");
    tshark.arg("-n").arg("-r").arg(capture).args(["-d", &format!("udp.port=={PORT},moldudp64")]);
    tshark.args(["-T", "fields", "-E", "separator=;", "-E", "aggregator=,"]);
    for field in FIELDS {
        tshark.args(["-e", field]);
    }
    let output = tshark.stdin(Stdio::null()).output()?;
    if !output.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    let text = String::from_utf8(output.stdout).map_err(io::Error::other)?;
    let mut dissected = Dissected::default();
    for line in text.lines() {
        let failed = || io::Error::other(format!("tshark wrote {line:?}"));
        dissected.take(line).ok_or_else(failed)?;
    }
    Ok(dissected)
}

impl Dissected {
    /// Takes the line of a frame.
    fn take(&mut self, line: &str) -> Option<()> {
        let fields: Vec<&str> = line.split(';').collect();
        let [malformed, count, length, session, sequences, blocks] = *fields.as_slice() else {
            return None;
        };
        self.frames += 1;
        if ![malformed, count, length].iter().all(|fault| fault.is_empty()) || session.is_empty() {
            self.malformed += 1;
            return Some(());
        }
        // A heartbeat has neither.
        let (sequences, blocks) = (sequences.split_terminator(','), blocks.split_terminator(','));
        for (sequence, block) in sequences.zip(blocks) {
            let (sequence, block) = (sequence.parse().ok()?, bytes_of(block)?);
            match self.messages.get(&sequence) {
                Some(before) => self.conflicting += u64::from(*before != block),
                None => drop(self.messages.insert(sequence, block)),
            }
        }
        Some(())
    }
}

/// The bytes that hexadecimal digits stand for.
fn bytes_of(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()).collect()
}
