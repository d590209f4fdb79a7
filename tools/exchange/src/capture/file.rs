//! The pcap file that frames are written to, with nanosecond times.
//!
//! One writer. When the output is full the write fails, and what was written is no whole capture.

use std::io::{self, Write};
use std::time::Duration;

use engine::units::Nanos;
use pcap_file::pcap::{PcapHeader, PcapPacket, PcapWriter};
use pcap_file::{DataLink, Endianness, PcapError, TsResolution};

use super::CaptureError;

/// Most bytes of a frame that the file says are captured: every frame is captured whole.
const SNAP_BYTES: u32 = 65_535;

/// Bytes before the first record of a pcap file, and before each frame.
const FILE_HEADER_BYTES: u64 = 24;
const RECORD_HEADER_BYTES: u64 = 16;

/// See the module.
pub struct CaptureFile<W: Write> {
    pcap: PcapWriter<W>,
    packets: u64,
    bytes: u64,
}

impl<W: Write> CaptureFile<W> {
    /// Writes the file's header. `out` is best buffered: a record takes several writes.
    ///
    /// # Errors
    /// `out` cannot be written.
    pub fn new(out: W) -> Result<Self, CaptureError> {
        let header = PcapHeader {
            datalink: DataLink::ETHERNET,
            ts_resolution: TsResolution::NanoSecond,
            endianness: Endianness::Little,
            snaplen: SNAP_BYTES,
            ..PcapHeader::default()
        };
        let pcap = PcapWriter::with_header(out, header).map_err(of_pcap)?;
        Ok(CaptureFile { pcap, packets: 0, bytes: FILE_HEADER_BYTES })
    }

    /// Writes a frame that was captured at `at`, UTC epoch.
    ///
    /// # Errors
    /// `out` cannot be written, or the file cannot tell the time.
    pub fn frame(&mut self, at: Nanos, frame: &[u8]) -> Result<(), CaptureError> {
        let time = u64::try_from(at.0).ok().map(Duration::from_nanos);
        let time = time.filter(|time| u32::try_from(time.as_secs()).is_ok());
        let time = time.ok_or(CaptureError::Time(at.0))?;
        let packet = PcapPacket::new(time, frame.len() as u32, frame);
        self.pcap.write_packet(&packet).map_err(of_pcap)?;
        self.packets += 1;
        self.bytes += RECORD_HEADER_BYTES + frame.len() as u64;
        Ok(())
    }

    /// Frames written.
    #[must_use]
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Bytes of the file.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What it was written to.
    #[must_use]
    pub fn into_inner(self) -> W {
        self.pcap.into_writer()
    }
}

fn of_pcap(error: PcapError) -> CaptureError {
    match error {
        PcapError::IoError(error) => CaptureError::Io(error),
        // Times and lengths are within their fields: nothing else is refused.
        other => CaptureError::Io(io::Error::other(other)),
    }
}
