//! Plays what is staged: makes the moves of each episode's script when they are due, and keeps the
//! labels. There is a stage only on a day with episodes.
//!
//! One move is one act, and is made only where an agent could act as well, so the day keeps its number
//! of messages. An episode whose security does not trade any more is given up and its orders pulled.
//! Episodes take a quarter of a day's messages at most, and floods no more once it is half of that; what
//! would be beyond is left out.

use engine::units::Side;
use feed_handlers::itch50::Encoder;

use super::due::Due;
use super::{Phase, Simulation};
use crate::agents::{Call, Place};
use crate::injection::plan::{Draft, EpisodePlan, Planned, Planner};
use crate::injection::scene::{SECOND, Scene};
use crate::injection::script::{Act, At, Ready, Slot};
use crate::injection::{self, Families, Family, Label, Severity, Sort};
use crate::matching::{AuctionOrder, NewOrder, OrderId, OrderKind, TradingState};
use crate::random::Random;

/// Of a day's messages, one in so many is an episode's at most.
const SHARE: u64 = 4;
/// An episode of more moves is a flood.
const FLOOD_MOVES: u64 = 1_000;
/// Times that an episode waits for its security to be fit for it.
const TRIES_MAX: u8 = 12;
/// Chances in 10,000 that an execution draws someone.
const DRAWN: u32 = 2_000;
/// Levels of a side that an episode looks at.
const LEVELS: usize = 40;
/// A natural jump of a value in millionths, where severities begin and end.
const JUMP_PPM: (u64, u64) = (3_000, 30_000);

const MINUTE_NS: u64 = 60 * SECOND;

/// An episode that is played.
#[derive(Clone, Debug)]
struct Player {
    planned: Planned,
    ready: Option<Ready>,
    next: usize,
    orders: Vec<Option<OrderId>>,
    begun_ns: u64,
    middle_e4: u32,
    tries: u8,
    is_labelled: bool,
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    families: Families,
    random: Random,
    /// What the day has of its own: security, from when, to when.
    natural: Vec<(u16, u64, u64)>,
    players: Vec<Player>,
    drafts: Vec<Draft>,
    /// Moves of the episodes begun so far.
    moves: u64,
}

impl Stage {
    pub(super) fn new(seed: u64, families: Families) -> Stage {
        Stage {
            families,
            random: Random::new(seed, 4),
            natural: Vec::new(),
            players: Vec::new(),
            drafts: Vec::new(),
            moves: 0,
        }
    }

    fn take_up(&mut self, plan: EpisodePlan) {
        // Labels are told by their place among the plan's; the day's own stand before them.
        let first = self.drafts.len() as u32;
        self.drafts.extend(plan.drafts);
        let player = |planned: Planned| Player {
            planned: Planned {
                labels: planned.labels.map(|label| label.map(|label| first + label)),
                ..planned
            },
            ready: None,
            next: 0,
            orders: Vec::new(),
            begun_ns: 0,
            middle_e4: 0,
            tries: 0,
            is_labelled: false,
        };
        self.players = plan.planned.into_iter().map(player).collect();
    }

    /// Stretches the labels of a player to a time.
    fn mark(&mut self, at: usize, time_ns: u64) {
        let player = &mut self.players[at];
        for label in player.planned.labels.into_iter().flatten() {
            let draft = &mut self.drafts[label as usize];
            draft.mark(time_ns);
            draft.cast += u32::from(!player.is_labelled);
        }
        player.is_labelled = true;
    }

    /// A label of what the day has of its own.
    fn note(&mut self, sort: Sort, symbol: u16, severity: Severity, also: &[Family]) -> &mut Draft {
        self.drafts.push(Draft::new(sort, Some(symbol), severity, also));
        let last = self.drafts.len() - 1;
        &mut self.drafts[last]
    }
}

impl Simulation {
    /// What was staged so far, and what the day had of its own beside it, by beginning.
    #[must_use]
    pub fn labels(&self) -> Vec<Label> {
        let Some(stage) = &self.stage else { return Vec::new() };
        let listings = self.floor.market.listings();
        let stock = |symbol: u16| listings[usize::from(symbol)].stock;
        injection::plan::labels(&stage.drafts, stock)
    }

