//! Everything published, to be had again: a tail in memory and a file with all of it.
//!
//! ```text
//!  publisher ─► append ─┬─► tail: the last messages, in memory
//!                       ├─► file: all messages, each behind its length (BinaryFILE)
//!                       └─► index: where in the file every 64th message begins
//!  servers   ◄─ read ───┘   any range of the session, from whichever holds it
//! ```
//! One writer, the publisher; any number of readers, which hold it up for a copy within memory at
//! most: the file is read without the lock. The tail is bounded; the file takes what the day has. A
//! full disk is an error of the writer, which ends the day.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// Messages between two entries of the index.
const STRIDE: u64 = 64;

/// The tail has at least the last so many bytes, and at most twice as many.
const TAIL_BYTES: usize = 4 << 20;

/// Most bytes of a message and its length.
const BLOCK_BYTES_MAX: usize = size_of::<u16>() + u16::MAX as usize;

/// Bytes that are written to the file at a time.
const WRITE_BYTES: usize = 256 << 10;

/// How far the session has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Number of the next message that will be published.
    pub next: u64,
    /// Nothing more will be.
    pub is_ended: bool,
    /// Nobody is to wait for more, whether there would be any or not.
    pub is_closed: bool,
}

#[derive(Debug)]
struct Inner {
    progress: Progress,
    /// Where message 1, 1 + [`STRIDE`] … begin.
    index: Vec<u64>,
    tail: Vec<u8>,
    /// Where the tail begins.
    tail_start: u64,
    /// Everything before it is in the file.
    written: u64,
}

/// See the module.
#[derive(Debug)]
pub struct Store {
    inner: Mutex<Inner>,
    grown: Condvar,
    file: File,
}

impl Store {
    /// An empty store whose file lies at `path`, or is temporary and has no name.
    pub(super) fn new(path: Option<&Path>) -> io::Result<Store> {
        let file = match path {
            Some(path) => {
                OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?
            }
            None => tempfile::tempfile()?,
        };
        let inner = Inner {
            progress: Progress { next: 1, is_ended: false, is_closed: false },
            index: Vec::new(),
            tail: Vec::with_capacity(2 * TAIL_BYTES),
            tail_start: 0,
            written: 0,
        };
        Ok(Store { inner: Mutex::new(inner), grown: Condvar::new(), file })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Whoever panicked holding it has left whole messages: the lengths are written last.
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Appends whole messages, each behind its length. Fails where the file takes no more.
    pub(super) fn append(&self, messages: &[u8]) -> io::Result<()> {
        let mut inner = self.lock();
        let mut at = inner.end();
        inner.tail.extend_from_slice(messages);
        let mut rest = messages;
        while let Some(bytes) = block_bytes(rest) {
            if (inner.progress.next - 1).is_multiple_of(STRIDE) {
                inner.index.push(at);
            }
            inner.progress.next += 1;
            at += bytes as u64;
            rest = &rest[bytes..];
        }
        assert!(rest.is_empty(), "Invariant: whole messages are published");
        if inner.end() - inner.written >= WRITE_BYTES as u64 {
            self.write(&mut inner)?;
        }
        drop(inner);
        self.grown.notify_all();
        Ok(())
    }

    /// Brings the file up to the tail's end, and lets go of what the tail need not have.
    fn write(&self, inner: &mut Inner) -> io::Result<()> {
        let unwritten = &inner.tail[(inner.written - inner.tail_start) as usize..];
        self.file.write_all_at(unwritten, inner.written)?;
        inner.written = inner.end();
        if inner.tail.len() >= 2 * TAIL_BYTES - WRITE_BYTES {
            let gone = inner.tail.len() - TAIL_BYTES;
            inner.tail.drain(..gone);
            inner.tail_start += gone as u64;
        }
        Ok(())
    }

    /// The session is over: the file gets its end mark.
    pub(super) fn end(&self) -> io::Result<()> {
        let mut inner = self.lock();
        self.write(&mut inner)?;
        self.file.write_all_at(&[0, 0], inner.written)?;
        inner.progress.is_ended = true;
        drop(inner);
        self.grown.notify_all();
        Ok(())
    }

    /// Nobody is to wait any longer.
    pub(super) fn close(&self) {
        self.lock().progress.is_closed = true;
        self.grown.notify_all();
    }

    /// How far the session has come.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.lock().progress
    }

