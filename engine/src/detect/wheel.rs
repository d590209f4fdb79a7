//! Which symbols are to be looked at when feed time has come to which line of 100 ms.
//!
//! ```text
//!  lines  0      1      …      127                 a bit a symbol in each, reused every 12.8 s
//! ```
//! A bit that is set says only that the symbol is to be asked: when it wished to be woken stands with the
//! symbol. Who wishes to be woken later than the wheel reaches is asked in between and put in again.
//! Nothing of it is state: it follows from the symbols' wishes.

use crate::detect::activity::SLOT_NS;

/// Lines that the wheel has.
const LINES: i64 = 128;

/// See the module.
pub(crate) struct Wheel {
    /// Words of 64 symbols a line.
    words: usize,
    bits: Vec<u64>,
    /// The next line that has not passed; `i64::MIN` before the first.
    next: i64,
    /// Symbols below this may have wishes.
    symbols: u32,
}

impl Wheel {
    pub(crate) fn new(symbols_max: usize) -> Wheel {
        let words = symbols_max.div_ceil(64);
        Wheel { words, bits: vec![0; words * LINES as usize], next: i64::MIN, symbols: 0 }
    }

    /// When the next line passes.
    #[inline(always)]
    pub(crate) fn is_due(&self, time_ns: i64) -> bool {
        // Before the first line any time is due.
        self.next == i64::MIN || time_ns >= self.next.saturating_mul(SLOT_NS)
    }

    /// Notes a symbol's wish to be woken at a time.
    #[inline]
    pub(crate) fn put(&mut self, symbol: u32, wake_ns: i64) {
        let line = wake_ns.saturating_add(SLOT_NS - 1).div_euclid(SLOT_NS);
        let line = line.clamp(self.next, self.next.saturating_add(LINES - 1));
        let at = line.rem_euclid(LINES) as usize * self.words + symbol as usize / 64;
        if let Some(word) = self.bits.get_mut(at) {
            *word |= 1 << (symbol % 64);
            self.symbols = self.symbols.max(symbol + 1);
        }
    }

    /// Takes the next line that `time_ns` has come to, if there is one: when it stands. However long a silence
    /// was, no line is left out: so a symbol is woken at the line of its wish, by whatever bits are set
    /// besides. A day has 864,000 lines.
    pub(crate) fn take_line(&mut self, time_ns: i64) -> Option<i64> {
        let last = time_ns.div_euclid(SLOT_NS);
        if self.next == i64::MIN {
            self.next = last;
        }
        if self.next > last {
            return None;
        }
        self.next += 1;
        Some((self.next - 1).saturating_mul(SLOT_NS))
    }

    /// Takes the next symbol from `from` on out of the line that was taken last.
    pub(crate) fn take_symbol(&mut self, from: u32) -> Option<u32> {
        let row = (self.next - 1).rem_euclid(LINES) as usize * self.words;
        let mut word = from as usize / 64;
        let mut mask = u64::MAX << (from % 64);
        let end = (self.symbols as usize).div_ceil(64).min(self.words);
        while word < end {
            let set = self.bits[row + word] & mask;
            if set != 0 {
                let bit = set.trailing_zeros();
                self.bits[row + word] &= !(1 << bit);
                return Some(word as u32 * 64 + bit);
            }
            (word, mask) = (word + 1, u64::MAX);
        }
        None
    }

    /// Goes on as a wheel that has taken all lines up to a time.
    pub(crate) fn restore_time(&mut self, time_ns: i64) {
        self.next = if time_ns == i64::MIN { i64::MIN } else { time_ns.div_euclid(SLOT_NS) + 1 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(wheel: &mut Wheel, time_ns: i64) -> Vec<(i64, Vec<u32>)> {
        let mut lines = Vec::new();
        while let Some(line) = wheel.take_line(time_ns) {
            let (mut symbols, mut from) = (Vec::new(), 0);
            while let Some(symbol) = wheel.take_symbol(from) {
                symbols.push(symbol);
                from = symbol + 1;
            }
            if !symbols.is_empty() {
                lines.push((line / SLOT_NS, symbols));
            }
        }
        lines
    }

    #[test]
    fn symbols_come_at_the_first_line_not_before_their_wish_in_their_order() {
        let mut wheel = Wheel::new(300);
        assert!(wheel.is_due(0));
        assert_eq!(taken(&mut wheel, 1_000 * SLOT_NS), []);
        for (symbol, wake) in
            [(299, 1_002 * SLOT_NS), (64, 1_001 * SLOT_NS + 1), (1, 1_002 * SLOT_NS - 1)]
        {
            wheel.put(symbol, wake);
        }
        wheel.put(7, 1_003 * SLOT_NS);
        assert!(!wheel.is_due(1_001 * SLOT_NS - 1) && wheel.is_due(1_001 * SLOT_NS));
        assert_eq!(taken(&mut wheel, 1_001 * SLOT_NS), []);
        assert_eq!(taken(&mut wheel, 1_002 * SLOT_NS + 5), [(1_002, vec![1, 64, 299])]);
        // What is wished for the past comes with the next line.
        wheel.put(5, 3);
        assert_eq!(taken(&mut wheel, 1_009 * SLOT_NS), [(1_003, vec![5, 7])]);
    }

    #[test]
    fn what_is_further_than_the_wheel_comes_before_its_time_to_be_put_in_again() {
        let mut wheel = Wheel::new(64);
        assert_eq!(taken(&mut wheel, 0), []);
        wheel.put(3, 1_000 * SLOT_NS);
        assert_eq!(taken(&mut wheel, 200 * SLOT_NS), [(128, vec![3])]);
        wheel.put(3, 1_000 * SLOT_NS);
        assert_eq!(taken(&mut wheel, 327 * SLOT_NS), []);
        assert_eq!(taken(&mut wheel, 328 * SLOT_NS), [(328, vec![3])]);
    }

    #[test]
    fn after_a_silence_of_any_length_a_symbol_comes_at_the_line_of_its_wish() {
        for before in [0, 40, 100] {
            let mut wheel = Wheel::new(64);
            taken(&mut wheel, 0);
            // A wish of before leaves its bit, or is gone with its line.
            wheel.put(3, 50 * SLOT_NS);
            taken(&mut wheel, before * SLOT_NS);
            let wish = 600;
            wheel.put(3, wish * SLOT_NS);
            let mut at = None;
            while let Some(line) = wheel.take_line(10_000 * SLOT_NS) {
                if wheel.take_symbol(0).is_some() {
                    if line < wish * SLOT_NS {
                        wheel.put(3, wish * SLOT_NS);
                    } else {
                        at = at.or(Some(line / SLOT_NS));
                    }
                }
            }
            assert_eq!(at, Some(wish), "{before}");
        }
    }
}
