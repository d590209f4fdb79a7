//! Shared memory of a file that is being appended to: one writer, and readers of what it published.
//!
//! ```text
//!  0                          published                                  bytes
//!  ├ frame ┼ frame ┼ … ┼ frame ┼ free: the writer's alone … … … … … … … … ┤
//!  └ never written again: anyone's to read ┘
//! ```
//! The [`AppendMap`] is the only writer and owns what is free. It publishes from the front: first the
//! frame's length in the mapping, with release ordering, for other processes; then the offset behind
//! the frame, with release ordering, for the [`AppendView`]s of this one. Full: [`AppendMap::free`]
//! gets short, and its user looks first.
//!
//! **What cannot be ruled out.** Another process that cuts the file makes the next access beyond its
//! end a SIGBUS, and one that writes to it changes bytes that are borrowed here. Against both stands
//! the lock that whoever writes a session holds; against a full disk, which would be a SIGBUS too,
//! that files are allocated before they are mapped (`Storage::create`). Readers in other processes
//! use `pread`.

use core::ptr::NonNull;
use core::slice;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::fs::File;
use std::io;
use std::sync::Arc;

use memmap2::{MmapOptions, MmapRaw};

use super::prefetch::prefetch_write_address;

/// Bytes of a cache line.
const LINE_BYTES: usize = 64;

/// What the writer and the views share; unmapped when the last of them goes.
struct Mapped {
    map: MmapRaw,
    /// Bytes from the start that the writer will not touch again. Written by the writer.
    published: AtomicU64,
}

/// The writing end. See the module.
pub struct AppendMap {
    mapped: Arc<Mapped>,
    /// Start of the mapping, kept here to save a hot load through the `Arc`.
    base: NonNull<u8>,
    bytes: usize,
    /// As in `mapped`, which only this end writes.
    published: usize,
}

// SAFETY: `base` points into `mapped`, which is sent along and keeps the mapping alive; the mapping
// belongs to the process, not to a thread. What else refers to it are `AppendView`s, which touch only
// published bytes.
unsafe impl Send for AppendMap {}

/// Views of the map are still alive: its memory cannot be used anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the map's memory is still being read")]
pub struct StillViewed;

impl AppendMap {
    /// Maps the first `bytes` of `file`, shared, for reading and writing. The file must be that long
    /// and its blocks allocated: see the module.
    ///
    /// # Errors
    /// What the system says.
    pub fn over(file: &File, bytes: usize) -> io::Result<AppendMap> {
        let map = MmapOptions::new().len(bytes).map_raw(file)?;
        let base = NonNull::new(map.as_mut_ptr()).ok_or(io::ErrorKind::OutOfMemory)?;
        let mapped = Arc::new(Mapped { map, published: AtomicU64::new(0) });
        Ok(AppendMap { mapped, base, bytes, published: 0 })
    }

    /// Makes all pages present and writable, so that a later write meets no page fault.
    ///
    /// # Errors
    /// What the system says: no memory, an I/O error. The kernel answers with an error where a plain
    /// write would end in SIGBUS.
    pub fn prefault(&mut self) -> io::Result<()> {
        match self.mapped.map.advise(memmap2::Advice::PopulateWrite) {
            // A kernel before 5.14 does not know the advice.
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::INVAL.raw_os_error()) => {
                let free = self.free();
                for page in free.chunks_mut(4096) {
                    page[0] = 0;
                }
                Ok(())
            }
            done => done,
        }
    }

    /// The bytes behind what is published.
    #[inline(always)]
    pub fn free(&mut self) -> &mut [u8] {
        // SAFETY: the mapping is `bytes` long, readable and writable, and lives as long as `mapped`;
        // `published <= bytes` always. Bytes at and above `published` are nobody else's: views stop
        // at a published offset, which is never more than ours, and `&mut self` makes this the only
        // slice of this end. Files cut or changed by other processes: see the module.
        unsafe {
            slice::from_raw_parts_mut(
                self.base.add(self.published).as_ptr(),
                self.bytes - self.published,
            )
        }
    }

    /// Publishes a frame of `bytes` at the front of [`AppendMap::free`] by storing `length` in its
    /// first four bytes, after all that was written there.
    ///
    /// # Panics
    /// If `bytes` is less than 4, no multiple of 8, or more than is free.
    #[inline(always)]
    pub fn publish(&mut self, length: u32, bytes: usize) {
        let free = self.bytes - self.published;
        assert!(
            bytes >= 4 && bytes.is_multiple_of(8) && bytes <= free,
            "Invariant: a frame of {bytes} bytes is published where {free} are free"
        );
        // SAFETY: the four bytes lie in the mapping (assert) and are aligned: mappings begin at a
        // page, and every published offset is a multiple of 8. In this process nobody else touches
        // them before `published` passes them, and the atomic is gone by then.
        let place = unsafe { AtomicU32::from_ptr(self.base.add(self.published).as_ptr().cast()) };
        // Release: another process that sees the length sees the frame.
        place.store(length.to_le(), Ordering::Release);
        self.pass(bytes);
    }

    /// Publishes `bytes` at the front of [`AppendMap::free`] as they are: what is no frame.
    ///
    /// # Panics
    /// If `bytes` is no multiple of 8, or more than is free.
    pub fn publish_plain(&mut self, bytes: usize) {
        let free = self.bytes - self.published;
        assert!(
            bytes.is_multiple_of(8) && bytes <= free,
            "Invariant: {bytes} bytes are published where {free} are free"
        );
        self.pass(bytes);
    }

    #[inline(always)]
    fn pass(&mut self, bytes: usize) {
        self.published += bytes;
        // Release: a view that sees the offset sees the bytes before it.
        self.mapped.published.store(self.published as u64, Ordering::Release);
    }

    /// Asks for the lines of the next `bytes` free ones, which will be written soon. A hint only.
    ///
    /// Nobody has touched them since they were zeroed, and what is written to a line that is still on
    /// its way waits, as does the checksum that is read from there. Over the yardstick the journal
    /// costs the inline engine 6 ns a message with it and 11 without.
    #[inline(always)]
    pub fn prefetch_free(&self, bytes: usize) {
        let free = self.base.as_ptr().wrapping_add(self.published);
        for at in (0..bytes).step_by(LINE_BYTES) {
            prefetch_write_address(free.wrapping_add(at));
        }
    }

    /// The bytes published so far; they do not change any more.
    #[inline]
    #[must_use]
    pub fn published(&self) -> &[u8] {
        // SAFETY: as in `free`, but for the bytes below `published`, which nobody writes while this
        // end is borrowed: `free` and `publish` start at `published`, `reset` needs `&mut self`.
        unsafe { slice::from_raw_parts(self.base.as_ptr(), self.published) }
    }

    /// How many bytes are published.
    #[inline(always)]
    #[must_use]
    pub fn published_bytes(&self) -> usize {
        self.published
    }

    /// Length of the map, bytes.
    #[inline]
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// A reader of what is published, for other threads.
    #[must_use]
    pub fn view(&self) -> AppendView {
        AppendView { mapped: self.mapped.clone() }
    }

    /// Zeroes what was published and makes it free: the memory's next use.
    ///
    /// # Errors
    /// If a view is still alive; then nothing is changed.
    pub fn reset(&mut self) -> Result<(), StillViewed> {
        let mapped = Arc::get_mut(&mut self.mapped).ok_or(StillViewed)?;
        *mapped.published.get_mut() = 0;
        let used = core::mem::take(&mut self.published);
        // No view is left, so these bytes are this end's alone again.
        self.free()[..used].fill(0);
        Ok(())
    }
}

