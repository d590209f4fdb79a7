//! Plays scripts between the messages of a record: writes what they add, and takes back what is in the
//! way of what was recorded.

use engine::units::{OrderRef, Side};
use feed_handlers::itch50::{Encoder, Header};

use super::SpliceError;
use super::books::{Book, Books};
use super::frames::{byte, locate, number, number_u32, time_ns};
use super::survey::Survey;
use crate::calendar::Calendar;
use crate::injection::drafts::Draft;
use crate::injection::family::Families;
use crate::injection::labels::Label;
use crate::injection::plan::{Part, Planned, Planner};
use crate::injection::scene::{SECOND, Scene};
use crate::injection::script::{Ready, Slot};
use crate::injection::{self, innocents::Innocent};
use crate::random::Random;
use crate::settings::FULL_DAY_NS;

/// Of the messages recorded, one in so many may be added at most.
const SHARE: u64 = 4;
/// Times that an episode waits for its security.
const TRIES_MAX: u8 = 12;
/// Levels that an episode looks at.
const LEVELS: usize = 40;

/// An order of an episode.
#[derive(Clone, Copy, Debug)]
pub(super) enum Held {
    Shown { reference: u64 },
    Hidden { side: Side, price_e4: u32, qty: u32 },
}

#[derive(Clone, Debug)]
pub(super) struct Player {
    pub(super) planned: Planned,
    ready: Option<Ready>,
    next: usize,
    pub(super) orders: Vec<Option<Held>>,
    begun_ns: u64,
    pub(super) middle_e4: u32,
    tries: u8,
    is_labelled: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Cue {
    Play { player: u32 },
    End { player: u32, slot: Slot },
}

/// See the module.
#[derive(Debug)]
pub(super) struct Splicer<'a> {
    pub(super) survey: &'a Survey,
    pub(super) books: Books,
    pub(super) players: Vec<Player>,
    drafts: Vec<Draft>,
    pub(super) calendar: Calendar<Cue>,
    random: Random,
    out: Encoder,
    /// By security, who has displayed orders there.
    pub(super) shown: Vec<Vec<(u32, Slot)>>,
    pub(super) next_reference: u64,
    pub(super) next_match: u64,
    moves: u64,
    from_ns: u64,
    span_ns: u64,
}

/// Whether a script can be played on a record: look-alikes that others take part in cannot.
fn can_be_played(part: Part) -> bool {
    !matches!(part, Part::Innocent(Innocent::News | Innocent::OneSweep))
}

