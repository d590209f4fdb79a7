//! The input of a measurement, held in memory as BinaryFILE so that no read is measured.
//!
//! Whatever the file is (compressed, a capture, zero-prefixed), its messages are unpacked before the
//! measurement; what is measured is the walk over length-prefixed messages and all that follows. Where
//! no file is named a day is simulated, the same bytes on every machine.

use std::path::PathBuf;

use engine::packet::{Arrival, Source as _};
use engine::units::Nanos;
use exchange::{Settings, Simulation};
use feed_handlers::binaryfile::{BinaryFile, Framing, HeldWindow, Position};
use feed_handlers::input::{Format, InputSource};
use feed_handlers::itch50::Encoder;

use crate::day::TradingDay;
use crate::exit::Failure;
use crate::replay::faults;
use crate::simulate;

/// Messages of one trading day.
pub(super) struct Tape {
    /// Length-prefixed messages, back to back.
    pub(super) bytes: Vec<u8>,
    /// What they were read from.
    pub(super) name: String,
    /// How many.
    pub(super) messages: u64,
    /// The day.
    pub(super) day: TradingDay,
    /// The packets of a capture; none of a plain file, which has no packets of its own.
    pub(super) captured: Vec<Captured>,
}

#[cfg(test)]
impl Tape {
    /// Orders of one symbol, added at these times of the day; 38 bytes each, their lengths included.
    pub(super) fn of_adds(times_of_day_ns: impl IntoIterator<Item = u64>) -> Tape {
        use engine::units::{OrderRef, Side};
        use feed_handlers::itch50::{Header, Price4, Stock};
        let mut encoder = Encoder::new();
        for (time_of_day_ns, order) in times_of_day_ns.into_iter().zip(1..) {
            let head = Header { locate: 1, tracking: 0, time_of_day_ns };
            let (stock, price) = (Stock(*b"AAPL    "), Price4(1_000_000));
            encoder.add_order(head, OrderRef(order), Side::Buy, 100, stock, price, None);
        }
        Tape {
            name: String::from("by hand"),
            messages: encoder.messages(),
            bytes: encoder.into_bytes(),
            day: TradingDay::epoch(),
            captured: Vec::new(),
        }
    }
}

/// A packet of a capture, after those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Captured {
    /// Bytes of the tape up to its end.
    pub(super) end_bytes: usize,
    /// When it was captured.
    pub(super) recv: Nanos,
}

impl Tape {
    /// Reads `path` into memory. Damage is a failure: half a file is no measure.
    pub(super) fn read(path: &PathBuf) -> Result<Tape, Failure> {
        let mut source = InputSource::open(std::slice::from_ref(path), Format::Auto)
            .map_err(|error| faults::of(&error))?;
        let first = source.first_capture_time();
        let day = first.and_then(TradingDay::at).unwrap_or_else(TradingDay::epoch);
        source.set_midnight(day.midnight());
        let mut tape = Tape {
            name: path.display().to_string(),
            bytes: Vec::new(),
            messages: 0,
            day,
            captured: Vec::new(),
        };
        loop {
            match source.next() {
                Ok(Arrival::Packet(packet)) => {
                    // An empty message, which a capture can hold, would end a BinaryFILE.
                    for message in packet.iter().filter(|message| !message.is_empty()) {
                        let length = message.len() as u16;
                        tape.bytes.extend_from_slice(&length.to_be_bytes());
                        tape.bytes.extend_from_slice(message);
                        tape.messages += 1;
                    }
                    if first.is_some() {
                        let (end_bytes, recv) = (tape.bytes.len(), packet.recv);
                        tape.captured.push(Captured { end_bytes, recv });
                    }
                }
                Ok(Arrival::End) => break,
                Ok(_) => {}
                Err(error) => return Err(faults::of(&error)),
            }
        }
        if tape.messages == 0 {
            return Err(Failure::usage(format_args!(
                "{} has no messages: nothing to measure",
                path.display()
            )));
        }
        Ok(tape)
    }

    /// The day that a simulated exchange makes of these settings.
    pub(super) fn simulated(settings: &Settings) -> Result<Tape, Failure> {
        let mut simulation = Simulation::new(settings)
            .map_err(|error| Failure::usage(format_args!("{error}; see --help")))?;
        let mut encoder = Encoder::new();
        while simulation.advance(&mut encoder) {}
        let Settings { seed, symbols, .. } = settings;
        Ok(Tape {
            name: format!("a simulated day, {symbols} symbols, seed {seed}"),
            messages: encoder.messages(),
            bytes: encoder.into_bytes(),
            day: simulate::default_day()?,
            captured: Vec::new(),
        })
    }

    /// Midnight of the day, New York.
    pub(super) fn midnight(&self) -> Nanos {
        self.day.midnight()
    }

    /// The messages as packets, as a replay of a plain file cuts them.
    pub(super) fn packets(&self) -> BinaryFile<HeldWindow<&[u8]>> {
        let position = Position::start(self.midnight());
        BinaryFile::new(HeldWindow::new(&self.bytes[..]), Framing::LengthPrefix, position)
    }
}
