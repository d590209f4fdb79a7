//! What came between two looks at a board: rates, and what the threads did with their time.
//!
//! Pure: two looks in, figures out. With one look only, it is the time since the engine began.

use engine::board::kept::ThreadTimes;

use super::look::Look;

/// Nanoseconds of a second.
const SECOND_NS: f64 = 1e9;

/// How fast a feed comes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Rates {
    /// The time that these are of, s.
    pub(crate) over_s: f64,
    /// Messages a second.
    pub(crate) messages_per_s: f64,
    /// Packets a second.
    pub(crate) packets_per_s: f64,
    /// Bytes of messages a second.
    pub(crate) bytes_per_s: f64,
}

impl Rates {
    /// Since `earlier`, or since the engine began.
    pub(crate) fn of(earlier: Option<&Look>, later: &Look) -> Rates {
        let over_s = over_ns(earlier, later) / SECOND_NS;
        let per_s = |count: fn(&Look) -> u64| {
            let more = count(later).saturating_sub(earlier.map_or(0, count));
            if over_s > 0.0 { more as f64 / over_s } else { 0.0 }
        };
        Rates {
            over_s,
            messages_per_s: per_s(|look| look.ingest.messages),
            packets_per_s: per_s(|look| look.ingest.packets),
            bytes_per_s: per_s(|look| look.ingest.bytes),
        }
    }
}

/// What a thread did with its time: shares of 1.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ThreadShares {
    /// Its name.
    pub(crate) name: String,
    /// Its number as the kernel has it.
    pub(crate) thread: u64,
    /// The core that it ran on last.
    pub(crate) core: u64,
    /// At work; `None` where the thread does not count it.
    pub(crate) busy: Option<f64>,
    /// On a core and not at work: it looks whether there is any. `None` as above.
    pub(crate) idle: Option<f64>,
    /// On a core.
    pub(crate) on_core: f64,
    /// Not on a core: it sleeps, or waits for one.
    pub(crate) blocked: f64,
    /// Ready, and without a core: a part of `blocked`.
    pub(crate) waited: f64,
}

/// Of every thread, since `earlier` or since the engine began. A thread that neither look has a time of is
/// left out.
pub(crate) fn threads(earlier: Option<&Look>, later: &Look) -> Vec<ThreadShares> {
    later.threads.iter().filter_map(|thread| shares(thread, earlier, later)).collect()
}

fn shares(thread: &ThreadTimes, earlier: Option<&Look>, later: &Look) -> Option<ThreadShares> {
    let before = earlier.map(|look| {
        let same = |of: &&ThreadTimes| of.thread == thread.thread && of.name == thread.name;
        look.threads.iter().find(same).copied()
    });
    let before = match before {
        // It is new since: shares of its own time are not known yet.
        Some(None) => return None,
        Some(Some(before)) => before,
        None => ThreadTimes { at_ns: later.engine.started.0, ..ThreadTimes::default() },
    };
    let wall_ns = thread.at_ns.saturating_sub(before.at_ns);
    if wall_ns <= 0 {
        return None;
    }
    let share = |now: u64, then: u64| (now.saturating_sub(then) as f64 / wall_ns as f64).min(1.0);
    let on_core = share(thread.on_core_ns, before.on_core_ns);
    let busy = busy_ns(later, thread.thread).map(|now| {
        let then = earlier.and_then(|look| busy_ns(look, thread.thread)).unwrap_or(0);
        let over_ns = over_ns(earlier, later);
        let busy = if over_ns > 0.0 { now.saturating_sub(then) as f64 / over_ns } else { 0.0 };
        busy.min(1.0)
    });
    Some(ThreadShares {
        name: engine::board::counters::text_of(&thread.name),
        thread: thread.thread,
        core: thread.core,
        busy,
        idle: busy.map(|busy| (on_core - busy).max(0.0)),
        on_core,
        blocked: 1.0 - on_core,
        waited: share(thread.waited_ns, before.waited_ns),
    })
}

