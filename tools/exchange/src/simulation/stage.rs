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
use crate::agents::Place;
use crate::injection::drafts::Draft;
use crate::injection::plan::{EpisodePlan, Planned, Planner};
use crate::injection::scene::{SECOND, Scene};
use crate::injection::script::Ready;
use crate::injection::{self, Families, Family, Label, Severity, Sort};
use crate::matching::{OrderId, TradingState};
use crate::random::Random;

/// Of a day's messages, one in so many is an episode's at most.
const SHARE: u64 = 4;
/// An episode of more moves is a flood.
const FLOOD_MOVES: u64 = 1_000;
/// Times that an episode waits for its security to be fit for it.
const TRIES_MAX: u8 = 12;
/// Levels of a side that an episode looks at.
const LEVELS: usize = 40;
const MINUTE_NS: u64 = 60 * SECOND;

/// An episode that is played.
#[derive(Clone, Debug)]
pub(super) struct Player {
    pub(super) planned: Planned,
    ready: Option<Ready>,
    next: usize,
    pub(super) orders: Vec<Option<OrderId>>,
    begun_ns: u64,
    pub(super) middle_e4: u32,
    tries: u8,
    is_labelled: bool,
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    families: Families,
    pub(super) random: Random,
    /// What the day has of its own: security, from when, to when.
    natural: Vec<(u16, u64, u64)>,
    pub(super) players: Vec<Player>,
    pub(super) drafts: Vec<Draft>,
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
    pub(super) fn note(
        &mut self,
        sort: Sort,
        symbol: u16,
        severity: Severity,
        also: &[Family],
    ) -> &mut Draft {
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
        injection::drafts::labels(&stage.drafts, stock)
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
}
