//! An engine that goes on from an image is the one that was never interrupted: every later hash point,
//! signal and bar, and every figure at the end, in every topology.

#![forbid(unsafe_code)]

mod any_bytes;
mod engines;
mod feed;
mod foreign;
mod golden;

use engine::book::books::Limits;
use engine::window::bars::BarSettings;
use engine::window::tick::Span;
use exchange::Settings as DaySettings;
use tapewatch_tests::engines::packets;
use tapewatch_tests::simulated::day;

use self::engines::{
    Ended, Image, Settings, Told, ended, image_of, inline, pipelined, push, restored,
};
use self::feed::{Step, feed, stock};

const MS: i64 = 1_000_000;

/// Sizes and lateness of a seed.
fn bars(seed: u64) -> BarSettings {
    let sizes: [&[i64]; 5] = [
        &[1_000 * MS],
        &[1_000 * MS, 60_000 * MS, 300_000 * MS],
        &[2_000 * MS, 3_000 * MS, 7_000 * MS],
        &[MS / 4, 100 * MS],
        &[],
    ];
    let sizes: Vec<Span> = sizes[seed as usize % 5].iter().copied().map(Span).collect();
    let lateness = [0, 3 * MS, 1_500 * MS, 20_000 * MS][seed as usize / 5 % 4];
    let lateness = if sizes.is_empty() { 0 } else { lateness };
    BarSettings::new(&sizes, Span(lateness)).expect("settings")
}

/// The engine over all steps, and an image with what was told before it for each place in `cuts`.
fn undisturbed(
    settings: &Settings,
    steps: &[Step],
    cuts: &[usize],
) -> (Ended, Vec<(usize, usize, Image)>) {
    let mut engine = inline(settings);
    let mut images = Vec::new();
    for at in 0..=steps.len() {
        if cuts.contains(&at) {
            images.push((at, engine.market().listener().0.len(), image_of(&engine)));
        }
        if let Some(step) = steps.get(at) {
            push(&mut engine, step);
        }
    }
    (ended(engine), images)
}

/// Goes on from each image, inline and with shards on threads of their own.
fn all_go_on(
    settings: &Settings,
    steps: &[Step],
    cuts: &[usize],
    shards: &[u32],
    what: &str,
) -> Ended {
    let (whole, images) = undisturbed(settings, steps, cuts);
    assert_eq!(images.len(), cuts.len(), "{what}");
    for (at, told, image) in &images {
        let expected = Ended { told: whole.told[*told..].to_vec(), ..whole.clone() };
        let mut engine = restored(image, settings);
        assert!(image_of(&engine) == *image, "{what}, cut at {at}: written again");
        steps[*at..].iter().for_each(|step| push(&mut engine, step));
        is_equal(&ended(engine), &expected, &format!("{what}, cut at {at}, inline"));
        for &shards in shards {
            let ended = pipelined(image, settings, shards, &steps[*at..]);
            is_equal(&ended, &expected, &format!("{what}, cut at {at}, {shards} shards"));
        }
    }
    whole
}

/// With the first difference alone where they differ, as all of it would be too much to read.
fn is_equal(ended: &Ended, expected: &Ended, what: &str) {
    for (at, (told, expected)) in ended.told.iter().zip(&expected.told).enumerate() {
        assert_eq!(told, expected, "{what}: told {at}");
    }
    assert_eq!(ended.told.len(), expected.told.len(), "{what}");
    assert_eq!((ended.hash, ended.quality), (expected.hash, expected.quality), "{what}");
    assert!(ended == expected, "{what}: a figure at the end");
}

