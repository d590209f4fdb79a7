//! Episodes in a record: what was recorded stays, books stay whole, and the labels are true.

use std::collections::{BTreeSet, HashSet};

use exchange::Settings;
use exchange::injection::splice::{SpliceError, Spliced, Survey, splice, spliced};
use exchange::injection::{Families, Family, Sort};
use exchange::settings::FULL_DAY_NS;
use feed_handlers::itch50::Encoder;

use crate::reader::Reader;
use crate::watched::Watched;
use crate::{day, messages, time_ns};

const RECORDED: Settings =
    Settings { seed: 5, symbols: 30, messages: 300_000, continuous_ns: FULL_DAY_NS };

/// A day as if it were recorded, and the same with episodes.
fn with_episodes(
    settings: &Settings,
    families: Families,
    seed: u64,
) -> (Vec<u8>, Vec<u8>, Spliced) {
    let (record, _) = day(settings, usize::MAX);
    let survey = Survey::of(record.as_slice()).unwrap();
    let mut out = Vec::new();
    let spliced = splice(&survey, families, seed, record.as_slice(), &mut out, |_| true).unwrap();
    (record, out, spliced)
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[test]
fn a_record_stays_in_its_order_and_what_is_added_names_nothing_of_it() {
    let (record, out, spliced) = with_episodes(&RECORDED, Families::ALL, 1);
    assert!(out.ends_with(&[0, 0]));
    let out = &out[..out.len() - 2];
    let mut reader = Reader::default();
    messages(out).for_each(|message| reader.read(message));
    assert_eq!(reader.counts.values().sum::<u64>(), spliced.recorded + spliced.added);
    assert_eq!(spliced.recorded, RECORDED.messages);
    assert!(spliced.added > 2_000 && spliced.added <= RECORDED.messages / 3, "{}", spliced.added);
    // Without what was added it is the record.
    let mut recorded = messages(&record).peekable();
    let mut references = HashSet::new();
    for message in messages(out) {
        if recorded.peek() == Some(&message) {
            recorded.next();
            continue;
        }
        match message[0] {
            b'A' => assert!(references.insert(number(&message[11..19]))),
            b'U' => {
                assert!(references.contains(&number(&message[11..19])));
                references.insert(number(&message[19..27]));
            }
            b'D' | b'E' => assert!(references.contains(&number(&message[11..19]))),
            other => assert_eq!(other, b'P', "added"),
        }
    }
    assert!(recorded.next().is_none(), "a recorded message is missing");
}

#[test]
fn labels_of_a_record_are_true_of_it() {
    let (_, out, spliced) = with_episodes(&RECORDED, Families::ALL, 2);
    let mut watched = Watched::default();
    messages(&out[..out.len() - 2]).for_each(|message| watched.read(message));
    let kinds: BTreeSet<Family> = spliced
        .labels
        .iter()
        .filter_map(|label| match label.sort {
            Sort::Episode(family) => Some(family),
            Sort::Innocent => None,
        })
        .collect();
    assert!(kinds.len() >= 12, "{kinds:?}");
    assert!(spliced.labels.is_sorted_by_key(|label| label.start_ns));
    for label in &spliced.labels {
        let Some(stock) = label.stock else { continue };
        let security = &watched.by_locate[&watched.locates[&stock.to_string()]];
        let seconds = (label.end_ns - label.start_ns) as f64 / 1e9;
        let count = security.count(label.start_ns, label.end_ns);
        assert!(count > 0, "{label:?}");
        if label.sort == Sort::Episode(Family::QuoteStuffing) {
            let part = (f64::from(label.severity.0) - 10.0) / 80.0;
            let rate = count as f64 / seconds;
            assert!(rate > 0.95 * (300.0 + 4_700.0 * part * part), "{label:?}: {rate}");
        }
    }
}

#[test]
fn a_record_of_minutes_without_directory_and_hours_takes_episodes_as_well() {
    let settings =
        Settings { seed: 3, symbols: 2, messages: 60_000, continuous_ns: 900_000_000_000 };
    let (record, _) = day(&settings, usize::MAX);
    // A stretch from within the day, told by nothing but orders.
    let from_ns = 34_200_000_000_000 + 100_000_000_000;
    let mut stretch = Encoder::new();
    let kept = |message: &&[u8]| b"AFECXDUP".contains(&message[0]) && time_ns(message) > from_ns;
    messages(&record).filter(kept).for_each(|message| stretch.raw(message));
    let survey = Survey::of(stretch.bytes()).unwrap();
    let mut out = Vec::new();
    let families = Families::NONE.with(Family::Layering).with(Family::FleetingOrders);
    let spliced = splice(&survey, families, 1, stretch.bytes(), &mut out, |_| true).unwrap();
    assert!(spliced.added > 50, "{spliced:?}");
    assert!(spliced.labels.iter().all(|label| label.stock.is_some()), "{:?}", spliced.labels);
    let again = splice(&survey, families, 1, stretch.bytes(), &mut Vec::new(), |_| true);
    assert_eq!(again.unwrap().labels, spliced.labels);
}

#[test]
fn what_a_record_cannot_hold_is_refused() {
    let one = |family| spliced(Families::NONE.with(family));
    for family in [Family::StaleSymbol, Family::SpreadBlowout, Family::Halt] {
        let refused = one(family).unwrap_err().to_string();
        assert!(refused.contains(family.name()) && refused.contains("react"), "{refused}");
    }
    assert!(one(Family::Layering).is_ok() && spliced(Families::ALL).is_ok());
    let (record, _) = day(&RECORDED, usize::MAX);
    let torn = Survey::of(&record[..record.len() - 3]).unwrap_err();
    assert!(matches!(torn, SpliceError::Truncated { .. }), "{torn}");
    let empty = Survey::of(&[][..]).unwrap();
    let refused = splice(&empty, Families::ALL, 1, &[][..], &mut Vec::new(), |_| true);
    assert!(matches!(refused, Err(SpliceError::NoTrading)), "{refused:?}");
    let survey = Survey::of(record.as_slice()).unwrap();
    let stopped = splice(&survey, Families::ALL, 1, record.as_slice(), &mut Vec::new(), |_| false);
    assert!(matches!(stopped, Err(SpliceError::Interrupted)));
}
