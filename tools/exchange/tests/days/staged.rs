//! Days with episodes: whole, the same each time, labelled as they were played.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use exchange::injection::labels::write_jsonl;
use exchange::injection::{Families, Family, Label, Severity, Sort};
use exchange::settings::FULL_DAY_NS;
use exchange::{Settings, Simulation};
use feed_handlers::itch50::Encoder;

use crate::watched::{Security, Watched};
use crate::{SECOND_NS, day, messages, rebuilt, time_ns};

/// A day with episodes: its bytes, and the simulation at its end.
pub(crate) fn staged(settings: &Settings, families: Families) -> (Vec<u8>, Simulation) {
    let mut simulation = Simulation::with_episodes(settings, families).unwrap();
    let mut out = Encoder::new();
    while simulation.advance(&mut out) {}
    (out.into_bytes(), simulation)
}

/// A full day of fifty securities with everything, watched.
pub(crate) struct Staged {
    pub(crate) labels: Vec<Label>,
    pub(crate) watched: Watched,
}

pub(crate) const DAY: Settings =
    Settings { seed: 1, symbols: 50, messages: 1_000_000, continuous_ns: FULL_DAY_NS };

pub(crate) static STAGED: LazyLock<Staged> = LazyLock::new(|| {
    let (bytes, simulation) = staged(&DAY, Families::ALL);
    let mut watched = Watched::default();
    messages(&bytes).for_each(|message| watched.read(message));
    Staged { labels: simulation.labels(), watched }
});

impl Staged {
    fn security(&self, label: &Label) -> &Security {
        let name = label.stock.expect("a security's label").to_string();
        &self.watched.by_locate[&self.watched.locates[&name]]
    }

    /// A figure of each episode of a kind, by severity.
    pub(crate) fn figures(
        &self,
        family: Family,
        figure: impl Fn(&Label, &Security) -> f64,
    ) -> Vec<(Severity, f64)> {
        let of_it = self.labels.iter().filter(|label| label.sort == Sort::Episode(family));
        let mut figures: Vec<_> =
            of_it.map(|one| (one.severity, figure(one, self.security(one)))).collect();
        figures.sort_by_key(|one| one.0);
        assert!(figures.len() >= 5, "{family}: {figures:?}");
        figures
    }

    /// Holds the figures of a kind: the stronger half must have more than the weaker one by a factor.
    pub(crate) fn grows(
        &self,
        family: Family,
        by: f64,
        figure: impl Fn(&Label, &Security) -> f64,
    ) -> Vec<(Severity, f64)> {
        let figures = self.figures(family, figure);
        let mean =
            |of: &[(Severity, f64)]| of.iter().map(|one| one.1).sum::<f64>() / of.len() as f64;
        let (weak, strong) = figures.split_at(figures.len() / 2);
        assert!(mean(strong) > by * mean(weak), "{family}: {figures:?}");
        figures
    }
}

#[test]
fn days_with_episodes_are_rebuilt_and_have_their_number_of_messages() {
    for (symbols, messages, minutes, seeds) in [
        (1, 20_000, 5, 4),
        (3, 30_000, 10, 4),
        (20, 5_000, 30, 4),
        (20, 200_000, 390, 2),
        (200, 60_000, 60, 1),
    ] {
        for seed in 0..seeds {
            let continuous_ns = minutes * 60 * SECOND_NS;
            let settings = Settings { seed, symbols, messages, continuous_ns };
            let (bytes, simulation) = staged(&settings, Families::ALL);
            rebuilt::held_against(&bytes, &simulation, &settings);
        }
    }
}

#[test]
fn the_same_day_gives_the_same_bytes_and_labels() {
    let settings =
        Settings { seed: 9, symbols: 12, messages: 40_000, continuous_ns: 1_800 * SECOND_NS };
    let hashed = |families| {
        let (bytes, simulation) = staged(&settings, families);
        let mut labels = Vec::new();
        write_jsonl(simulation.labels().iter(), 0, &mut labels).unwrap();
        [bytes, labels].map(|bytes| blake3::hash(&bytes).to_hex()[..16].to_owned())
    };
    let all = hashed(Families::ALL);
    assert_eq!(all, hashed(Families::ALL));
    assert_eq!(all, ["a614411fe329bdeb", "f1de55313e7c3b7d"]);
    let one = hashed(Families::NONE.with(Family::Layering));
    assert!(one[0] != all[0] && one[1] != all[1]);
    // Without episodes a day is the plain one.
    let (plain, simulation) = staged(&settings, Families::NONE);
    assert!(plain == day(&settings, usize::MAX).0 && simulation.labels().is_empty());
}

