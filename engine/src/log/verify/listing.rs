//! Which files there are, and which of them belong to a log.

use std::collections::BTreeSet;

use crate::log::archive::segment_file::SegmentForm;
use crate::log::directories::{CURSORS_DIRECTORY, LogDirectories, Medium, path_of};
use crate::log::error::LogError;
use crate::log::mark::MARK_NAME;
use crate::log::pruned::PRUNED_NAME;
use crate::log::reopen::repair::is_put_aside;
use crate::log::segment::{index_name, number_of, number_of_any};
use crate::log::storage::Storage;
use crate::log::verify::{Faults, UNFINISHED_NAMES};
use crate::log::{LogKind, SegmentNumber};

/// Numbers of the segments and indexes that there were when the check began.
#[derive(Clone, Debug, Default)]
pub(super) struct Listed {
    pub(super) segments: BTreeSet<SegmentNumber>,
    pub(super) indexes: BTreeSet<SegmentNumber>,
    /// Files that their writer had not finished.
    pub(super) unfinished: u64,
}

/// Lists a log whose first segment is `first`. Names that its files do not have are faults; files of
/// segments before it are those that whoever pruned them had not removed when it died.
pub(super) fn list<S: Storage>(
    directories: &LogDirectories<S>,
    kind: LogKind,
    first: SegmentNumber,
    faults: &mut Faults,
) -> Result<Listed, LogError> {
    let mut listed = Listed::default();
    let mut strangers = BTreeSet::new();
    for (medium, name) in directories.names()? {
        if number_of_any(&name).is_some_and(|number| number < first) {
            listed.unfinished += u64::from(medium == Medium::Disk);
        } else if let Some((number, _)) = SegmentForm::of_name(&name) {
            listed.segments.insert(number);
        } else if let Some(number) = number_of(&name, "idx") {
            listed.indexes.insert(number);
        } else if kind == LogKind::Journal && number_of(&name, "sym").is_some() {
            // Made again where it is not what it should be: nothing of it is the log.
        } else if UNFINISHED_NAMES.iter().any(|end| name.ends_with(end)) {
            listed.unfinished += 1;
        } else if ![MARK_NAME, PRUNED_NAME].contains(&name.as_str())
            && !is_put_aside(&name)
            && (kind != LogKind::Output || name != CURSORS_DIRECTORY)
        {
            strangers.insert(path(directories, medium, &name));
        }
    }
    if listed.segments.is_empty() {
        return Err(LogError::Empty { directory: directories.describe() });
    }
    fill_holes(directories, first, &mut listed.segments);
    for path in strangers {
        faults.add(&path, 0, "no file of a log has this name");
    }
    for number in listed.indexes.difference(&listed.segments) {
        let file = format!("{}/{}", directories.describe(), index_name(*number));
        faults.add(&file, 0, "an index without its segment");
    }
    Ok(listed)
}

/// Adds segments that a listing left out because they were renamed or archived meanwhile.
fn fill_holes<S: Storage>(
    directories: &LogDirectories<S>,
    first: SegmentNumber,
    segments: &mut BTreeSet<SegmentNumber>,
) {
    let is_there = |number| {
        let has = |storage: &S| {
            // The plain one first, which is removed once the others are there.
            let mut names =
                SegmentForm::ALL.map(|form| form.name(SegmentNumber(number))).into_iter();
            names.any(|name| storage.open(&name).is_ok())
        };
        directories.each().any(|(_, storage)| has(storage))
    };
    let mut due = first.0;
    for number in segments.clone() {
        while due < number.0 && is_there(due) {
            segments.insert(SegmentNumber(due));
            due += 1;
        }
        due = number.0.saturating_add(1);
    }
}

fn path<S: Storage>(directories: &LogDirectories<S>, medium: Medium, name: &str) -> String {
    let of_medium = directories.each().find(|(each, _)| *each == medium);
    of_medium.map_or_else(|| name.to_owned(), |(_, storage)| path_of(storage, name))
}