impl<'a> Splicer<'a> {
    pub(super) fn new(
        survey: &'a Survey,
        families: Families,
        seed: u64,
    ) -> Result<Splicer<'a>, SpliceError> {
        let (timetable, span_ns) = survey.timetable()?;
        let securities = survey.securities();
        let mut random = Random::new(seed, 5);
        let day = (survey.messages, span_ns);
        let planner = Planner::new(timetable, &securities, day, &mut random, &survey.halts);
        let mut plan = planner.plan(families);
        if !survey.has_market_hours() {
            // Opening and closing, which were not recorded, are labelled last.
            while plan.drafts.last().is_some_and(|draft| draft.span.is_some()) {
                plan.drafts.pop();
            }
        }
        let mut calendar = Calendar::new();
        let mut players = Vec::new();
        for planned in plan.planned.into_iter().filter(|one| can_be_played(one.part)) {
            calendar.enter(planned.start_ns, Cue::Play { player: players.len() as u32 });
            players.push(Player {
                planned,
                ready: None,
                next: 0,
                orders: Vec::new(),
                begun_ns: 0,
                middle_e4: 0,
                tries: 0,
                is_labelled: false,
            });
        }
        Ok(Splicer {
            survey,
            books: Books::new(survey),
            players,
            drafts: plan.drafts,
            calendar,
            random,
            out: Encoder::new(),
            shown: vec![Vec::new(); securities.len()],
            next_reference: survey.reference_max + 1,
            next_match: survey.match_max + 1,
            moves: 0,
            from_ns: timetable.open_ns,
            span_ns,
        })
    }

    /// What was written since the last [`Splicer::clear`].
    pub(super) fn written(&self) -> &[u8] {
        self.out.bytes()
    }

    pub(super) fn clear(&mut self) {
        self.out.clear();
    }

    /// The labels of what was played, by beginning.
    pub(super) fn labels(self) -> Vec<Label> {
        let stock = |place: u16| self.survey.seen[usize::from(place)].stock;
        injection::drafts::labels(&self.drafts, stock)
    }

    /// Takes one recorded message: what is due before it goes before it. Returns how many were written.
    pub(super) fn take(&mut self, message: &[u8]) -> u64 {
        let now_ns = time_ns(message);
        while self.calendar.next_ns().is_some_and(|due_ns| due_ns <= now_ns) {
            if let Some((due_ns, cue)) = self.calendar.take_next() {
                self.cue(cue, due_ns);
            }
        }
        if let Some(place) = self.survey.place(locate(message)) {
            self.clear_way(place, message, now_ns);
            self.books.read(place, message);
        }
        self.out.raw(message);
        self.out.messages()
    }

    fn cue(&mut self, cue: Cue, time_ns: u64) {
        match cue {
            Cue::Play { player } => self.play(player, time_ns),
            Cue::End { player, slot } => self.pull(player, slot, time_ns),
        }
    }

    /// Pulls own orders that a recorded message could not have left standing.
    fn clear_way(&mut self, place: u16, message: &[u8], time_ns: u64) {
        if self.shown[usize::from(place)].is_empty() {
            return;
        }
        let reference = number(message, 11, 8);
        let of_order = self.books.order(place, reference);
        // What is recorded: an order that rests at a price, or an execution there.
        let (side, price_e4, rests) = match (byte(message, 0), of_order) {
            (b'A' | b'F', _) => {
                let side = if byte(message, 19) == b'S' { Side::Sell } else { Side::Buy };
                (side, number_u32(message, 32), true)
            }
            (b'U', Some(rest)) => (rest.side, number_u32(message, 31), true),
            (b'E' | b'C', Some(rest)) => (rest.side, rest.price_e4, false),
            (b'P', _) => return self.clear_print(place, number_u32(message, 32), time_ns),
            _ => return,
        };
        let is_met = |one: Side, own_e4: u32| match (rests, one == side, one) {
            // A bid at or above an own offer, and the reverse.
            (true, false, Side::Sell) => price_e4 >= own_e4,
            (true, false, Side::Buy) => price_e4 <= own_e4,
            // An execution behind an own order of the same side.
            (false, true, Side::Buy) => own_e4 > price_e4,
            (false, true, Side::Sell) => own_e4 < price_e4,
            _ => false,
        };
        self.pull_where(place, is_met, time_ns);
    }

    /// A recorded print at a price that an own order is better than.
    fn clear_print(&mut self, place: u16, price_e4: u32, time_ns: u64) {
        let is_met = |side: Side, own_e4: u32| match side {
            Side::Buy => own_e4 > price_e4,
            Side::Sell => own_e4 < price_e4,
        };
        self.pull_where(place, is_met, time_ns);
    }

    fn pull_where(&mut self, place: u16, is_met: impl Fn(Side, u32) -> bool, time_ns: u64) {
        let own = self.shown[usize::from(place)].clone();
        for (player, slot) in own {
            let rest = self.reference(player, slot).and_then(|one| self.books.order(place, one));
            if rest.is_some_and(|rest| is_met(rest.side, rest.price_e4)) {
                self.pull(player, slot, time_ns);
            }
        }
    }

    pub(super) fn reference(&self, player: u32, slot: Slot) -> Option<u64> {
        match self.players[player as usize].orders[slot.0 as usize]? {
            Held::Shown { reference } => Some(reference),
            Held::Hidden { .. } => None,
        }
    }

    /// Cancels an order of an episode.
    pub(super) fn pull(&mut self, player: u32, slot: Slot, time_ns: u64) {
        let held = self.players[player as usize].orders[slot.0 as usize].take();
        if let Some(Held::Shown { reference }) = held {
            let place = self.players[player as usize].planned.symbol;
            self.forget(place, player, slot);
            let header = self.header(place, time_ns);
            self.write(place, |out| out.order_deleted(header, OrderRef(reference)));
        }
    }

    pub(super) fn forget(&mut self, place: u16, player: u32, slot: Slot) {
        self.shown[usize::from(place)].retain(|&one| one != (player, slot));
    }

    pub(super) fn header(&self, place: u16, time_ns: u64) -> Header {
        let locate = self.survey.seen[usize::from(place)].locate;
        let tracking = self.books.book(place).tracking;
        Header { locate, tracking, time_of_day_ns: time_ns }
    }

    /// Writes one message of an episode, and keeps the books by it.
    pub(super) fn write(&mut self, place: u16, message: impl FnOnce(&mut Encoder)) {
        message(&mut self.out);
        if let Some(message) = self.out.last_message() {
            self.books.read(place, message);
        }
    }

    fn play(&mut self, player: u32, time_ns: u64) {
        let at = player as usize;
        let place = self.players[at].planned.symbol;
        let is_trading = self.books.book(place).is_trading();
        if self.players[at].ready.is_none() {
            if is_trading && self.raise(at, time_ns) {
                self.await_next(player);
            } else if self.players[at].tries < TRIES_MAX {
                self.players[at].tries += 1;
                self.calendar.enter(time_ns + SECOND, Cue::Play { player });
            }
            return;
        }
        if !is_trading {
            for slot in 0..self.players[at].orders.len() as u32 {
                self.pull(player, Slot(slot), time_ns);
            }
            return;
        }
        let Player { ready, next, .. } = &mut self.players[at];
        let Some(ready) = ready else { return };
        let Some(&made) = ready.moves.get(*next) else { return };
        let is_told = (ready.from_ns..=ready.until_ns).contains(&made.after_ns);
        *next += 1;
        self.await_next(player);
        self.make(player, made.act, time_ns);
        if is_told {
            self.mark(at, time_ns);
        }
    }

    fn mark(&mut self, at: usize, time_ns: u64) {
        let player = &mut self.players[at];
        for label in player.planned.labels.into_iter().flatten() {
            let draft = &mut self.drafts[label as usize];
            draft.mark(time_ns);
            draft.cast += u32::from(!player.is_labelled);
        }
        player.is_labelled = true;
    }

    fn await_next(&mut self, player: u32) {
        let Player { ready, next, begun_ns, .. } = &self.players[player as usize];
        if let Some(made) = ready.as_ref().and_then(|ready| ready.moves.get(*next)) {
            self.calendar.enter(begun_ns + made.after_ns, Cue::Play { player });
        }
    }

    /// Writes a script from what its security looks like now; whether it can be played.
    fn raise(&mut self, at: usize, time_ns: u64) -> bool {
        let planned = self.players[at].planned;
        let seen = &self.survey.seen[usize::from(planned.symbol)];
        let book: &Book = self.books.book(planned.symbol);
        let (Some(bid_e4), Some(ask_e4)) = (book.best(Side::Buy), book.best(Side::Sell)) else {
            return false;
        };
        if bid_e4 >= ask_e4 {
            return false;
        }
        let tick_e4 = seen.tick_e4();
        let passed_ns = time_ns.saturating_sub(self.from_ns).max(60 * SECOND);
        let volume = u128::from(book.volume) * u128::from(10 * SECOND) / u128::from(passed_ns);
        let side = if self.random.chance(5_000) { Side::Buy } else { Side::Sell };
        let mut scene = Scene {
            severity: planned.severity,
            side,
            tick_e4,
            step: ((ask_e4 - bid_e4) / tick_e4 / 4).max(1) as i32,
            bid_e4,
            ask_e4,
            levels: [Side::Buy, Side::Sell].map(|side| book.levels(side, LEVELS)),
            bands: None,
            cross: Default::default(),
            volume_10s: volume as u64,
            gap_ns: self.span_ns / seen.messages.max(1),
            continuous_ns: self.span_ns.min(FULL_DAY_NS),
            random: &mut self.random,
        };
        let middle_e4 = scene.middle_e4();
        let Some(script) = injection::script(planned.part, &mut scene, 0) else { return false };
        let ready = script.ready();
        let moves = ready.moves.len() as u64;
        if !ready.adds_only() || self.moves + moves > self.survey.messages / SHARE {
            return false;
        }
        self.moves += moves;
        let player = &mut self.players[at];
        player.orders = vec![None; ready.slots as usize];
        player.ready = Some(ready);
        (player.begun_ns, player.middle_e4) = (time_ns, middle_e4);
        true
    }
}
