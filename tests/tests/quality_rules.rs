//! What is counted when a message can't be taken as it stands, worked by hand from the interface's
//! rules.

#![forbid(unsafe_code)]

use engine::event::Kind;
use engine::units::Side::{Buy, Sell};
use tapewatch_tests::events::{
    At, add, add_with_side_byte, break_of, cancel, cents, cross, delete, execute, execute_at,
    execute_unprinted, hidden, raw, replace, short_sale, system, trading,
};
use tapewatch_tests::subject::Subject;

const ONE: u32 = 1;
const TWO: u32 = 2;

/// A book of one bid of 100 at 10.00 (order 1) and one offer of 100 at 10.10 (order 2).
fn one_each() -> Subject {
    let mut subject = Subject::new();
    subject.send(add(ONE, 1, Buy, cents(10_00), 100).at(1));
    subject.send(add(ONE, 2, Sell, cents(10_10), 100).at(2));
    subject
}

fn assert_one_each(subject: &Subject) {
    assert_eq!(subject.queue(ONE, Buy, cents(10_00)), [(1, 100, 1)]);
    assert_eq!(subject.queue(ONE, Sell, cents(10_10)), [(2, 100, 2)]);
    assert_eq!(subject.order_count(ONE), 2);
}

#[test]
fn an_unknown_order_is_counted_and_changes_nothing_else() {
    for event in [
        execute(ONE, 99, 10, 900),
        execute_unprinted(ONE, 99, 10, 900, cents(10_00)),
        cancel(ONE, 99, 10),
        delete(ONE, 99),
        replace(ONE, 99, 100, cents(10_05), 10),
        replace(ONE, 99, 1, cents(10_05), 10), // its new reference is live, but that is not reached
        replace(ONE, 99, 99, cents(10_05), 10),
        replace(ONE, 99, 100, cents(10_05), 0),
        execute(ONE, 99, 0, 900),
        cancel(ONE, 99, 0),
    ] {
        let mut subject = one_each();
        subject.send(event);
        let quality = subject.quality();
        assert_eq!(quality.unknown_order, 1, "{event:?}");
        assert_eq!(quality.duplicate_order, 0, "{event:?}");
        assert_eq!(quality.negative_size, 0, "{event:?}");
        assert_eq!(quality.zero_size, 0, "{event:?}");
        assert_one_each(&subject);
        assert_eq!(subject.metrics(ONE).trades, 0, "{event:?}");
    }
}

#[test]
fn an_unprinted_execution_of_an_unknown_order_leaves_its_match_unknown() {
    let mut subject = Subject::new();
    subject.send(execute_unprinted(ONE, 99, 10, 7, cents(10_00)));
    subject.send(break_of(ONE, 7));
    assert_eq!(subject.quality().unknown_order, 1);
    assert_eq!(subject.quality().unknown_match, 1);
}

#[test]
fn an_order_is_unknown_after_it_was_executed_cancelled_deleted_or_replaced() {
    for last in [
        execute(ONE, 1, 100, 7),
        execute_unprinted(ONE, 1, 100, 7, cents(10_00)),
        cancel(ONE, 1, 100),
        delete(ONE, 1),
        replace(ONE, 1, 3, cents(9_99), 100),
    ] {
        let mut subject = one_each();
        subject.send(last);
        assert_eq!(subject.quality().unknown_order, 0, "{last:?}");
        subject.send(cancel(ONE, 1, 1));
        assert_eq!(subject.quality().unknown_order, 1, "{last:?}");
    }
}

#[test]
fn an_add_of_a_live_reference_is_counted_and_changes_nothing_else() {
    for event in [
        add(ONE, 1, Buy, cents(10_00), 100),
        add(ONE, 1, Sell, cents(11_00), 5),
        add(ONE, 2, Buy, cents(10_00), 100),
        add(ONE, 1, Buy, cents(10_00), 0),
    ] {
        let mut subject = one_each();
        subject.send(event.at(9));
        assert_eq!(subject.quality().duplicate_order, 1, "{event:?}");
        assert_eq!(subject.quality().zero_size, 0, "it is not applied");
        assert_one_each(&subject);
        assert_eq!(subject.metrics(ONE).adds, 3, "{event:?}");
    }
}

