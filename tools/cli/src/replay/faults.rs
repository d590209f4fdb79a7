//! What ends or disturbs a replay, as one line each: what, where, what to do.

use engine::memory::MemoryError;
use engine::pipeline::SecondStart;
use engine::units::Sequence;
use feed_handlers::input::{FaultClass, InputError};

use crate::exit::{Failure, Status};
use crate::output::decimal::grouped;

/// Messages that were lost.
pub(crate) fn gap(first: Sequence, end: Sequence) -> String {
    let lost = end.0.saturating_sub(first.0);
    format!(
        "gap: {} message(s) lost from sequence {}; books of that stretch may be wrong",
        grouped(lost),
        first.0
    )
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
