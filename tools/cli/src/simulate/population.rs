//! Who trades on a simulated day, as arguments name it.

use clap::ValueEnum;
use exchange::population::Population;

/// The populations of agents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum PopulationChoice {
    /// Fitted to recorded days.
    Standard,
    /// More makers and takers, orders that are smaller and gone sooner.
    Shifted,
}

impl PopulationChoice {
    /// The name that it is asked for by.
    pub(super) fn name(self) -> &'static str {
        match self {
            PopulationChoice::Standard => "standard",
            PopulationChoice::Shifted => "shifted",
        }
    }

    /// Its parameters.
    pub(super) fn population(self) -> Population {
        match self {
            PopulationChoice::Standard => Population::STANDARD,
            PopulationChoice::Shifted => Population::SHIFTED,
        }
    }
}
