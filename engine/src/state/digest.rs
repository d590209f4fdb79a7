//! From the bytes of the walk to one hash of all state.
//!
//! ```text
//!  symbol     XXH3("symb" │ section u32 │ state version u32 │ symbol u32 │ the symbol's encoding)
//!  sum        the symbols' digests of a section, added without carry out of 64 bits
//!  section    XXH3("sect" │ section u32 │ state version u32 │ symbols u64 │ sum u64)
//!  state      XXH3("hash" │ books u64 │ metrics u64 │ windows u64 │ detectors u64)
//! ```
//! XXH3 is the 64-bit XXH3 with seed 0 (xxHash specification 0.8); numbers are little-endian. Symbols
//! are those of which a message was seen. What concerns no symbol goes into the metrics section's
//! sum as symbol 0, from one shard only, and is not counted; so does what detectors know of the session,
//! where there are any, into theirs. Windows are counted as no symbols: books and
//! metrics count them. An empty section is 0, 0.
//!
//! Addition lets shards be put together in any order and number. It guards against accident, as a
//! checksum does, not against somebody who builds a state to collide: for that there are the journal's
//! seals.
//!
//! XXH3 comes from `twox-hash`: alive, MIT, allocates nothing in the form used here, and picks AVX2
//! where the processor has it (feature `std`), which `xxhash-rust` does only when compiled for it.
//! The tests hold one against the other.

use core::fmt;
use core::hash::Hasher as _;
use core::ops::AddAssign;
use twox_hash::xxhash3_64::{DEFAULT_SECRET_LENGTH, Hasher, RawHasher, SecretBuffer};

use crate::shard::Shard;
use crate::state::encode::{self, Sink};
use crate::state::prefetch;
use crate::state::section::{Fingerprint, Section, SectionHash};
use crate::units::{Nanos, SymbolId};

/// 64 bits that stand for state.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub u64);

/// 16 lower-case hexadecimal digits.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// Bytes gathered before the hash sees them: small writes are a copy, and what most symbols hold is
/// hashed in one go.
const BUFFER_BYTES: usize = 4096;

/// The sink that hashes. Allocates nothing; one serves any number of digests.
pub(super) struct Digester {
    buffer: [u8; BUFFER_BYTES],
    len: usize,
    /// What has left the buffer, if anything.
    stream: Option<RawHasher<&'static [u8; DEFAULT_SECRET_LENGTH]>>,
}

impl Digester {
    pub(super) fn new() -> Self {
        Digester { buffer: [0; BUFFER_BYTES], len: 0, stream: None }
    }

    /// Begins a digest of its own kind.
    #[inline]
    pub(super) fn begin(&mut self, kind: &[u8; 4]) {
        self.len = 0;
        self.stream = None;
        self.bytes(kind);
    }

    /// The digest of all bytes since it was begun.
    #[inline]
    pub(super) fn finish(&mut self) -> Digest {
        let rest = &self.buffer[..self.len];
        Digest(match &mut self.stream {
            None => Hasher::oneshot(rest),
            Some(stream) => {
                stream.write(rest);
                stream.finish()
            }
        })
    }

    #[cold]
    #[inline(never)]
    fn flush_and_take(&mut self, bytes: &[u8]) {
        let stream = self.stream.get_or_insert_with(|| RawHasher::new(SecretBuffer::default()));
        stream.write(&self.buffer[..self.len]);
        self.len = 0;
        if bytes.len() <= BUFFER_BYTES {
            self.buffer[..bytes.len()].copy_from_slice(bytes);
            self.len = bytes.len();
        } else {
            stream.write(bytes);
        }
    }
}

impl Sink for Digester {
    #[inline(always)]
    fn bytes(&mut self, bytes: &[u8]) {
        match self.buffer.get_mut(self.len..self.len + bytes.len()) {
            Some(free) => {
                free.copy_from_slice(bytes);
                self.len += bytes.len();
            }
            None => self.flush_and_take(bytes),
        }
    }
}

