//! Users' detectors among ours: fingerprint, arming, names, clusters, states of any size.

use core::fmt;
use core::marker::PhantomData;

use bytemuck::Pod;

use crate::detect::detector::Detector;
use crate::detect::parameter::Arming;
use crate::detect::phase::Phases;
use crate::detect::raised::{Raised, Since};
use crate::detect::rehearsal::{CENT, DOLLAR, MS, Rehearsal, SECOND};
use crate::detect::seen::Seen;
use crate::detect::spec::{DetectorCode, Family, Spec};
use crate::detect::{Detectors, Settings};
use crate::units::{Side, SymbolId};

/// Raises at prints of `least` shares or more, and keeps an `S` for nothing.
struct Large<S> {
    least: u64,
    arming: Arming,
    spec: &'static Spec,
    kept: PhantomData<S>,
}

impl<S> fmt::Debug for Large<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.least)
    }
}

impl<S: Pod> Detector for Large<S> {
    type State = S;

    fn spec(&self) -> &'static Spec {
        self.spec
    }

    fn arming(&self) -> Arming {
        self.arming
    }

    fn threshold(&self, name: &str) -> Option<f64> {
        (name == "least").then_some(self.least as f64)
    }

    fn on_print(&self, _state: &mut S, seen: &Seen<'_>) -> Option<Raised> {
        let (qty, here) = (seen.print?.qty.0 as f64, seen.here());
        let since = Since { time: here.time, sequence: here.sequence };
        let level = qty / self.least as f64;
        Some(Raised { level, since, figures: [qty, 0.0, 0.0, 0.0], print: None })
    }
}

