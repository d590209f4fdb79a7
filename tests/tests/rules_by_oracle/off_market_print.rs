//! Prints off the market: a percent and two cents beyond the best price as it was before the message.

use std::collections::BTreeSet;

use crate::day::{DAYS, Day};
use crate::life::{Expected, Seen, alerts, assert_exact};
use crate::moments::{Moment, SECOND, is_market};

const NAME: &str = "off_market_print";

const NEAR: [(&str, &str, f64); 2] = [(NAME, "distance", 0.001), (NAME, "distance_min", 0.0001)];

const CENT: i128 = 10_000_000;

/// How far a print is from the nearer of bid and offer, and that; `None` where it is not outside.
fn outside(moment: &Moment) -> Option<(i128, i128)> {
    let price = moment.trade()?.price;
    let bid = moment.before.bid.map(|bid| bid.0.0);
    let ask = moment.before.ask.map(|ask| ask.0.0);
    if moment.before.is_over() {
        return None;
    }
    let below = bid.filter(|bid| price < *bid).map(|bid| (bid - price, bid));
    let above = ask.filter(|ask| price > *ask).map(|ask| (price - ask, ask));
    below.or(above).map(|(distance, best)| (i128::from(distance), i128::from(best)))
}

/// Alerts where a print must be so many thousandths of the price, and so much, off the market.
fn expected(day: &Day, thousandths: i128, distance_min: i128) -> BTreeSet<Expected> {
    let mut conditions = Vec::new();
    for moment in day.moments.iter() {
        let Some((distance, best)) = outside(moment) else { continue };
        let is_beyond = |half: i128| {
            2 * distance * 1_000 >= half * best * thousandths && 2 * distance >= half * distance_min
        };
        if is_beyond(1) {
            conditions.push(Seen {
                symbol: moment.symbol.0,
                time: moment.time(),
                sequence: moment.event.sequence,
                since: moment.time(),
                first: moment.event.sequence,
                opens: is_beyond(2) && is_market(moment.phase),
                print: moment.print.map(|print| print.number),
                is_at_line: false,
            });
        }
    }
    alerts(day, &conditions, SECOND)
}

#[test]
fn every_print_off_the_market_is_told_and_nothing_else_is() {
    let mut prints = 0;
    for day in DAYS.iter() {
        prints += assert_exact(day, NAME, &expected(day, 10, 2 * CENT), |it| it);
    }
    assert!(prints >= 8, "{prints} prints");
}

#[test]
fn so_it_is_where_a_cent_is_off_the_market_already_and_in_books_with_orders_that_are_gone() {
    let (mut prints, mut retracted) = (0, 0);
    for day in DAYS.iter() {
        for day in [day.with(&NEAR), day.with_losses(100).with(&NEAR)] {
            let expected = expected(&day, 1, CENT / 100);
            prints += assert_exact(&day, NAME, &expected, |it| it);
            retracted += expected.iter().filter(|it| it.is_retracted).count();
        }
    }
    assert!(prints >= 50 && retracted > 0, "{prints}, {retracted} broken");
}