/// Sums of the digests of a shard's symbols by section, or of several shards' together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SectionSums {
    /// Of the books.
    pub books: u64,
    /// Of the metrics, and of what concerns no symbol.
    pub metrics: u64,
    /// Of the windows; 0 without bars.
    pub windows: u64,
    /// Of the detectors; 0 without any. The desk of alerts is not in it, see FORMATS.md.
    pub detectors: u64,
    /// Symbols of which a message was seen.
    pub symbols: u64,
}

impl SectionSums {
    /// The sums and the number of symbols, as a signal carries them.
    #[must_use]
    pub const fn words(&self) -> [u64; 5] {
        [self.books, self.metrics, self.windows, self.detectors, self.symbols]
    }

    /// From the words of a signal.
    #[must_use]
    pub const fn from_words(words: [u64; 5]) -> SectionSums {
        let [books, metrics, windows, detectors, symbols] = words;
        SectionSums { books, metrics, windows, detectors, symbols }
    }

    fn add(&mut self, section: Section, digest: Digest) {
        let sum = match section {
            Section::Books => &mut self.books,
            Section::Metrics => &mut self.metrics,
            Section::Windows => &mut self.windows,
            Section::Detectors => &mut self.detectors,
        };
        *sum = sum.wrapping_add(digest.0);
    }

    /// How many symbols stand in a section's sum, and the sum.
    fn of(&self, section: Section) -> (u64, u64) {
        match section {
            Section::Books => (self.symbols, self.books),
            Section::Metrics => (self.symbols, self.metrics),
            Section::Windows => (0, self.windows),
            Section::Detectors => (0, self.detectors),
        }
    }
}

impl AddAssign for SectionSums {
    fn add_assign(&mut self, other: SectionSums) {
        let SectionSums { books, metrics, windows, detectors, symbols } = other;
        self.books = self.books.wrapping_add(books);
        self.metrics = self.metrics.wrapping_add(metrics);
        self.windows = self.windows.wrapping_add(windows);
        self.detectors = self.detectors.wrapping_add(detectors);
        self.symbols += symbols;
    }
}

/// Walks a shard and sums the digests of its symbols.
///
/// `owns_market` is true for exactly one shard of an engine, whichever it is; its sums hold what
/// concerns no symbol: the session phase, its quality counts, when market hours began for its detectors, and
/// `feed_time`, which is the sequencer's as messages alone have moved it.
#[must_use]
pub fn section_sums(shard: &Shard, feed_time: Nanos, owns_market: bool) -> SectionSums {
    let mut sums = SectionSums::default();
    let mut digester = Digester::new();
    sums.symbols = add_section(Section::Books, shard, &mut digester, &mut sums);
    add_section(Section::Metrics, shard, &mut digester, &mut sums);
    if shard.parts().bars.is_on() {
        add_section(Section::Windows, shard, &mut digester, &mut sums);
    }
    if shard.detectors().is_on() {
        add_section(Section::Detectors, shard, &mut digester, &mut sums);
    }
    if owns_market {
        begin(&mut digester, Section::Metrics, SymbolId(0));
        encode::market(shard, feed_time, &mut digester);
        sums.add(Section::Metrics, digester.finish());
        if shard.detectors().is_on() {
            begin(&mut digester, Section::Detectors, SymbolId(0));
            shard.detectors().common().store_session(&mut digester);
            sums.add(Section::Detectors, digester.finish());
        }
    }
    sums
}

/// Adds every symbol's part of a section; returns how many symbols there are. One section after the
/// other: taking turns symbol by symbol costs a third more, as neither's memory stays in the cache.
#[inline(always)]
fn add_section(
    section: Section,
    shard: &Shard,
    digester: &mut Digester,
    sums: &mut SectionSums,
) -> u64 {
    let mut symbols = 0;
    for symbol in (1..shard.books().symbol_count() as u32).map(SymbolId) {
        prefetch::ahead_of(section, shard, symbol);
        if shard.metrics(symbol).is_known() {
            symbols += 1;
            begin(digester, section, symbol);
            encode::symbol(section, shard, symbol, digester);
            sums.add(section, digester.finish());
        }
    }
    symbols
}