    /// Notes that something of the day's own happens at a security, so that nothing staged meets it.
    pub(super) fn reserve_for(&mut self, symbol: u16, from_ns: u64, for_ns: u64) {
        if let Some(stage) = &mut self.stage {
            stage.natural.push((symbol, from_ns, from_ns + for_ns));
        }
    }

    /// Plans the day's episodes.
    pub(super) fn set_stage(&mut self) {
        let Some(mut stage) = self.stage.take() else { return };
        let day = (self.settings.messages, self.settings.continuous_ns);
        let securities = &self.floor.securities;
        let random = &mut stage.random;
        let planner = Planner::new(self.timetable, securities, day, random, &stage.natural);
        let plan = planner.plan(stage.families);
        for &(symbol, time_ns) in &plan.halts {
            self.enter(time_ns, Due::Halt { symbol, step: 0 });
        }
        for (player, planned) in (0..).zip(&plan.planned) {
            self.floor.calendar.enter(planned.start_ns, Due::Play { player });
        }
        stage.take_up(plan);
        self.stage = Some(stage);
    }

    /// A move of an episode, and its next one is due.
    pub(super) fn play(&mut self, player: u32, time_ns: u64, out: &mut Encoder) {
        let Some(mut stage) = self.stage.take() else { return };
        if self.phase == Phase::Trading {
            self.play_on(&mut stage, player as usize, time_ns, out);
        }
        self.stage = Some(stage);
    }

    fn play_on(&mut self, stage: &mut Stage, at: usize, time_ns: u64, out: &mut Encoder) {
        let symbol = stage.players[at].planned.symbol;
        let is_trading = self.floor.market.state(symbol) == TradingState::Trading;
        if stage.players[at].ready.is_none() {
            if !(is_trading && self.raise(stage, at, time_ns)) {
                self.try_again(stage, at, time_ns);
                return;
            }
            self.await_next(stage, at);
            return;
        } else if !is_trading {
            self.give_up(stage, at, time_ns, out);
            return;
        }
        let Player { ready, next, .. } = &mut stage.players[at];
        let Some(ready) = ready else { return };
        let Some(&made) = ready.moves.get(*next) else { return };
        let is_told = (ready.from_ns..=ready.until_ns).contains(&made.after_ns);
        *next += 1;
        self.await_next(stage, at);
        if !self.may_act(symbol) {
            return;
        }
        let before = out.messages();
        self.make(stage, at, made.act, time_ns, out);
        let place = Place { symbol, time_ns };
        self.floor.watch_limit(place);
        self.stake(symbol, out.messages() - before);
        if self.timetable.is_continuous(time_ns) {
            self.tell_restriction(symbol, time_ns, out);
        }
        if is_told {
            stage.mark(at, time_ns);
        }
    }

    /// The next move of an episode is due, if it has one.
    fn await_next(&mut self, stage: &Stage, at: usize) {
        let Player { ready, next, begun_ns, .. } = &stage.players[at];
        if let Some(made) = ready.as_ref().and_then(|ready| ready.moves.get(*next)) {
            self.enter(begun_ns + made.after_ns, Due::Play { player: at as u32 });
        }
    }

    /// Writes an episode's script from what its security looks like now; whether it can be played.
    fn raise(&mut self, stage: &mut Stage, at: usize, time_ns: u64) -> bool {
        let planned = stage.players[at].planned;
        let symbol = planned.symbol;
        let left_ns = self.timetable.close_ns.saturating_sub(time_ns);
        if !self.may_act(symbol) || left_ns == 0 {
            return false;
        }
        let Some(mut scene) = self.scene(symbol, planned.severity, time_ns, &mut stage.random)
        else {
            return false;
        };
        let middle_e4 = scene.middle_e4();
        let Some(script) = injection::script(planned.part, &mut scene, left_ns) else {
            return false;
        };
        let ready = script.ready();
        let moves = ready.moves.len() as u64;
        let most = self.settings.messages / SHARE;
        let most = if moves > FLOOD_MOVES { most / 2 } else { most };
        if stage.moves + moves > most {
            return false;
        }
        stage.moves += moves;
        let player = &mut stage.players[at];
        player.orders = vec![None; ready.slots as usize];
        player.ready = Some(ready);
        (player.begun_ns, player.middle_e4) = (time_ns, middle_e4);
        true
    }

