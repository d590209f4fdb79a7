//! An output log's frames as records: what each payload must be, checked before it is used.
//!
//! A bar:
//!
//! ```text
//!  0       8     16     24     32    40      48       56          72         88       104      108        112        113
//!  ├ start ┼ end ┼ open ┼ high ┼ low ┼ close ┼ trades ┼ price sum ┼ notional ┼ volume ┼ locate ┼ revision ┼ name_len ┼ name … ┤
//!    i64     i64   i64    i64    i64   i64     u64      i128        i128       u128     u32      u32        u8         ≤ 47 B
//! ```
//! An alert, after what became of it:
//!
//! ```text
//!  0        8       16    24      32     40            72       76      78     79       80      81        88         89
//!  ├ opened ┼ start ┼ end ┼ first ┼ last ┼ figures … ──┼ locate ┼ score ┼ code ┼ change ┼ phase ┼ zeros … ┼ name_len ┼ name … ┤
//!    u64      i64     i64   u64     u64    4 × f64       u32      u16     u8     u8       u8      7 B       u8         ≤ 47 B
//! ```
//! A gap:
//!
//! ```text
//!  0       8     16
//!  ├ first ┼ end ┤
//!    u64     u64
//! ```
//! Little-endian. Prices, their sum and the notional in 1e-9 of the currency unit. `name_len` is 0 for a
//! symbol that no message named so far. A bar's identity is (feed, locate, start, end, revision).

use core::fmt;

use bytemuck::{Pod, Zeroable};

use crate::detect::phase::Phase;
use crate::detect::raised::Score;
use crate::detect::spec::{DetectorCode, FIGURES_MAX};
use crate::detect::{Alert, Change};
use crate::directory::NAME_BYTES_MAX;
use crate::log::frame::{Frame, FrameTag};
use crate::units::{Nanos, Notional, Position, Price, Sequence, SymbolId};
use crate::window::bars::bar::Bar;

/// What a record of an output log is. The numbers are part of the format and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum OutputKind {
    /// What a window holds.
    Bar = 1,
    /// A range of messages was given up.
    Gap = 2,
    /// An alert opens, has ended or is taken back.
    Alert = 3,
}

impl OutputKind {
    /// The kind with this number, if there is one.
    #[inline]
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<OutputKind> {
        Some(match byte {
            1 => OutputKind::Bar,
            2 => OutputKind::Gap,
            3 => OutputKind::Alert,
            _ => return None,
        })
    }
}

/// Flag of a bar's frame: its symbol was suspect at some time of the window; of an alert's: when it opened
/// or ended.
pub const FLAG_SUSPECT: u8 = 1;

/// What made the engine tell something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cause {
    /// The message, by its place in the order of all feeds.
    pub position: Position,
    /// Feed time then.
    pub time: Nanos,
    /// Number of its feed in the session, from 0.
    pub feed: u16,
}

/// Something that the engine tells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Output<'a> {
    /// What a window holds.
    Bar {
        /// It.
        bar: &'a Bar,
        /// The symbol's name at that time, at most [`NAME_BYTES_MAX`] bytes; `None`: never named so far.
        name: Option<&'a [u8]>,
    },
    /// An alert, as it stands.
    Alert {
        /// It.
        alert: &'a Alert,
        /// The symbol's name at that time, as a bar's.
        name: Option<&'a [u8]>,
    },
    /// Messages `first` up to but not including `end` of the cause's feed were given up.
    Gap {
        /// The first lost message.
        first: Sequence,
        /// One past the last lost message.
        end: Sequence,
    },
}

