//! Writes the fixtures of the log's format: `log_fixtures DIRECTORY`, which gets `closed/` and `torn/`.
//!
//! To be run once for each version of the format; see `tapewatch_tests::log_fixture`.

#![forbid(unsafe_code)]

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use tapewatch_tests::log_fixture;

fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::args_os().nth(1).ok_or("usage: log_fixtures DIRECTORY")?;
    let directory = PathBuf::from(directory);
    for (name, image) in [("closed", log_fixture::closed()), ("torn", log_fixture::torn())] {
        let directory = directory.join(name);
        fs::create_dir_all(&directory)?;
        for (name, file) in image.files {
            // Without the zeros behind: they are as long as the header says.
            fs::write(directory.join(name), file.bytes)?;
        }
    }
    Ok(())
}
