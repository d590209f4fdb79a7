//! What ends or disturbs a replay, as one line each: what, where, what to do.

use engine::journal::source::JournalError;
use engine::log::error::LogError;
use engine::memory::MemoryError;
use engine::pipeline::SecondStart;
use engine::pipeline::pin::PinError;
use engine::pipeline::pipelined::{LayoutError, StageFailed};
use engine::snapshot::follower::FollowError;
use engine::state::StateHash;
use engine::units::Sequence;
use feed_handlers::input::{FaultClass, InputError};

use crate::archive_key::ADVICE_ON_KEYS;
use crate::exit::{Failure, Status};
use crate::output::decimal::grouped;
use crate::replay::hashes::HashCheck;

/// Messages that were lost.
pub(crate) fn gap(first: Sequence, end: Sequence) -> String {
    let lost = end.0.saturating_sub(first.0);
    format!(
        "gap: {} message(s) lost from sequence {}; books of that stretch may be wrong",
        grouped(lost),
        first.0
    )
}

/// Symbols whose books are in doubt at the end.
pub(crate) fn suspect(symbols: u64) -> Option<Failure> {
    (symbols > 0).then(|| {
        Failure::no(format_args!(
            "the books of {} symbol(s) are suspect at the end: a gap was given up and no snapshot has healed it; suspect.csv names them",
            grouped(symbols)
        ))
    })
}

/// The input goes on into a second day, `place` being where.
pub(crate) fn second_start(second: SecondStart, place: Option<&str>) -> Failure {
    let place = place.map_or_else(String::new, |place| format!("{place}: "));
    Failure::usage(format_args!(
        "{place}{second}: a session is one trading day; all before it is processed, replay what follows on its own"
    ))
}

/// The system gave no memory.
pub(crate) fn no_memory(error: &MemoryError) -> Failure {
    Failure::no(format_args!(
        "{error}; reserving costs no memory, but a limit on address space or strict overcommit forbids it"
    ))
}

/// What the input source says, with what to do about it.
pub(crate) fn of(error: &InputError) -> Failure {
    let status = match error.class() {
        FaultClass::Damaged => Status::No,
        FaultClass::Unreadable | FaultClass::WrongInput => Status::Usage,
    };
    let advice = match error {
        InputError::Io { .. } => "check the path and its permissions",
        InputError::Missing => "name a file, a capture or `-`",
        InputError::NotRecognised { .. } => "name its format with --format if it has one",
        InputError::Mixed { .. } => "replay captures and plain files apart",
        InputError::StandardInputTwice => "name it once",
        InputError::NoFeed { .. } => "capture the feed's multicast group",
        InputError::ForeignSession { .. } => {
            "all before it is processed; replay each session on its own"
        }
        InputError::Damaged { .. } => "all before it is processed; get an undamaged copy",
    };
    Failure::new(status, format_args!("{error}; {advice}"))
}

/// A follower that cannot go on.
pub(crate) fn of_follower(error: &FollowError) -> Failure {
    match error {
        FollowError::Journal(error) => of_journal(error),
        FollowError::SecondStart(second) => second_start(*second, None),
    }
}

/// Closed segments that could not be archived.
pub(crate) fn not_archived(why: &str) -> Failure {
    Failure::no(format_args!(
        "{why}; the segment stays as it was written, and is whole; make room, and run again with --resume"
    ))
}

/// A snapshot of which the engine cannot be restored.
pub(crate) fn not_restored(name: &str, error: &dyn core::fmt::Display) -> Failure {
    Failure::no(format_args!(
        "{name}: {error}; remove it, and the session goes on from an older one or from its start"
    ))
}

/// Two engines came to different states over one journal.
pub(crate) fn follower_differs(engine: &StateHash, follower: &StateHash) -> Failure {
    Failure::no(format_args!(
        "the engine has come to state {engine}, its follower over the journal to {follower}; `tapewatch journal verify --deep` tells where, please report it with the session"
    ))
}

/// A session's journal that cannot be read, or not further.
pub(crate) fn of_journal(error: &JournalError) -> Failure {
    let (status, advice) = match error {
        JournalError::Log(LogError::Io { .. }) => {
            (Status::Usage, "check the path and its permissions")
        }
        JournalError::Log(LogError::Empty { .. }) => {
            (Status::Usage, "name a session that was recorded")
        }
        JournalError::Log(LogError::Locked { .. }) => (Status::Usage, ADVICE_ON_KEYS),
        JournalError::Log(LogError::Newer { .. }) | JournalError::Unsupported { .. } => {
            (Status::Usage, "use a newer tapewatch")
        }
        JournalError::Log(LogError::Pruned { .. }) => {
            (Status::Usage, "restore the segments from a copy")
        }
        JournalError::Log(LogError::Damaged { .. })
        | JournalError::Record { .. }
        | JournalError::Backwards { .. } => {
            (Status::No, "all before it is processed; `tapewatch journal verify` tells all faults")
        }
    };
    Failure::new(status, format_args!("{error}; {advice}"))
}

/// State is not what was recorded; `None` if it is, or nothing says otherwise.
pub(crate) fn of_hashes(check: &HashCheck) -> Option<Failure> {
    if let Some(mismatch) = &check.mismatch {
        return Some(Failure::no(format_args!(
            "the state is not the one recorded: {mismatch}; run `tapewatch journal verify`, and report it if the journal is whole"
        )));
    }
    check
        .damage
        .as_ref()
        .map(|damage| Failure::no(format_args!("{damage}; digests from there on were not checked")))
}

/// A session that is said to be complete is not.
pub(crate) fn not_complete(path: &std::path::Path, what: &str) -> Failure {
    Failure::no(format_args!(
        "{} says it is complete, and is not: {what}; restore its journal from a copy",
        path.display()
    ))
}

/// Packets that end within a message: no source of ours gives such.
pub(crate) fn torn_packets(packets: u64) -> Failure {
    Failure::no(format_args!(
        "{} packet(s) end within a message, which was left out; `tapewatch journal verify` tells where",
        grouped(packets)
    ))
}

/// Somebody asked for the end.
pub(crate) fn interrupted(messages: u64) -> Failure {
    Failure::no(format_args!(
        "interrupted after {} message(s): all of them are processed and written; run it again for the rest",
        grouped(messages)
    ))
}

/// The stages cannot be started as configured.
pub(crate) fn cannot_start(error: &LayoutError) -> Failure {
    match error {
        LayoutError::Memory(error) => no_memory(error),
        LayoutError::Ring(_) | LayoutError::Shards { .. } | LayoutError::Cores { .. } => {
            Failure::usage(format_args!("{error}; see `tapewatch config print`"))
        }
        LayoutError::Pin { .. } => Failure::usage(format_args!(
            "{error}; name other cores in threads.shard_cores and threads.market_core, `tapewatch doctor` shows them"
        )),
        LayoutError::Thread { .. } => {
            Failure::no(format_args!("{error}; raise the limit on processes"))
        }
    }
}

/// This thread cannot have its core.
pub(crate) fn not_pinned(error: &PinError) -> Failure {
    Failure::usage(format_args!(
        "{error}; name another in threads.ingest_core, `tapewatch doctor` shows them"
    ))
}

/// A stage panicked: a bug of ours.
pub(crate) fn stage_failed(failed: &StageFailed) -> Failure {
    Failure::no(format_args!(
        "{failed}; what was journaled before can be replayed; please report it with the command and its input"
    ))
}
