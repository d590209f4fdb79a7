//! Which alert is about which episode, case by case: one of AAA from 100 to 200 with a grace of 10, as a rule.

use super::super::alert::Opened;
use super::super::figures::Counts;
use super::super::worked_cases::{
    RULES, alert, counted, counts, innocent, judged, label, opened_at,
};
use super::*;

/// One episode and one alert, raised in it or, where that is later, as its condition began.
fn one(symbol: &str, start_ns: i64, end_ns: i64) -> [u64; 2] {
    let labels = [label("spoofing", "AAA", 100, 200)];
    let alert = opened_at(start_ns.max(100), alert("spoofing", symbol, start_ns, end_ns));
    let counts = counted("spoofing", &labels, &[alert]);
    assert_eq!((counts.episodes, counts.alerts), (1, 1));
    assert_eq!(counts.episodes_found, counts.alerts_true);
    [counts.episodes_found, counts.alerts_false()]
}

#[test]
fn an_alert_is_true_from_the_first_instant_of_an_episode_to_the_last_of_its_grace() {
    for (start_ns, end_ns, is_true) in [
        (0, 99, false),
        (0, 100, true),
        (150, 160, true),
        (0, 900, true),
        (200, 300, true),
        (210, 300, true),
        (211, 300, false),
        // Ends before it begins: taken for the instant of its beginning.
        (150, 20, true),
    ] {
        let expected = if is_true { [1, 0] } else { [0, 1] };
        assert_eq!(one("AAA", start_ns, end_ns), expected, "{start_ns} to {end_ns}");
    }
}

#[test]
fn an_alert_on_another_symbol_or_of_another_detector_is_false() {
    assert_eq!(one("AAB", 100, 200), [0, 1]);
    assert_eq!(one("", 100, 200), [0, 1], "the market is no symbol");
    let labels = [label("spoofing", "AAA", 100, 200)];
    let alerts = [alert("layering", "AAA", 100, 200)];
    assert_eq!(counted("layering", &labels, &alerts), counts([0, 0, 1, 0, 0]));
    assert_eq!(counted("spoofing", &labels, &alerts), counts([1, 0, 0, 0, 0]));
}

#[test]
fn the_first_of_several_alerts_on_an_episode_counts_and_further_ones_count_neither_way() {
    let labels = [label("spoofing", "AAA", 100, 200)];
    let alerts = [180, 120, 150].map(|start| alert("spoofing", "AAA", start, start + 5));
    assert_eq!(counted("spoofing", &labels, &alerts), counts([1, 1, 1, 1, 2]));
    let first = &judged("spoofing", &labels, &alerts).alerts[0];
    assert_eq!(first.hits, [Hit { episode: 0, delay_ns: 20, delay_events: None }]);
}

#[test]
fn one_alert_over_two_episodes_is_one_true_alert_and_finds_those_that_had_begun() {
    let labels = [label("spoofing", "AAA", 100, 200), label("spoofing", "AAA", 300, 400)];
    let over = |at_ns| opened_at(at_ns, alert("spoofing", "AAA", 150, 320));
    assert_eq!(counted("spoofing", &labels, &[over(310)]), counts([2, 2, 1, 1, 0]));
    assert_eq!(counted("spoofing", &labels, &[over(290)]), counts([2, 1, 1, 1, 0]));
    // The second is on what was found; a third finds nothing anywhere.
    let alerts =
        [over(310), alert("spoofing", "AAA", 330, 350), alert("spoofing", "AAA", 800, 900)];
    assert_eq!(counted("spoofing", &labels, &alerts), counts([2, 2, 2, 1, 1]));
}

#[test]
fn an_alert_that_an_overlapping_label_names_is_excused() {
    let also = Label { also: vec![String::from("layering")], ..label("spoofing", "AAA", 100, 200) };
    let excused = |symbol: &str, start_ns| {
        let alerts = [alert("layering", symbol, start_ns, start_ns + 5)];
        let outcome = judged("layering", std::slice::from_ref(&also), &alerts);
        (outcome.excused.total(), outcome.alerts.len())
    };
    assert_eq!(excused("AAA", 150), (1, 0));
    assert_eq!(excused("AAA", 210), (1, 0), "within the grace");
    assert_eq!(excused("AAA", 211), (0, 1));
    assert_eq!(excused("AAB", 150), (0, 1));
    assert_eq!(excused("", 150), (1, 0), "what a symbol does to the market's own alerts");
    // On an episode of its own it is true, whatever else names it.
    let both = [also.clone(), label("layering", "AAA", 140, 160)];
    let alerts = [alert("layering", "AAA", 150, 155)];
    assert_eq!(counted("layering", &both, &alerts), counts([1, 1, 1, 1, 0]));
}

