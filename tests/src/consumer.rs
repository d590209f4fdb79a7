//! A consumer of an output log that may be killed anywhere: writes a line a record into `lines`, and keeps in
//! its cursor how far it has come in the log and in that file. What the file has behind that is cut off when
//! it begins again.

use std::fs::OpenOptions;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;

use engine::log::directories::LogDirectories;
use engine::log::error::LogError;
use engine::log::reader::AtTail;
use engine::log::storage::Directory;
use engine::output::cursor::{Cursor, CursorName, CursorPlace, CursorSync};
use engine::output::reader::{NextOutput, OutputReader};

use crate::outputs::{Failed, SESSION, place};

/// Records between two moves of the cursor.
const RECORDS_AT_A_TIME: u64 = 37;

/// Reads as far as the log goes by now; tells whether it has ended.
///
/// # Errors
/// Whatever does not go well.
pub fn run(root: &Path) -> Result<bool, Failed> {
    let cursors = Directory::new(root.join("output/cursors"));
    let name = CursorName::new("lines")?;
    let (mut cursor, state) = Cursor::open(&cursors, &name, SESSION, CursorSync::None)?;
    let mut place_now = state.place();
    let [mut bytes, mut records] = place_now.own;
    let lines = root.join("lines");
    let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(lines)?;
    file.set_len(bytes)?;
    file.seek(SeekFrom::End(0))?;
    let directories = LogDirectories::of(&place(root, "output"));
    let mut reader = match OutputReader::open(directories, AtTail::Stop) {
        Ok(reader) => reader,
        // No process has come so far yet.
        Err(LogError::Empty { .. } | LogError::Io { .. }) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    reader.seek(place_now.next)?;
    loop {
        let ended = match reader.next()? {
            NextOutput::Record(record, place) => {
                let line = format!("{record}\n");
                file.write_all(line.as_bytes())?;
                bytes += line.len() as u64;
                records += 1;
                place_now = CursorPlace { next: place.next, own: [bytes, records] };
                if records.is_multiple_of(RECORDS_AT_A_TIME) {
                    cursor.update(&place_now)?;
                }
                continue;
            }
            NextOutput::End => true,
            NextOutput::TornTail { .. } | NextOutput::Wait => false,
        };
        cursor.update(&place_now)?;
        return Ok(ended);
    }
}
