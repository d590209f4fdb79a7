//! Named places at which a test can have the process killed.
//!
//! Owns the list of names. Without the feature `failpoints` (no release build has it) [`hit`] is
//! nothing at all. With it the environment variable `TAPEWATCH_FAILPOINT=NAME@N` is read once: at the
//! `N`-th hit of that name, counted from 1 over all threads, one line says so on standard error and
//! the process kills itself with `SIGKILL`, so that nothing unwinds, flushes or is dropped. An unknown
//! name or a bad count is told at the first hit of any name, and the process exits with status 2.
//!
//! A process may write several logs, so those of a journal and of an output log have names of their own.

use crate::log::LogKind;

/// Declares the places in a log's writer, once for each kind of log, and those elsewhere.
macro_rules! failpoints {
    (
        log { $($field:ident $name:literal $what:literal,)+ }
        others { $($other:literal $other_what:literal,)+ }
    ) => {
        /// The names of the places in a log of one kind.
        pub(crate) struct LogFailpoints {
            $(#[doc = $what] pub(crate) $field: &'static str,)+
        }

        static JOURNAL: LogFailpoints =
            LogFailpoints { $($field: concat!("journal.", $name),)+ };

        static OUTPUT: LogFailpoints =
            LogFailpoints { $($field: concat!("output.", $name),)+ };

        /// All names, and where in the work each of them stands.
        pub const NAMES: &[(&str, &str)] = &[
            $((concat!("journal.", $name), $what),)+
            $((concat!("output.", $name), $what),)+
            $(($other, $other_what),)+
        ];
    };
}

failpoints! {
    log {
        append_before "append.before" "A frame is to be appended; nothing of it is written.",
        append_after "append.after" "A frame is published, and its append has not returned.",
        roll_before "roll.before" "A segment is full and its successor prepared; it has no `Roll` yet.",
        roll_after "roll.after" "The `Roll` is published; the next segment has no frame.",
        end_after "end.after" "The `End` is published; its segment is neither carried nor sealed.",
        prepare_named "prepare.named" "A prepared segment has its name on disk and not yet in memory.",
        keep_sealed "keep.sealed" "The keeper has sealed a segment; it has no index.",
        keep_indexed "keep.indexed" "The keeper has indexed a segment; its memory is not used anew.",
        archive_written "archive.written" "An archived segment is whole under its unfinished name.",
        archive_renamed "archive.renamed" "An archived segment has its name; the plain one stands beside it.",
        archive_removed "archive.removed" "The plain segment is removed; its directory is not synced.",
        reopen_removed "reopen.removed" "What no frame was written to is removed; nothing is settled.",
        reopen_ended "reopen.ended" "A segment that has to be sealed ends with its `Roll` or `End`.",
        reopen_carried "reopen.carried" "That segment is on disk as far as it has frames.",
        reopen_cut "reopen.cut" "That segment is cut to its content and has no seal.",
        reopen_sealed "reopen.sealed" "That segment is sealed and has no index.",
        reopen_indexed "reopen.indexed" "That segment is indexed; its memory is not removed.",
        reopen_settled "reopen.settled" "All segments are sealed; none is prepared.",
        prune_told "prune.told" "What is to be pruned is on record; no file is removed.",
        prune_removed "prune.removed" "A file of a pruned segment is removed.",
    }
    others {
        "symbols.index.before" "The symbol index of a segment is made and not written.",
        "symbols.index.after" "The symbol index of a segment has its name.",
        "output.release.before" "An output is to be released.",
        "output.release.after" "An output was released, and nobody knows yet.",
        "output.cursor.before" "A cursor is to be moved on.",
        "output.cursor.after" "A cursor was moved on.",
        "snapshot.write.before" "A snapshot is to be written.",
        "snapshot.write.after" "A snapshot is written, not durable, and has no name.",
        "snapshot.rename.after" "A snapshot has its name, which is not durable.",
        "snapshot.remove.after" "A snapshot beyond those that are kept was removed.",
    }
}

impl LogKind {
    /// The names of the places in a log of this kind.
    #[inline(always)]
    pub(crate) const fn failpoints(self) -> &'static LogFailpoints {
        match self {
            LogKind::Journal => &JOURNAL,
            LogKind::Output => &OUTPUT,
        }
    }
}

/// Kills the process here, if this is the hit that was asked for.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub const fn hit(_name: &'static str) {}

#[cfg(feature = "failpoints")]
pub use armed::hit;

#[cfg(feature = "failpoints")]
mod armed {
    use core::sync::atomic::{AtomicU64, Ordering};
    use std::io::{self, Write as _};
    use std::process;
    use std::sync::LazyLock;
    use std::thread;

    use rustix::process::{Signal, getpid, kill_process};

    use super::NAMES;

    /// Where the variable stands.
    const VARIABLE: &str = "TAPEWATCH_FAILPOINT";

    /// What was asked for.
    struct Armed {
        name: String,
        count: u64,
        hits: AtomicU64,
    }

    static ARMED: LazyLock<Option<Armed>> = LazyLock::new(|| {
        let given = std::env::var_os(VARIABLE)?;
        match given.to_str().and_then(read) {
            Some((name, count)) => {
                Some(Armed { name: name.to_owned(), count, hits: AtomicU64::new(0) })
            }
            None => {
                tell(&format!("{VARIABLE} is {given:?}; it must be NAME@N, N from 1, NAME known"));
                process::exit(2);
            }
        }
    });

    /// `NAME@N` taken apart.
    pub(super) fn read(given: &str) -> Option<(&str, u64)> {
        let (name, count) = given.split_once('@')?;
        let count = count.parse().ok().filter(|count| *count > 0)?;
        NAMES.iter().any(|(known, _)| *known == name).then_some((name, count))
    }

    /// Kills the process here, if this is the hit that was asked for.
    #[inline(always)]
    pub fn hit(name: &'static str) {
        if let Some(armed) = ARMED.as_ref() {
            count(armed, name);
        }
    }

    #[cold]
    fn count(armed: &Armed, name: &'static str) {
        debug_assert!(
            NAMES.iter().any(|(known, _)| *known == name),
            "Invariant: {name} is in the table of names"
        );
        if armed.name != name || armed.hits.fetch_add(1, Ordering::Relaxed) + 1 != armed.count {
            return;
        }
        tell(&format!("failpoint {name} hit {}", armed.count));
        // It cannot be refused: a process may always kill itself.
        let _ = kill_process(getpid(), Signal::KILL);
        loop {
            thread::park();
        }
    }

    fn tell(line: &str) {
        // One write: lines of several threads stay whole. Nobody can be told that it failed.
        let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_stands_once_in_the_table() {
        let mut names: Vec<_> = NAMES.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), NAMES.len());
        assert!(names.contains(&LogKind::Journal.failpoints().append_after));
        assert!(names.contains(&LogKind::Output.failpoints().append_after));
        assert_ne!(
            LogKind::Journal.failpoints().roll_after,
            LogKind::Output.failpoints().roll_after
        );
    }

    #[cfg(feature = "failpoints")]
    #[test]
    fn a_variable_names_a_place_and_a_hit() {
        use super::armed::read;
        assert_eq!(read("journal.append.before@3"), Some(("journal.append.before", 3)));
        for wrong in
            ["journal.append.before", "journal.append.before@0", "append.before@1", "@1", ""]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
