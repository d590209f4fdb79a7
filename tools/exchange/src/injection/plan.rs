//! Which episodes a day has, where and when: decided before the first order is sent.
//!
//! Each kind that was asked for gets an episode per [`MESSAGES_EACH`] messages, at least one, with
//! severities spread evenly from 0.1 to 0.9 in no order; look-alikes come in about half that number.
//! On one security nothing staged comes within [`APART_NS`] of something else staged, a halt or a
//! jump of the day's own (on a short day, within a hundredth of it). What finds no room is left out.

use super::crashes::GUIDELINE_ABOVE_E4;
use super::drafts::Draft;
use super::family::{Families, Family};
use super::innocents::Innocent;
use super::labels::{Severity, Sort};
use super::scene::SECOND;
use crate::random::Random;
use crate::timetable::Timetable;
use crate::universe::{Role, Security};

/// Messages of a day for each episode of a kind.
const MESSAGES_EACH: u64 = 60_000;
/// Episodes of a kind at most, or a tenth of the securities.
const EPISODES_MAX: u64 = 8;
/// Time between what is staged on one security.
const APART_NS: u64 = 60 * SECOND;
const MINUTE: u64 = 60 * SECOND;
/// Securities that a cluster takes at least.
pub(crate) const CLUSTER_MIN: u32 = 6;
/// Within what a cluster happens.
const CLUSTER_NS: u64 = 4 * SECOND;
/// Draws of a place and a time before an episode is left out.
const TRIES: u32 = 400;

/// What is played at a security.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// An episode of its own.
    Family(Family),
    /// Its part of a burst of the market.
    Burst { messages: u64, span_ns: u64 },
    /// A look-alike.
    Innocent(Innocent),
}

/// Something to be played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Planned {
    pub(crate) symbol: u16,
    pub(crate) start_ns: u64,
    pub(crate) severity: Severity,
    pub(crate) part: Part,
    /// Which labels it belongs to: its own, the market's.
    pub(crate) labels: [Option<u32>; 2],
}

/// What the plan is made from.
#[derive(Debug)]
pub(crate) struct Planner<'a> {
    pub(crate) timetable: Timetable,
    pub(crate) securities: &'a [Security],
    pub(crate) messages: u64,
    pub(crate) continuous_ns: u64,
    pub(crate) random: &'a mut Random,
    /// By security, from when to when something happens there.
    busy: Vec<Vec<(u64, u64)>>,
    /// Securities by activity, the busiest first; a new listing is not among them.
    ranked: Vec<u16>,
    apart_ns: u64,
    plan: EpisodePlan,
}

/// A day's episodes.
#[derive(Clone, Debug, Default)]
pub(crate) struct EpisodePlan {
    pub(crate) planned: Vec<Planned>,
    pub(crate) drafts: Vec<Draft>,
    /// Halts for news that the exchange is to make.
    pub(crate) halts: Vec<(u16, u64)>,
}

