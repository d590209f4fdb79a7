//! What time changes about a feed: holes that have waited long enough, requests without an answer,
//! lines and feeds gone silent, and the ends of these.

use engine::units::Nanos;

use super::recovery::Phase;
use super::{MoldFeed, Notice, after};
use engine::units::Sequence;

/// How long lines bring nothing but the end of the session before it is believed: longer than a
/// session's heartbeats are apart, so that nobody ends a session that goes on.
pub(super) const END_WAIT_NS: u64 = 1_500_000_000;

impl MoldFeed {
    /// A packet of the session came on `line`.
    #[inline]
    pub(super) fn hear(&mut self, line: usize, now: Nanos) {
        if self.is_stale {
            self.is_stale = false;
            self.is_due = true;
            let last = self.lines.last().or(self.started).unwrap_or(now);
            self.lines.start_again(now);
            self.tell(Notice::Fresh { silent_ns: now.since_ns(last) });
        }
        if self.lines.heard(line, now) {
            self.is_due = true;
            self.tell(Notice::LineBack { line });
        }
    }

    /// Sees to all that is due, and says when something will be next.
    #[cold]
    pub(super) fn see_to_timers(&mut self, now: Nanos) {
        self.is_due = false;
        self.started.get_or_insert(now);
        self.see_to_holes(now);
        self.see_to_recovery(now);
        self.begin_to_give(now);
        self.see_to_end(now);
        self.see_to_silence(now);
        self.until = self.deadline(now);
    }

    /// The message before which holes are not asked for: a snapshot has them.
    fn splice_next(&self) -> u64 {
        match self.recovery.phase {
            Phase::Splicing { next } => next,
            _ => 0,
        }
    }

    fn see_to_holes(&mut self, now: Nanos) {
        while let Some(hole) = self.arbiter.holes().first_from(self.watched_end)
            && now.since_ns(hole.opened) >= self.timings.reorder_wait_ns
        {
            self.watch(hole);
        }
        self.requests.time_out(now, self.arbiter.holes(), &self.timings);
        self.give_up_what_failed(now);
        let from = self.splice_next();
        self.requests.plan(self.arbiter.holes(), from, self.watched_end, &self.limits);
    }

    /// Gives the lowest holes up as long as nothing can be hoped for them.
    fn give_up_what_failed(&mut self, now: Nanos) {
        let splice = self.splice_next();
        while let Some(hole) = self.arbiter.holes().front() {
            let is_hopeless = self.requests.has_failed(hole);
            let is_askable = self.requests.has_servers()
                && hole.first >= splice
                && hole.end - hole.first <= self.limits.jump_max;
            let is_old = now.since_ns(hole.opened) >= self.timings.hole_wait_ns;
            if !(is_hopeless || !is_askable && is_old) {
                break;
            }
            // What a snapshot does not cover may still be asked for.
            let end = if hole.first < splice { hole.end.min(splice) } else { hole.end };
            self.give_up(end, now);
        }
    }

    fn see_to_silence(&mut self, now: Nanos) {
        if self.rolled || self.is_at_end() {
            return;
        }
        if let Some(since) = self.lines.last().or(self.started)
            && !self.is_stale
            && now.since_ns(since) >= self.timings.stale_ns
        {
            self.is_stale = true;
            self.tell(Notice::Stale { since });
        }
        while let Some((line, since)) = self.lines.next_silent(now, self.timings.line_silent_ns) {
            self.tell(Notice::LineSilent { line, since });
        }
    }

    fn see_to_end(&mut self, now: Nanos) {
        if !self.rolled
            && !self.is_over
            && self.is_at_end()
            && now.since_ns(self.alive) >= END_WAIT_NS
            && let Some(next) = self.session_end
        {
            self.is_over = true;
            self.tell(Notice::Ended { next: Sequence(next) });
        }
    }

    /// When time alone changes something.
    fn deadline(&self, now: Nanos) -> Option<Nanos> {
        if self.rolled {
            return None;
        }
        let timings = &self.timings;
        let holes = self.arbiter.holes();
        let unwatched = holes.first_from(self.watched_end);
        let reordered = unwatched.map(|hole| after(hole.opened, timings.reorder_wait_ns));
        let is_asked = |first: u64| self.requests.has_servers() && first >= self.splice_next();
        let lowest = holes
            .front()
            .filter(|hole| !is_asked(hole.first) || hole.end - hole.first > self.limits.jump_max);
        let given_up = lowest.map(|hole| after(hole.opened, timings.hole_wait_ns));
        let is_at_end = self.is_at_end();
        let end = (is_at_end && !self.is_over).then(|| after(self.alive, END_WAIT_NS));
        let (stale, silent) = if is_at_end {
            (None, None)
        } else {
            let heard = self.lines.last().or(self.started).filter(|_| !self.is_stale);
            let stale = heard.map(|heard| after(heard, timings.stale_ns));
            (stale, self.lines.deadline(now, timings.line_silent_ns))
        };
        let recovery = self.recovery.deadline(timings.snapshot_wait_ns);
        let requests = self.requests.deadline(timings);
        let all = [reordered, given_up, end, stale, silent, recovery, requests];
        all.into_iter().flatten().min()
    }
}