/// A reading end: sees what was published, when it was. See the module.
#[derive(Clone)]
pub struct AppendView {
    mapped: Arc<Mapped>,
}

impl AppendView {
    /// All that is published by now.
    #[inline]
    #[must_use]
    pub fn published(&self) -> &[u8] {
        let published = self.mapped.published.load(Ordering::Acquire) as usize;
        // SAFETY: the writer stored an offset within the mapping, after the bytes before it (acquire
        // and release), and writes only behind it. It makes them free again only when it finds
        // itself alone (`reset`), which this view, borrowed while the slice lives, prevents.
        unsafe { slice::from_raw_parts(self.mapped.map.as_ptr(), published) }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek, SeekFrom};

    use super::*;

    fn file(bytes: u64) -> File {
        let file = tempfile::tempfile().expect("a temporary file");
        rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, bytes)
            .expect("room for it");
        file
    }

    fn bytes_of(file: &mut File) -> Vec<u8> {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(0)).and_then(|_| file.read_to_end(&mut bytes)).expect("a read");
        bytes
    }

    #[test]
    fn what_is_published_stands_in_the_file_and_in_every_view() {
        let mut file = file(8192);
        let mut map = AppendMap::over(&file, 8192).expect("a map");
        map.prefault().expect("memory");
        let view = map.view();
        map.free()[..8].copy_from_slice(b"plain...");
        assert_eq!(view.published(), b"", "not yet");
        map.publish_plain(8);
        assert_eq!(view.published(), b"plain...");
        map.free()[..16].copy_from_slice(b"????frame with 8");
        map.publish(0x0403_0201, 16);
        let expected = b"plain...\x01\x02\x03\x04frame with 8";
        assert_eq!(view.published(), expected);
        assert_eq!(map.published(), expected);
        assert_eq!(map.free().len(), 8192 - 24);
        assert_eq!(bytes_of(&mut file)[..24], *expected);
    }

    #[test]
    fn memory_is_used_anew_only_when_no_view_is_left_and_is_zero_then() {
        let mut file = file(4096);
        let mut map = AppendMap::over(&file, 4096).expect("a map");
        map.free()[..4096].fill(0xAB);
        map.publish_plain(4096);
        let view = map.view();
        assert_eq!(map.reset(), Err(StillViewed));
        assert_eq!(view.published(), [0xAB; 4096]);
        drop(view);
        assert_eq!(map.reset(), Ok(()));
        assert_eq!(map.published(), b"");
        assert_eq!(bytes_of(&mut file), [0; 4096]);
    }

    #[test]
    fn a_reader_on_another_thread_only_ever_sees_whole_frames() {
        const FRAMES: u64 = 100_000;
        let bytes = FRAMES as usize * 16;
        let mut map = AppendMap::over(&file(bytes as u64), bytes).expect("a map");
        let view = map.view();
        let reader = std::thread::spawn(move || {
            let mut seen = 0;
            while seen < FRAMES {
                let published = view.published();
                assert!(published.len().is_multiple_of(16));
                for frame in published[seen as usize * 16..].chunks_exact(16) {
                    assert_eq!(frame[..4], 16_u32.to_le_bytes());
                    assert_eq!(frame[8..], seen.to_le_bytes());
                    seen += 1;
                }
            }
        });
        for frame in 0..FRAMES {
            map.free()[8..16].copy_from_slice(&frame.to_le_bytes());
            map.publish(16, 16);
        }
        reader.join().expect("every frame whole");
    }

    #[test]
    #[should_panic(expected = "Invariant: a frame of 24 bytes is published where 16 are free")]
    fn no_frame_is_published_beyond_the_end() {
        let mut map = AppendMap::over(&file(4096), 4096).expect("a map");
        map.publish_plain(4080);
        map.publish(24, 24);
    }
}
