//! Torn and random inputs: everything whole before the damage comes out, and there is always an end.

use feed_handlers::input::{FaultClass, Format, InputError};
use proptest::prelude::*;

use crate::feed::{messages_of, open, pcap_header, pcap_record, pull, read, shared, udp_frame};

#[test]
fn a_plain_file_cut_at_any_byte_gives_its_whole_messages_and_the_place() {
    let Some(path) = shared("itch50/nasdaq_20191230_0930_1000.itch50") else {
        return;
    };
    let bytes = std::fs::read(path).unwrap();
    let mut end = 0;
    let ends: Vec<usize> = core::iter::from_fn(|| {
        let length = bytes.get(end..end + 2)?;
        end += 2 + usize::from(u16::from_be_bytes([length[0], length[1]]));
        Some(end)
    })
    .take(60)
    .collect();
    for cut in 0..=*ends.last().unwrap() {
        let (feed, error) = read(&[&bytes[..cut]]);
        let whole = ends.iter().rfind(|end| **end <= cut).copied().unwrap_or(0);
        assert_eq!(feed.bytes(), bytes[..whole], "cut at {cut}");
        match error {
            None => assert_eq!(whole, cut),
            Some(InputError::Damaged { offset_bytes, .. }) => {
                assert_eq!(offset_bytes, whole as u64);
            }
            Some(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_capture_cut_at_any_byte_gives_its_whole_packets_and_the_place() {
    let Some(path) = shared("moldudp64/Multiple.Packets.pcap") else {
        return;
    };
    let bytes = std::fs::read(path).unwrap();
    let whole = read(&[&bytes]).0;
    // File header; first frame of 87 bytes; second to the end.
    let starts = [24, 24 + 16 + 87, bytes.len()];
    for cut in 1..bytes.len() {
        let (feed, error) = read(&[&bytes[..cut]]);
        let frames = starts[1..].iter().filter(|start| **start <= cut).count();
        assert_eq!(feed.packets, whole.packets[..frames], "cut at {cut}");
        match error {
            None => assert!(starts.contains(&cut)),
            Some(InputError::Damaged { offset_bytes, .. }) => {
                let record = starts.iter().rfind(|start| **start <= cut).unwrap_or(&0);
                assert_eq!(offset_bytes, *record as u64, "cut at {cut}");
            }
            Some(error) => panic!("{error}"),
        }
    }
}

#[test]
fn damage_in_one_plain_file_ends_the_feed_there() {
    let event = [&[0, 12][..], b"S\0\0\0\0\0\0\0\0\0\0O"].concat();
    let torn = [&event[..], &event[..5]].concat();
    let (feed, error) = read(&[&event, &torn, &event]);
    assert_eq!(feed.messages().len(), 2);
    let Some(InputError::Damaged { input, offset_bytes, .. }) = error else { panic!("{error:?}") };
    assert_eq!((&*input, offset_bytes), ("1", 14));
}

#[test]
fn bytes_behind_the_end_mark_are_damage_and_an_empty_input_is_none() {
    let event = [&[0, 12][..], b"S\0\0\0\0\0\0\0\0\0\0O"].concat();
    let ended = [&event[..], &[0, 0]].concat();
    assert!(read(&[&ended, &event]).1.is_none(), "an end mark ends its file only");
    assert_eq!(read(&[&ended, &event]).0.messages().len(), 2);
    let more = [&ended[..], &[0]].concat();
    let Some(InputError::Damaged { offset_bytes, .. }) = read(&[&more]).1 else { panic!() };
    assert_eq!(offset_bytes, 16);
    for empty in [&b""[..], &[0, 0]] {
        let (feed, error) = read(&[empty]);
        assert!(error.is_none() && feed.packets.is_empty());
    }
    assert_eq!(read(&[]).1.unwrap().class(), FaultClass::WrongInput);
}

proptest! {
    #[test]
    fn any_bytes_as_any_format_end_in_an_answer(
        bytes in prop::collection::vec(any::<u8>(), 0..3_000),
        format in prop::sample::select(&Format::ALL[..]),
    ) {
        if let Ok(mut source) = open(&[&bytes], format) {
            let (feed, _) = pull(&mut source);
            prop_assert!(feed.bytes().len() <= bytes.len());
        }
    }

    #[test]
    fn any_datagrams_come_out_in_order_with_nothing_unaccounted_for(
        datagrams in prop::collection::vec((
            0_u64..200,
            0_u8..3,
            prop_oneof![30 => Just("000010059B"), 1 => Just("000010059C")],
            prop_oneof![9 => 1_u64..50, 1 => u64::MAX - 3..=u64::MAX],
            prop_oneof![9 => 0_u16..6, 1 => Just(0xFFFF), 1 => any::<u16>()],
            prop::collection::vec(prop_oneof![3 => Just(0_u8), 1 => 0_u8..5], 0..40),
            0_usize..20,
        ), 0..40),
    ) {
        let mut file = pcap_header();
        for (at_ms, line, session, sequence, count, blocks, cut) in datagrams {
            let header = [session.as_bytes(), &sequence.to_be_bytes(), &count.to_be_bytes()];
            let frame = udp_frame(line, &[&header.concat()[..], &blocks].concat());
            let captured = &frame[..frame.len() - cut.saturating_sub(15)];
            file.extend(pcap_record(at_ms * 1_000_000, captured, frame.len()));
        }
        let (feed, _) = read(&[&file]);
        let mut next = None;
        let mut gaps = feed.gaps.iter().copied().peekable();
        for (i, packet) in feed.packets.iter().enumerate() {
            while let Some((first, end, _)) = gaps.next_if(|gap| gap.2 <= i) {
                prop_assert!(first < end && next.is_none_or(|next| next == first));
                next = Some(end);
            }
            prop_assert!(next.is_none_or(|next| next == packet.0));
            let count = messages_of(&packet.2).len() as u64;
            prop_assert!(count > 0);
            next = Some(packet.0 + count);
        }
    }
}