#[test]
fn a_replace_onto_another_live_reference_is_counted_and_changes_nothing_else() {
    let mut subject = one_each();
    subject.send(replace(ONE, 1, 2, cents(10_01), 50).at(9));
    assert_eq!(subject.quality().duplicate_order, 1);
    assert_eq!(subject.quality().unknown_order, 0);
    assert_one_each(&subject);
    assert_eq!(subject.metrics(ONE).replaces, 1);
    subject.send(replace(ONE, 1, 2, cents(10_01), 0).at(9));
    assert_eq!(subject.quality().duplicate_order, 2);
    assert_eq!(subject.quality().zero_size, 0, "it is not applied");
    assert_one_each(&subject);
}

#[test]
fn a_replace_onto_a_reference_of_another_symbol_is_no_duplicate() {
    let mut subject = one_each();
    subject.send(add(TWO, 3, Buy, cents(50_00), 10));
    subject.send(replace(ONE, 1, 3, cents(10_01), 50).at(9));
    assert_eq!(subject.quality().duplicate_order, 0);
    assert_eq!(subject.queue(ONE, Buy, cents(10_01)), [(3, 50, 9)]);
    assert_eq!(subject.levels(TWO, Buy), [(cents(50_00), 10, 1)]);
}

#[test]
fn an_add_of_no_shares_is_applied_and_counted() {
    let mut subject = Subject::new();
    subject.send(add(ONE, 1, Buy, cents(10_00), 0).at(1));
    assert_eq!(subject.quality().zero_size, 1);
    assert_eq!(subject.order_count(ONE), 1);
    assert_eq!(subject.levels(ONE, Buy), [(cents(10_00), 0, 1)]);
    assert_eq!(subject.queue(ONE, Buy, cents(10_00)), [(1, 0, 1)]);
    assert_eq!(subject.best(ONE, Buy), Some((cents(10_00), 0)));
    subject.send(add(ONE, 1, Buy, cents(10_00), 5).at(2));
    assert_eq!(subject.quality().duplicate_order, 1, "it is live");
    subject.send(delete(ONE, 1).at(3));
    assert_eq!(subject.quality().unknown_order, 0);
    assert_eq!(subject.order_count(ONE), 0);
}

#[test]
fn a_replace_to_no_shares_is_applied_and_counted() {
    let mut subject = one_each();
    subject.send(replace(ONE, 1, 3, cents(9_00), 0).at(5));
    assert_eq!(subject.quality().zero_size, 1);
    assert_eq!(subject.queue(ONE, Buy, cents(9_00)), [(3, 0, 5)]);
    assert_eq!(subject.levels(ONE, Buy), [(cents(9_00), 0, 1)]);
}

#[test]
fn a_cancel_of_no_shares_changes_nothing_and_is_not_counted() {
    let mut subject = one_each();
    subject.send(cancel(ONE, 1, 0));
    assert_one_each(&subject);
    assert_eq!(subject.quality().zero_size, 0);
    assert_eq!(subject.metrics(ONE).cancels, 1);
}

#[test]
fn taking_more_than_is_left_removes_the_order_and_is_counted() {
    for event in [
        execute(ONE, 1, 101, 900),
        execute_at(ONE, 1, 101, 900, cents(10_00)),
        execute_unprinted(ONE, 1, 101, 900, cents(10_00)),
        cancel(ONE, 1, 101),
        cancel(ONE, 1, u64::from(u32::MAX)),
    ] {
        let mut subject = one_each();
        subject.send(event);
        assert_eq!(subject.quality().negative_size, 1, "{event:?}");
        assert_eq!(subject.levels(ONE, Buy), [], "{event:?}");
        assert_eq!(subject.order_count(ONE), 1, "{event:?}");
        subject.send(delete(ONE, 1));
        assert_eq!(subject.quality().unknown_order, 1, "{event:?}");
    }
}

