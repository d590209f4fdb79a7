//! What each message does to a book, worked by hand from the interface's rules.

#![forbid(unsafe_code)]

use engine::units::Side::{Buy, Sell};
use tapewatch_tests::events::{
    At, add, cancel, cents, cross, delete, execute, execute_at, execute_unprinted, hidden, replace,
    short_sale, system, trading,
};
use tapewatch_tests::subject::Subject;

const ONE: u32 = 1;
const TWO: u32 = 2;

#[test]
fn orders_rest_by_price_then_time() {
    let mut subject = Subject::new();
    subject.send(add(ONE, 11, Buy, cents(10_00), 100).at(5));
    subject.send(add(ONE, 12, Buy, cents(10_02), 200).at(6));
    subject.send(add(ONE, 13, Buy, cents(10_00), 300).at(7));
    subject.send(add(ONE, 14, Sell, cents(10_07), 400).at(8));
    subject.send(add(ONE, 15, Sell, cents(10_05), 500).at(9));
    assert_eq!(subject.levels(ONE, Buy), [(cents(10_02), 200, 1), (cents(10_00), 400, 2)]);
    assert_eq!(subject.levels(ONE, Sell), [(cents(10_05), 500, 1), (cents(10_07), 400, 1)]);
    assert_eq!(subject.queue(ONE, Buy, cents(10_00)), [(11, 100, 5), (13, 300, 7)]);
    assert_eq!(subject.best(ONE, Buy), Some((cents(10_02), 200)));
    assert_eq!(subject.best(ONE, Sell), Some((cents(10_05), 500)));
    assert_eq!(subject.level_count(ONE, Buy), 2);
    assert_eq!(subject.level_count(ONE, Sell), 2);
    assert_eq!(subject.order_count(ONE), 5);
}

#[test]
fn a_symbol_that_no_message_named_has_an_empty_book() {
    let subject = Subject::new();
    assert_eq!(subject.best(77, Buy), None);
    assert_eq!(subject.levels(77, Sell), []);
    assert_eq!(subject.order_count(77), 0);
}

#[test]
fn an_execution_takes_shares_and_keeps_the_place_in_the_queue() {
    let mut subject = Subject::new();
    subject.send(add(ONE, 1, Sell, cents(20_00), 100).at(1));
    subject.send(add(ONE, 2, Sell, cents(20_00), 100).at(2));
    subject.send(execute(ONE, 1, 30, 900).at(3));
    assert_eq!(subject.queue(ONE, Sell, cents(20_00)), [(1, 70, 1), (2, 100, 2)]);
    assert_eq!(subject.best(ONE, Sell), Some((cents(20_00), 170)));
    subject.send(execute(ONE, 1, 70, 901).at(4));
    assert_eq!(subject.queue(ONE, Sell, cents(20_00)), [(2, 100, 2)]);
    subject.send(execute(ONE, 2, 100, 902).at(5));
    assert_eq!(subject.best(ONE, Sell), None);
    assert_eq!(subject.order_count(ONE), 0);
    assert_eq!(subject.quality().negative_size, 0);
    assert_eq!(subject.quality().unknown_order, 0);
}

#[test]
fn an_execution_at_another_price_takes_shares_at_the_resting_price() {
    let mut subject = Subject::new();
    subject.send(add(ONE, 1, Buy, cents(20_00), 100));
    subject.send(execute_at(ONE, 1, 40, 900, cents(19_50)));
    subject.send(execute_unprinted(ONE, 1, 10, 901, cents(19_60)));
    assert_eq!(subject.levels(ONE, Buy), [(cents(20_00), 50, 1)]);
}

#[test]
fn a_cancel_takes_shares_off_and_keeps_the_place_in_the_queue() {
    let mut subject = Subject::new();
    subject.send(add(ONE, 1, Buy, cents(20_00), 100).at(1));
    subject.send(add(ONE, 2, Buy, cents(20_00), 100).at(2));
    subject.send(cancel(ONE, 1, 99).at(3));
    assert_eq!(subject.queue(ONE, Buy, cents(20_00)), [(1, 1, 1), (2, 100, 2)]);
    subject.send(cancel(ONE, 1, 1).at(4));
    assert_eq!(subject.queue(ONE, Buy, cents(20_00)), [(2, 100, 2)]);
    assert_eq!(subject.quality().negative_size, 0);
    assert_eq!(subject.metrics(ONE).trades, 0);
}

#[test]
fn a_delete_removes_the_order_and_an_empty_level() {
    let mut subject = Subject::new();
    subject.send(add(ONE, 1, Buy, cents(20_00), 100));
    subject.send(add(ONE, 2, Buy, cents(20_00), 50));
    subject.send(add(ONE, 3, Buy, cents(19_00), 10));
    subject.send(delete(ONE, 1));
    assert_eq!(subject.best(ONE, Buy), Some((cents(20_00), 50)));
    subject.send(delete(ONE, 2));
    assert_eq!(subject.levels(ONE, Buy), [(cents(19_00), 10, 1)]);
    assert_eq!(subject.order_count(ONE), 1);
}