#[test]
fn a_market_wide_label_excuses_on_the_symbols_that_took_part() {
    let names = |also: &str| vec![String::from(also), String::from("layering")];
    let market = Label { also: names("spoofing"), ..label("market_cluster", "", 100, 200) };
    let on = |symbol: &str| alert("layering", symbol, 150, 155);
    let alerts = [on("AAA"), on("BBB"), on("")];
    let excused = |labels: &[Label]| {
        let outcome = judged("layering", labels, &alerts);
        let Excused { by_episodes, on_market, on_innocents } = outcome.excused;
        ([by_episodes, on_market, on_innocents], outcome.alerts.len())
    };
    let with = |part: Label| excused(&[market.clone(), part]);
    assert_eq!(with(label("spoofing", "AAA", 120, 140)), ([2, 0, 0], 1), "AAA's and the market's");
    // Nobody is known to have taken part: all may have.
    assert_eq!(excused(std::slice::from_ref(&market)), ([1, 2, 0], 0));
    for no_part in [
        label("spoofing", "AAA", 90, 140),
        label("spoofing", "AAA", 120, 201),
        label("pinging", "AAA", 120, 140),
        innocent("AAA", 120, 140),
    ] {
        assert_eq!(with(no_part.clone()), ([1, 2, 0], 0), "{no_part:?}");
    }
    // As with news, where nobody does wrong.
    let news = Label { also: names("price_jump"), ..innocent("", 100, 200) };
    assert_eq!(excused(&[news.clone(), innocent("AAA", 120, 140)]), ([0, 0, 2], 1));
    assert_eq!(excused(&[news, label("spoofing", "AAA", 120, 140)]), ([0, 0, 3], 0));
}

#[test]
fn what_only_an_innocent_look_alike_excuses_is_counted_apart() {
    let says = |label: Label| Label { also: vec![String::from("layering")], ..label };
    let innocent = says(innocent("AAA", 100, 200));
    let alerts = [alert("layering", "AAA", 150, 155)];
    let excused = |labels: &[Label]| judged("layering", labels, &alerts).excused;
    let one = Excused::default();
    let labels = std::slice::from_ref(&innocent);
    assert_eq!(excused(labels), Excused { on_innocents: 1, ..one });
    let episode = says(label("spoofing", "AAA", 140, 160));
    assert_eq!(excused(&[innocent.clone(), episode.clone()]), Excused { by_episodes: 1, ..one });
    // An episode on its own symbol says more than one of the market.
    let market = Label { symbol: String::new(), ..episode.clone() };
    assert_eq!(excused(&[innocent, market.clone()]), Excused { on_market: 1, ..one });
    assert_eq!(excused(&[market, episode]), Excused { by_episodes: 1, ..one });
}

#[test]
fn an_alert_that_opened_before_its_episode_neither_finds_it_nor_is_true_or_false() {
    let labels = [label("spoofing", "AAA", 100, 200), label("spoofing", "AAA", 300, 400)];
    let always = |at_ns| opened_at(at_ns, alert("spoofing", "AAA", 0, 900));
    let open_before = |count, of| Counts { alerts_open_before: count, ..counts(of) };
    let counted = |alerts: &[Alert]| counted("spoofing", &labels, alerts);
    assert_eq!(counted(&[always(99)]), open_before(1, [2, 0, 0, 0, 0]));
    assert_eq!(judged("spoofing", &labels, &[always(99)]).alerts[0].open_before, [0, 1]);
    // From the first instant of an episode on it finds that one, and not the next.
    assert_eq!(counted(&[always(100)]), counts([2, 1, 1, 1, 0]));
    assert_eq!(counted(&[always(299)]), counts([2, 1, 1, 1, 0]));
    assert_eq!(counted(&[always(300)]), counts([2, 2, 1, 1, 0]));
    assert_eq!(counted(&[opened_at(99, alert("spoofing", "AAA", 50, 120))]).alerts, 0);
    // On another episode it may be excused all the same, on an innocent look-alike it is not false.
    let also = vec![String::from("spoofing")];
    let named = [labels[0].clone(), Label { also, ..label("layering", "AAA", 90, 110) }];
    let outcome = judged("spoofing", &named, &[always(99)]);
    assert_eq!((outcome.excused.by_episodes, outcome.alerts.len()), (1, 0));
    let looks = [labels[0].clone(), innocent("AAA", 90, 110)];
    assert!(!judged("spoofing", &looks, &[always(99)]).alerts[0].is_on_innocent);
}

#[test]
fn an_alert_on_an_innocent_look_alike_is_false_and_counted_apart() {
    let labels = [innocent("AAA", 100, 200), innocent("BBB", 100, 200)];
    let alerts = [alert("spoofing", "AAA", 150, 160), alert("spoofing", "AAA", 800, 900)];
    let outcome = judged("spoofing", &labels, &alerts);
    assert!(outcome.episodes.is_empty(), "nothing that could be found");
    let on_innocent: Vec<bool> = outcome.alerts.iter().map(|alert| alert.is_on_innocent).collect();
    assert_eq!(on_innocent, [true, false]);
    assert_eq!(counted("spoofing", &labels, &alerts), counts([0, 0, 2, 0, 0]));
    // An innocent one can say what it rightly sets off.
    let says = Label { also: vec![String::from("spoofing")], ..innocent("AAA", 100, 200) };
    assert_eq!(judged("spoofing", &[says], &alerts).excused.on_innocents, 1);
}