#[test]
fn taking_more_than_is_left_of_one_order_spares_its_neighbours() {
    let mut subject = Subject::new();
    for order in [1, 2, 3] {
        subject.send(add(ONE, order, Buy, cents(10_00), 100).at(order as i64));
    }
    subject.send(cancel(ONE, 2, 90));
    subject.send(execute(ONE, 2, 150, 900));
    assert_eq!(subject.quality().negative_size, 1);
    assert_eq!(subject.queue(ONE, Buy, cents(10_00)), [(1, 100, 1), (3, 100, 3)]);
    assert_eq!(subject.best(ONE, Buy), Some((cents(10_00), 200)));
}

#[test]
fn an_order_of_no_shares_has_less_than_one_share() {
    let mut subject = Subject::new();
    subject.send(add(ONE, 1, Buy, cents(10_00), 0));
    subject.send(execute(ONE, 1, 1, 900));
    assert_eq!(subject.quality().negative_size, 1);
    assert_eq!(subject.order_count(ONE), 0);
    assert_eq!(subject.metrics(ONE).volume, 1);
    assert_eq!(subject.metrics(ONE).last, Some(cents(10_00)));
}

#[test]
fn what_does_not_fit_into_the_book_changes_nothing_else() {
    let too_large = 1 << 32;
    let mut subject = one_each();
    subject.send(add(ONE, 3, Buy, cents(10_00), too_large).at(8));
    assert_eq!(subject.quality().over_capacity, 1);
    assert_one_each(&subject);
    subject.send(replace(ONE, 1, 3, cents(10_00), too_large).at(9));
    assert_eq!(subject.quality().over_capacity, 2);
    assert_one_each(&subject);
}

#[test]
fn a_side_that_is_none_is_counted_and_not_applied() {
    for byte in [0, b'b', b'X', 0xff] {
        let mut subject = one_each();
        subject.send(add_with_side_byte(ONE, 3, byte, cents(10_05), 10));
        assert_eq!(subject.quality().bad_field, 1);
        assert_one_each(&subject);
        assert_eq!(subject.metrics(ONE).adds, 3, "it is a message of the symbol");
    }
}

#[test]
fn locate_0_is_no_symbol() {
    let orders = [
        add(0, 1, Buy, cents(10_00), 100),
        execute(0, 1, 10, 1),
        execute_at(0, 1, 10, 2, cents(10_00)),
        cancel(0, 1, 10),
        delete(0, 1),
        replace(0, 1, 2, cents(10_00), 10),
        hidden(0, 10, 3, cents(10_00)),
        cross(0, 10, 4, cents(10_00)),
        break_of(0, 4),
    ];
    let mut subject = one_each();
    for (count, event) in (1..).zip(orders) {
        subject.send(event);
        assert_eq!(subject.quality().bad_field, count, "{event:?}");
    }
    assert_one_each(&subject);
    assert_eq!(subject.order_count(0), 0);
    assert_eq!(subject.quality().unknown_order, 0);
    assert_eq!(subject.quality().unknown_match, 0);
    subject.send(system(b'Q'));
    assert_eq!(subject.quality().bad_field, 9, "a system event has no symbol");
}

#[test]
fn the_state_is_the_last_trading_action() {
    let mut subject = Subject::new();
    subject.send(short_sale(ONE));
    assert_eq!(subject.metrics(ONE).state, None);
    for state in *b"HQPT" {
        subject.send(trading(ONE, state));
        assert_eq!(subject.metrics(ONE).state, Some(state));
    }
    subject.send(trading(TWO, b'H'));
    assert_eq!(subject.metrics(ONE).state, Some(b'T'));
    assert_eq!(subject.metrics(TWO).state, Some(b'H'));
}

