//! The rules written down slowly: flat lists, values kept one by one, time gone through tick by tick.

use crate::window::assign::Kind as Assigned;
use crate::window::trigger::Kind as Triggered;
use crate::window::{Arrival, Fired, Revision, Span, Tick, TimeWindow, Window, WindowSettings};

/// A window of a key.
#[derive(Clone, Debug)]
struct Live {
    key: u32,
    window: Window,
    values: Vec<i64>,
    /// Elements since the last firing by count.
    counted: u64,
    /// The end is still to fire.
    end_due: bool,
    /// The next periodic firing, and whether it is still to come.
    periodic: Option<i64>,
    periodic_due: bool,
    fired: u32,
}

/// All there is.
pub(super) struct Model {
    settings: WindowSettings,
    watermark: i64,
    live: Vec<Live>,
}

/// The earliest time that a test uses.
const FIRST: i64 = -100;

fn end_of(window: Window) -> i64 {
    match window {
        Window::Time(window) => window.end.0 - 1,
        Window::Global => i64::MAX,
    }
}

impl Model {
    pub(super) fn new(settings: WindowSettings) -> Self {
        Model { settings, watermark: i64::MIN, live: Vec::new() }
    }

    fn cleanup(&self, window: Window) -> i64 {
        end_of(window).saturating_add(self.settings.allowed_lateness().0)
    }

    fn late(&self, window: Window) -> bool {
        window != Window::Global && self.cleanup(window) <= self.watermark
    }

    /// The windows of an element, found by trying every start.
    fn windows(&self, at: i64) -> Vec<Window> {
        let window =
            |start: i64, size: i64| Window::Time(TimeWindow::new(Tick(start), Tick(start + size)));
        match self.settings.assigner().kind() {
            Assigned::Global => vec![Window::Global],
            Assigned::Session { gap } => vec![window(at, gap.0)],
            Assigned::Tumbling { size, offset } => self.starts(at, size, size, offset),
            Assigned::Sliding { size, slide, offset } => self.starts(at, size, slide, offset),
        }
    }

    fn starts(&self, at: i64, size: Span, slide: Span, offset: Span) -> Vec<Window> {
        (at - size.0 + 1..=at)
            .filter(|start| (start - offset.0) % slide.0 == 0)
            .map(|start| Window::Time(TimeWindow::new(Tick(start), Tick(start + size.0))))
            .collect()
    }

    pub(super) fn element(
        &mut self,
        key: u32,
        value: i64,
        at: i64,
        out: &mut Vec<Fired<u32, i128>>,
    ) -> Arrival {
        let mut taken = false;
        for window in self.windows(at) {
            let window = match window.time().filter(|_| self.settings.assigner().merges()) {
                Some(window) => match self.merged(key, window) {
                    Some(merged) => merged,
                    None => continue,
                },
                None if self.late(window) => continue,
                None => window,
            };
            taken = true;
            let found = self.live.iter().position(|live| (live.key, live.window) == (key, window));
            let place = found.unwrap_or_else(|| {
                self.live.push(Live {
                    key,
                    window,
                    values: Vec::new(),
                    counted: 0,
                    end_due: false,
                    periodic: None,
                    periodic_due: false,
                    fired: 0,
                });
                self.live.len() - 1
            });
            let (trigger, watermark) = (self.settings.trigger(), self.watermark);
            let live = &mut self.live[place];
            live.values.push(value);
            if fires_on_element(live, trigger.kind(), at, watermark) {
                emit(live, trigger.purging(), out);
            }
            self.forget_empty();
        }
        if taken {
            Arrival::Added
        } else if at + self.settings.allowed_lateness().0 > self.watermark {
            Arrival::Unassigned
        } else if self.settings.late_output() {
            Arrival::Late
        } else {
            Arrival::Dropped
        }
    }

