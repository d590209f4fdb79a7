//! Simulated days look like a market: the figures of every seed lie where `tools/exchange/REALISM.md` says
//! that they are held, and that document says what is measured.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use tapewatch_tests::realism::{Days, ROWS, SEED_SHOWN, STRETCH, outside, table};
use tapewatch_tests::shape::{Shape, figures, measure};
use tapewatch_tests::shared::shared;

/// A test for some of the seeds, so that they run side by side.
macro_rules! days {
    ($($name:ident: $seeds:expr,)*) => {$(
        #[test]
        fn $name() {
            for seed in $seeds {
                let outside = outside(&Days::of(seed));
                assert!(outside.is_empty(), "seed {seed}: {outside:#?}");
            }
        }
    )*};
}

days! {
    days_1_to_5_have_the_shape_of_a_market: 1..=5,
    days_6_to_10_have_the_shape_of_a_market: 6..=10,
    days_11_to_15_have_the_shape_of_a_market: 11..=15,
    days_16_to_20_have_the_shape_of_a_market: 16..=20,
}

#[test]
fn every_line_of_the_document_is_a_figure_and_stands_once() {
    let market = measure(&[]).unwrap();
    let all = figures(&Shape::default()).into_iter().chain(market.figures());
    let mut names: BTreeSet<String> = all.map(|figure| figure.name).collect();
    for row in ROWS {
        assert!(names.remove(row.figure), "{:?} is no figure, or stands twice", row.figure);
        let ranges = [row.busiest, row.all].into_iter().flatten();
        ranges.for_each(|(from, to)| assert!(from < to, "{:?} is held to nothing", row.figure));
    }
}

#[test]
fn the_document_has_the_figures_that_are_measured() {
    let Some(stretch) = shared(STRETCH) else {
        return;
    };
    let stretch = measure(&fs::read(stretch).unwrap()).unwrap();
    let table = table(&stretch, &Days::of(SEED_SHOWN));
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools/exchange/REALISM.md");
    let document = fs::read_to_string(document).unwrap();
    let between = |text: &str| {
        let (_, rest) = text.split_once("<!-- realism:begin table -->\n")?;
        Some(rest.split_once("<!-- realism:end table -->")?.0.to_owned())
    };
    let written = between(&document).expect("the document has a place for its table");
    assert!(written == table, "not as measured: run `cargo xtask realism --write`\n{table}");
}