/// Time at work that a thread counts. Where the ingest thread is a shard's too, each part counts what is
/// its own.
fn busy_ns(look: &Look, thread: u64) -> Option<u64> {
    let ingest = (look.ingest.thread, look.ingest.busy_ns);
    let shards = look.shards.iter().map(|shard| (shard.thread, shard.busy_ns));
    let of_it = shards.chain([ingest]).filter(|(number, _)| *number == thread && thread != 0);
    of_it.map(|(_, busy_ns)| busy_ns).reduce(u64::saturating_add)
}

fn over_ns(earlier: Option<&Look>, later: &Look) -> f64 {
    match earlier {
        Some(earlier) => later.taken.duration_since(earlier.taken).as_nanos() as f64,
        None => later.uptime_ns() as f64,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use engine::board::counters::{ShardCounts, label};

    use super::*;
    use crate::stat::fixture;

    fn thread(name: &str, thread: u64, on_core_ns: u64, at_ns: i64) -> ThreadTimes {
        ThreadTimes { name: label(name), thread, on_core_ns, at_ns, ..ThreadTimes::default() }
    }

    #[test]
    fn rates_are_of_the_time_between_two_looks_or_since_the_engine_began() {
        let mut first = fixture::look();
        first.ingest.messages = 1_000;
        first.ingest.packets = 100;
        first.ingest.bytes = 40_000;
        let mut second = first.clone();
        second.taken += Duration::from_millis(500);
        second.ingest.messages = 3_000;
        second.ingest.packets = 150;
        second.ingest.bytes = 90_000;
        let rates = Rates::of(Some(&first), &second);
        assert_eq!(rates.messages_per_s, 4_000.0);
        assert_eq!((rates.packets_per_s, rates.bytes_per_s), (100.0, 100_000.0));
        // The fixture has run for 100 s.
        assert_eq!(Rates::of(None, &first).messages_per_s, 10.0);
        // The same look twice: nothing is divided by zero.
        assert_eq!(Rates::of(Some(&first), &first), Rates::default());
    }

    #[test]
    fn a_thread_s_time_is_at_work_looking_for_work_or_off_the_core() {
        let mut first = fixture::look();
        let at_ns = first.at.0;
        first.shards = vec![ShardCounts { thread: 7, busy_ns: 5, ..ShardCounts::default() }];
        first.threads = vec![thread("shard-0", 7, 100, at_ns), thread("market", 8, 0, at_ns)];
        let mut second = first.clone();
        second.taken += Duration::from_secs(1);
        let later_ns = at_ns + 1_000_000_000;
        second.shards[0].busy_ns += 250_000_000;
        second.threads = vec![
            thread("shard-0", 7, 100 + 750_000_000, later_ns),
            thread("market", 8, 100_000_000, later_ns),
            thread("new", 9, 5, later_ns),
        ];
        let shares = threads(Some(&first), &second);
        let [shard, market] = &shares[..] else { panic!("{shares:?}") };
        assert_eq!((shard.busy, shard.idle, shard.blocked), (Some(0.25), Some(0.5), 0.25));
        assert_eq!((market.busy, market.idle, market.blocked), (None, None, 0.9));
        // A thread that never had a look of its own before is told once its time is known.
        assert!(threads(Some(&first), &first).is_empty());
    }

    #[test]
    fn once_it_is_the_shares_since_the_engine_began() {
        let mut look = fixture::look();
        look.threads = vec![thread("ingest", 3, 75_000_000_000, look.at.0)];
        look.ingest.thread = 3;
        look.ingest.busy_ns = 50_000_000_000;
        let shares = threads(None, &look);
        assert_eq!((shares[0].busy, shares[0].idle), (Some(0.5), Some(0.25)));
        // The one thread of an inline engine is its shard's, too.
        look.shards =
            vec![ShardCounts { thread: 3, busy_ns: 10_000_000_000, ..ShardCounts::default() }];
        let shares = threads(None, &look);
        assert!((shares[0].busy.unwrap() - 0.6).abs() < 1e-9, "{shares:?}");
    }
}
