//! What a record holds: its securities, how busy they are, when they trade, and which numbers are taken.

use std::io::Read;

use feed_handlers::itch50::{DirectoryEntry, Stock};

use super::SpliceError;
use super::frames::{Frames, byte, locate, number, number_u32, time_ns};
use crate::matching::Listing;
use crate::timetable::Timetable;
use crate::universe::{Role, Security};

/// Trading that is too short for anything.
const SPAN_NS_MIN: u64 = 120_000_000_000;

/// A security as it was recorded.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) locate: u16,
    pub(super) stock: Stock,
    pub(super) messages: u64,
    printed_e4: u32,
    added_e4: u64,
    added: u64,
    halted_ns: Option<u64>,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Survey {
    pub(super) seen: Vec<Seen>,
    /// By locate, 1 + its place among the securities.
    by_locate: Vec<u32>,
    open_ns: Option<u64>,
    close_ns: Option<u64>,
    first_ns: u64,
    last_ns: u64,
    pub(super) messages: u64,
    pub(super) reference_max: u64,
    pub(super) match_max: u64,
    /// Which security, from when to when it did not trade.
    pub(super) halts: Vec<(u16, u64, u64)>,
}

impl Survey {
    /// Reads a record through.
    ///
    /// # Errors
    /// If it cannot be read or ends within a message.
    pub fn of(record: impl Read) -> Result<Survey, SpliceError> {
        let mut survey = Survey {
            seen: Vec::new(),
            by_locate: vec![0; 1 << 16],
            open_ns: None,
            close_ns: None,
            first_ns: u64::MAX,
            last_ns: 0,
            messages: 0,
            reference_max: 0,
            match_max: 0,
            halts: Vec::new(),
        };
        let mut frames = Frames::new(record);
        while let Some(message) = frames.next()? {
            survey.take(message);
        }
        Ok(survey)
    }

    /// Messages of the record.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// The place of a security, if a message of it was seen.
    pub(super) fn place(&self, locate: u16) -> Option<u16> {
        let place = self.by_locate[usize::from(locate)];
        place.checked_sub(1).map(|place| place as u16)
    }

    fn take(&mut self, message: &[u8]) {
        self.messages += 1;
        let (time_ns, locate) = (time_ns(message), locate(message));
        match byte(message, 0) {
            b'S' if byte(message, 11) == b'Q' => self.open_ns = Some(time_ns),
            b'S' if byte(message, 11) == b'M' => self.close_ns = Some(time_ns),
            b'S' => {}
            kind => {
                self.number(kind, message);
                if locate != 0 {
                    self.of_security(kind, locate, message, time_ns);
                }
            }
        }
    }

    /// Notes references and match numbers.
    fn number(&mut self, kind: u8, message: &[u8]) {
        let references: &[usize] = match kind {
            b'A' | b'F' => &[11],
            b'U' => &[11, 19],
            _ => &[],
        };
        for &at in references {
            self.reference_max = self.reference_max.max(number(message, at, 8));
        }
        let at = match kind {
            b'E' | b'C' => 23,
            b'P' => 36,
            b'Q' => 31,
            _ => return,
        };
        self.match_max = self.match_max.max(number(message, at, 8));
    }

    fn of_security(&mut self, kind: u8, locate: u16, message: &[u8], time_ns: u64) {
        let stock_at = match kind {
            b'A' | b'F' | b'P' => Some(24),
            b'R' | b'H' | b'Y' => Some(11),
            _ => None,
        };
        let place = match (self.place(locate), stock_at) {
            (Some(place), _) => place,
            (None, Some(at)) if message.len() >= at + 8 => self.enter(locate, message, at),
            _ => return,
        };
        let seen = &mut self.seen[usize::from(place)];
        match kind {
            b'A' | b'F' | b'E' | b'C' | b'X' | b'D' | b'U' | b'P' => {
                seen.messages += 1;
                self.first_ns = self.first_ns.min(time_ns);
                self.last_ns = self.last_ns.max(time_ns);
                if matches!(kind, b'A' | b'F') {
                    seen.added_e4 += u64::from(number_u32(message, 32));
                    seen.added += 1;
                } else if matches!(kind, b'C' | b'P') {
                    seen.printed_e4 = number_u32(message, 32);
                }
            }
            b'H' if byte(message, 19) == b'T' => {
                if let Some(from_ns) = seen.halted_ns.take() {
                    self.halts.push((place, from_ns, time_ns));
                }
            }
            b'H' => {
                seen.halted_ns.get_or_insert(time_ns);
            }
            _ => {}
        }
    }

    fn enter(&mut self, locate: u16, message: &[u8], at: usize) -> u16 {
        let mut stock = Stock([b' '; 8]);
        stock.0.copy_from_slice(&message[at..at + 8]);
        let (printed_e4, added_e4, added) = (0, 0, 0);
        let (messages, halted_ns) = (0, None);
        self.seen.push(Seen { locate, stock, messages, printed_e4, added_e4, added, halted_ns });
        self.by_locate[usize::from(locate)] = self.seen.len() as u32;
        (self.seen.len() - 1) as u16
    }

    /// From when to when there is trading: market hours, or what of them was recorded.
    pub(super) fn timetable(&self) -> Result<(Timetable, u64), SpliceError> {
        let from_ns = self.open_ns.unwrap_or(self.first_ns);
        let to_ns = self.close_ns.unwrap_or(self.last_ns);
        let span_ns = to_ns.checked_sub(from_ns).filter(|&span_ns| span_ns >= SPAN_NS_MIN);
        let is_busy = |seen: &Seen| seen.security().role == Role::Ordinary;
        let span_ns = span_ns.filter(|_| self.seen.iter().any(is_busy));
        let span_ns = span_ns.ok_or(SpliceError::NoTrading)?;
        let span_ns = span_ns.min(crate::settings::FULL_DAY_NS);
        Ok((Timetable::from(from_ns, span_ns), span_ns))
    }

    /// Whether opening and closing were recorded.
    pub(super) fn has_market_hours(&self) -> bool {
        self.open_ns.is_some() && self.close_ns.is_some()
    }

    /// The securities as the plan wants them.
    pub(super) fn securities(&self) -> Vec<Security> {
        self.seen.iter().map(Seen::security).collect()
    }
}

impl Seen {
    /// What it cost, about.
    pub(super) fn price_e4(&self) -> u32 {
        let mean = self.added_e4.checked_div(self.added).unwrap_or_default() as u32;
        if self.printed_e4 > 0 { self.printed_e4 } else { mean.max(1) }
    }

    /// The step of its prices (Regulation NMS, rule 612).
    pub(super) fn tick_e4(&self) -> u32 {
        if self.price_e4() < 10_000 { 1 } else { 100 }
    }

    fn security(&self) -> Security {
        let (tick_e4, close_e4) = (self.tick_e4(), self.price_e4());
        let Seen { locate, stock, messages, .. } = *self;
        Security {
            listing: Listing { stock, locate, tick_e4, close_e4, tier: b'1' },
            entry: DirectoryEntry::common_stock(stock),
            // One without an order is not there to be played on.
            role: if messages < 100 { Role::NewListing } else { Role::Ordinary },
            weight: messages.max(1),
            half_spread_q8: 0,
            step_e4: tick_e4,
            sigma_q20: 0,
            haste: 0,
            makers: 0,
        }
    }
}
