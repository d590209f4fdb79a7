use super::*;

const NOON: Header = Header { locate: 7, tracking: 1, time_of_day_ns: 43_200_000_000_000 };

#[test]
fn each_message_stands_behind_its_length_and_a_zero_length_ends_the_file() {
    let mut encoder = Encoder::new();
    encoder.system_event(NOON, b'Q');
    encoder.order_deleted(NOON, OrderRef(9));
    encoder.finish();
    let bytes = encoder.bytes();
    assert_eq!(bytes[..3], [0, 12, b'S']);
    assert_eq!(bytes[14..17], [0, 19, b'D']);
    assert_eq!(bytes[35..], [0, 0]);
    assert_eq!(encoder.messages(), 2, "the end mark is no message");
    encoder.finish();
    assert_eq!(encoder.bytes().len(), 37, "a finished file is not finished twice");
}

#[test]
fn the_last_message_is_given_without_its_length_or_the_end_mark() {
    let mut encoder = Encoder::new();
    assert_eq!(encoder.last_message(), None);
    encoder.system_event(NOON, b'O');
    encoder.broken_trade(NOON, MatchNumber(3));
    let broken = encoder.last_message().map(<[u8]>::to_vec);
    assert_eq!(broken.as_ref().map(|bytes| (bytes.len(), bytes[0])), Some((19, b'B')));
    encoder.finish();
    assert_eq!(encoder.last_message(), broken.as_deref());
}

#[test]
fn a_cleared_encoder_begins_anew_in_the_same_room() {
    let mut encoder = Encoder::with_capacity(1_000);
    let start = encoder.bytes().as_ptr();
    for _ in 0..3 {
        for _ in 0..20 {
            encoder.order_deleted(NOON, OrderRef(1));
        }
        encoder.finish();
        assert_eq!((encoder.bytes().len(), encoder.messages()), (20 * 21 + 2, 20));
        encoder.clear();
        assert_eq!((encoder.bytes(), encoder.messages()), (&[][..], 0));
        assert_eq!(encoder.last_message(), None);
    }
    assert_eq!(encoder.bytes().as_ptr(), start, "the buffer was not allocated again");
}

#[test]
fn any_bytes_can_be_framed_as_a_message() {
    let mut encoder = Encoder::new();
    encoder.raw(&[0xff]);
    encoder.raw(&[b'A'; 65_535]);
    assert_eq!(encoder.bytes()[..5], [0, 1, 0xff, 0xff, 0xff]);
    assert_eq!(encoder.bytes().len(), 3 + 2 + 65_535);
    assert_eq!(encoder.messages(), 2);
}

#[test]
fn the_latest_time_that_48_bits_hold_is_written_whole() {
    let mut encoder = Encoder::new();
    encoder.system_event(Header { time_of_day_ns: (1 << 48) - 1, ..NOON }, b'C');
    assert_eq!(encoder.bytes()[2..], [b'S', 0, 7, 0, 1, 255, 255, 255, 255, 255, 255, b'C']);
}

#[test]
#[should_panic(expected = "time of day 281474976710656 ns does not fit 48 bits")]
fn a_time_that_48_bits_cannot_hold_is_refused() {
    Encoder::new().system_event(Header { time_of_day_ns: 1 << 48, ..NOON }, b'C');
}

#[test]
#[should_panic(expected = "after the end mark")]
fn a_message_after_the_end_mark_is_refused() {
    let mut encoder = Encoder::new();
    encoder.finish();
    encoder.system_event(NOON, b'C');
}

#[test]
#[should_panic(expected = "read as an end mark")]
fn an_empty_message_is_refused() {
    Encoder::new().raw(&[]);
}

#[test]
#[should_panic(expected = "65536 bytes is too long")]
fn a_message_longer_than_its_length_field_can_say_is_refused() {
    Encoder::new().raw(&[b'A'; 65_536]);
}
