//! Logs that bytes name: frames and segment ends, changes to their files, directories to hold them.
//!
//! ```text
//!  script   what payload payload what payload …     what: its low bits choose the kind of frame or end
//!  change   file ┼ offset (u16) ┼ value             value is added to the byte there: 0 changes nothing
//! ```

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use engine::journal::RecordKind;
use tapewatch_tests::logs::{LogImage, LogScript};

/// Bytes of a change.
pub const CHANGE_BYTES: usize = 4;

/// Bytes of a step of a script.
pub const STEP_BYTES: usize = 3;

/// A journal of the steps that `bytes` name, still open. Records are as a writer would have them.
#[must_use]
pub fn script(bytes: &[u8]) -> LogScript {
    let mut journal = LogScript::journal();
    let (mut next, mut segments) = (1_u64, 1);
    for step in bytes.chunks_exact(STEP_BYTES) {
        let &[what, a, b] = step else {
            break;
        };
        let time_ns = i64::from(a) * 1_000 + next as i64;
        match what & 7 {
            0..=2 => {
                let message = vec![b; usize::from(a)];
                journal.packet(next, time_ns, &[&message, b"x"]);
                next += 2;
            }
            3 => {
                let message = vec![a; 251 * usize::from(b)];
                journal.packet(next, time_ns, &[&message]);
                next += 1;
            }
            4 => {
                journal.record(RecordKind::Tick, next - 1, time_ns, b"");
            }
            5 => {
                let end = next + 1 + u64::from(a);
                journal.gap(next, end, time_ns);
                next = end;
            }
            6 if segments < 4 => {
                journal.roll();
                segments += 1;
            }
            // Unsequenced.
            _ => {
                journal.packet(0, time_ns, &[&[a, b]]);
            }
        }
        if journal.offset_bytes() > 100_000 {
            break;
        }
    }
    journal
}

/// Makes the changes that `bytes` name; returns whether a byte differs now.
pub fn change(image: &mut LogImage, bytes: &[u8]) -> bool {
    let before: BTreeMap<_, _> = image.files.clone();
    let names: Vec<String> = image.files.keys().cloned().collect();
    for change in bytes.chunks_exact(CHANGE_BYTES) {
        let &[file, high, low, value] = change else {
            break;
        };
        let Some(name) = names.get(usize::from(file) % names.len().max(1)) else {
            break;
        };
        if let Some(file) = image.files.get_mut(name) {
            let offset = usize::from(u16::from_be_bytes([high, low]));
            // The ends of files are where most is decided.
            let from_end = file.bytes.len().checked_sub(1 + offset % 512);
            let place = if value & 1 == 0 { from_end } else { Some(offset) };
            if let Some(byte) = place.and_then(|place| file.bytes.get_mut(place)) {
                *byte = byte.wrapping_add(value);
            }
        }
    }
    before != image.files
}

/// A directory of this process, in memory where there is such a file system, and what it holds.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    holds: LogImage,
}

impl Scratch {
    /// An empty directory with this name.
    ///
    /// # Panics
    /// If it cannot be made.
    #[must_use]
    pub fn new(name: &str) -> Scratch {
        let memory = Path::new("/dev/shm");
        let base = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let path = base.join(format!("tapewatch-fuzz-{}", std::process::id())).join(name);
        let holds = LogImage::default();
        holds.write_to(&path).expect("a directory of this process");
        Scratch { path, holds }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes it hold these files and no other; touches only those that differ.
    ///
    /// # Panics
    /// If the file system refuses.
    pub fn hold(&mut self, image: &LogImage) {
        for name in self.holds.files.keys().filter(|name| !image.files.contains_key(*name)) {
            fs::remove_file(self.path.join(name)).expect("a file of this process");
        }
        for (name, file) in &image.files {
            if self.holds.files.get(name) != Some(file) {
                let path = self.path.join(name);
                fs::write(&path, &file.bytes).expect("a file of this process");
                let opened = OpenOptions::new().write(true).open(&path);
                opened.and_then(|opened| opened.set_len(file.size_bytes)).expect("its size");
            }
        }
        self.holds = image.clone();
    }
}