impl<'a> Planner<'a> {
    /// With what the day has of its own: by security, from when to when.
    pub(crate) fn new(
        timetable: Timetable,
        securities: &'a [Security],
        (messages, continuous_ns): (u64, u64),
        random: &'a mut Random,
        natural: &[(u16, u64, u64)],
    ) -> Planner<'a> {
        let mut busy = vec![Vec::new(); securities.len()];
        for &(symbol, from_ns, to_ns) in natural {
            busy[usize::from(symbol)].push((from_ns, to_ns));
        }
        let listed = (0..).zip(securities).filter(|(_, one)| one.role != Role::NewListing);
        let mut ranked: Vec<u16> = listed.map(|(symbol, _)| symbol).collect();
        ranked.sort_by_key(|&symbol| std::cmp::Reverse(securities[usize::from(symbol)].weight));
        let apart_ns = APART_NS.min(continuous_ns / 100);
        let plan = EpisodePlan::default();
        Planner {
            timetable,
            securities,
            messages,
            continuous_ns,
            random,
            busy,
            ranked,
            apart_ns,
            plan,
        }
    }

    /// Plans episodes of these kinds, and look-alikes.
    pub(crate) fn plan(mut self, families: Families) -> EpisodePlan {
        let most = EPISODES_MAX.max(self.securities.len() as u64 / 10).min(40);
        let each = (self.messages / MESSAGES_EACH).clamp(1, most);
        let chosen: Vec<Family> =
            Family::ALL.into_iter().filter(|&family| families.has(family)).collect();
        let all = each * chosen.len() as u64;
        // What needs most room first.
        // A cluster is as many crashes: a third of the others' number.
        let is_cluster = |family| family == Family::MarketCluster;
        for (family, severity) in self.dealt(&chosen, each.div_ceil(3), is_cluster) {
            self.add(family, severity);
        }
        for (family, severity) in self.dealt(&chosen, each, Self::needs_much_room) {
            self.add(family, severity);
        }
        for severity in self.severities(each.div_ceil(2)) {
            self.add_news(severity);
        }
        let is_other = |family| !Self::needs_much_room(family) && family != Family::MarketCluster;
        for (family, severity) in self.dealt(&chosen, each, is_other) {
            self.add(family, severity);
        }
        for innocent in Innocent::OF_ONE {
            for severity in self.severities((all / 10).max(each)) {
                self.add_innocent(innocent, severity);
            }
        }
        self.add_surroundings();
        self.plan
    }

    fn needs_much_room(family: Family) -> bool {
        matches!(
            family,
            Family::MessageBurst
                | Family::PumpAndDump
                | Family::MarkingTheClose
                | Family::NoiiSwing
                | Family::Halt
        )
    }

    /// Episodes of some kinds, one of each kind after the other so that none has the first choice.
    fn dealt(
        &mut self,
        chosen: &[Family],
        each: u64,
        is_meant: impl Fn(Family) -> bool,
    ) -> Vec<(Family, Severity)> {
        let mut all = Vec::new();
        for &family in chosen.iter().filter(|&&family| is_meant(family)) {
            let severities = self.severities(each);
            all.extend((0..).zip(severities).map(|(turn, severity)| (turn, family, severity)));
        }
        all.sort_by_key(|&(turn, family, _): &(u32, Family, Severity)| (turn, family));
        all.into_iter().map(|(_, family, severity)| (family, severity)).collect()
    }

    /// So many severities, evenly spread, in no order.
    fn severities(&mut self, count: u64) -> Vec<Severity> {
        let spread = |at: u64| if count == 1 { 40 } else { at * 80 / (count - 1) };
        let mut all: Vec<Severity> =
            (0..count).map(|at| Severity(10 + spread(at) as u32)).collect();
        for at in (1..all.len()).rev() {
            all.swap(at, self.random.below(at as u64 + 1) as usize);
        }
        all
    }

    /// How long an episode may take, on a security with so long between its messages.
    fn span_ns(&self, family: Family, severity: Severity, gap_ns: u64) -> u64 {
        let seconds = match family {
            Family::Halt => return 4 * self.timetable.pause_ns(),
            Family::PumpAndDump => return self.timetable.scaled(92 * MINUTE),
            Family::StaleSymbol => return gap_ns * severity.linear(20, 400) + SECOND,
            Family::QuoteStuffing | Family::PriceJump | Family::OfiShock => 6,
            Family::MessageBurst | Family::OffMarketPrint => 3,
            Family::FlickeringQuote | Family::VolumeSpike | Family::Pinging => 12,
            Family::FleetingOrders | Family::SpreadBlowout | Family::DepthEvaporation => 17,
            Family::ClearlyErroneous => 40,
            Family::BookImbalance | Family::Layering => 50,
            Family::MomentumIgnition | Family::MiniFlashCrash | Family::MarketCluster => 60,
            Family::LuldProximity | Family::TapePainting => 65,
            Family::Spoofing => 110,
            Family::MarkingTheClose | Family::NoiiSwing => 1,
        };
        seconds * SECOND
    }

    /// Securities that a kind can be played on, the busiest first.
    fn pool(&self, family: Family) -> Vec<u16> {
        let share = |percent: usize, least: usize| {
            let count = (self.ranked.len() * percent / 100).max(least).min(self.ranked.len());
            self.ranked[..count].to_vec()
        };
        let close_e4 = |symbol: u16| self.securities[usize::from(symbol)].listing.close_e4;
        let mut pool = match family {
            Family::StaleSymbol => share(25, 3),
            Family::PumpAndDump => {
                let mut pool = share(90, 5);
                pool.retain(|&symbol| (10_000..300_000).contains(&close_e4(symbol)));
                pool
            }
            Family::ClearlyErroneous => {
                let mut pool = share(90, 5);
                pool.retain(|&symbol| close_e4(symbol) > GUIDELINE_ABOVE_E4 * 21 / 20);
                pool
            }
            Family::MiniFlashCrash => {
                // Where a tick is much of the price, as many ticks are too much of it.
                let mut pool = share(80, 5);
                pool.retain(|&symbol| {
                    let listing = &self.securities[usize::from(symbol)].listing;
                    listing.tick_e4 * 1_600 <= listing.close_e4
                });
                pool
            }
            Family::Halt => share(100, 5),
            _ => share(70, 5),
        };
        pool.retain(|&symbol| self.securities[usize::from(symbol)].role != Role::Surprise);
        if pool.is_empty() { self.ranked.clone() } else { pool }
    }

    fn is_free(&self, symbol: u16, from_ns: u64, to_ns: u64) -> bool {
        let (from_ns, to_ns) = (from_ns.saturating_sub(self.apart_ns), to_ns + self.apart_ns);
        self.busy[usize::from(symbol)].iter().all(|busy| busy.1 < from_ns || busy.0 > to_ns)
    }

    fn book(&mut self, symbol: u16, from_ns: u64, span_ns: u64) {
        self.busy[usize::from(symbol)].push((from_ns, from_ns + span_ns));
    }

    /// When something may begin that ends so long after.
    fn window(&self, span_ns: u64) -> Option<(u64, u64)> {
        let from_ns = self.timetable.open_ns + self.timetable.scaled(8 * MINUTE);
        let to_ns = self.timetable.closing_imbalance_ns.checked_sub(span_ns)?;
        (from_ns < to_ns).then_some((from_ns, to_ns))
    }

    /// A security of a pool and a time for something that takes so long there, if there is room.
    fn place(&mut self, pool: &[u16], span: impl Fn(u16) -> u64) -> Option<(u16, u64)> {
        for _ in 0..TRIES.min(TRIES * pool.len() as u32) {
            let symbol = pool[self.random.below(pool.len() as u64) as usize];
            let span_ns = span(symbol);
            let Some((from_ns, to_ns)) = self.window(span_ns) else { continue };
            let start_ns = self.random.between(from_ns, to_ns);
            if self.is_free(symbol, start_ns, start_ns + span_ns) {
                self.book(symbol, start_ns, span_ns);
                return Some((symbol, start_ns));
            }
        }
        None
    }

    /// A time when many securities have room, and which.
    fn place_many(&mut self, span_ns: u64, least: usize) -> Option<(u64, Vec<u16>)> {
        let (from_ns, to_ns) = self.window(span_ns)?;
        let mut best: (u64, Vec<u16>) = (0, Vec::new());
        for _ in 0..TRIES / 10 {
            let start_ns = self.random.between(from_ns, to_ns);
            let free = |&symbol: &u16| self.is_free(symbol, start_ns, start_ns + span_ns);
            let free: Vec<u16> = self.ranked.iter().copied().filter(free).collect();
            if free.len() > best.1.len() {
                best = (start_ns, free);
            }
        }
        (best.1.len() >= least).then_some(best)
    }

    fn draft(
        &mut self,
        sort: Sort,
        symbol: Option<u16>,
        severity: Severity,
        also: &[Family],
    ) -> u32 {
        self.plan.drafts.push(Draft::new(sort, symbol, severity, also));
        self.plan.drafts.len() as u32 - 1
    }

    fn add(&mut self, family: Family, severity: Severity) {
        match family {
            Family::MessageBurst => self.add_burst(severity),
            Family::MarketCluster => self.add_cluster(severity),
            Family::MarkingTheClose => self.add_at_close(family, severity, 60 * SECOND),
            Family::NoiiSwing => self.add_at_close(family, severity, 30 * SECOND),
            Family::Halt => {
                let span_ns = self.span_ns(family, severity, 0);
                let pool = self.pool(family);
                let placed = self.place(&pool, |_| span_ns);
                self.plan.halts.extend(placed);
            }
            _ => self.add_one(family, severity),
        }
    }

    fn gaps(&self) -> Vec<u64> {
        let total: u64 = self.securities.iter().map(|one| one.weight).sum();
        let gap = |one: &Security| {
            let messages = u128::from(self.messages) * u128::from(one.weight);
            (u128::from(self.continuous_ns) * u128::from(total) / messages) as u64
        };
        self.securities.iter().map(gap).collect()
    }

    fn add_one(&mut self, family: Family, severity: Severity) {
        let (pool, gaps) = (self.pool(family), self.gaps());
        let spans: Vec<u64> =
            gaps.into_iter().map(|gap_ns| self.span_ns(family, severity, gap_ns)).collect();
        let Some((symbol, start_ns)) = self.place(&pool, |one| spans[usize::from(one)]) else {
            return;
        };
        let label = self.draft(Sort::Episode(family), Some(symbol), severity, family.also());
        let part = Part::Family(family);
        let labels = [Some(label), None];
        self.plan.planned.push(Planned { symbol, start_ns, severity, part, labels });
    }

    /// One whose time is given: so long before the closing, on a full day.
    fn add_at_close(&mut self, family: Family, severity: Severity, before_ns: u64) {
        let before_ns = self.timetable.scaled(before_ns);
        let (start_ns, pool) = (self.timetable.close_ns - before_ns, self.pool(family));
        for _ in 0..TRIES / 4 {
            let symbol = pool[self.random.below(pool.len() as u64) as usize];
            // Of what happens at the close one thing a security, and not on most of them.
            if self.is_free(symbol, start_ns, start_ns + before_ns) {
                self.book(symbol, start_ns, before_ns);
                let label =
                    self.draft(Sort::Episode(family), Some(symbol), severity, family.also());
                let (part, labels) = (Part::Family(family), [Some(label), None]);
                self.plan.planned.push(Planned { symbol, start_ns, severity, part, labels });
                return;
            }
        }
    }

    fn add_burst(&mut self, severity: Severity) {
        let family = Family::MessageBurst;
        let span_ns = severity.linear(1_000, 2_000) * SECOND / 1_000;
        let mean = self.messages * SECOND / self.continuous_ns;
        let rate = (mean * severity.linear(10, 100)).max(severity.linear(500, 5_000));
        let Some((start_ns, free)) = self.place_many(3 * SECOND, 1) else { return };
        let market = self.draft(Sort::Episode(family), None, severity, family.also());
        let messages = rate * span_ns / SECOND / free.len() as u64 + 1;
        for symbol in free {
            self.book(symbol, start_ns, 3 * SECOND);
            let part = Part::Burst { messages, span_ns };
            let labels = [None, Some(market)];
            self.plan.planned.push(Planned { symbol, start_ns, severity, part, labels });
        }
    }

    fn add_cluster(&mut self, severity: Severity) {
        let (family, crash) = (Family::MarketCluster, Family::MiniFlashCrash);
        let span_ns = self.span_ns(family, severity, 0);
        let Some((start_ns, mut free)) = self.place_many(span_ns, CLUSTER_MIN as usize) else {
            return;
        };
        free.truncate(severity.linear(10, 30) as usize);
        let market = self.draft(Sort::Episode(family), None, severity, family.also());
        self.plan.drafts[market as usize].cast_min = CLUSTER_MIN;
        for symbol in free {
            self.book(symbol, start_ns, span_ns);
            let start_ns = start_ns + self.random.below(CLUSTER_NS);
            let severity = Severity(self.random.between(20, 80) as u32);
            let own = self.draft(Sort::Episode(crash), Some(symbol), severity, crash.also());
            let (part, labels) = (Part::Family(crash), [Some(own), Some(market)]);
            self.plan.planned.push(Planned { symbol, start_ns, severity, part, labels });
        }
    }

    /// News that many securities go with: each jumps, the market as a whole does nothing wrong.
    fn add_news(&mut self, severity: Severity) {
        let span_ns = 20 * SECOND;
        let Some((start_ns, mut free)) = self.place_many(span_ns, 3) else { return };
        free.truncate((self.ranked.len() * 3 / 10).max(3));
        let jumps: Vec<Family> = [&[Family::PriceJump], Family::PriceJump.also()].concat();
        let of_market: Vec<Family> =
            [&[Family::MarketCluster, Family::MessageBurst], jumps.as_slice()].concat();
        let market = self.draft(Sort::Innocent, None, severity, &of_market);
        for symbol in free {
            self.book(symbol, start_ns, span_ns);
            let start_ns = start_ns + self.random.below(8 * SECOND);
            let own = self.draft(Sort::Innocent, Some(symbol), severity, &jumps);
            let (part, labels) = (Part::Innocent(Innocent::News), [Some(own), Some(market)]);
            self.plan.planned.push(Planned { symbol, start_ns, severity, part, labels });
        }
    }

    fn add_innocent(&mut self, innocent: Innocent, severity: Severity) {
        let span_ns = 100 * SECOND;
        let pool = self.pool(Family::Spoofing);
        if let Some((symbol, start_ns)) = self.place(&pool, |_| span_ns) {
            let own = self.draft(Sort::Innocent, Some(symbol), severity, innocent.also());
            let (part, labels) = (Part::Innocent(innocent), [Some(own), None]);
            self.plan.planned.push(Planned { symbol, start_ns, severity, part, labels });
        }
    }

    /// Opening and closing, which are as they are.
    fn add_surroundings(&mut self) {
        let Timetable { open_ns, close_ns, .. } = self.timetable;
        for (from_ns, minutes) in [(open_ns, 5), (close_ns, 1)] {
            let at = self.draft(Sort::Innocent, None, Severity(10), &[]) as usize;
            self.plan.drafts[at].mark(from_ns);
            self.plan.drafts[at].mark(from_ns + self.timetable.scaled(minutes * MINUTE));
        }
    }
}
