//! A mapped file of 64-bit words that one process writes and any process reads: the memory of the board.
//!
//! [`SharedWords`] is the writing process's mapping, [`WordsView`] a mapping for reading only. Every
//! word is an atomic, so a read beside a write is no race; that words belong together is the business of
//! [`crate::board`]. Nothing here is ever full, late or torn.
//!
//! **What cannot be ruled out.** Another process that cuts the file makes the next access behind its end
//! a SIGBUS. Against a full file system, which would be one too, the file's blocks are allocated before
//! it is mapped.

use core::slice;
use core::sync::atomic::{AtomicU64, Ordering, fence};
use std::fs::File;
use std::io;

use memmap2::{MmapOptions, MmapRaw};

/// A word that may be read while somebody writes it.
pub(crate) trait Word {
    /// Its value; orders nothing.
    fn get(&self) -> u64;

    /// What is read before it stays before what is read or written behind it.
    fn acquire_fence();
}

/// A word of which this thread is the only writer.
pub(crate) trait OwnWord: Word {
    /// Writes it; orders nothing.
    fn set(&self, value: u64);

    /// What is written before it stays before what is written behind it.
    fn release_fence();
}

impl Word for AtomicU64 {
    #[inline(always)]
    fn get(&self) -> u64 {
        self.load(Ordering::Relaxed)
    }

    #[inline(always)]
    fn acquire_fence() {
        fence(Ordering::Acquire);
    }
}

impl OwnWord for AtomicU64 {
    #[inline(always)]
    fn set(&self, value: u64) {
        self.store(value, Ordering::Relaxed);
    }

    #[inline(always)]
    fn release_fence() {
        fence(Ordering::Release);
    }
}

/// A word of a mapping that cannot be written. The only access is a relaxed load, the one that Rust
/// allows on memory mapped for reading.
#[repr(transparent)]
pub(crate) struct ReadWord(AtomicU64);

impl Word for ReadWord {
    #[inline(always)]
    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    #[inline(always)]
    fn acquire_fence() {
        fence(Ordering::Acquire);
    }
}

/// The writing process's mapping. See the module.
pub(crate) struct SharedWords {
    map: MmapRaw,
    words: usize,
}

impl SharedWords {
    /// Maps all whole words of `file`, whose blocks must be allocated: see the module.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn over(file: &File) -> io::Result<SharedWords> {
        let words = words_of(file)?;
        let map = MmapOptions::new().len(words * size_of::<u64>()).map_raw(file)?;
        Ok(SharedWords { map, words })
    }

    /// Makes all pages present and writable, so that no later write meets a page fault.
    ///
    /// # Errors
    /// What the system says: no memory.
    pub(crate) fn prefault(&self) -> io::Result<()> {
        match self.map.advise(memmap2::Advice::PopulateWrite) {
            // A kernel before 5.14 does not know the advice.
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::INVAL.raw_os_error()) => {
                for page in self.words().chunks(4096 / size_of::<u64>()) {
                    page[0].store(page[0].load(Ordering::Relaxed), Ordering::Relaxed);
                }
                Ok(())
            }
            done => done,
        }
    }

    /// The words.
    #[inline(always)]
    pub(crate) fn words(&self) -> &[AtomicU64] {
        // SAFETY: the mapping is `words` words long, page-aligned, readable and writable, and lives as
        // long as `self`. Whoever else writes to it, threads of this process or others, is met by
        // atomic accesses alone. Files cut by other processes: see the module.
        unsafe { slice::from_raw_parts(self.map.as_ptr().cast::<AtomicU64>(), self.words) }
    }
}

/// A mapping for reading. See the module.
pub(crate) struct WordsView {
    map: MmapRaw,
    words: usize,
}

impl WordsView {
    /// Maps all whole words of `file`.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn over(file: &File) -> io::Result<WordsView> {
        let words = words_of(file)?;
        let map = MmapOptions::new().len(words * size_of::<u64>()).map_raw_read_only(file)?;
        Ok(WordsView { map, words })
    }

    /// The words.
    #[inline(always)]
    pub(crate) fn words(&self) -> &[ReadWord] {
        // SAFETY: the mapping is `words` words long, page-aligned and readable, and lives as long as
        // `self`; `ReadWord` is an atomic that is only ever read, so that a mapping without the right to
        // write is enough. Files cut by other processes: see the module.
        unsafe { slice::from_raw_parts(self.map.as_ptr().cast::<ReadWord>(), self.words) }
    }
}

/// How many words a file holds; an empty one cannot be mapped.
fn words_of(file: &File) -> io::Result<usize> {
    let bytes = file.metadata()?.len();
    let words = usize::try_from(bytes / size_of::<u64>() as u64).unwrap_or(usize::MAX);
    if words == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(words) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_seen_through_another_mapping_and_in_the_file() {
        let file = tempfile::tempfile().unwrap();
        assert!(SharedWords::over(&file).is_err() && WordsView::over(&file).is_err());
        file.set_len(8192 + 5).unwrap();
        let (shared, view) = (SharedWords::over(&file).unwrap(), WordsView::over(&file).unwrap());
        shared.prefault().unwrap();
        assert_eq!((shared.words().len(), view.words().len()), (1024, 1024));
        shared.words()[1023].set(0x0102_0304_0506_0708);
        assert_eq!(view.words()[1023].get(), 0x0102_0304_0506_0708);
        assert_eq!(view.words()[1022].get(), 0);
        shared.prefault().unwrap();
        assert_eq!(view.words()[1023].get(), 0x0102_0304_0506_0708);
    }
}