fn begin(digester: &mut Digester, section: Section, symbol: SymbolId) {
    digester.begin(b"symb");
    digester.u32(section as u32);
    digester.u32(section.state_version());
    digester.u32(symbol.0);
}

/// The hash of all state, and the digests of its sections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateHash {
    sections: [Digest; Section::COUNT],
    state: Digest,
}

impl StateHash {
    /// Of the sums over all shards.
    #[must_use]
    pub fn of(sums: &SectionSums) -> StateHash {
        let mut digester = Digester::new();
        let sections = Section::ALL.map(|section| {
            let (symbols, sum) = sums.of(section);
            digester.begin(b"sect");
            digester.u32(section as u32);
            digester.u32(section.state_version());
            digester.u64(symbols);
            digester.u64(sum);
            digester.finish()
        });
        digester.begin(b"hash");
        sections.iter().for_each(|section| digester.u64(section.0));
        StateHash { sections, state: digester.finish() }
    }

    /// `state_hash`: the digest over all sections.
    #[must_use]
    pub const fn state(&self) -> Digest {
        self.state
    }

    /// The digest of a section.
    #[must_use]
    pub const fn section(&self, section: Section) -> Digest {
        self.sections[section.index()]
    }

    /// A section's digest, ready to be compared.
    #[must_use]
    pub const fn section_hash(&self, section: Section, fingerprint: Fingerprint) -> SectionHash {
        SectionHash::new(section, fingerprint, self.section(section))
    }
}

/// As `state_hash` stands in `summary.json`.
impl fmt::Display for StateHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.state, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes of every size, so that they end before, at and behind the buffer's end.
    #[test]
    fn a_digest_depends_on_the_bytes_and_not_on_how_they_are_cut() {
        let bytes: Vec<u8> =
            (0..3 * BUFFER_BYTES as u32 + 777).map(|i| ((i * i) >> 3) as u8).collect();
        let mut digester = Digester::new();
        for total in [0, 1, 16, 240, 241, BUFFER_BYTES - 4, BUFFER_BYTES - 3, bytes.len()] {
            let expected = Hasher::oneshot(&[b"test", &bytes[..total]].concat());
            for cut in [1, 7, 34, 4095, 4096, 4097, bytes.len()] {
                digester.begin(b"test");
                bytes[..total].chunks(cut).for_each(|chunk| digester.bytes(chunk));
                assert_eq!(digester.finish(), Digest(expected), "{total} bytes in {cut}s");
            }
        }
    }

    #[test]
    fn each_sum_is_in_its_own_section_and_all_are_in_the_hash() {
        let nothing = StateHash::of(&SectionSums::default());
        for (at, section) in Section::ALL.into_iter().enumerate() {
            let mut sums = SectionSums::default();
            sums.add(section, Digest(1));
            let changed = StateHash::of(&sums);
            assert_ne!(changed.state(), nothing.state());
            for (place, other) in Section::ALL.into_iter().enumerate() {
                let is_same = changed.section(other) == nothing.section(other);
                assert_eq!(is_same, place != at, "{section} {other}");
            }
        }
        let digests: std::collections::HashSet<Digest> =
            Section::ALL.map(|section| nothing.section(section)).into();
        assert_eq!(digests.len(), Section::COUNT);
    }

    #[test]
    fn the_number_of_symbols_counts_where_there_are_some() {
        let nothing = StateHash::of(&SectionSums::default());
        let one = StateHash::of(&SectionSums { symbols: 1, ..SectionSums::default() });
        let same = Section::ALL.map(|section| nothing.section(section) == one.section(section));
        assert_eq!(same, [false, false, true, true]);
    }
}
