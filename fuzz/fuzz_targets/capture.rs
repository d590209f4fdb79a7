#![no_main]
//! Any bytes as a capture file, and any bytes as a captured frame.
//!
//! Frames lie inside the file and go forwards, the end is told again when asked again, and the
//! frames are the same however the file is read.

use engine::units::Nanos;
use feed_handlers::capture::{CaptureReader, LinkType, datagram};
use fuzzing::pieces::Pieces;
use libfuzzer_sys::fuzz_target;

/// A frame, as far as it is compared: time, link type, original length, offset, data.
type Seen = (Nanos, LinkType, u32, u64, Vec<u8>);

fuzz_target!(|bytes: &[u8]| {
    let Some((&choice, rest)) = bytes.split_first() else {
        return;
    };
    if choice == 0xFF {
        let Some((&[a, b, c, d, e], frame)) = rest.split_first_chunk::<5>() else {
            return;
        };
        // Link types that are read are all below 300.
        let link = LinkType(u16::from_be_bytes([a & 1, b]));
        check_datagram(link, frame, u32::from_be_bytes([0, c, d, e]));
    } else {
        let (seen, end) = read(rest, 0);
        assert_eq!((seen, end), read(rest, usize::from(choice)), "other pieces, other frames");
    }
});

/// Every frame and how the file ended.
fn read(bytes: &[u8], piece_bytes: usize) -> (Vec<Seen>, String) {
    let mut seen: Vec<Seen> = Vec::new();
    let mut reader = match CaptureReader::open(Pieces::new(bytes, piece_bytes)) {
        Ok(reader) => reader,
        Err(error) => return (seen, error.to_string()),
    };
    let end = loop {
        match reader.next_frame() {
            Ok(Some(frame)) => {
                let room = bytes.len() as u64 - frame.offset_bytes;
                assert!(frame.data.len() as u64 <= room, "a frame reaches past the file");
                let before = seen.last().map(|(_, _, _, offset, _)| *offset);
                assert!(before < Some(frame.offset_bytes), "no progress");
                assert!(frame.original_len_bytes as usize >= frame.data.len());
                check_datagram(frame.link, frame.data, frame.original_len_bytes);
                let data = frame.data.to_vec();
                seen.push((
                    frame.time,
                    frame.link,
                    frame.original_len_bytes,
                    frame.offset_bytes,
                    data,
                ));
            }
            Ok(None) => {
                assert_eq!(reader.offset_bytes(), bytes.len() as u64, "an end before the end");
                assert!(matches!(reader.next_frame(), Ok(None)));
                break String::new();
            }
            Err(error) => {
                let again = reader.next_frame().map(|frame| frame.is_some());
                assert_eq!(again.map_err(|error| error.to_string()), Err(error.to_string()));
                break error.to_string();
            }
        }
    };
    assert_eq!(reader.counts().frames, seen.len() as u64);
    (seen, end)
}

fn check_datagram(link: LinkType, data: &[u8], original_len_bytes: u32) {
    if let Ok(found) = datagram(link, data, original_len_bytes) {
        let (frame, payload) = (data.as_ptr_range(), found.payload.as_ptr_range());
        assert!(
            found.payload.is_empty() || frame.start <= payload.start && payload.end <= frame.end,
            "a payload outside its frame"
        );
        assert!(!found.truncated || original_len_bytes as usize > data.len());
    }
}