#[test]
fn too_short_a_day_for_episodes_is_refused() {
    let settings =
        Settings { seed: 1, symbols: 20, messages: 40_000, continuous_ns: 299 * SECOND_NS };
    let refused = Simulation::with_episodes(&settings, Families::ALL).unwrap_err().to_string();
    assert!(refused.contains("5 min"), "{refused}");
    assert!(Simulation::with_episodes(&settings, Families::NONE).is_ok());
}

#[test]
fn every_kind_is_labelled_within_the_day_and_apart_from_others() {
    let day = &*STAGED;
    let names: BTreeSet<&String> = day.watched.locates.keys().collect();
    let (first, last) = (day.watched.times[0], *day.watched.times.last().unwrap());
    let mut counts: BTreeMap<Sort, u32> = BTreeMap::new();
    let mut spans: BTreeMap<String, Vec<(u64, u64, Family)>> = BTreeMap::new();
    for label in &day.labels {
        *counts.entry(label.sort).or_default() += 1;
        assert!(first <= label.start_ns && label.start_ns <= label.end_ns && label.end_ns <= last);
        assert!((10..=100).contains(&label.severity.0), "{label:?}");
        if let Some(stock) = label.stock {
            assert!(names.contains(&stock.to_string()), "{label:?}");
        }
        let is_of_market =
            matches!(label.sort, Sort::Episode(Family::MessageBurst | Family::MarketCluster));
        assert!(!is_of_market || label.stock.is_none(), "{label:?}");
        if let (Sort::Episode(family), Some(stock)) = (label.sort, label.stock) {
            let of_it = spans.entry(stock.to_string()).or_default();
            of_it.push((label.start_ns, label.end_ns, family));
        }
    }
    assert!(day.labels.is_sorted_by_key(|label| label.start_ns));
    for family in Family::ALL {
        let least = if family == Family::MarketCluster { 2 } else { 5 };
        let count = counts.get(&Sort::Episode(family)).copied().unwrap_or_default();
        assert!(count >= least, "{family}: {count} of {counts:?}");
    }
    let episodes: u32 = counts.values().sum::<u32>() - counts[&Sort::Innocent];
    assert!(counts[&Sort::Innocent] * 3 > episodes, "{counts:?}");
    // What a halt or a band brings with it may meet; two episodes do not.
    for (name, mut of_it) in spans {
        of_it.retain(|one| !matches!(one.2, Family::Halt | Family::LuldProximity));
        of_it.sort_unstable();
        let meet = of_it.windows(2).find(|two| two[0].1 > two[1].0);
        assert!(meet.is_none(), "{name}: {meet:?}");
    }
}

#[test]
fn nothing_in_the_feed_tells_an_episode_s_orders_from_others() {
    let settings =
        Settings { seed: 2, symbols: 20, messages: 60_000, continuous_ns: 3_600 * SECOND_NS };
    let families = Families::NONE.with(Family::QuoteStuffing);
    let (bytes, simulation) = staged(&settings, families);
    let label = simulation
        .labels()
        .into_iter()
        .find(|label| label.sort == Sort::Episode(Family::QuoteStuffing));
    let label = label.expect("an episode");
    let during = |message: &&[u8]| (label.start_ns..=label.end_ns).contains(&time_ns(message));
    // References rise by one stream for all, and none carries a participant's name more than before.
    let added = messages(&bytes).filter(|one| b"AF".contains(&one[0]));
    let references: Vec<u64> = added
        .map(|one| one[11..19].iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
        .collect();
    assert!(references.is_sorted());
    let named = messages(&bytes).filter(during).filter(|one| one[0] == b'F').count();
    assert!(named <= 2, "{named}");
}
