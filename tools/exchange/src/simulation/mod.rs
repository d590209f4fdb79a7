//! The day, from start of messages to end of messages: a loop that takes what is due next and does it.
//!
//! [`Simulation::advance`] appends what the next thing due writes to the caller's encoder, so a caller
//! can stream a day of any length through a small buffer. The day has exactly as many messages as were
//! asked for: until the closing the [`Pace`] holds it close to the [`Plan`], with a reserve for what the
//! closing takes; what is left is written after it, one message at a time.
//!
//! - `opening`: the spin through all securities, and the start of system hours
//! - `crosses`: imbalances and crosses at opening and closing
//! - `halts`: pauses, halts, news, the new listing
//! - `stage`: staged episodes and their labels; `moves`: what they do; `told`: what else is labelled
//! - `after`: trading after the closing, and the end

mod after;
mod crosses;
mod due;
mod halts;
mod moves;
mod opening;
mod stage;
mod told;

use feed_handlers::itch50::{Encoder, Header};

use crate::agents::{Call, Floor, Lives, Pit, Place};
use crate::calendar::Calendar;
use crate::injection::Families;
use crate::matching::{Listing, Market, Tape};
use crate::population::{Population, PopulationOdds};
use crate::random::Random;
use crate::rate::{Pace, Plan};
use crate::settings::{EPISODES_CONTINUOUS_NS_MIN, Settings, SettingsError};
use crate::timetable::Timetable;
use crate::truth::{self, LevelLine, OrderLine};
use crate::universe::{self, Role};

use due::Due;
use stage::Stage;

/// Where the day stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Orders are not taken yet.
    Spin,
    /// Agents trade, before the opening or in market hours.
    Trading,
    /// Closing crosses.
    Closing,
    /// One message at a time, up to the number asked for.
    After,
    /// Everything was written.
    Over,
}

/// Chances in 10,000 that an arrival brings a message of retail interest.
const RETAIL: u32 = 6;

/// Messages of one act besides the orders that it executes or pulls: a few quotes, interest, a restriction.
const ACT_MESSAGES: u64 = 64;

/// See the module.
#[derive(Clone, Debug)]
pub struct Simulation {
    settings: Settings,
    timetable: Timetable,
    plan: Plan,
    pace: Pace,
    floor: Floor<Due>,
    /// Chance of arrivals, apart from what agents do.
    arrivals: Random,
    /// Sums of the securities' weights, by index.
    activity: Vec<u64>,
    phase: Phase,
    /// Messages written so far.
    messages: u64,
    /// Those of them that agents brought.
    brought: u64,
    /// Messages that the closing may take.
    reserve: u64,
    /// Messages that reopening crosses of now halted securities may take.
    at_stake: u64,
    /// Imbalance messages of a security before a cross.
    indications: u64,
    /// What is staged; nothing on a plain day.
    stage: Option<Box<Stage>>,
}

/// What a security came to, by the matching engine's own account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traded {
    /// Its symbol and number.
    pub listing: Listing,
    /// What it traded.
    pub tape: Tape,
}

impl Simulation {
    /// A day that has not begun, with the standard agents.
    ///
    /// # Errors
    /// If there is no such day.
    pub fn new(settings: &Settings) -> Result<Simulation, SettingsError> {
        settings.check()?;
        let population = Population::STANDARD;
        let timetable = Timetable::new(settings.continuous_ns);
        let securities = universe::securities(settings.seed, settings.symbols);
        let listings = securities.iter().map(|security| security.listing).collect();
        let pit = |security| Pit::new(security, security.role != Role::NewListing);
        let mut sum = 0;
        let activity = securities.iter().map(|security| {
            sum += security.weight;
            sum
        });
        let activity = activity.collect();
        // An imbalance message in a hundred at most, and one a cross at least.
        let symbols = u64::from(settings.symbols);
        let indications = (settings.messages / 200 / symbols).clamp(1, 138);
        // Per security a cross, the orders that it executes and the imbalances; and the end.
        let reserve = symbols * (6 + indications) + 64;
        let mut simulation = Simulation {
            settings: *settings,
            plan: Plan::new(&timetable, 0, 0, 0),
            pace: Pace::new(&timetable),
            floor: Floor {
                market: Market::new(listings, timetable.scaled(30_000_000_000)),
                pits: securities.iter().map(pit).collect(),
                securities,
                calendar: Calendar::new(),
                to_break: Vec::new(),
                random: Random::new(settings.seed, 2),
                population,
                odds: PopulationOdds::new(&population),
                timetable,
                lives: Lives::new(settings.continuous_ns),
            },
            timetable,
            arrivals: Random::new(settings.seed, 3),
            activity,
            phase: Phase::Spin,
            messages: 0,
            brought: 0,
            reserve,
            at_stake: 0,
            indications,
            stage: None,
        };
        simulation.enter(timetable.start_ns, Due::Start);
        Ok(simulation)
    }