#[test]
fn a_state_that_is_none_is_counted_and_keeps_the_old_one() {
    let mut subject = Subject::new();
    subject.send(trading(ONE, b'Z'));
    assert_eq!(subject.metrics(ONE).state, None);
    subject.send(trading(ONE, b'P'));
    subject.send(trading(ONE, 0));
    assert_eq!(subject.metrics(ONE).state, Some(b'P'));
    assert_eq!(subject.quality().bad_field, 2);
}

/// A crossed book in state `T`: the second add crosses.
fn crossed_book() -> Subject {
    let mut subject = Subject::new();
    subject.send(trading(ONE, b'T'));
    subject.send(add(ONE, 1, Buy, cents(10_05), 100));
    subject.send(add(ONE, 2, Sell, cents(10_00), 100));
    subject
}

#[test]
fn every_message_after_which_a_trading_symbol_is_crossed_is_counted() {
    let mut subject = crossed_book();
    assert_eq!(subject.quality().crossed, 1);
    assert_eq!(subject.quality().locked, 0);
    subject.send(add(ONE, 3, Buy, cents(9_00), 100)); // still crossed
    subject.send(cancel(ONE, 99, 1)); // could not be applied, but is a message of the symbol
    subject.send(short_sale(ONE)); // no order message, but a message of the symbol
    assert_eq!(subject.quality().crossed, 4);
    subject.send(delete(ONE, 2)); // no longer crossed
    assert_eq!(subject.quality().crossed, 4);
}

#[test]
fn every_message_after_which_a_trading_symbol_is_locked_is_counted() {
    let mut subject = Subject::new();
    subject.send(trading(ONE, b'T'));
    subject.send(add(ONE, 1, Buy, cents(10_00), 100));
    subject.send(add(ONE, 2, Sell, cents(10_00), 100));
    assert_eq!(subject.quality().locked, 1);
    subject.send(execute(ONE, 1, 10, 1));
    assert_eq!(subject.quality().locked, 2);
    assert_eq!(subject.quality().crossed, 0);
    subject.send(replace(ONE, 2, 3, cents(10_01), 100));
    assert_eq!(subject.quality().locked, 2);
}

#[test]
fn messages_of_other_symbols_and_of_none_do_not_count_as_crossed() {
    let mut subject = crossed_book();
    subject.send(add(TWO, 1, Buy, cents(10_05), 100));
    subject.send(system(b'M'));
    assert_eq!(subject.quality().crossed, 1);
}

#[test]
fn a_symbol_that_is_not_trading_may_be_crossed() {
    for state in [Some(b'H'), Some(b'P'), Some(b'Q'), None] {
        let mut subject = Subject::new();
        if let Some(state) = state {
            subject.send(trading(ONE, state));
        }
        subject.send(add(ONE, 1, Buy, cents(10_05), 100));
        subject.send(add(ONE, 2, Sell, cents(10_00), 100));
        subject.send(add(ONE, 3, Sell, cents(10_05), 100));
        assert_eq!(subject.quality().crossed, 0, "{state:?}");
        subject.send(delete(ONE, 2));
        assert_eq!(subject.quality().locked, 0, "{state:?}");
        subject.send(trading(ONE, b'T'));
        assert_eq!(subject.quality().locked, 1, "the T itself is such a message");
    }
}

#[test]
fn a_halt_ends_the_count_of_crossed_messages() {
    let mut subject = crossed_book();
    subject.send(trading(ONE, b'H'));
    subject.send(short_sale(ONE));
    assert_eq!(subject.quality().crossed, 1);
}

#[test]
fn a_number_that_is_no_kind_is_ignored() {
    let mut subject = one_each();
    for kind in [0, 22, 255] {
        let mut event = raw(ONE, Kind::Add, b'B', 0, [3, 1, 1, 0]);
        event.kind = kind;
        subject.send(event);
    }
    assert_one_each(&subject);
    assert_eq!(subject.metrics(ONE).adds, 2);
}
