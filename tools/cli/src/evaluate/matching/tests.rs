use super::super::worked_cases::{RULES, alert, counted, counts, innocent, judged, label};
use super::*;

/// One episode of spoofing on AAA from 100 to 200, with a grace of 10, and one alert.
fn one(symbol: &str, start_ns: i64, end_ns: i64) -> [u64; 2] {
    let labels = [label("spoofing", "AAA", 100, 200)];
    let counts = counted("spoofing", &labels, &[alert("spoofing", symbol, start_ns, end_ns)]);
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
fn one_alert_over_two_episodes_is_one_true_alert_and_finds_both() {
    let labels = [label("spoofing", "AAA", 100, 200), label("spoofing", "AAA", 300, 400)];
    let alerts = [alert("spoofing", "AAA", 150, 320)];
    assert_eq!(counted("spoofing", &labels, &alerts), counts([2, 2, 1, 1, 0]));
    // The second is on what was found; a third finds nothing anywhere.
    let alerts = [
        alert("spoofing", "AAA", 150, 320),
        alert("spoofing", "AAA", 330, 350),
        alert("spoofing", "AAA", 800, 900),
    ];
    assert_eq!(counted("spoofing", &labels, &alerts), counts([2, 2, 2, 1, 1]));
}

#[test]
fn an_alert_that_an_overlapping_label_names_is_excused() {
    let also = Label { also: vec![String::from("layering")], ..label("spoofing", "AAA", 100, 200) };
    let excused = |symbol: &str, start_ns| {
        let alerts = [alert("layering", symbol, start_ns, start_ns + 5)];
        let outcome = judged("layering", std::slice::from_ref(&also), &alerts);
        (outcome.excused, outcome.alerts.len())
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
    // What the market goes through excuses alerts on every symbol.
    let market = [Label { symbol: String::new(), ..also }];
    assert_eq!(judged("layering", &market, &alerts).excused, 1);
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
    assert_eq!(judged("spoofing", &[says], &alerts).excused, 1);
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
fn delays_begin_with_the_episode_and_are_counted_in_messages_too() {
    let labels = [label("spoofing", "AAA", 100, 200), label("spoofing", "AAA", 300, 400)];
    let alerts = [alert("spoofing", "AAA", 130, 140), alert("spoofing", "AAA", 290, 350)];
    let mut positions = Positions::of([100, 300, 130, 290]);
    (0..50).for_each(|message| positions.message(message * 10));
    positions.end();
    let refs: Vec<&Alert> = alerts.iter().collect();
    let outcome = judge("spoofing", &Labels::new(&labels), &refs, &positions, RULES);
    let hits: Vec<Hit> = outcome.alerts.iter().flat_map(|alert| alert.hits.clone()).collect();
    let hit = |episode, delay_ns, events| Hit { episode, delay_ns, delay_events: Some(events) };
    assert_eq!(hits, [hit(0, 30, 3), hit(1, 0, 0)], "one was there before its episode");
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