    /// A day that has not begun, with the standard agents and episodes of these kinds.
    ///
    /// # Errors
    /// If there is no such day.
    pub fn with_episodes(
        settings: &Settings,
        families: Families,
    ) -> Result<Simulation, SettingsError> {
        let mut simulation = Simulation::new(settings)?;
        if !families.is_empty() {
            let given_ns = settings.continuous_ns;
            if given_ns < EPISODES_CONTINUOUS_NS_MIN {
                return Err(SettingsError::Episodes { given_ns });
            }
            simulation.stage = Some(Box::new(Stage::new(settings.seed, families)));
        }
        Ok(simulation)
    }

    /// What the day is made of.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The same day, with other agents. To be asked for before it begins.
    ///
    /// # Panics
    /// If all weights of one kind are 0.
    #[must_use]
    pub fn with_population(mut self, population: Population) -> Simulation {
        self.floor.odds = PopulationOdds::new(&population);
        self.floor.population = population;
        self
    }

    /// Messages written so far.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// Appends what is due next to `out`, at least one message; `false` once the day is over and nothing
    /// was appended.
    pub fn advance(&mut self, out: &mut Encoder) -> bool {
        let begun = out.messages();
        while out.messages() == begun {
            if !self.step(out) {
                return false;
            }
        }
        true
    }

    /// Appends what the next thing due writes, which may be nothing; `false` once the day is over.
    pub fn step(&mut self, out: &mut Encoder) -> bool {
        if self.phase == Phase::Over {
            return false;
        }
        let Some((time_ns, due)) = self.floor.calendar.take_next() else { return false };
        let before = out.messages();
        self.handle(due, time_ns, out);
        let written = out.messages() - before;
        self.messages += written;
        if matches!(due, Due::Arrive { .. } | Due::Call(_)) {
            self.brought += written;
        }
        true
    }

    /// When the next thing is due, ns since midnight; `None` once the day is over.
    pub fn next_ns(&mut self) -> Option<u64> {
        if self.phase == Phase::Over { None } else { self.floor.calendar.next_ns() }
    }