#[test]
fn market_wide_alerts_are_held_against_market_wide_episodes() {
    let labels = [label("market_cluster", "", 100, 200), label("spoofing", "AAA", 100, 200)];
    let alerts = [alert("market_cluster", "", 150, 160), alert("market_cluster", "AAA", 150, 160)];
    assert_eq!(counted("market_cluster", &labels, &alerts), counts([1, 1, 2, 1, 0]));
    // A baseline knows symbols alone: any of them may be about the market.
    let rules = Rules { any_symbol_is_market: true, ..RULES };
    let on_symbol = [&alerts[1]];
    let labels = Labels::new(&labels);
    let market = judge("market_cluster", &labels, &on_symbol, &Positions::default(), rules);
    assert_eq!(market.alerts[0].hits.len(), 1);
    let other = alert("spoofing", "BBB", 150, 160);
    let spoofing = judge("spoofing", &labels, &[&other], &Positions::default(), rules);
    assert!(spoofing.alerts[0].hits.is_empty(), "an episode on a symbol is on that symbol");
}

#[test]
fn a_retracted_alert_is_as_if_it_had_not_been_raised() {
    let labels = [label("price_jump", "AAA", 100, 200)];
    let retracted =
        |start_ns| Alert { is_retracted: true, ..alert("price_jump", "AAA", start_ns, start_ns) };
    let outcome = judged("price_jump", &labels, &[retracted(150), retracted(900)]);
    assert_eq!((outcome.retracted, outcome.alerts.len()), (2, 0));
}

#[test]
fn delays_are_to_the_opening_message_whenever_the_condition_began() {
    let labels = [label("spoofing", "AAA", 100, 200), label("spoofing", "AAA", 300, 400)];
    let opened = |at_ns, messages_before, alert| Alert {
        opened: Opened { at_ns, messages_before: Some(messages_before) },
        ..alert
    };
    let alerts = [
        // Raised 70 behind the first's start by the second message of that time, and told from before it.
        opened(170, 18, alert("spoofing", "AAA", 20, 180)),
        opened(300, 31, alert("spoofing", "AAA", 290, 350)),
    ];
    // Messages 0 to 16 at times 0 to 160, two at 170, then every 10.
    let mut positions = Positions::of([100, 300]);
    let times = (0..=17).chain(17..50);
    times.for_each(|message| positions.message(message * 10));
    positions.end();
    let refs: Vec<&Alert> = alerts.iter().collect();
    let outcome = judge("spoofing", &Labels::new(&labels), &refs, &positions, RULES);
    let hits: Vec<Hit> = outcome.alerts.iter().flat_map(|alert| alert.hits.clone()).collect();
    let hit = |episode, delay_ns, events| Hit { episode, delay_ns, delay_events: Some(events) };
    assert_eq!(hits, [hit(0, 70, 8), hit(1, 0, 0)]);
}

#[test]
fn the_alert_that_was_raised_first_is_the_first_wherever_its_condition_began() {
    let labels = [label("spoofing", "AAA", 100, 200)];
    let alerts = [
        opened_at(190, alert("spoofing", "AAA", 90, 195)),
        opened_at(150, alert("spoofing", "AAA", 149, 160)),
    ];
    let first = &judged("spoofing", &labels, &alerts).alerts[0];
    assert_eq!(first.hits, [Hit { episode: 0, delay_ns: 50, delay_events: None }]);
}

#[test]
fn a_baseline_is_on_a_market_wide_episode_where_the_symbol_took_part() {
    let rules = Rules { any_symbol_is_market: true, ..RULES };
    let also = vec![String::from("spoofing")];
    let labels = [
        Label { also, ..label("market_cluster", "", 100, 200) },
        label("spoofing", "AAA", 110, 120),
    ];
    let alerts = ["AAA", "BBB"].map(|symbol| alert("return_z_score", symbol, 150, 160));
    let refs: Vec<&Alert> = alerts.iter().collect();
    let labels = Labels::new(&labels);
    let outcome = judge("market_cluster", &labels, &refs, &Positions::default(), rules);
    let hits: Vec<usize> = outcome.alerts.iter().map(|alert| alert.hits.len()).collect();
    assert_eq!(hits, [1, 0]);
}

#[test]
fn sessions_add_up_without_mixing_their_episodes() {
    let labels = [label("spoofing", "AAA", 100, 200)];
    let found = judged("spoofing", &labels, &[alert("spoofing", "AAA", 150, 160)]);
    let missed = judged("spoofing", &labels, &[alert("spoofing", "AAA", 900, 950)]);
    let mut sum = Outcome::default();
    for outcome in [&missed, &found, &missed] {
        sum.append(outcome);
    }
    assert_eq!(sum.episodes.len(), 3);
    let episodes: Vec<usize> =
        sum.alerts.iter().flat_map(|alert| &alert.hits).map(|hit| hit.episode).collect();
    assert_eq!(episodes, [1]);
}
