//! How many bars an output log has told, by size: kept of outputs that were pruned, so that a run that
//! goes on from a snapshot still knows how many there were.
//!
//! ```text
//!  0         8         16        24
//!  ├ size_ns ┼ windows ┼ outputs ┤ …      by size, rising; little-endian
//! ```

use std::collections::BTreeMap;

use crate::log::frame::Frame;
use crate::output::record::OutputRecord;

/// Bytes of one size.
const ENTRY_BYTES: usize = 24;

/// Of bars of one size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BarsTold {
    /// Windows that were put out.
    pub windows: u64,
    /// How often, corrections included.
    pub outputs: u64,
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// By size in ns.
    pub bars: BTreeMap<i64, BarsTold>,
}

impl Tally {
    /// Counts an output; a frame that is none is not counted.
    pub fn take(&mut self, frame: &Frame<'_>) {
        if let Ok(OutputRecord::Bar { bar, .. }) = OutputRecord::read(frame) {
            let told = self.bars.entry(bar.end.0.saturating_sub(bar.start.0)).or_default();
            told.windows += u64::from(bar.revision == 0);
            told.outputs += 1;
        }
    }

    /// As bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let entry = |(size_ns, told): (&i64, &BarsTold)| {
            [size_ns.to_le_bytes(), told.windows.to_le_bytes(), told.outputs.to_le_bytes()]
        };
        self.bars.iter().flat_map(entry).flatten().collect()
    }

    /// Reads what [`Tally::to_bytes`] gave; `None` if it did not.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Tally> {
        if !bytes.len().is_multiple_of(ENTRY_BYTES) {
            return None;
        }
        let word = |entry: &[u8], at: usize| {
            entry.get(at..at + 8).and_then(|word| word.try_into().ok()).map(u64::from_le_bytes)
        };
        let entries = bytes.chunks_exact(ENTRY_BYTES).map(|entry| {
            let told = BarsTold { windows: word(entry, 8)?, outputs: word(entry, 16)? };
            Some((word(entry, 0)? as i64, told))
        });
        Some(Tally { bars: entries.collect::<Option<_>>()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_read_back() {
        let told = |windows, outputs| BarsTold { windows, outputs };
        let bars = BTreeMap::from([(1_000, told(3, 4)), (60_000_000_000, told(1, 1))]);
        let tally = Tally { bars };
        let bytes = tally.to_bytes();
        assert_eq!(bytes.len(), 2 * ENTRY_BYTES);
        assert_eq!(
            bytes[..24],
            [232, 3, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0]
        );
        assert_eq!(Tally::read(&bytes), Some(tally));
        assert_eq!(Tally::read(&[]), Some(Tally::default()));
        assert_eq!(Tally::read(&bytes[1..]), None);
    }
}