/// The `at`-th of a user's detectors.
fn spec(at: u8, name: &'static str, thresholds: &'static [&'static str]) -> &'static Spec {
    let code = DetectorCode(DetectorCode::USER_MIN + at);
    Box::leak(Box::new(Spec {
        code,
        name,
        pattern: "a large print",
        figures: &["shares"],
        thresholds,
        phases: Phases::ANY,
        warm_up_seconds: 0,
        family: Family::Volume,
    }))
}

fn large<S>(name: &'static str, least: u64) -> Large<S> {
    let spec = spec(0, name, &["least"]);
    Large { least, arming: Arming::default(), spec, kept: PhantomData }
}

fn ours() -> Detectors {
    Detectors::new(&Settings::default(), 16).unwrap()
}

#[test]
fn the_fingerprint_tells_names_parameters_arming_and_states_apart() {
    let with = |detector: Large<u64>| ours().with_own(detector).unwrap().fingerprint();
    let plain = with(large("large", 10));
    let armed = |arming| with(Large { arming, ..large("large", 10) });
    let second = |name| spec(1, name, &[]);
    let two = |one, other| {
        let other = Large::<u64> { spec: second(other), ..large("", 10) };
        ours().with_own(large::<u64>(one, 10)).unwrap().with_own(other).unwrap().fingerprint()
    };
    let all = [
        ours().fingerprint(),
        plain,
        with(large("larger", 10)),
        with(large("large", 11)),
        armed(Arming { min_score: 51.0, ..Arming::default() }),
        armed(Arming { cool_down: 2e9, ..Arming::default() }),
        ours().with_own(large::<[u64; 2]>("large", 10)).unwrap().fingerprint(),
        two("a", "bc"),
        two("ab", "c"),
    ];
    let distinct: std::collections::BTreeSet<u64> = all.into();
    assert_eq!(distinct.len(), all.len(), "{all:?}");
    assert_eq!(with(large("large", 10)), plain);
    let off = Detectors::new(&Settings::off(), 16).unwrap();
    assert_eq!(off.with_own(large::<u64>("large", 10)).unwrap().fingerprint(), 0);
}

#[test]
fn the_catalogue_has_ours_and_users_with_their_thresholds() {
    let detectors = ours().with_own(large::<u64>("large", 10)).unwrap();
    let catalogue = detectors.catalogue();
    let names: Vec<&str> = catalogue.iter().map(|it| it.spec.name).collect();
    assert_eq!(names, [&Settings::names()[..], &["large"]].concat());
    let own = catalogue.get(DetectorCode(DetectorCode::USER_MIN)).expect("it");
    assert_eq!(own.thresholds, [("least", 10.0)]);
    assert_eq!(catalogue.family(own.spec.code), Family::Volume);
    assert!(catalogue.get(DetectorCode(DetectorCode::USER_MIN + 1)).is_none());
}

#[test]
#[should_panic(expected = "large is there already")]
fn a_name_that_another_has_is_refused() {
    let one = ours().with_own(large::<u64>("large", 10)).unwrap();
    let _ = one.with_own(Large { spec: spec(1, "large", &[]), ..large::<u64>("large", 10) });
}

#[test]
#[should_panic(expected = "tells the value of most")]
fn a_threshold_without_a_value_is_refused() {
    let _ = ours().with_own(Large { spec: spec(0, "large", &["most"]), ..large::<u64>("", 10) });
}

/// A rehearsal with a detector, in which symbols up to 12 have a book.
fn rehearsal<S: Pod + Send>(detector: Large<S>) -> Rehearsal {
    let own = |detectors: Detectors| detectors.with_own(detector).unwrap();
    let mut rehearsal = Rehearsal::with_own(own);
    for symbol in 1..=12 {
        rehearsal.turn_to(symbol);
        rehearsal.action(b'T');
        rehearsal.fill(100 * DOLLAR, 100 * DOLLAR + CENT, 3, 300);
    }
    rehearsal.turn_to(1);
    rehearsal.pass(SECOND);
    rehearsal
}

#[test]
fn one_that_keeps_nothing_raises_alerts_like_any_other() {
    let mut it = rehearsal(large::<()>("large", 10));
    it.trade(Side::Sell, 100 * DOLLAR, 9);
    assert_eq!(it.opened("large"), []);
    it.trade(Side::Sell, 100 * DOLLAR, 20);
    let [open] = it.opened("large")[..] else { panic!("{:?}", it.told("large")) };
    assert_eq!((open.figures[0], open.score.get(), open.opened.0), (20.0, 75.0, it.sequence()));
    it.pass(2 * SECOND);
    assert_eq!(it.closed("large").len(), 1);
}

#[test]
fn its_arming_says_from_which_score_on_it_opens_how_long_it_lasts_and_whether_at_all() {
    let armed = |arming| rehearsal(Large { arming, ..large::<u64>("large", 10) });
    let mut scored = armed(Arming { min_score: 70.0, ..Arming::default() });
    scored.trade(Side::Sell, 100 * DOLLAR, 16);
    assert_eq!(scored.opened("large"), [], "a score of 68.7");
    scored.trade(Side::Sell, 100 * DOLLAR, 17);
    assert_eq!(scored.opened("large").len(), 1, "a score of 70.5");
    let mut short = armed(Arming { cool_down: 3e8, ..Arming::default() });
    let mut long = armed(Arming { cool_down: 3e9, ..Arming::default() });
    let mut off = armed(Arming { enabled: 0.0, ..Arming::default() });
    for it in [&mut short, &mut long, &mut off] {
        it.trade(Side::Sell, 100 * DOLLAR, 20);
        it.pass(500 * MS);
    }
    assert_eq!((short.opened("large").len(), short.closed("large").len()), (1, 1));
    assert_eq!((long.opened("large").len(), long.closed("large").len()), (1, 0));
    assert_eq!(off.told("large"), []);
}

#[test]
fn its_alerts_on_ten_symbols_are_a_cluster_of_its_family() {
    let mut it = rehearsal(large::<u64>("large", 10));
    for symbol in 1..=10 {
        assert_eq!(it.opened("market_cluster"), [], "{symbol}");
        it.turn_to(symbol);
        it.trade(Side::Sell, 100 * DOLLAR, 20);
    }
    let [cluster] = it.opened("market_cluster")[..] else { panic!("no cluster") };
    assert_eq!(cluster.figures[..2], [10.0, f64::from(Family::Volume as u8)]);
    assert_eq!((cluster.symbol, cluster.opened.0), (SymbolId(0), it.sequence()));
}