    /// The session that `window` becomes part of, made one; none if that is late.
    fn merged(&mut self, key: u32, window: TimeWindow) -> Option<Window> {
        let touches = |live: &Live| {
            live.key == key
                && live.window.time().is_some_and(|other| {
                    window.start.0 <= other.end.0 && other.start.0 <= window.end.0
                })
        };
        let parts: Vec<Live> = self.live.iter().filter(|live| touches(live)).cloned().collect();
        let all = parts.iter().filter_map(|live| live.window.time()).chain([window]);
        let start = all.clone().map(|window| window.start).min()?;
        let end = all.map(|window| window.end).max()?;
        let whole = Window::Time(TimeWindow::new(start, end));
        if self.late(whole) {
            return None;
        }
        if parts.is_empty() || parts[0].window == whole {
            return Some(whole);
        }
        let periodic = parts.iter().filter_map(|part| part.periodic).min();
        let end_due = self.settings.trigger().kind() == Triggered::EventTime
            && end_of(whole) > self.watermark;
        self.live.retain(|live| !touches(live));
        self.live.push(Live {
            key,
            window: whole,
            values: parts.iter().flat_map(|part| part.values.clone()).collect(),
            counted: parts.iter().map(|part| part.counted).sum(),
            end_due,
            periodic,
            periodic_due: periodic.is_some(),
            fired: parts.iter().map(|part| part.fired).max()?,
        });
        Some(whole)
    }

    pub(super) fn watermark(&mut self, watermark: i64, out: &mut Vec<Fired<u32, i128>>) {
        if watermark < self.watermark {
            return;
        }
        self.watermark = watermark;
        for now in FIRST..=watermark {
            self.live.sort_by_key(|live| (live.key, live.window));
            for place in 0..self.live.len() {
                self.fire_at(place, now, out);
            }
            let lateness = self.settings.allowed_lateness().0;
            self.live.retain(|live| {
                live.window == Window::Global || end_of(live.window) + lateness != now
            });
            self.forget_empty();
        }
    }

    /// What is due of one window at `now`.
    fn fire_at(&mut self, place: usize, now: i64, out: &mut Vec<Fired<u32, i128>>) {
        let trigger = self.settings.trigger();
        let live = &mut self.live[place];
        let end = end_of(live.window);
        let end_fires = live.end_due && end == now;
        let periodic_fires = live.periodic_due && live.periodic == Some(now);
        if end_fires || (periodic_fires && end == now) {
            // One timer, if both are due.
            live.end_due = false;
            live.periodic_due &= live.periodic != Some(now);
            emit(live, trigger.purging(), out);
        } else if periodic_fires && let Triggered::Continuous(interval) = trigger.kind() {
            live.periodic = Some((now + interval.0).min(end));
            emit(live, trigger.purging(), out);
        }
    }

    /// A purged global window of which nothing is to come is gone.
    fn forget_empty(&mut self) {
        let purging = self.settings.trigger().purging();
        self.live.retain(|live| {
            !purging
                || live.window != Window::Global
                || !live.values.is_empty()
                || live.end_due
                || live.periodic_due
                || live.counted > 0
        });
    }

    pub(super) fn windows_live(&self) -> usize {
        self.live.len()
    }
}

/// Whether a window fires for an element at `at`, and what is then still to come of it.
fn fires_on_element(live: &mut Live, trigger: Triggered, at: i64, watermark: i64) -> bool {
    let end = end_of(live.window);
    match trigger {
        Triggered::Count(count) => {
            // More than the count, if sessions that nearly had it merged.
            let fires = live.counted + 1 >= count;
            live.counted = if fires { 0 } else { live.counted + 1 };
            return fires;
        }
        Triggered::EndOfStream => {}
        Triggered::EventTime | Triggered::Continuous(_) if end <= watermark => return true,
        Triggered::EventTime => {}
        Triggered::Continuous(interval) => {
            if live.periodic.is_none() {
                live.periodic = Some((at / interval.0 * interval.0 + interval.0).min(end));
                live.periodic_due = true;
            }
        }
    }
    live.end_due = true;
    false
}

/// Emits what there is of a window.
fn emit(live: &mut Live, purging: bool, out: &mut Vec<Fired<u32, i128>>) {
    if live.values.is_empty() {
        return;
    }
    out.push(Fired {
        key: live.key,
        window: live.window,
        timestamp: Tick(end_of(live.window)),
        revision: Revision(live.fired),
        result: live.values.iter().copied().map(i128::from).sum(),
    });
    live.fired += 1;
    if purging {
        live.values.clear();
    }
}