#[test]
fn every_topology_goes_on_as_if_nothing_had_happened() {
    let (mut points, mut revised, mut gaps) = (0, 0, 0);
    for seed in 0..20 {
        let steps = feed(seed, 240, seed % 2 == 1);
        // With detectors an engine takes ten times as long to make and to hash.
        let settings = match seed % 4 {
            1 => Settings::of(bars(seed)),
            _ => Settings::of(bars(seed)).without_detectors(),
        };
        let cuts = [seed as usize % 3, 3 + 4 * seed as usize, 110, 239, 240];
        let whole = all_go_on(&settings, &steps, &cuts, &[1, 2, 3, 7], &format!("seed {seed}"));
        for told in &whole.told {
            points += u32::from(matches!(told, Told::Point(_)));
            revised += u32::from(matches!(told, Told::Bar(_, bar, _) if bar.revision > 0));
            gaps += u32::from(matches!(told, Told::Gap(..)));
        }
    }
    assert!(points > 1_000 && revised > 300 && gaps > 100, "{points} {revised} {gaps}");
}

#[test]
fn selected_symbols_go_on_as_selected_and_as_undecided() {
    for seed in 100..106 {
        let steps = feed(seed, 160, seed % 2 == 1);
        let selected = [stock(2), stock(43)].map(|stock| stock.trimmed().to_vec()).to_vec();
        let settings = Settings { selected, ..Settings::of(bars(seed)) };
        let cuts = [3, 15, 30, 45, 60, 120];
        let whole = all_go_on(&settings, &steps, &cuts, &[1, 3], &format!("seed {seed}"));
        assert!(whole.counts.symbol_conflict > 0 && whole.counts.unknown_type > 0);
    }
}

/// Hash points follow from the position alone, so an engine without them writes for one that has them.
#[test]
fn hash_points_do_not_depend_on_those_of_the_engine_that_wrote() {
    for seed in 200..204 {
        let steps = feed(seed, 160, true);
        let with = Settings::of(bars(seed)).without_detectors();
        let points = |ended: &Ended| -> Vec<Told> {
            let is_point = |told: &&Told| matches!(told, Told::Point(_));
            ended.told.iter().filter(is_point).cloned().collect()
        };
        let whole = points(&undisturbed(&with, &steps, &[]).0);
        for hash_every in [0, 4, 64] {
            let other = Settings { hash_every, ..with.clone() };
            for at in (0..steps.len()).step_by(7) {
                let (_, images) = undisturbed(&other, &steps[..at], &[at]);
                let mut engine = restored(&images[0].2, &with);
                steps[at..].iter().for_each(|step| push(&mut engine, step));
                let later = points(&ended(engine));
                assert!(whole.ends_with(&later), "seed {seed}, {hash_every}, cut at {at}");
                let (before, _) = undisturbed(&with, &steps[..at], &[]);
                assert_eq!(points(&before).len() + later.len(), whole.len(), "cut at {at}");
            }
        }
    }
}

/// Where a limit bites, what is refused from there on is the same.
#[test]
fn full_memory_stays_as_full() {
    let mut refused = 0;
    for seed in 300..310 {
        let steps = feed(seed, 200, false);
        let limits = Limits { orders_max: 40, prints_max: 6 * 64, ..Limits::default() };
        let settings = Settings { limits, ..Settings::of(bars(seed)) };
        let whole = all_go_on(&settings, &steps, &[50, 120, 190], &[1], &format!("seed {seed}"));
        refused += whole.quality.over_capacity;
    }
    assert!(refused > 100, "{refused}");
}

/// A simulated day, cut at a few places: real queues, halts, crosses and hash points.
#[test]
fn a_simulated_day_goes_on() {
    let continuous_ns = 600 * 1_000_000_000;
    let size = DaySettings { seed: 5, symbols: 7, messages: 30_000, continuous_ns };
    let day = day(&size).expect("settings");
    let mut steps = Vec::new();
    packets(&day.bytes, 1, 9, |packet| {
        let (sequence, messages) = (packet.sequence.0, packet.messages.to_vec());
        steps.push(Step::Packet { sequence, messages });
    });
    let bars = BarSettings::new(&[1_000 * MS, 60_000 * MS].map(Span), Span(50 * MS));
    let settings = Settings { hash_every: 1 << 10, ..Settings::of(bars.expect("settings")) };
    let cuts = [steps.len() / 7, steps.len() / 2, steps.len() - 3];
    let whole = all_go_on(&settings, &steps, &cuts, &[1, 2, 7], "a day");
    assert!(whole.told.len() > 500, "{}", whole.told.len());
}
