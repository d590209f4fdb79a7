//! A burst of messages of the whole venue: the rate of the last 100 ms against the rate that is usual.
//!
//! Held in the market stage, since a shard sees its own symbols only: each shard tells its messages when feed
//! time comes to a line of 100 ms, and all of one line are summed. A line is judged when the next one with
//! messages is told. The usual rate is a mean with a time constant of its own, of lines with messages, before
//! the line that is judged.
//!
//! **Several feeds** are one venue here: their messages are counted together, an alert is that of the market of
//! feed 0, and its evidence names messages of whichever feed brought time to a line.
//!
//! Sources: Hawkes 1971, "Spectra of some self-exciting and mutually exciting point processes", for bursts told
//! by decayed rates; that of 100 ms at 20 times that of 10 s is a convention.

use bytemuck::{Pod, Zeroable};

use crate::detect::activity::SLOT_NS;
use crate::detect::alert::{Change, Told};
use crate::detect::episode::{Episode, HOLD_LEVEL};
use crate::detect::parameter::{Armed, Arming};
use crate::detect::phase::{Phase, Phases};
use crate::detect::raised::{Score, Since};
use crate::detect::spec::{DetectorCode, Family, Spec};
use crate::signal::Signal;
use crate::units::{Nanos, Sequence};

/// Its number.
pub const CODE: DetectorCode = DetectorCode(2);

crate::parameters! {
    /// `detect.message_burst`
    MessageBurst {
        ratio: Ratio = 20, 1..1000000, "Messages of 100 ms over what is usual.", "convention";
        messages_min: Count = 300, 1..1e9, "Messages of 100 ms, at least.", "calibrated on simulated sessions, seeds 1 to 3";
        usual: Time = 1e10, 1e9..864e11, "Time constant of the usual rate.", "convention";
        warm_up: Count = 300, 1..1000000, "Lines with messages before it is armed.", "three time constants";
    }
}

static SPECIFICATION: Spec = Spec {
    code: CODE,
    name: "message_burst",
    pattern: "a burst of messages of the venue",
    figures: &["messages_100ms", "usual_100ms", "ratio"],
    thresholds: &["ratio", "messages_min"],
    phases: Phases::ANY,
    warm_up_seconds: 0,
    family: Family::Other,
};

/// What is kept of the venue. All zero has seen nothing.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    /// The line at hand, ns; its messages; and where it was told.
    line_ns: i64,
    messages: u64,
    sequence: u64,
    /// Where the line before was told.
    before: u64,
    /// Messages of 100 ms that are usual, and of how many lines.
    usual: f64,
    lines: u64,
    /// 1 while an alert is open.
    is_open: u64,
    episode: Episode,
}

impl MessageBurst {
    /// What it is called.
    pub const SPEC: &'static Spec = &SPECIFICATION;

    /// How it is armed unless that is set.
    #[must_use]
    pub fn arming() -> Arming {
        Arming::default()
    }
}

impl State {
    /// A shard tells its messages before a line; what becomes of the alert.
    pub(crate) fn messages(
        &mut self,
        settings: &Armed<MessageBurst>,
        signal: &Signal,
    ) -> Option<Told> {
        let [messages, line_ns, sequence, ..] = signal.words;
        let line_ns = line_ns as i64;
        if line_ns == self.line_ns {
            self.messages = self.messages.saturating_add(messages);
            return None;
        }
        let changed = self.end_line(settings, line_ns);
        (self.line_ns, self.messages) = (line_ns, messages);
        (self.before, self.sequence) = (self.sequence, sequence);
        changed
    }

    /// Judges the line at hand, the next with messages being at `next_ns`.
    fn end_line(&mut self, settings: &Armed<MessageBurst>, next_ns: i64) -> Option<Told> {
        if self.messages == 0 {
            return None;
        }
        let own = &settings.own;
        let (messages, usual) = (self.messages as f64, self.usual.max(1.0));
        let ratio = messages / usual;
        let level = (ratio / own.ratio).min(messages / own.messages_min);
        let is_warm = self.lines as f64 >= own.warm_up;
        let figures = [messages, usual, ratio, 0.0];
        let line = Nanos(self.line_ns);
        // What is beyond the threshold counts as the threshold, so that a burst does not become usual.
        let most = if is_warm { usual * own.ratio } else { f64::MAX };
        let weight = SLOT_NS as f64 / (own.usual + SLOT_NS as f64);
        self.usual += weight * (messages.min(most) - self.usual);
        if self.lines == 0 {
            self.usual = messages;
        }
        self.lines = self.lines.saturating_add(1);
        let from =
            Since { time: Nanos(line.0.saturating_sub(SLOT_NS)), sequence: Sequence(self.before) };
        let here = Since { time: line, sequence: Sequence(self.sequence) };
        if self.is_open != 0 {
            if level >= HOLD_LEVEL {
                self.episode.hold(here, level, figures);
                return None;
            }
            if next_ns >= self.episode.ends_ns(settings.arming.cool_down) {
                return self.end();
            }
            return None;
        }
        if !is_warm || level < 1.0 || Score::of_level(level).get() < settings.arming.min_score {
            return None;
        }
        self.is_open = 1;
        self.episode = Episode::open(from, here, level, figures);
        Some(Told { change: Change::Open, ..of(self.episode) })
    }

    /// Ends the alert, if one is open.
    pub(crate) fn end(&mut self) -> Option<Told> {
        if core::mem::take(&mut self.is_open) == 0 {
            return None;
        }
        Some(of(core::mem::take(&mut self.episode)))
    }
}

fn of(episode: Episode) -> Told {
    Told::close(CODE, Phase::Unknown, false, episode)
}
