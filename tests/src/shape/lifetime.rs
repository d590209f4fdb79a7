//! How long orders live, when some outlive the session.
//!
//! An order that is alive at the end has lived for at least so long. The product-limit estimator
//! (Kaplan and Meier, "Nonparametric estimation from incomplete observations", 1958) takes that in:
//! at each age at which orders die, the share of survivors falls by deaths / orders at risk.

use super::weighted::Weighted;

/// Ages of orders, ns.
#[derive(Clone, Debug, Default)]
pub struct Lifetimes {
    died: Weighted,
    alive: Weighted,
}

impl Lifetimes {
    /// An order left the book at this age.
    pub fn died(&mut self, age_ns: u64) {
        self.died.add(age_ns, 1);
    }

    /// An order was alive at the end, at this age.
    pub fn outlived(&mut self, age_ns: u64) {
        self.alive.add(age_ns, 1);
    }

    /// Adds all that another has.
    pub fn merge(&mut self, other: &Lifetimes) {
        self.died.merge(&other.died);
        self.alive.merge(&other.alive);
    }

    /// Orders that began to live.
    #[must_use]
    pub fn orders(&self) -> u64 {
        self.died.total() + self.alive.total()
    }

    /// The share of all that was alive at the end.
    #[must_use]
    pub fn share_alive(&self) -> Option<f64> {
        super::weighted::ratio(self.alive.total() as f64, self.orders() as f64)
    }

    /// The estimate of how many survive which age.
    #[must_use]
    pub fn survival(&self) -> Survival {
        let mut at_risk = self.orders();
        let mut survivors = 1.0;
        let mut steps = Vec::new();
        let (died, alive) = (self.died.entries(), self.alive.entries());
        let oldest = |ages: &[(u64, u64)]| ages.last().map_or(0, |&(age_ns, _)| age_ns);
        let known_until_ns = oldest(&died).max(oldest(&alive));
        let mut alive = alive.iter().peekable();
        for &(age_ns, deaths) in died.iter() {
            // Who was last seen alive at this very age was at risk of dying at it.
            while let Some(&(_, gone)) = alive.next_if(|&&(seen_ns, _)| seen_ns < age_ns) {
                at_risk -= gone;
            }
            survivors *= 1.0 - deaths as f64 / at_risk as f64;
            at_risk -= deaths;
            steps.push((age_ns, survivors));
        }
        Survival { steps, known_until_ns }
    }
}

/// The share of orders that survive, by age.
#[derive(Clone, Debug, PartialEq)]
pub struct Survival {
    /// Age, and the share that lives on past it.
    steps: Vec<(u64, f64)>,
    known_until_ns: u64,
}

impl Survival {
    /// The share of orders that die before `age_ns`; `None` past the greatest age that was seen.
    #[must_use]
    pub fn dead_before(&self, age_ns: u64) -> Option<f64> {
        if age_ns > self.known_until_ns {
            return None;
        }
        let before = self.steps.partition_point(|&(at_ns, _)| at_ns < age_ns);
        Some(1.0 - before.checked_sub(1).map_or(1.0, |at| self.steps[at].1))
    }

    /// The age by which the share `of` has died; `None` if fewer were seen to.
    #[must_use]
    pub fn quantile_ns(&self, of: f64) -> Option<f64> {
        let at = self.steps.partition_point(|&(_, survivors)| 1.0 - survivors < of);
        self.steps.get(at).map(|&(age_ns, _)| age_ns as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_alive_at_the_end_count_as_far_as_they_were_seen() {
        // Of five, one dies at 10 ns: 4/5 live on. One is last seen at 20. Of the three left two die at
        // 30: 4/15 live on. The last is alive at 40.
        let mut lifetimes = Lifetimes::default();
        [10, 30, 30].into_iter().for_each(|age| lifetimes.died(age));
        [20, 40].into_iter().for_each(|age| lifetimes.outlived(age));
        let survival = lifetimes.survival();
        let near = |share: Option<f64>, expected: f64| {
            let share = share.expect("a share is known");
            assert!((share - expected).abs() < 1e-12, "{share} is not {expected}");
        };
        near(survival.dead_before(10), 0.0);
        near(survival.dead_before(11), 0.2);
        near(survival.dead_before(30), 0.2);
        near(survival.dead_before(40), 11.0 / 15.0);
        assert_eq!(survival.dead_before(41), None);
        assert_eq!(survival.quantile_ns(0.1), Some(10.0));
        assert_eq!(survival.quantile_ns(0.5), Some(30.0));
        assert_eq!(survival.quantile_ns(0.9), None);
        assert_eq!(lifetimes.share_alive(), Some(0.4));
    }
}
