//! Rows as they arise in a shard, kept in a file without a name until the run ends.
//!
//! Every shard writes rows of its own, in order of position; at the end those of all shards are merged
//! into one order. A row's symbol gets its name then: by that time every name is known. The files are
//! gone when their owner is, however it ends.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek as _, Write as _};
use std::path::Path;

use engine::units::Position;

/// A row of fixed size.
pub(crate) trait Spooled: Copy {
    /// Its bytes.
    type Bytes: AsRef<[u8]> + AsMut<[u8]>;
    /// Bytes to be read into.
    const EMPTY: Self::Bytes;

    /// Where it stands in the order of all rows.
    fn position(&self) -> Position;

    /// As bytes.
    fn to_bytes(self) -> Self::Bytes;

    /// From the bytes that [`Spooled::to_bytes`] gave.
    fn from_bytes(bytes: &Self::Bytes) -> Self;
}

/// Bytes of one file's buffer.
const BUFFER_BYTES: usize = 256 * 1024;

/// Rows of one shard.
#[derive(Debug)]
pub(crate) struct Spool {
    writer: BufWriter<File>,
    /// What went wrong first; rows after that are lost, and so is the file.
    fault: Option<io::Error>,
}

impl Spool {
    /// Begins a file in `dir`.
    pub(crate) fn begin(dir: &Path) -> io::Result<Spool> {
        let file = tempfile::tempfile_in(dir)?;
        Ok(Spool { writer: BufWriter::with_capacity(BUFFER_BYTES, file), fault: None })
    }

    /// Adds a row.
    #[inline]
    pub(crate) fn push(&mut self, row: impl Spooled) {
        if self.fault.is_none()
            && let Err(error) = self.writer.write_all(row.to_bytes().as_ref())
        {
            self.fault = Some(error);
        }
    }

    fn into_reader(self) -> io::Result<BufReader<File>> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let mut file = self.writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        Ok(BufReader::with_capacity(BUFFER_BYTES, file))
    }
}

/// Hands the rows of all shards to `each`, in order of position; rows of one position are one
/// shard's and keep their order.
pub(crate) fn merge<R: Spooled>(
    spools: Vec<Spool>,
    mut each: impl FnMut(&R) -> io::Result<()>,
) -> io::Result<()> {
    let mut heads = Vec::new();
    for spool in spools {
        let mut reader = spool.into_reader()?;
        if let Some(row) = read::<R>(&mut reader)? {
            heads.push((row, reader));
        }
    }
    while let Some(first) = (0..heads.len()).min_by_key(|&at| heads[at].0.position()) {
        let (row, reader) = &mut heads[first];
        each(row)?;
        match read::<R>(reader)? {
            Some(next) => *row = next,
            None => drop(heads.swap_remove(first)),
        }
    }
    Ok(())
}

fn read<R: Spooled>(reader: &mut impl Read) -> io::Result<Option<R>> {
    let mut bytes = R::EMPTY;
    match reader.read_exact(bytes.as_mut()) {
        Ok(()) => Ok(Some(R::from_bytes(&bytes))),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Row(u64);

    impl Spooled for Row {
        type Bytes = [u8; 8];
        const EMPTY: [u8; 8] = [0; 8];

        fn position(&self) -> Position {
            Position(self.0 >> 8)
        }

        fn to_bytes(self) -> [u8; 8] {
            self.0.to_le_bytes()
        }

        fn from_bytes(bytes: &[u8; 8]) -> Row {
            Row(u64::from_le_bytes(*bytes))
        }
    }

    #[test]
    fn rows_of_all_shards_come_in_order_and_those_of_one_event_stay_as_they_were() {
        let dir = tempfile::tempdir().unwrap();
        let spool = |rows: &[u64]| {
            let mut spool = Spool::begin(dir.path()).unwrap();
            rows.iter().for_each(|&row| spool.push(Row(row)));
            spool
        };
        let spools = vec![spool(&[0x109, 0x108, 0x500]), spool(&[]), spool(&[0x200, 0x401])];
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        let mut merged = Vec::new();
        merge::<Row>(spools, |row| {
            merged.push(row.0);
            Ok(())
        })
        .unwrap();
        assert_eq!(merged, [0x109, 0x108, 0x200, 0x401, 0x500]);
    }

    #[test]
    fn what_a_full_disk_refuses_is_told_at_the_end() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut spool = Spool { writer: BufWriter::with_capacity(8, full), fault: None };
        (0..100).for_each(|row| spool.push(Row(row)));
        let merged = merge::<Row>(vec![spool], |_| Ok(()));
        assert_eq!(merged.unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