    fn scene<'a>(
        &self,
        symbol: u16,
        severity: Severity,
        time_ns: u64,
        random: &'a mut Random,
    ) -> Option<Scene<'a>> {
        let market = &self.floor.market;
        let (bid_e4, ask_e4) =
            (market.best_e4(symbol, Side::Buy)?, market.best_e4(symbol, Side::Sell)?);
        let security = &self.floor.securities[usize::from(symbol)];
        let tick_e4 = security.listing.tick_e4;
        let levels = [Side::Buy, Side::Sell].map(|side| {
            let levels = market.levels(symbol, side).take(LEVELS);
            levels.map(|(price, shares, _)| (price, shares)).collect()
        });
        let traded_ns = time_ns.saturating_sub(self.timetable.open_ns).max(MINUTE_NS);
        let volume = u128::from(market.tape(symbol).volume);
        let volume_10s = volume * u128::from(10 * SECOND) / u128::from(traded_ns);
        let weights = u128::from(self.activity.last().copied().unwrap_or_default());
        let messages = u128::from(self.settings.messages) * u128::from(security.weight);
        let gap_ns = u128::from(self.settings.continuous_ns) * weights / messages.max(1);
        let side = if random.chance(5_000) { Side::Buy } else { Side::Sell };
        (bid_e4 < ask_e4).then_some(Scene {
            severity,
            side,
            tick_e4,
            step: (security.step_e4 / tick_e4).max(1) as i32,
            bid_e4,
            ask_e4,
            levels,
            bands: market.bands_e4(symbol),
            cross: market.imbalance(symbol),
            volume_10s: volume_10s as u64,
            gap_ns: gap_ns as u64,
            continuous_ns: self.settings.continuous_ns,
            random,
        })
    }

    /// Lets an episode wait a little for a security that is not fit for it, some times.
    fn try_again(&mut self, stage: &mut Stage, at: usize, time_ns: u64) {
        let tries = &mut stage.players[at].tries;
        *tries += 1;
        if *tries < TRIES_MAX {
            let wait_ns = SECOND.min(self.settings.continuous_ns / 2_000);
            self.enter(time_ns + wait_ns, Due::Play { player: at as u32 });
        }
    }

    /// Ends an episode early: what it has in the market is pulled.
    fn give_up(&mut self, stage: &mut Stage, at: usize, time_ns: u64, out: &mut Encoder) {
        let symbol = stage.players[at].planned.symbol;
        if stage.players[at].is_labelled {
            stage.mark(at, time_ns);
        }
        if self.may_act(symbol) {
            let before = out.messages();
            for id in std::mem::take(&mut stage.players[at].orders).into_iter().flatten() {
                self.floor.market.cancel(id, time_ns, out);
            }
            self.stake(symbol, out.messages() - before);
        }
    }

    fn make(&mut self, stage: &mut Stage, at: usize, act: Act, time_ns: u64, out: &mut Encoder) {
        let Player { planned, middle_e4, .. } = stage.players[at];
        let place = Place { symbol: planned.symbol, time_ns };
        let price = |this: &Self, side, at| this.priced(place, middle_e4, side, at);
        match act {
            Act::Post { slot, side, at: where_at, qty } => {
                let kind = OrderKind::Limit(None);
                let id = self.rest(place, middle_e4, (side, where_at, qty), kind, out);
                Self::put(stage, at, slot, id);
            }
            Act::Hide { slot, side, at: where_at, qty } => {
                let id = self.rest(place, middle_e4, (side, where_at, qty), OrderKind::Hidden, out);
                Self::put(stage, at, slot, id);
            }
            Act::Pull { slot } => {
                if let Some(id) = Self::order(stage, at, slot) {
                    self.floor.market.cancel(id, time_ns, out);
                }
            }
            Act::Shift { slot, at: where_at, qty } => {
                let id = Self::order(stage, at, slot);
                if let Some((id, order)) =
                    id.and_then(|id| Some((id, self.floor.market.order(id)?)))
                    && let Some(price_e4) = price(self, order.side, where_at)
                    && !self.floor.market.would_take(place.symbol, order.side, price_e4)
                {
                    let sent = self.floor.market.replace(id, qty, price_e4, time_ns, out);
                    Self::put(stage, at, slot, sent.resting);
                }
            }
            Act::Release { slot, life_ns } => {
                if let Some(id) = Self::order(stage, at, slot) {
                    self.enter(time_ns + life_ns, Call::Expire { id }.into());
                }
            }
            Act::Take { side, at: where_at, qty } => {
                if let Some(limit_e4) = price(self, side, where_at)
                    && self.take_up_to(place, (side, limit_e4, qty), out)
                    && stage.random.chance(DRAWN)
                {
                    let soon = time_ns + stage.random.doubling(12, 24);
                    self.enter(soon, Call::Follow { symbol: place.symbol }.into());
                }
            }
            Act::Sweep { side, at: where_at } => {
                if let Some(limit_e4) = price(self, side, where_at) {
                    let qty = self.displayed_up_to(place.symbol, side, limit_e4);
                    self.take_up_to(place, (side, limit_e4, qty), out);
                }
            }
            Act::Withdraw { side, within_ppm, keep } => {
                let off =
                    At::Off(injection::scene::towards(side.opposite(), u64::from(within_ppm)));
                if let Some(limit_e4) = self.off(place, middle_e4, side, off) {
                    self.withdraw(place, (side, limit_e4), keep, out);
                }
            }
            _ => self.make_known(stage, at, (place, middle_e4), act, out),
        }
    }

    /// What is no order: what others do for it, and the exchange.
    fn make_known(
        &mut self,
        stage: &mut Stage,
        at: usize,
        (place, middle_e4): (Place, u32),
        act: Act,
        out: &mut Encoder,
    ) {
        let Place { symbol, time_ns } = place;
        match act {
            Act::MakersAway { for_ns } => {
                let pit = &mut self.floor.pits[usize::from(symbol)];
                pit.makers_away_until_ns = time_ns + for_ns;
            }
            Act::Make => {
                self.floor.make(place, out);
            }
            Act::Silence { for_ns } => {
                let pit = &mut self.floor.pits[usize::from(symbol)];
                pit.silent_until_ns = time_ns + for_ns;
            }
            Act::Lean { ppm } => {
                let close_e4 = self.floor.securities[usize::from(symbol)].listing.close_e4;
                self.floor.pits[usize::from(symbol)].jump(i64::from(ppm), close_e4);
            }
            Act::Draw { arrivals, within_ns } => {
                for _ in 0..arrivals {
                    let soon = time_ns + stage.random.below(within_ns + 1);
                    self.enter(soon, Call::Follow { symbol }.into());
                }
            }
            Act::Report { at: where_at, qty } => {
                if let Some(price_e4) = self.off(place, middle_e4, Side::Buy, where_at) {
                    self.floor.market.report(symbol, time_ns, (price_e4, qty), out);
                }
            }
            Act::Anchor => {
                stage.players[at].middle_e4 = self.floor.market.reference_e4(symbol);
            }
            Act::Auction { side, qty } => {
                let order = AuctionOrder { side, qty, limit_e4: None };
                self.floor.market.enter_auction(symbol, order);
            }
            _ => {}
        }
    }

    fn put(stage: &mut Stage, at: usize, slot: Slot, id: Option<OrderId>) {
        stage.players[at].orders[slot.0 as usize] = id;
    }

    fn order(stage: &Stage, at: usize, slot: Slot) -> Option<OrderId> {
        stage.players[at].orders[slot.0 as usize]
    }

    /// A price by where it lies now; that of an order that rests, if it is not one to take.
    fn priced(&self, place: Place, middle_e4: u32, side: Side, at: At) -> Option<u32> {
        let tick = self.floor.securities[usize::from(place.symbol)].listing.tick_e4;
        match at {
            At::Behind(ticks) => {
                let best = self.floor.market.best_e4(place.symbol, side).unwrap_or(middle_e4);
                let best = self.floor.on_grid(place, side, u64::from(best));
                let by_e4 = ticks.unsigned_abs() * tick;
                let worse = if ticks < 0 { side.opposite() } else { side };
                let price_e4 = self.floor.away(place, worse, best, by_e4);
                Some(self.floor.behind_opposite(place, side, price_e4))
            }
            At::Touch => self.floor.market.best_e4(place.symbol, side.opposite()),
            At::Off(_) => self.off(place, middle_e4, side, at),
        }
    }

    /// A price so many millionths from the middle at the episode's beginning.
    fn off(&self, place: Place, middle_e4: u32, side: Side, at: At) -> Option<u32> {
        let At::Off(ppm) = at else { return None };
        let price = i64::from(middle_e4) * (1_000_000 + i64::from(ppm)) / 1_000_000;
        Some(self.floor.on_grid(place, side, u64::try_from(price).ok()?))
    }

    /// Sends an order that rests.
    fn rest(
        &mut self,
        place: Place,
        middle_e4: u32,
        (side, at, qty): (Side, At, u32),
        kind: OrderKind,
        out: &mut Encoder,
    ) -> Option<OrderId> {
        let price_e4 = self.priced(place, middle_e4, side, at)?;
        let limit_e4 = Some(self.floor.behind_opposite(place, side, price_e4));
        let order = NewOrder { symbol: place.symbol, side, qty, limit_e4, kind };
        self.floor.send(place, &order, None, out).resting
    }

    /// Displayed shares that an order of a side and limit would take.
    fn displayed_up_to(&self, symbol: u16, side: Side, limit_e4: u32) -> u32 {
        let within = |&(price, ..): &(u32, u64, u32)| match side {
            Side::Buy => price <= limit_e4,
            Side::Sell => price >= limit_e4,
        };
        let levels = self.floor.market.levels(symbol, side.opposite()).take_while(within);
        levels.map(|level| level.1).sum::<u64>().min(u64::from(u32::MAX)) as u32
    }

    /// Takes up to a limit; whether it traded.
    fn take_up_to(
        &mut self,
        place: Place,
        (side, limit_e4, qty): (Side, u32, u32),
        out: &mut Encoder,
    ) -> bool {
        if qty == 0 {
            return false;
        }
        let kind = OrderKind::Immediate;
        let order = NewOrder { symbol: place.symbol, side, qty, limit_e4: Some(limit_e4), kind };
        let sent = self.floor.market.submit(&order, place.time_ns, out);
        sent.filled > 0
    }

    /// Pulls what is displayed on a side up to a price, from behind, until so many shares are left.
    fn withdraw(
        &mut self,
        place: Place,
        (side, limit_e4): (Side, u32),
        keep: u32,
        out: &mut Encoder,
    ) {
        let market = &mut self.floor.market;
        let mut left = keep;
        for id in market.displayed_to(place.symbol, side, limit_e4) {
            let Some(order) = market.order(id) else { continue };
            if left == 0 {
                market.cancel(id, place.time_ns, out);
            } else if order.qty > left {
                market.reduce(id, order.qty - left, place.time_ns, out);
                left = 0;
            } else {
                left -= order.qty;
            }
        }
    }
}

