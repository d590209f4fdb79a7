//! The demo's session: a trading day of three invented securities in a few dozen messages.
//!
//! Every message type that moves a book or a metric occurs. What must come out is worked by hand in
//! the tests below, from the script alone.

#![allow(
    clippy::inconsistent_digit_grouping,
    clippy::mistyped_literal_suffixes,
    reason = "prices are in cents: 25_03 is 25.03, 3_16 is 3.16"
)]

use engine::units::Side::{Buy, Sell};
use feed_handlers::itch50::fields::Stock;

use crate::demo::tape::{Security, Session, Tape};

/// The New York date of the session.
pub(super) const DATE: &str = "2024-01-02";

const ACME: Security = security(1, "ACME");
const BOLT: Security = security(2, "BOLT");
const CRUX: Security = security(3, "CRUX");

const fn security(locate: u16, symbol: &str) -> Security {
    match Stock::new(symbol) {
        Ok(stock) => Security { locate, stock },
        Err(_) => panic!("a symbol of the script does not fit its field"),
    }
}

/// Writes the session.
pub(super) fn session() -> Session {
    let mut tape = Tape::default();

    tape.scene("03:05:00", "The day starts: three securities are listed and may trade.");
    tape.system(b'O');
    for listed in [ACME, BOLT, CRUX] {
        tape.list(listed);
        tape.state(listed, b'T', *b"    ");
    }
    tape.system(b'S');

    tape.scene("09:25:00", "Orders gather before the open.");
    let early_bid = tape.add(ACME, Buy, 500, 25_00);
    let early_ask = tape.add(ACME, Sell, 300, 25_00);
    tape.add(ACME, Buy, 200, 24_98);
    tape.add(ACME, Buy, 400, 24_97);
    let acme_ask = tape.add(ACME, Sell, 250, 25_03);
    tape.add(ACME, Sell, 600, 25_05);
    tape.add(BOLT, Buy, 100, 120_10);
    tape.add(BOLT, Sell, 100, 120_30);
    tape.add(CRUX, Buy, 1_000, 3_14);
    tape.add(CRUX, Sell, 1_000, 3_16);

    tape.scene(
        "09:30:00",
        "The market opens. ACME crosses 300 shares at 25: two executions that are not printed \
         themselves, and one cross that is.",
    );
    tape.system(b'Q');
    tape.execute_at(ACME, early_bid, 300, 25_00, false);
    tape.execute_at(ACME, early_ask, 300, 25_00, false);
    tape.cross(ACME, 300, 25_00, b'O');
    tape.cross(BOLT, 0, 0, b'O');
    tape.cross(CRUX, 0, 0, b'O');

    tape.scene("09:30:01", "The books deepen; two orders queue behind each other at 24.99.");
    let first_in_queue = tape.add(ACME, Buy, 100, 24_99);
    let second_in_queue = tape.add(ACME, Buy, 150, 24_99);
    tape.add(ACME, Sell, 100, 25_02);
    tape.add(BOLT, Buy, 300, 120_15);
    let bolt_ask = tape.add(BOLT, Sell, 200, 120_25);
    tape.add(BOLT, Sell, 400, 120_40);
    tape.add(CRUX, Buy, 2_500, 3_13);
    tape.add(CRUX, Sell, 5_000, 3_17);

    tape.scene(
        "09:31:00",
        "A seller takes the 200 shares left at 25, then 120 at 24.99: the first in the queue goes \
         whole, the second in part.",
    );
    tape.execute(ACME, early_bid, 200);
    tape.execute(ACME, first_in_queue, 100);
    tape.execute(ACME, second_in_queue, 20);

    tape.scene("09:32:00", "50 shares trade against a hidden order, between the best prices.");
    tape.hidden_trade(ACME, 50, 25_01);

    tape.scene(
        "09:33:00",
        "An order moves from 25.03 to 25.01 and becomes the best ask; another gives up 30 shares; \
         a third leaves.",
    );
    let moved_ask = tape.replace(ACME, acme_ask, 250, 25_01);
    tape.cancel(ACME, second_in_queue, 30);
    let passing = tape.add(ACME, Buy, 900, 24_90);
    tape.delete(ACME, passing);

    tape.scene("09:34:00", "A buyer takes 40 shares from it at 25: a better price than it asked.");
    tape.execute_at(ACME, moved_ask, 40, 25_00, true);

    tape.scene(
        "09:35:00",
        "BOLT prints 80 shares at 120.25 and 100 far away at 150. The second is broken: volume, \
         high and last are as if it had never been.",
    );
    tape.execute(BOLT, bolt_ask, 80);
    let mistake = tape.add(BOLT, Sell, 100, 150_00);
    let erroneous = tape.execute(BOLT, mistake, 100);
    tape.break_print(BOLT, erroneous);

    tape.scene("10:15:00", "BOLT is halted on news.");
    tape.state(BOLT, b'H', *b"T1  ");
    tape.delete(BOLT, bolt_ask);

    tape.scene(
        "10:45:00",
        "BOLT resumes: quotes first, then a cross of 500 shares at 120.2, then trading.",
    );
    tape.state(BOLT, b'Q', *b"R4  ");
    tape.add(BOLT, Buy, 200, 120_18);
    tape.add(BOLT, Sell, 200, 120_35);
    tape.cross(BOLT, 500, 120_20, b'H');
    tape.state(BOLT, b'T', *b"    ");

    tape.scene("12:00:00", "A bid for CRUX at 3.15 is taken whole, the next one in part.");
    let crux_bid = tape.add(CRUX, Buy, 700, 3_15);
    tape.execute(CRUX, crux_bid, 700);
    let crux_more = tape.add(CRUX, Buy, 500, 3_15);
    tape.execute(CRUX, crux_more, 300);

    tape.scene("16:00:00", "The market closes; ACME crosses 1,200 shares at 25.01.");
    tape.cross(ACME, 1_200, 25_01, b'C');
    tape.cross(BOLT, 0, 0, b'C');
    tape.cross(CRUX, 0, 0, b'C');
    tape.system(b'M');
    tape.system(b'E');
    tape.system(b'C');

    tape.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_a_session_of_at_least_sixty_messages_in_rising_time() {
        let session = session();
        assert!(session.messages >= 60, "{}", session.messages);
        let mut last = 0;
        let mut messages = 0;
        let mut rest = &session.bytes[..];
        loop {
            let length = usize::from(u16::from_be_bytes([rest[0], rest[1]]));
            if length == 0 {
                break;
            }
            let mut time = [0; 8];
            time[2..].copy_from_slice(&rest[2 + 5..2 + 11]);
            let time = u64::from_be_bytes(time);
            assert!(time > last);
            last = time;
            messages += 1;
            rest = &rest[2 + length..];
        }
        assert_eq!(rest.len(), 2, "the end mark is the last thing");
        assert_eq!(messages, session.messages);
    }

    #[test]
    fn the_same_script_gives_the_same_bytes() {
        assert_eq!(session().bytes, session().bytes);
    }
}