/// One record of an output log, borrowed from its frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OutputRecord<'a> {
    /// What a window holds.
    Bar {
        /// The message that caused it. At the end of input the last one.
        cause: Cause,
        /// It.
        bar: Bar,
        /// The symbol's name at that time; `None`: never named so far.
        name: Option<&'a [u8]>,
    },
    /// An alert, as it stands.
    Alert {
        /// The message that caused it to be told. At the end of input the last one.
        cause: Cause,
        /// It.
        alert: Alert,
        /// The symbol's name at that time; `None`: never named so far.
        name: Option<&'a [u8]>,
    },
    /// Messages `first` up to but not including `end` were given up.
    Gap {
        /// Number of their feed in the session.
        feed: u16,
        /// Feed time then.
        time: Nanos,
        /// The first lost message.
        first: Sequence,
        /// One past the last lost message.
        end: Sequence,
    },
}

/// Why a frame is no record of an output log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutputRecordError {
    /// No record has this kind.
    #[error("no output has kind {kind}")]
    Kind {
        /// The frame's.
        kind: u8,
    },
    /// No output has flags.
    #[error("an output with flags {flags:#04x}")]
    Flags {
        /// The frame's.
        flags: u8,
    },
    /// The payload has another length.
    #[error("a {kind:?} record has {found} bytes instead of {expected}")]
    Size {
        /// The record's.
        kind: OutputKind,
        /// Bytes it has.
        found: usize,
        /// Bytes it should have.
        expected: usize,
    },
    /// A name longer than any is.
    #[error("a name of {bytes} bytes; one has at most {NAME_BYTES_MAX}")]
    Name {
        /// As the record says.
        bytes: u8,
    },
    /// A field of an alert that none has.
    #[error("an alert with {what} {value}")]
    Alert {
        /// Which.
        what: &'static str,
        /// As the record says.
        value: u16,
    },
    /// A window that holds no time.
    #[error("a bar of the window from {} to before {}", start.0, end.0)]
    EmptyWindow {
        /// Its start.
        start: Nanos,
        /// Its end.
        end: Nanos,
    },
    /// A gap that holds no message.
    #[error("a gap from sequence {} to before {}", first.0, end.0)]
    EmptyGap {
        /// The first lost message.
        first: Sequence,
        /// One past the last lost message.
        end: Sequence,
    },
    /// A gap whose frame has another sequence.
    #[error("a gap from sequence {} on in a frame with sequence {}", first.0, frame.0)]
    Sequence {
        /// The first lost message.
        first: Sequence,
        /// The frame's.
        frame: Sequence,
    },
}

/// A bar before its name; the 128-bit figures are bytes, so that nothing lies between the fields.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct BarFields {
    start: i64,
    end: i64,
    open: i64,
    high: i64,
    low: i64,
    close: i64,
    trades: u64,
    price_sum: [u8; 16],
    notional: [u8; 16],
    volume: [u8; 16],
    locate: u32,
    revision: u32,
}

/// Bytes of a bar before the length of its name.
const BAR_FIELDS_BYTES: usize = size_of::<BarFields>();

/// Bytes of a bar before its name.
const NAME_AT: usize = BAR_FIELDS_BYTES + 1;

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct GapFields {
    first: u64,
    end: u64,
}

const GAP_BYTES: usize = size_of::<GapFields>();

/// An alert before its name.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct AlertFields {
    opened: u64,
    start: i64,
    end: i64,
    first: u64,
    last: u64,
    figures: [u64; FIGURES_MAX],
    locate: u32,
    score: u16,
    code: u8,
    change: u8,
    phase: u8,
    zeros: [u8; 7],
}

/// Bytes of an alert before the length of its name.
const ALERT_FIELDS_BYTES: usize = size_of::<AlertFields>();

/// Bytes of the longest payload.
pub const OUTPUT_BYTES_MAX: usize = NAME_AT + NAME_BYTES_MAX;