#[test]
fn a_replace_keeps_the_side_whatever_the_message_says() {
    let mut subject = Subject::new();
    subject.send(add(ONE, 1, Sell, cents(20_00), 100).at(1));
    let mut as_buy = replace(ONE, 1, 2, cents(21_00), 60).at(9);
    as_buy.side = b'B';
    subject.send(as_buy);
    assert_eq!(subject.best(ONE, Buy), None);
    assert_eq!(subject.levels(ONE, Sell), [(cents(21_00), 60, 1)]);
    assert_eq!(subject.queue(ONE, Sell, cents(21_00)), [(2, 60, 9)]);
    subject.send(delete(ONE, 1));
    assert_eq!(subject.quality().unknown_order, 1, "the old reference is gone");
}

#[test]
fn a_replace_with_the_same_price_and_size_goes_to_the_end_of_its_queue() {
    let mut subject = Subject::new();
    for order in [1, 2, 3] {
        subject.send(add(ONE, order, Buy, cents(20_00), 100).at(order as i64));
    }
    subject.send(replace(ONE, 1, 4, cents(20_00), 100).at(7));
    assert_eq!(subject.queue(ONE, Buy, cents(20_00)), [(2, 100, 2), (3, 100, 3), (4, 100, 7)]);
}

#[test]
fn a_replace_to_a_smaller_size_goes_to_the_end_of_its_queue() {
    let mut subject = Subject::new();
    subject.send(add(ONE, 1, Buy, cents(20_00), 100).at(1));
    subject.send(add(ONE, 2, Buy, cents(20_00), 100).at(2));
    subject.send(replace(ONE, 1, 3, cents(20_00), 10).at(3));
    assert_eq!(subject.queue(ONE, Buy, cents(20_00)), [(2, 100, 2), (3, 10, 3)]);
}

#[test]
fn a_replace_to_another_price_goes_to_the_end_of_that_levels_queue() {
    let mut subject = Subject::new();
    subject.send(add(ONE, 1, Sell, cents(20_00), 100).at(1));
    subject.send(add(ONE, 2, Sell, cents(20_01), 100).at(2));
    subject.send(replace(ONE, 1, 3, cents(20_01), 500).at(3));
    assert_eq!(subject.levels(ONE, Sell), [(cents(20_01), 600, 2)]);
    assert_eq!(subject.queue(ONE, Sell, cents(20_01)), [(2, 100, 2), (3, 500, 3)]);
}

#[test]
fn a_replace_onto_its_own_reference_is_a_replace() {
    let mut subject = Subject::new();
    subject.send(add(ONE, 1, Sell, cents(20_00), 100).at(1));
    subject.send(add(ONE, 2, Sell, cents(20_00), 100).at(2));
    subject.send(replace(ONE, 1, 1, cents(20_00), 40).at(3));
    assert_eq!(subject.queue(ONE, Sell, cents(20_00)), [(2, 100, 2), (1, 40, 3)]);
    assert_eq!(subject.quality().duplicate_order, 0);
    assert_eq!(subject.metrics(ONE).replaces, 1);
    subject.send(delete(ONE, 1));
    assert_eq!(subject.levels(ONE, Sell), [(cents(20_00), 100, 1)]);
}

#[test]
fn the_only_order_of_a_level_can_replace_itself() {
    let mut subject = Subject::new();
    subject.send(add(ONE, 1, Buy, cents(20_00), 100).at(1));
    subject.send(replace(ONE, 1, 1, cents(20_00), 100).at(2));
    subject.send(replace(ONE, 1, 1, cents(19_00), 7).at(3));
    assert_eq!(subject.levels(ONE, Buy), [(cents(19_00), 7, 1)]);
    assert_eq!(subject.queue(ONE, Buy, cents(19_00)), [(1, 7, 3)]);
}

#[test]
fn a_reference_can_be_used_again_once_its_order_is_gone() {
    let mut subject = Subject::new();
    subject.send(add(ONE, 1, Buy, cents(20_00), 100).at(1));
    subject.send(delete(ONE, 1).at(2));
    subject.send(add(ONE, 1, Sell, cents(21_00), 50).at(3));
    assert_eq!(subject.best(ONE, Buy), None);
    assert_eq!(subject.queue(ONE, Sell, cents(21_00)), [(1, 50, 3)]);
    assert_eq!(subject.quality().duplicate_order, 0);
}

