//! When messages come, and how executions follow each other.

use engine::units::Side;

use super::weighted::{Weighted, ratio};

/// Times between the messages of one symbol, ns.
#[derive(Clone, Debug, Default)]
pub struct Arrivals {
    last_ns: Option<u64>,
    /// The times.
    pub gaps_ns: Weighted,
    /// Coefficients of variation of each symbol times its messages, and the messages.
    variation: [f64; 2],
}

impl Arrivals {
    pub(super) fn at(&mut self, time_ns: u64) {
        if let Some(last_ns) = self.last_ns.replace(time_ns) {
            self.gaps_ns.add(time_ns.saturating_sub(last_ns), 1);
        }
    }

    pub(super) fn finish(&mut self) {
        if let Some(variation) = self.gaps_ns.coefficient_of_variation() {
            let messages = self.gaps_ns.total() as f64;
            self.variation = [variation * messages, messages];
        }
    }

    /// Adds all that another has.
    pub fn merge(&mut self, other: &Arrivals) {
        self.gaps_ns.merge(&other.gaps_ns);
        (0..2).for_each(|at| self.variation[at] += other.variation[at]);
    }

    /// The coefficient of variation of the times between messages: 1 if they came by chance, more if
    /// they excite each other. Of several symbols their mean, weighted by messages.
    #[must_use]
    pub fn variation(&self) -> Option<f64> {
        ratio(self.variation[0], self.variation[1])
    }
}

/// Executions in runs of equal time: as a rule one aggressor's.
#[derive(Clone, Debug, Default)]
pub struct Runs {
    open: Option<Run>,
    /// Executions of a run.
    pub executions: Weighted,
    /// Signs of the runs whose aggressor's side is known, in order: buy 1, sell -1.
    signs: Vec<f64>,
    /// Products of neighbouring signs off their mean, and squares off their mean.
    correlation: [f64; 2],
}

#[derive(Clone, Copy, Debug)]
struct Run {
    time_ns: u64,
    executions: u64,
    aggressor: Option<Side>,
}

impl Runs {
    pub(super) fn execution(&mut self, time_ns: u64, aggressor: Option<Side>) {
        match &mut self.open {
            Some(run) if run.time_ns == time_ns => {
                run.executions += 1;
                run.aggressor = run.aggressor.or(aggressor);
            }
            _ => {
                self.close();
                self.open = Some(Run { time_ns, executions: 1, aggressor });
            }
        }
    }

    fn close(&mut self) {
        if let Some(run) = self.open.take() {
            self.executions.add(run.executions, 1);
            let sign = run.aggressor.map(|side| if side == Side::Buy { 1.0 } else { -1.0 });
            self.signs.extend(sign);
        }
    }

    pub(super) fn finish(&mut self) {
        self.close();
        let signs = core::mem::take(&mut self.signs);
        let Some(mean) = ratio(signs.iter().sum(), signs.len() as f64) else {
            return;
        };
        let products = signs.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean));
        let squares = signs.iter().map(|sign| (sign - mean).powi(2));
        self.correlation = [products.sum(), squares.sum()];
    }

    /// Adds all that another has.
    pub fn merge(&mut self, other: &Runs) {
        self.executions.merge(&other.executions);
        (0..2).for_each(|at| self.correlation[at] += other.correlation[at]);
    }

    /// Autocorrelation at lag 1 of the aggressors' signs.
    #[must_use]
    pub fn sign_autocorrelation(&self) -> Option<f64> {
        ratio(self.correlation[0], self.correlation[1])
    }
}