const _: () = {
    assert!(BAR_FIELDS_BYTES == 112);
    assert!(core::mem::offset_of!(BarFields, trades) == 48);
    assert!(core::mem::offset_of!(BarFields, price_sum) == 56);
    assert!(core::mem::offset_of!(BarFields, notional) == 72);
    assert!(core::mem::offset_of!(BarFields, volume) == 88);
    assert!(core::mem::offset_of!(BarFields, locate) == 104);
    assert!(core::mem::offset_of!(BarFields, revision) == 108);
    assert!(ALERT_FIELDS_BYTES == 88 && core::mem::offset_of!(AlertFields, figures) == 40);
    assert!(core::mem::offset_of!(AlertFields, locate) == 72);
    assert!(core::mem::offset_of!(AlertFields, phase) == 80);
    assert!(ALERT_FIELDS_BYTES + 1 + NAME_BYTES_MAX <= OUTPUT_BYTES_MAX);
    assert!(GAP_BYTES == 16 && core::mem::offset_of!(GapFields, end) == 8);
    assert!(OUTPUT_BYTES_MAX == 160);
    assert!(cfg!(target_endian = "little"), "layouts are little-endian and used in place");
};

/// An output as it will stand in its frame.
#[derive(Clone, Copy)]
pub(super) struct Encoded {
    pub(super) tag: FrameTag,
    payload_bytes: u8,
    payload: [u8; OUTPUT_BYTES_MAX],
}

impl Encoded {
    /// Room for one.
    pub(super) const EMPTY: Encoded = Encoded {
        tag: FrameTag { kind: 0, flags: 0, feed: 0, sequence: Sequence(0), time: Nanos(0) },
        payload_bytes: 0,
        payload: [0; OUTPUT_BYTES_MAX],
    };

    #[inline]
    pub(super) fn payload(&self) -> &[u8] {
        &self.payload[..usize::from(self.payload_bytes)]
    }

    /// Encodes an output. Its reader holds it to the same.
    #[inline]
    pub(super) fn of(cause: Cause, output: &Output<'_>) -> Encoded {
        let mut encoded = Encoded::EMPTY;
        let (kind, sequence) = match output {
            Output::Bar { bar, name } => {
                encoded.bar(bar, name.unwrap_or_default());
                (OutputKind::Bar, Sequence(cause.position.0))
            }
            Output::Alert { alert, name } => {
                encoded.alert(alert, name.unwrap_or_default());
                (OutputKind::Alert, Sequence(cause.position.0))
            }
            Output::Gap { first, end } => {
                assert!(first < end, "Invariant: a gap holds a message");
                let fields = GapFields { first: first.0, end: end.0 };
                encoded.payload[..GAP_BYTES].copy_from_slice(bytemuck::bytes_of(&fields));
                encoded.payload_bytes = GAP_BYTES as u8;
                (OutputKind::Gap, *first)
            }
        };
        let Cause { time, feed, .. } = cause;
        let is_suspect = match output {
            Output::Bar { bar, .. } => bar.is_suspect,
            Output::Alert { alert, .. } => alert.is_suspect,
            Output::Gap { .. } => false,
        };
        let flags = if is_suspect { FLAG_SUSPECT } else { 0 };
        encoded.tag = FrameTag { kind: kind as u8, flags, feed, sequence, time };
        encoded
    }

    fn alert(&mut self, alert: &Alert, name: &[u8]) {
        assert!(name.len() <= NAME_BYTES_MAX, "Invariant: names have a bounded length");
        let fields = AlertFields {
            opened: alert.opened.0,
            start: alert.start.0,
            end: alert.end.0,
            first: alert.first.0,
            last: alert.last.0,
            figures: alert.figures.map(f64::to_bits),
            locate: alert.symbol.0,
            score: alert.score.tenths(),
            code: alert.code.0,
            change: alert.change as u8,
            phase: alert.phase as u8,
            zeros: [0; 7],
        };
        self.payload[..ALERT_FIELDS_BYTES].copy_from_slice(bytemuck::bytes_of(&fields));
        self.payload[ALERT_FIELDS_BYTES] = name.len() as u8;
        let from = ALERT_FIELDS_BYTES + 1;
        self.payload[from..from + name.len()].copy_from_slice(name);
        self.payload_bytes = (from + name.len()) as u8;
    }