/// Silence.
impl Simulation {
    /// Whether everyone keeps away from the security of an order.
    pub(super) fn is_silent(&self, id: OrderId, time_ns: u64) -> bool {
        let order = self.floor.market.order(id);
        order.is_some_and(|one| self.floor.pits[usize::from(one.symbol)].silent_until_ns > time_ns)
    }

    /// Calls again for an order when its security is silent no more, within some seconds.
    pub(super) fn put_off(&mut self, id: OrderId, call: Call) {
        let Some(order) = self.floor.market.order(id) else { return };
        let until_ns = self.floor.pits[usize::from(order.symbol)].silent_until_ns;
        let soon_ns = self.stage.as_mut().map_or(0, |stage| stage.random.below(10 * SECOND));
        self.enter(until_ns + soon_ns, call.into());
    }
}

/// What the day has of its own.
impl Simulation {
    /// A value jumps by so many millionths.
    pub(super) fn note_jump(&mut self, symbol: u16, by_ppm: i32, time_ns: u64) {
        let until_ns = time_ns + 2 * self.timetable.limit_state_ns();
        let is_trading = self.floor.market.state(symbol) == TradingState::Trading;
        if let Some(stage) = self.stage.as_mut().filter(|_| is_trading) {
            let by = u64::from(by_ppm.unsigned_abs());
            let severity = Severity::of(by, JUMP_PPM.0, JUMP_PPM.1);
            let family = Family::PriceJump;
            let also = [family.also(), &[Family::Halt]].concat();
            let draft = stage.note(Sort::Episode(family), symbol, severity, &also);
            draft.mark(time_ns);
            draft.mark(until_ns);
        }
    }

