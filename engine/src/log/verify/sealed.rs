//! What stands behind the frames of a closed segment: its seal, or what a writer that died before it
//! was whole has left.

use std::io;

use crate::log::SegmentNumber;
use crate::log::seal::{SEAL_BYTES, Seal, SealBlock, Sealer};
use crate::log::storage::StoredFile;
use crate::log::verify::Faults;
use crate::log::verify::copy::{CHUNK_BYTES, Walked};

/// The seal that the next segment's is chained to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chain {
    /// None: the next segment is the first.
    Start,
    /// This one.
    Sealed(Seal),
    /// The segment before is not sealed, so neither is the next.
    Unsealed,
    /// The segment before is missing or damaged.
    Unknown,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sealing {
    /// The segment's own seal.
    Sealed(Seal),
    /// No seal, or a part of it.
    Unsealed,
    /// A fault, which has been told.
    Faulty,
}

impl Sealing {
    pub(super) fn chain(self) -> Chain {
        match self {
            Sealing::Sealed(seal) => Chain::Sealed(seal),
            Sealing::Unsealed => Chain::Unsealed,
            Sealing::Faulty => Chain::Unknown,
        }
    }
}

/// Checks what stands behind the frames of a segment that was walked. `was_sealed` says whether it, or
/// a later one, had a seal when the check began: then all before it had one, too.
pub(super) fn check<F: StoredFile>(
    walked: &Walked<F>,
    number: SegmentNumber,
    chain: Chain,
    was_sealed: bool,
    faults: &mut Faults,
) -> Sealing {
    if walked.is_damaged {
        return Sealing::Faulty;
    }
    if walked.closed_by.is_none() {
        return Sealing::Unsealed;
    }
    let at_bytes = walked.content_bytes;
    match find(walked, number, chain, was_sealed) {
        Ok(Ok(sealing)) => sealing,
        Ok(Err(what)) => {
            faults.add(&walked.name, at_bytes, what);
            Sealing::Faulty
        }
        Err(error) => {
            faults.add_unreadable(&walked.name, at_bytes, &error);
            Sealing::Faulty
        }
    }
}

fn find<F: StoredFile>(
    walked: &Walked<F>,
    number: SegmentNumber,
    chain: Chain,
    was_sealed: bool,
) -> io::Result<Result<Sealing, String>> {
    let at_bytes = walked.content_bytes;
    let rest = walked.rest(at_bytes)?;
    if let Some(next_bytes) = rest.next_whole_bytes {
        return Ok(Err(format!(
            "the segment is closed here, and a whole frame follows at byte {next_bytes}"
        )));
    }
    let rest_bytes = rest.nonzero_end_bytes - at_bytes;
    if rest_bytes == 0 {
        return Ok(Ok(Sealing::Unsealed));
    }
    if rest_bytes > SEAL_BYTES as u64 {
        return Ok(Err(format!("{rest_bytes} bytes behind the frames, a seal has {SEAL_BYTES}")));
    }
    let mut found = [0; SEAL_BYTES];
    let filled = walked.window.file().read_at(&mut found, at_bytes)?;
    let block = SealBlock::read(&found);
    if chain == Chain::Unsealed && !was_sealed && (block.is_ok() || lacks_checksum(&found)) {
        // Sealed since the check began, and so was the segment before it, after it was checked.
        return Ok(Ok(Sealing::Unsealed));
    }
    let previous = match (chain, &block) {
        (Chain::Start, _) => Seal::NONE,
        (Chain::Sealed(seal), _) => seal,
        (Chain::Unsealed, Ok(_)) => {
            return Ok(Err("a seal, where the segment before has none".to_owned()));
        }
        (Chain::Unknown, Ok(block)) => block.previous(),
        (Chain::Unsealed | Chain::Unknown, Err(error)) => return Ok(Err(error.to_string())),
    };
    let expected = seal_of(walked, number, previous)?;
    let expected_bytes = bytemuck::bytes_of(&expected);
    if filled == SEAL_BYTES && found == expected_bytes {
        let end_bytes = at_bytes + SEAL_BYTES as u64;
        // Its size now: it may have been cut and sealed since it was opened.
        return Ok(match walked.window.file().size_bytes()? == end_bytes {
            true => Ok(Sealing::Sealed(expected.seal())),
            false => Err(format!("the seal ends at byte {end_bytes}, and the file does not")),
        });
    }
    if is_part_of(&found, expected_bytes) {
        return Ok(Ok(Sealing::Unsealed));
    }
    Ok(Err(match block {
        Err(error) => error.to_string(),
        Ok(block) => difference(&block, &expected),
    }))
}

/// The seal that the segment should have.
fn seal_of<F: StoredFile>(
    walked: &Walked<F>,
    number: SegmentNumber,
    previous: Seal,
) -> io::Result<SealBlock> {
    let mut sealer = Sealer::default();
    let bytes = usize::try_from(walked.content_bytes).unwrap_or(usize::MAX);
    let mut buffer = vec![0; bytes.min(CHUNK_BYTES)];
    let mut at_bytes = 0;
    while at_bytes < walked.content_bytes {
        let left = usize::try_from(walked.content_bytes - at_bytes).unwrap_or(usize::MAX);
        let wanted = left.min(buffer.len());
        let filled = walked.window.file().read_at(&mut buffer[..wanted], at_bytes)?;
        if filled < wanted {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        sealer.content(&buffer[..filled]);
        at_bytes += filled as u64;
    }
    Ok(sealer.seal(number, walked.index.frames(), previous))
}

/// Whether `found` is what a writer left that died while it wrote the seal: its front and zeros. So that
/// no single changed bit is taken for that, the bytes that are missing must have more than one.
fn is_part_of(found: &[u8; SEAL_BYTES], expected: &[u8]) -> bool {
    let written = found.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    let flipped = found.iter().zip(expected).map(|(a, b)| (a ^ b).count_ones()).sum::<u32>();
    found[..written] == expected[..written] && flipped > 1
}

fn lacks_checksum(found: &[u8; SEAL_BYTES]) -> bool {
    found[SEAL_BYTES - 4..] == [0; 4]
}

fn difference(found: &SealBlock, expected: &SealBlock) -> String {
    let field =
        |name, found, expected| format!("the seal says {name} {found}, the segment has {expected}");
    if found.number() != expected.number() {
        field("number", found.number().0, expected.number().0)
    } else if found.content_bytes() != expected.content_bytes() {
        field("content_bytes", found.content_bytes(), expected.content_bytes())
    } else if found.frames() != expected.frames() {
        field("frames", found.frames(), expected.frames())
    } else if found.previous() != expected.previous() {
        "the seal does not continue that of the segment before".to_owned()
    } else {
        "the content is not what was sealed".to_owned()
    }
}