    #[inline]
    fn bar(&mut self, bar: &Bar, name: &[u8]) {
        assert!(bar.start < bar.end, "Invariant: a window holds some time");
        assert!(name.len() <= NAME_BYTES_MAX, "Invariant: names have a bounded length");
        let fields = BarFields {
            start: bar.start.0,
            end: bar.end.0,
            open: bar.open.0,
            high: bar.high.0,
            low: bar.low.0,
            close: bar.close.0,
            trades: bar.trades,
            price_sum: bar.price_sum.to_le_bytes(),
            notional: bar.notional.0.to_le_bytes(),
            volume: bar.volume.to_le_bytes(),
            locate: bar.symbol.0,
            revision: bar.revision,
        };
        self.payload[..BAR_FIELDS_BYTES].copy_from_slice(bytemuck::bytes_of(&fields));
        self.payload[BAR_FIELDS_BYTES] = name.len() as u8;
        self.payload[NAME_AT..NAME_AT + name.len()].copy_from_slice(name);
        self.payload_bytes = (NAME_AT + name.len()) as u8;
    }
}

impl<'a> OutputRecord<'a> {
    /// Reads the record in `frame`.
    ///
    /// # Errors
    /// The frame has a kind, flags or a payload that no output has.
    pub fn read(frame: &Frame<'a>) -> Result<OutputRecord<'a>, OutputRecordError> {
        let FrameTag { kind, flags, feed, sequence, time } = frame.tag;
        let kind = OutputKind::from_byte(kind).ok_or(OutputRecordError::Kind { kind })?;
        let known = if kind == OutputKind::Gap { 0 } else { FLAG_SUSPECT };
        if flags & !known != 0 {
            return Err(OutputRecordError::Flags { flags });
        }
        match kind {
            OutputKind::Bar => {
                let cause = Cause { position: Position(sequence.0), time, feed };
                let (mut bar, name) = read_bar(frame.payload)?;
                bar.is_suspect = flags & FLAG_SUSPECT != 0;
                Ok(OutputRecord::Bar { cause, bar, name })
            }
            OutputKind::Alert => {
                let cause = Cause { position: Position(sequence.0), time, feed };
                let (mut alert, name) = read_alert(frame.payload)?;
                alert.is_suspect = flags & FLAG_SUSPECT != 0;
                Ok(OutputRecord::Alert { cause, alert, name })
            }
            OutputKind::Gap => {
                let (first, end) = read_gap(frame.payload)?;
                if first != sequence {
                    return Err(OutputRecordError::Sequence { first, frame: sequence });
                }
                Ok(OutputRecord::Gap { feed, time, first, end })
            }
        }
    }
}

/// The fields of a payload, `N` bytes, and the name behind them; `None` where it is empty.
fn fields_and_name<const N: usize>(
    kind: OutputKind,
    payload: &[u8],
) -> Result<(&[u8; N], Option<&[u8]>), OutputRecordError> {
    let found = payload.len();
    let too_short = OutputRecordError::Size { kind, found, expected: N + 1 };
    let (fields, rest) = payload.split_first_chunk::<N>().ok_or(too_short)?;
    let (&bytes, name) = rest.split_first().ok_or(too_short)?;
    if usize::from(bytes) > NAME_BYTES_MAX {
        return Err(OutputRecordError::Name { bytes });
    }
    if name.len() != usize::from(bytes) {
        let expected = N + 1 + usize::from(bytes);
        return Err(OutputRecordError::Size { kind, found, expected });
    }
    Ok((fields, (bytes > 0).then_some(name)))
}

fn read_alert(payload: &[u8]) -> Result<(Alert, Option<&[u8]>), OutputRecordError> {
    let (fields, name) = fields_and_name::<ALERT_FIELDS_BYTES>(OutputKind::Alert, payload)?;
    let fields: AlertFields = bytemuck::pod_read_unaligned(fields);
    let refused = |what, value| OutputRecordError::Alert { what, value };
    let AlertFields { score, change, phase, zeros, .. } = fields;
    if zeros != [0; 7] {
        return Err(refused("reserved bytes", zeros.iter().map(|byte| u16::from(*byte)).sum()));
    }
    let alert = Alert {
        opened: Sequence(fields.opened),
        code: DetectorCode(fields.code),
        symbol: SymbolId(fields.locate),
        change: Change::from_byte(change).ok_or(refused("change", change.into()))?,
        phase: Phase::from_byte(phase).ok_or(refused("phase", phase.into()))?,
        // The frame tells.
        is_suspect: false,
        score: Score::from_tenths(score).ok_or(refused("score", score))?,
        start: Nanos(fields.start),
        end: Nanos(fields.end),
        first: Sequence(fields.first),
        last: Sequence(fields.last),
        figures: fields.figures.map(f64::from_bits),
    };
    Ok((alert, name))
}

fn read_bar(payload: &[u8]) -> Result<(Bar, Option<&[u8]>), OutputRecordError> {
    let (fields, name) = fields_and_name::<BAR_FIELDS_BYTES>(OutputKind::Bar, payload)?;
    let fields: BarFields = bytemuck::pod_read_unaligned(fields);
    let (start, end) = (Nanos(fields.start), Nanos(fields.end));
    if start >= end {
        return Err(OutputRecordError::EmptyWindow { start, end });
    }
    let bar = Bar {
        symbol: SymbolId(fields.locate),
        start,
        end,
        revision: fields.revision,
        open: Price(fields.open),
        high: Price(fields.high),
        low: Price(fields.low),
        close: Price(fields.close),
        trades: fields.trades,
        volume: u128::from_le_bytes(fields.volume),
        notional: Notional(i128::from_le_bytes(fields.notional)),
        price_sum: i128::from_le_bytes(fields.price_sum),
        // The frame tells.
        is_suspect: false,
    };
    Ok((bar, name))
}

fn read_gap(payload: &[u8]) -> Result<(Sequence, Sequence), OutputRecordError> {
    let fields = <&[u8; GAP_BYTES]>::try_from(payload).map_err(|_| OutputRecordError::Size {
        kind: OutputKind::Gap,
        found: payload.len(),
        expected: GAP_BYTES,
    })?;
    let fields: GapFields = bytemuck::pod_read_unaligned(fields);
    let (first, end) = (Sequence(fields.first), Sequence(fields.end));
    if first >= end {
        return Err(OutputRecordError::EmptyGap { first, end });
    }
    Ok((first, end))
}

/// In one line, for messages.
impl fmt::Display for OutputRecord<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OutputRecord::Bar { cause, bar, name } => {
                let Bar { symbol, start, end, revision, open, high, low, close, .. } = bar;
                let name = String::from_utf8_lossy(name.unwrap_or(b"unnamed"));
                write!(
                    f,
                    "feed {} message {} at {}: ",
                    cause.feed, cause.position.0, cause.time.0
                )?;
                write!(f, "bar of {} ({name}) from {} to {}", symbol.0, start.0, end.0)?;
                write!(f, " revision {revision}, prices {open} {high} {low} {close}")?;
                write!(f, " sum {}, {} trades", Notional(bar.price_sum), bar.trades)?;
                write!(f, " of {} for {}", bar.volume, bar.notional)
            }
            OutputRecord::Alert { cause, alert, name } => {
                let name = String::from_utf8_lossy(name.unwrap_or(b"unnamed"));
                let Alert { symbol, code, opened, change, score, start, end, .. } = alert;
                write!(
                    f,
                    "feed {} message {} at {}: ",
                    cause.feed, cause.position.0, cause.time.0
                )?;
                write!(f, "alert {change:?} of {} ({name}), detector {}", symbol.0, code.0)?;
                write!(f, ", opened by {}, from {} to {}", opened.0, start.0, end.0)?;
                write!(f, ", score {}", score.get())
            }
            OutputRecord::Gap { feed, time, first, end } => {
                write!(f, "feed {feed} at {}: gap from {} to before {}", time.0, first.0, end.0)
            }
        }
    }
}

#[cfg(test)]
mod tests;