    /// A security stood at its band since then and is paused for it.
    pub(super) fn note_limit(&mut self, symbol: u16, since_ns: u64, time_ns: u64) {
        let Some(stage) = &mut self.stage else { return };
        let family = Family::LuldProximity;
        let is_same = |draft: &Draft| {
            draft.sort == Sort::Episode(family)
                && draft.symbol == Some(symbol)
                && draft.span.is_some_and(|(from, to)| from <= time_ns && since_ns <= to)
        };
        if !stage.drafts.iter().any(is_same) {
            let sort = Sort::Episode(family);
            let draft = stage.note(sort, symbol, Severity(90), family.also());
            draft.mark(since_ns);
            draft.mark(time_ns);
        }
    }

    /// A security is halted or paused from now on.
    pub(super) fn note_halt(&mut self, symbol: u16, time_ns: u64) {
        if let Some(stage) = &mut self.stage {
            let sort = Sort::Episode(Family::Halt);
            stage.note(sort, symbol, Severity(100), Family::Halt.also()).mark(time_ns);
        }
    }

    /// It trades again: the halt is over, and what comes right after is the reopening's.
    pub(super) fn note_resumed(&mut self, symbol: u16, time_ns: u64) {
        let until_ns = time_ns + self.timetable.scaled(MINUTE_NS);
        let Some(stage) = &mut self.stage else { return };
        let of_it = |draft: &&mut Draft| {
            draft.sort == Sort::Episode(Family::Halt) && draft.symbol == Some(symbol)
        };
        if let Some(draft) = stage.drafts.iter_mut().rev().find(of_it) {
            draft.mark(time_ns);
        }
        let draft = stage.note(Sort::Innocent, symbol, Severity(10), &[]);
        draft.mark(time_ns);
        draft.mark(until_ns);
    }

    /// Another market halts it, which is told and stops nothing here.
    pub(super) fn note_elsewhere(&mut self, symbol: u16, time_ns: u64, until_ns: u64) {
        if let Some(stage) = &mut self.stage {
            let draft = stage.note(Sort::Innocent, symbol, Severity(10), &[Family::Halt]);
            draft.mark(time_ns);
            draft.mark(until_ns);
        }
    }

    /// Whether orders for the closing cross are still taken from everyone: on a day with episodes not
    /// in the last two minutes, as on the exchange.
    pub(super) fn takes_auction_orders(&self, time_ns: u64) -> bool {
        let cutoff_ns = self.timetable.close_ns - self.timetable.scaled(2 * MINUTE_NS);
        self.stage.is_none() || time_ns < cutoff_ns
    }
}
