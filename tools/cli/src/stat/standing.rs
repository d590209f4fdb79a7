//! Whether an engine is there, as people and programs are told.

use engine::board::Liveness;

use super::figure::ns_text;
use super::look::Look;
use crate::exit::Failure;
use crate::journal::line::time_text;

/// One word, the same in JSON and in the table.
pub(crate) fn word(liveness: Liveness) -> &'static str {
    match liveness {
        Liveness::Running => "running",
        Liveness::Stale(_) => "stale",
        Liveness::Ended(_) => "ended",
        Liveness::Gone => "gone",
    }
}

/// What there is to say of an engine that does not run; `None` of one that does.
pub(crate) fn banner(look: &Look) -> Option<String> {
    let pid = look.engine.pid;
    match look.liveness {
        Liveness::Running => None,
        Liveness::Stale(since_ns) => Some(format!(
            "STALE: pid {pid} is there, but has not kept its board up for {}",
            ns_text(since_ns.unsigned_abs())
        )),
        Liveness::Ended(at) => Some(format!("ENDED in order at {}", time_text(at))),
        Liveness::Gone => {
            Some(format!("GONE: pid {pid} left without ending its session; last figures below"))
        }
    }
}

/// The failure to leave with, of an engine that is gone or stale.
pub(crate) fn failure(look: &Look) -> Option<Failure> {
    let (session, pid) = (look.engine.session, look.engine.pid);
    match look.liveness {
        Liveness::Running | Liveness::Ended(_) => None,
        Liveness::Stale(since_ns) => Some(Failure::no(format_args!(
            "the engine of session {session} (pid {pid}) is stale: its board was not kept up for {}; it is stopped or has no core, see `ps -o stat,psr -p {pid}`",
            ns_text(since_ns.unsigned_abs())
        ))),
        Liveness::Gone => Some(Failure::no(format_args!(
            "the engine of session {session} (pid {pid}) is gone without having ended, last heard of at {}; recover the session by running it again with --resume",
            time_text(look.as_of())
        ))),
    }
}

#[cfg(test)]
mod tests {
    use engine::units::Nanos;

    use super::*;
    use crate::exit::Status;
    use crate::stat::fixture;

    #[test]
    fn whoever_is_not_running_is_told_and_only_an_end_in_order_is_no_fault() {
        let of = |liveness| {
            let look = Look { liveness, ..fixture::look() };
            (word(liveness), banner(&look), failure(&look))
        };
        let (running, banner, failure) = of(Liveness::Running);
        assert!(running == "running" && banner.is_none() && failure.is_none());
        let (stale, banner, failure) = of(Liveness::Stale(3_200_000_000));
        assert!(stale == "stale" && banner.unwrap().contains("for 3.20 s"));
        assert_eq!(failure.unwrap().status, Status::No);
        let (ended, banner, failure) = of(Liveness::Ended(Nanos(0)));
        assert!(ended == "ended" && banner.unwrap().contains("1970-01-01T00:00:00"));
        assert!(failure.is_none());
        let (gone, banner, failure) = of(Liveness::Gone);
        assert!(gone == "gone" && banner.unwrap().contains("pid 4242"));
        assert!(failure.unwrap().line.contains("--resume"));
    }
}
