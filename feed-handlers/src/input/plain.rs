//! Plain files of messages, read one after the other as one feed.
//!
//! Messages are numbered from 1 over all files; no packet spans two of them. A file that is damaged
//! ends the input there: those behind it are not read, for nobody could tell what is missing between.

use std::collections::VecDeque;

use engine::packet::{Arrival, Source};
use engine::units::Nanos;

use super::{InputError, InputFile, PacketOrigin, Progress};
use crate::binaryfile::{
    BinaryFile, BinaryFileError, BinaryFileFault, Framing, Position, ReadWindow,
};

/// Plain files as one source of packets.
pub struct PlainFeed {
    current: BinaryFile<ReadWindow<InputFile>>,
    later: VecDeque<(InputFile, Framing)>,
    /// Bytes on disk of the files before the current one.
    read_before_bytes: u64,
    total_bytes: Option<u64>,
    packets: u64,
}

impl PlainFeed {
    /// Reads `files` in this order.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn new(files: Vec<(InputFile, Framing)>) -> Self {
        let totals = files.iter().map(|(file, _)| file.total_bytes());
        let total_bytes = totals.sum();
        let mut later = VecDeque::from(files);
        let (first, framing) = later.pop_front().expect("a feed has at least one file");
        PlainFeed {
            current: open(first, framing, Position::start(Nanos(0))),
            later,
            read_before_bytes: 0,
            total_bytes,
            packets: 0,
        }
    }

    /// Sets the midnight that times count from. To be called before the first packet.
    pub fn set_midnight(&mut self, midnight: Nanos) {
        self.current.set_midnight(midnight);
    }

    /// Packets given out so far.
    #[must_use]
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Where the last packet given out begins.
    #[must_use]
    pub fn packet_origin(&self) -> PacketOrigin<'_> {
        PacketOrigin {
            input: self.current.window().input().name(),
            offset_bytes: self.current.packet_offset_bytes(),
        }
    }

    /// How far the files have been read.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let current = self.current.window().input();
        Progress {
            read_bytes: self.read_before_bytes + current.compressed_bytes_read(),
            total_bytes: self.total_bytes,
        }
    }

    #[cold]
    fn fault(&self, fault: BinaryFileError) -> InputError {
        let BinaryFileError { offset_bytes, kind } = fault;
        let input = self.current.window().input().name();
        match kind {
            BinaryFileFault::Read { kind, what } => {
                InputError::read(input, offset_bytes, kind, &what)
            }
            kind => InputError::Damaged {
                input: input.to_owned(),
                offset_bytes,
                what: kind.to_string(),
            },
        }
    }
}

fn open(
    file: InputFile,
    framing: Framing,
    position: Position,
) -> BinaryFile<ReadWindow<InputFile>> {
    BinaryFile::new(ReadWindow::new(file), framing, position)
}

impl Source for PlainFeed {
    type Error = InputError;

    #[inline]
    fn next(&mut self) -> Result<Arrival<'_>, InputError> {
        loop {
            match self.current.cut() {
                Ok(Some(cut)) => {
                    self.packets += 1;
                    return Ok(Arrival::Packet(self.current.packet(cut)));
                }
                Ok(None) => {
                    let Some((file, framing)) = self.later.pop_front() else {
                        return Ok(Arrival::End);
                    };
                    let ended = self.current.window().input();
                    self.read_before_bytes += ended.compressed_bytes_read();
                    self.current = open(file, framing, self.current.position());
                }
                Err(fault) => return Err(self.fault(fault)),
            }
        }
    }
}
