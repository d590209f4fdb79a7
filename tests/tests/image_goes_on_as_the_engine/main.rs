//! An engine that goes on from an image is the one that was never interrupted: every later hash point,
//! signal and bar, and every figure at the end, in every topology.

#![forbid(unsafe_code)]

mod engines;
mod feed;

use engine::window::bars::BarSettings;
use engine::window::tick::Span;

use self::engines::{
    Ended, Image, Settings, Told, ended, image_of, inline, pipelined, push, restored,
};
use self::feed::{Step, feed};

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
        assert_eq!(&image_of(&engine), image, "{what}, cut at {at}: written again");
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
    assert_eq!(ended, expected, "{what}");
}

#[test]
fn every_topology_goes_on_as_if_nothing_had_happened() {
    let (mut points, mut revised, mut gaps) = (0, 0, 0);
    for seed in 0..20 {
        let steps = feed(seed, 240, seed % 2 == 1);
        let settings = Settings::of(bars(seed));
        let cuts = [0, 1, 2 + seed as usize, 80 + seed as usize, 170, 239, 240];
        let whole = all_go_on(&settings, &steps, &cuts, &[1, 2, 3, 7], &format!("seed {seed}"));
        for told in &whole.told {
            points += u32::from(matches!(told, Told::Point(_)));
            revised += u32::from(matches!(told, Told::Bar(_, bar, _) if bar.revision > 0));
            gaps += u32::from(matches!(told, Told::Gap(..)));
        }
    }
    assert!(points > 1_000 && revised > 300 && gaps > 100, "{points} {revised} {gaps}");
}
