//! The head of an image: by what versions it was written and what must be configured alike.

use super::{DETECTORS_SINCE, IMAGE_VERSION, IMAGE_VERSION_MIN};
use crate::shard::Shard;
use crate::state::encode::Sink;
use crate::state::section::Section;
use crate::window::encoding::{DecodeError, Reader};

/// Why an image is none of this program's, or of this configuration.
pub(super) enum HeadFault {
    /// By another version of the parts.
    ImageVersion(u32),
    /// By another version of a section, if it has this section at all.
    StateVersion(Section, Option<u32>),
    /// The bytes are no head of these versions, or of other bars.
    Malformed(DecodeError),
}

impl From<DecodeError> for HeadFault {
    fn from(error: DecodeError) -> HeadFault {
        HeadFault::Malformed(error)
    }
}

/// Writes the head of an image of so many symbols.
pub(super) fn write<S: Sink>(shard: &Shard, symbols: u32, sink: &mut S) {
    sink.u32(IMAGE_VERSION);
    sink.u32(Section::COUNT as u32);
    for section in Section::ALL {
        sink.u32(section as u32);
        sink.u32(section.state_version());
    }
    sink.u32(symbols);
    let (sizes, lateness_ns) = shard.parts().bars.settings_ns();
    let sizes: Vec<i64> = sizes.collect();
    sink.i64(lateness_ns);
    sink.u32(sizes.len() as u32);
    sizes.into_iter().for_each(|size_ns| sink.i64(size_ns));
    sink.u64(shard.detectors().fingerprint());
}

/// Reads the head of an image that shards like this one can go on from; its version, and how many symbols
/// it has.
pub(super) fn read(shard: &Shard, bytes: &[u8]) -> Result<(u32, u32), HeadFault> {
    let mut reader = Reader::new(bytes);
    let version = versions(&mut reader)?;
    let symbols = reader.u32()?;
    let (sizes, lateness_ns) = shard.parts().bars.settings_ns();
    let sizes: Vec<i64> = sizes.collect();
    if reader.i64()? != lateness_ns {
        return Err(reader.refuse("the lateness of bars").into());
    }
    if reader.u32()? as usize != sizes.len() {
        return Err(reader.refuse("the number of sizes of bars").into());
    }
    for size_ns in sizes {
        if reader.i64()? != size_ns {
            return Err(reader.refuse("a size of bars").into());
        }
    }
    if version >= DETECTORS_SINCE && reader.u64()? != shard.detectors().fingerprint() {
        return Err(reader.refuse("the parameters of detectors").into());
    }
    reader.end()?;
    Ok((version, symbols))
}

/// Whether the parts are such as this program reads; their version.
pub(super) fn versions(reader: &mut Reader<'_>) -> Result<u32, HeadFault> {
    let version = reader.u32()?;
    if !(IMAGE_VERSION_MIN..=IMAGE_VERSION).contains(&version) {
        return Err(HeadFault::ImageVersion(version));
    }
    let sections = reader.u32()?;
    let mut expected = Section::ALL.into_iter();
    for _ in 0..sections {
        let (number, version) = (reader.u32()?, reader.u32()?);
        match expected.next() {
            Some(section) if number != section as u32 => {
                return Err(HeadFault::StateVersion(section, None));
            }
            Some(section) if version != section.state_version() => {
                return Err(HeadFault::StateVersion(section, Some(version)));
            }
            Some(_) => {}
            None => return Err(reader.refuse("the number of sections").into()),
        }
    }
    match expected.next() {
        Some(section) => Err(HeadFault::StateVersion(section, None)),
        None => Ok(version),
    }
}