    /// Waits until message `sequence` is published, the session is over, the store is closed, or
    /// `patience` runs out.
    pub fn wait(&self, sequence: u64, patience: Duration) -> Progress {
        let is_coming = |inner: &mut Inner| {
            let Progress { next, is_ended, is_closed } = inner.progress;
            next <= sequence && !is_ended && !is_closed
        };
        let waited = self.grown.wait_timeout_while(self.lock(), patience, is_coming);
        let (inner, _) = waited.unwrap_or_else(std::sync::PoisonError::into_inner);
        inner.progress
    }

    /// Appends messages from `first` on to `to`, each behind its length: as many as are published, at
    /// most `count_max` and whole ones within `bytes_max`, but one where there is one. Returns how
    /// many.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(
        &self,
        first: u64,
        count_max: u64,
        bytes_max: usize,
        to: &mut Vec<u8>,
    ) -> io::Result<u64> {
        let inner = self.lock();
        let count_max = count_max.min(inner.progress.next.saturating_sub(first));
        if count_max == 0 || first == 0 {
            return Ok(0);
        }
        let at = usize::try_from((first - 1) / STRIDE).unwrap_or(usize::MAX);
        let skipped = (first - 1) % STRIDE;
        let start = inner.index[at];
        // Of the messages in between only the lengths are known not to be more than this.
        let ends = inner.index.get(at + 1).copied().unwrap_or(inner.end());
        let bytes = ((ends - start) as usize).saturating_add(bytes_max.max(BLOCK_BYTES_MAX));
        let bytes = bytes.min((inner.end() - start) as usize);
        let mut piece;
        let source = if start >= inner.tail_start {
            let from = (start - inner.tail_start) as usize;
            &inner.tail[from..from + bytes]
        } else {
            let bytes = bytes.min((inner.written - start) as usize);
            drop(inner);
            piece = vec![0; bytes];
            self.file.read_exact_at(&mut piece, start)?;
            piece.as_slice()
        };
        Ok(copy_blocks(source, skipped, count_max, bytes_max, to))
    }

    /// Writes all messages with an end mark: a BinaryFILE.
    ///
    /// # Errors
    /// `out` cannot be written or the file not be read.
    pub fn write_itch(&self, out: &mut impl Write) -> io::Result<()> {
        let (mut next, mut piece) = (1, Vec::new());
        loop {
            piece.clear();
            let count = self.read(next, u64::MAX, WRITE_BYTES, &mut piece)?;
            if count == 0 {
                return out.write_all(&[0, 0]);
            }
            out.write_all(&piece)?;
            next += count;
        }
    }
}

impl Inner {
    /// Where the tail ends.
    fn end(&self) -> u64 {
        self.tail_start + self.tail.len() as u64
    }
}

/// Bytes of the first message and its length; `None` if there is no whole one.
pub(super) fn block_bytes(blocks: &[u8]) -> Option<usize> {
    let length = blocks.first_chunk::<2>()?;
    let bytes = size_of::<u16>() + usize::from(u16::from_be_bytes(*length));
    (bytes <= blocks.len()).then_some(bytes)
}