    /// The final books, once the day is over: displayed levels by symbol, bids before asks, best first.
    pub fn truth(&self) -> impl Iterator<Item = LevelLine> + '_ {
        truth::levels(&self.floor.market)
    }

    /// Displayed orders now: by locate, bids before asks, the best price first, and at a price first in
    /// time first.
    pub fn orders(&self) -> impl Iterator<Item = OrderLine> + '_ {
        truth::orders(&self.floor.market)
    }

    /// What each security has traded, by locate.
    pub fn traded(&self) -> impl Iterator<Item = Traded> + '_ {
        let listings = self.floor.market.listings().iter();
        (0..)
            .zip(listings)
            .map(|(symbol, &listing)| Traded { listing, tape: *self.floor.market.tape(symbol) })
    }

    fn enter(&mut self, time_ns: u64, due: Due) {
        self.floor.calendar.enter(time_ns, due);
    }

    /// What a message that concerns no security begins with.
    fn market_header(time_ns: u64) -> Header {
        Header { locate: 0, tracking: 0, time_of_day_ns: time_ns }
    }

    fn symbols(&self) -> u16 {
        self.settings.symbols
    }

    /// Messages that agents may still write: what the closing and reopening crosses need is not theirs.
    fn free(&self) -> u64 {
        self.left().saturating_sub(self.reserve + self.at_stake)
    }

    /// Whether an agent may act on a security. What it does at most is to execute or pull every displayed
    /// order and to send a few of its own.
    fn may_act(&self, symbol: u16) -> bool {
        let free = self.free();
        let market = &self.floor.market;
        // How many orders ever rested at once bounds it, too, and need not be counted each time.
        self.phase == Phase::Trading
            && (free > u64::from(market.order_slots()) + ACT_MESSAGES
                || free > market.displayed_orders(symbol) + ACT_MESSAGES)
    }

    fn handle(&mut self, due: Due, time_ns: u64, out: &mut Encoder) {
        match due {
            Due::Call(call) => self.called(call, time_ns, out),
            Due::Arrive { pace } if pace == self.pace.number() => self.arrive(time_ns, out),
            // Its successor was drawn at the pace of now.
            Due::Arrive { .. } => {}
            Due::Pace => self.set_pace(time_ns),
            Due::Start => self.start(time_ns, out),
            Due::Spin { pass, symbol } => self.spin(pass, symbol, time_ns, out),
            Due::BreakerLevels => self.tell_breaker_levels(time_ns, out),
            Due::SystemHours => self.begin_system_hours(time_ns, out),
            Due::Lay { symbol } => self.lay(symbol, time_ns, out),
            Due::Auction { kind } => self.begin_auction(kind, time_ns),
            Due::Indicate { kind, turn, symbol } => self.indicate(kind, turn, symbol, time_ns, out),
            Due::Open => self.open(time_ns, out),
            Due::Close => self.close(time_ns, out),
            Due::Cross { kind, symbol } => self.cross(kind, symbol, time_ns, out),
            Due::Jump { symbol, by_ppm } => {
                self.note_jump(symbol, by_ppm, time_ns);
                self.jump(symbol, by_ppm, time_ns);
            }
            Due::Play { player } => self.play(player, time_ns, out),
            Due::Pause { symbol, step } => self.pause(symbol, step, time_ns, out),
            Due::Quoted { symbol } => self.quoted(symbol, time_ns, out),
            Due::Halt { symbol, step } => self.halt(symbol, step, time_ns, out),
            Due::Release { symbol, step } => self.release(symbol, step, time_ns, out),
            Due::OperationalHalt { symbol, is_on } => {
                self.halt_elsewhere(symbol, is_on, time_ns, out);
            }
            Due::After => self.after(time_ns, out),
            Due::End => self.end(time_ns, out),
            Due::EndOfMessages => self.end_of_messages(time_ns, out),
        }
    }

    /// Sets the pace anew, and with it when the next one arrives: waiting has no memory.
    fn set_pace(&mut self, time_ns: u64) {
        if self.phase != Phase::Trading {
            return;
        }
        self.pace.step(&self.plan, time_ns, self.messages, self.brought);
        self.enter(time_ns + self.pace.step_ns(), Due::Pace);
        self.await_arrival(time_ns);
    }

    fn await_arrival(&mut self, time_ns: u64) {
        let wait_ns = self.arrivals.exponential(self.pace.mean_ns()).max(1);
        self.enter(time_ns + wait_ns, Due::Arrive { pace: self.pace.number() });
    }

    /// Someone arrives of their own accord; the next one is due.
    fn arrive(&mut self, time_ns: u64, out: &mut Encoder) {
        if self.phase != Phase::Trading {
            return;
        }
        self.pace.arrived();
        self.await_arrival(time_ns);
        let total = self.activity.last().copied().unwrap_or_default();
        let drawn = self.arrivals.below(total);
        let symbol = self.activity.partition_point(|&sum| sum <= drawn) as u16;
        self.arrive_at(symbol, time_ns, out);
    }

    fn arrive_at(&mut self, symbol: u16, time_ns: u64, out: &mut Encoder) {
        let pit = &self.floor.pits[usize::from(symbol)];
        if !self.may_act(symbol) || !pit.is_listed || pit.silent_until_ns > time_ns {
            return;
        }
        let before = out.messages();
        self.floor.arrive(Place { symbol, time_ns }, out);
        self.stake(symbol, out.messages() - before);
        if self.timetable.is_continuous(time_ns) {
            self.tell_restriction(symbol, time_ns, out);
            if self.arrivals.chance(RETAIL) {
                let interest = b"BSAN"[self.arrivals.below(4) as usize];
                let stock = self.floor.market.listings()[usize::from(symbol)].stock;
                out.retail_interest(self.floor.market.header(symbol, time_ns), stock, interest);
            }
        }
    }

    /// The short-sale circuit breaker of Regulation SHO (rule 201): a tenth below the last close.
    fn tell_restriction(&mut self, symbol: u16, time_ns: u64, out: &mut Encoder) {
        let at = usize::from(symbol);
        let close_e4 = u64::from(self.floor.securities[at].listing.close_e4);
        let pit = &mut self.floor.pits[at];
        let last_e4 = u64::from(self.floor.market.tape(symbol).last_price_e4);
        if !pit.is_restricted && last_e4 != 0 && last_e4 * 10 <= close_e4 * 9 {
            pit.is_restricted = true;
            let stock = self.floor.market.listings()[at].stock;
            out.short_sale_restriction(self.floor.market.header(symbol, time_ns), stock, b'1');
        }
    }

    fn called(&mut self, call: Call, time_ns: u64, out: &mut Encoder) {
        match call {
            Call::Follow { symbol } => self.arrive_at(symbol, time_ns, out),
            Call::Expire { id } if self.is_silent(id, time_ns) => self.put_off(id, call),
            Call::News { symbol } if self.may_act(symbol) && self.is_listed(symbol) => {
                let before = out.messages();
                self.floor.trade_on_news(Place { symbol, time_ns }, out);
                self.stake(symbol, out.messages() - before);
            }
            Call::Expire { id } => {
                if let Some(order) = self.floor.market.order(id)
                    && self.may_act(order.symbol)
                {
                    self.floor.expire(id, time_ns, out);
                }
            }
            Call::Break { at } => {
                let (symbol, printed) = self.floor.to_break[at as usize];
                if self.may_act(symbol) {
                    self.floor.market.break_trade(symbol, time_ns, &printed, out);
                }
            }
            Call::Limit { symbol, since_ns } => self.limit(symbol, since_ns, time_ns, out),
            Call::News { .. } => {}
        }
    }
}
