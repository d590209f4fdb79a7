//! Verifying journals: what is changed is found, what a killed writer leaves is not called changed.

mod changed;
mod killed;
mod orderly;

use std::path::Path;

use engine::log::LogKind;
use engine::log::directories::LogDirectories;
use engine::log::storage::Directory;
use engine::log::verify::{VerifyReport, verify};
use tapewatch_tests::logs::{LogImage, LogScript};
use tempfile::TempDir;

fn in_directory(image: &LogImage) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    image.write_to(directory.path()).unwrap();
    directory
}

fn check(path: &Path) -> VerifyReport {
    verify(&LogDirectories::disk(Directory::new(path)), LogKind::Journal).unwrap()
}

fn report(image: &LogImage) -> VerifyReport {
    check(in_directory(image).path())
}

/// File name, offset and text of each fault.
fn faults(report: &VerifyReport) -> Vec<(&str, u64, &str)> {
    let fault = report.faults.iter().map(|fault| {
        let name = fault.file.rsplit('/').next().unwrap_or_default();
        (name, fault.offset_bytes, fault.what.as_str())
    });
    fault.collect()
}

/// A journal of two segments and a bit, with all that is written into journals.
fn script() -> LogScript {
    let mut journal = LogScript::journal();
    journal.packet(1, 10, &[b"abc", b"d"]).gap(3, 7, 20).roll();
    journal.packet(7, 30, &[b"efg"]);
    journal.record(engine::journal::RecordKind::Tick, 7, 35, b"").roll();
    journal.packet(8, 40, &[b"h", b"", b"i"]);
    journal
}