#[test]
fn one_reference_lives_under_two_symbols() {
    let mut subject = Subject::new();
    subject.send(add(ONE, 7, Buy, cents(10_00), 100).at(1));
    subject.send(add(TWO, 7, Sell, cents(30_00), 300).at(2));
    assert_eq!(subject.quality().duplicate_order, 0);
    assert_eq!(subject.levels(ONE, Buy), [(cents(10_00), 100, 1)]);
    assert_eq!(subject.levels(TWO, Sell), [(cents(30_00), 300, 1)]);
    subject.send(cancel(TWO, 7, 100).at(3));
    assert_eq!(subject.levels(ONE, Buy), [(cents(10_00), 100, 1)]);
    assert_eq!(subject.levels(TWO, Sell), [(cents(30_00), 200, 1)]);
    subject.send(delete(ONE, 7).at(4));
    assert_eq!(subject.order_count(ONE), 0);
    assert_eq!(subject.queue(TWO, Sell, cents(30_00)), [(7, 200, 2)]);
    subject.send(execute(TWO, 7, 200, 1).at(5));
    assert_eq!(subject.order_count(TWO), 0);
    assert_eq!(subject.quality().unknown_order, 0);
}

#[test]
fn three_symbols_share_a_reference_and_keep_their_orders_apart() {
    let mut subject = Subject::new();
    for symbol in [1, 2, 3] {
        let price = cents(10_00 + i64::from(symbol));
        subject.send(add(symbol, 5, Buy, price, u64::from(symbol) * 10));
    }
    subject.send(replace(2, 5, 6, cents(11_00), 25));
    subject.send(delete(1, 5));
    assert_eq!(subject.levels(1, Buy), []);
    assert_eq!(subject.levels(2, Buy), [(cents(11_00), 25, 1)]);
    assert_eq!(subject.levels(3, Buy), [(cents(10_03), 30, 1)]);
    subject.send(delete(2, 6));
    subject.send(delete(3, 5));
    assert_eq!(subject.quality().unknown_order, 0);
    assert_eq!(subject.order_count(3), 0);
}

#[test]
fn another_symbols_message_does_not_find_an_order() {
    let mut subject = Subject::new();
    subject.send(add(ONE, 7, Buy, cents(10_00), 100).at(1));
    subject.send(execute(TWO, 7, 10, 1).at(2));
    subject.send(execute_at(TWO, 7, 10, 2, cents(9_00)).at(3));
    subject.send(cancel(TWO, 7, 10).at(4));
    subject.send(delete(TWO, 7).at(5));
    subject.send(replace(TWO, 7, 8, cents(10_00), 10).at(6));
    assert_eq!(subject.quality().unknown_order, 5);
    assert_eq!(subject.queue(ONE, Buy, cents(10_00)), [(7, 100, 1)]);
    assert_eq!(subject.order_count(TWO), 0);
}

#[test]
fn any_u64_is_a_reference() {
    let mut subject = Subject::new();
    let references = [0, 1, u64::MAX, u64::MAX - 1, 1 << 63, 1 << 40, 0xdead_beef];
    for (time, reference) in (0..).zip(references) {
        subject.send(add(ONE, reference, Buy, cents(5_00), 10).at(time));
    }
    let expected: Vec<_> = (0..).zip(references).map(|(t, r)| (r, 10, t)).collect();
    assert_eq!(subject.queue(ONE, Buy, cents(5_00)), expected);
    for reference in references {
        subject.send(cancel(ONE, reference, 4));
        subject.send(execute(ONE, reference, 6, reference));
    }
    assert_eq!(subject.order_count(ONE), 0);
    assert_eq!(subject.metrics(ONE).volume, 42);
    assert_eq!(subject.quality().unknown_order, 0);
}

#[test]
fn the_highest_locate_is_a_symbol() {
    let mut subject = Subject::new();
    subject.send(add(65_535, 1, Buy, cents(10_00), 100).at(1));
    subject.send(execute(65_535, 1, 40, 9).at(2));
    assert_eq!(subject.queue(65_535, Buy, cents(10_00)), [(1, 60, 1)]);
    assert_eq!(subject.metrics(65_535).volume, 40);
}

#[test]
fn messages_that_are_no_orders_change_no_book() {
    let mut subject = Subject::new();
    subject.send(add(ONE, 1, Buy, cents(10_00), 100).at(1));
    subject.send(add(ONE, 2, Sell, cents(10_10), 100).at(2));
    for code in *b"OSQMEC" {
        subject.send(system(code).at(3));
    }
    subject.send(trading(ONE, b'H').at(4));
    subject.send(short_sale(ONE).at(5));
    subject.send(hidden(ONE, 50, 1, cents(10_05)).at(6));
    subject.send(cross(ONE, 50, 2, cents(10_05)).at(7));
    assert_eq!(subject.queue(ONE, Buy, cents(10_00)), [(1, 100, 1)]);
    assert_eq!(subject.queue(ONE, Sell, cents(10_10)), [(2, 100, 2)]);
    assert_eq!(subject.order_count(ONE), 2, "the end of messages empties no book");
}

#[test]
fn a_side_that_trades_through_the_other_still_rests() {
    let mut subject = Subject::new();
    subject.send(add(ONE, 1, Buy, cents(10_05), 100));
    subject.send(add(ONE, 2, Sell, cents(10_00), 100));
    assert_eq!(subject.best(ONE, Buy), Some((cents(10_05), 100)));
    assert_eq!(subject.best(ONE, Sell), Some((cents(10_00), 100)));
}
