//! The agents' parameters: who arrives how often, where orders are placed, how large they are and how
//! long they are meant to live.
//!
//! [`Population::STANDARD`] is fitted so that the mix of messages and the distributions come out as
//! `REALISM.md` states; the shapes of placement and size are those of the AAPL stretch that is measured
//! there. [`Population::SHIFTED`] is fitted to nothing: other agents, to see what of a result on simulated
//! days was those of the first. Weights are relative; chances are in 10,000.

use crate::random::Odds;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Population {
    /// Weight of each trader at an arrival, in the order makers, noise, takers, trend
    /// followers, value traders, posters of hidden orders.
    pub traders: [u32; 6],
    /// Chances that an arrival leads to another one soon after: the branching ratio of the clusters.
    pub follow: u32,
    /// Chances that a trade leads to one more.
    pub follow_trade: u32,
    /// A follower comes after 2^`.0` to 2^`.1` ns.
    pub follow_doublings: (u32, u32),
    /// Weight of placing an order in the spread, at the best price, 1 to 2, 3 to 10 and more steps
    /// behind it.
    pub places: [u32; 5],
    /// Weight of an order's size: an odd lot, one round lot, 2 to 10, more.
    pub sizes: [u32; 4],
    /// Of what does not go at once near the best price, weight of a life up to a minute, up to an
    /// hour, all day.
    pub lives: [u32; 3],
    /// The same further behind.
    pub far_lives: [u32; 3],
    /// Chances that an order's end is a replace.
    pub replace: u32,
    /// Chances that an order loses part of its size instead of ending.
    pub reduce: u32,
    /// Chances that an order that rests too near to the value is pulled when someone arrives.
    pub flee: u32,
    /// Chances that an order carries its participant's name.
    pub attributed: u32,
    /// Chances that a taker goes on in the direction of the last one.
    pub same_side: u32,
    /// Chances that a taker goes beyond the best price.
    pub sweep: u32,
    /// Chances that one that does not takes no more than the first resting order gives.
    pub piece: u32,
    /// Chances that an execution is broken later; the first two of market hours are in any case.
    pub broken: u32,
    /// Chances that a security has news of its own on a day.
    pub jump: u32,
}

impl Population {
    /// The population of a day unless another one is asked for.
    pub const STANDARD: Population = Population {
        traders: [2_600, 5_800, 430, 90, 110, 300],
        follow: 8_600,
        follow_trade: 6_000,
        follow_doublings: (12, 22),
        places: [14, 29, 14, 30, 13],
        sizes: [24, 68, 7, 1],
        lives: [68, 31, 1],
        far_lives: [34, 60, 6],
        replace: 1_050,
        reduce: 380,
        flee: 7_000,
        attributed: 130,
        same_side: 8_900,
        sweep: 700,
        piece: 6_000,
        broken: 3,
        jump: 2_500,
    };

    /// Another one: more makers and takers and less noise, orders that are smaller, nearer to the best
    /// price and gone sooner, twice the replaces, clusters of arrivals that take longer, takers that
    /// change sides more often and sweep more, more news.
    pub const SHIFTED: Population = Population {
        traders: [3_700, 4_300, 700, 180, 200, 450],
        follow: 8_200,
        follow_trade: 6_500,
        follow_doublings: (14, 24),
        places: [22, 34, 17, 20, 7],
        sizes: [42, 46, 10, 2],
        lives: [80, 19, 1],
        far_lives: [52, 44, 4],
        replace: 2_100,
        reduce: 700,
        flee: 8_500,
        attributed: 300,
        same_side: 7_500,
        sweep: 1_300,
        piece: 4_500,
        broken: 6,
        jump: 4_500,
    };
}

/// A population's weights made ready for drawing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PopulationOdds {
    pub(crate) traders: Odds<6>,
    pub(crate) places: Odds<5>,
    pub(crate) sizes: Odds<4>,
    pub(crate) lives: Odds<3>,
    pub(crate) far_lives: Odds<3>,
}

impl PopulationOdds {
    pub(crate) fn new(population: &Population) -> PopulationOdds {
        PopulationOdds {
            traders: Odds::new(&population.traders),
            places: Odds::new(&population.places),
            sizes: Odds::new(&population.sizes),
            lives: Odds::new(&population.lives),
            far_lives: Odds::new(&population.far_lives),
        }
    }
}