/// Copies the messages of `source` behind the first `skipped`; see [`Store::read`].
fn copy_blocks(
    source: &[u8],
    skipped: u64,
    count_max: u64,
    bytes_max: usize,
    to: &mut Vec<u8>,
) -> u64 {
    let mut rest = source;
    for _ in 0..skipped {
        rest = &rest[block_bytes(rest).unwrap_or(rest.len())..];
    }
    let (from, mut copied, mut count) = (rest, 0, 0);
    while count < count_max
        && let Some(bytes) = block_bytes(rest)
        && (copied + bytes <= bytes_max || count == 0)
    {
        rest = &rest[bytes..];
        copied += bytes;
        count += 1;
    }
    to.extend_from_slice(&from[..copied]);
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// Message `number`, behind its length: from 1 to 90 bytes.
    fn block(number: u64) -> Vec<u8> {
        let length = Random::new(number, 9).between(1, 90) as u16;
        let mut block = length.to_be_bytes().to_vec();
        block.extend((0..u64::from(length)).map(|at| (number + at) as u8));
        block
    }

    fn blocks(first: u64, count: u64) -> Vec<u8> {
        (first..first + count).flat_map(block).collect()
    }

    #[test]
    fn any_range_can_be_had_wherever_it_lies() {
        let count = 400_000;
        let store = Store::new(None).unwrap();
        let mut random = Random::new(3, 0);
        let mut next = 1;
        while next < count {
            let more = random.between(1, 300).min(count - next);
            store.append(&blocks(next, more)).unwrap();
            next += more;
        }
        assert_eq!(store.progress(), Progress { next: count, is_ended: false, is_closed: false });
        let is_spooled = store.lock().tail_start > 4 << 20;
        assert!(is_spooled, "the test is to read from the file");
        for _ in 0..2_000 {
            let (first, most) = (random.between(1, count + 5), random.between(1, 100));
            let mut to = b"before".to_vec();
            let read = store.read(first, most, usize::MAX >> 1, &mut to).unwrap();
            assert_eq!(read, most.min(count.saturating_sub(first)), "{first} {most}");
            assert!(to[6..] == blocks(first, read), "{first} {most}");
        }
    }

    #[test]
    fn only_whole_messages_that_fit_are_given_but_one_in_any_case() {
        let store = Store::new(None).unwrap();
        store.append(&blocks(1, 200)).unwrap();
        for first in 1..=200 {
            for bytes_max in [0, 50, 333, 1_380] {
                let mut to = Vec::new();
                let read = store.read(first, 1_000, bytes_max, &mut to).unwrap();
                assert!(to == blocks(first, read));
                assert!(read == 1 || to.len() <= bytes_max, "{first} {bytes_max}");
                let one_more = blocks(first, read + 1).len();
                assert!(first + read == 201 || one_more > bytes_max, "{first} {bytes_max}");
            }
        }
        let nothing =
            [store.read(0, 5, 100, &mut Vec::new()), store.read(u64::MAX, 5, 9, &mut Vec::new())];
        assert!(nothing.into_iter().all(|read| read.unwrap() == 0));
    }

    #[test]
    fn the_file_is_the_session_with_its_end_mark() {
        let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        let store = Store::new(Some(&path)).unwrap();
        store.append(&blocks(1, 1_000)).unwrap();
        store.end().unwrap();
        let mut expected = blocks(1, 1_000);
        expected.extend([0, 0]);
        assert!(std::fs::read(&path).unwrap() == expected);
        let mut copied = Vec::new();
        store.write_itch(&mut copied).unwrap();
        assert!(copied == expected);
    }

    #[test]
    fn who_waits_is_woken_by_a_message_the_end_and_a_close() {
        let forever = Duration::from_secs(3_600);
        for wake in [
            |store: &Store| store.append(&block(1)).unwrap(),
            |store: &Store| {
                store.end().unwrap();
            },
            Store::close,
        ] {
            let store = Store::new(None).unwrap();
            std::thread::scope(|scope| {
                let waiting = scope.spawn(|| store.wait(1, forever));
                wake(&store);
                waiting.join().unwrap();
            });
        }
        let store = Store::new(None).unwrap();
        assert_eq!(store.wait(1, Duration::ZERO).next, 1);
    }
}
