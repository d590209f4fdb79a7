//! Link layers, IP and UDP headers, byte by byte from their specifications.

use feed_handlers::capture::{Datagram, LinkType, Skipped, VLAN_TAGS_MAX, datagram};

/// From 206.200.127.138:49653 to 233.54.12.111:26477, carrying `ITCH`.
#[rustfmt::skip]
const V4: [u8; 32] = [
    0x45, 0, 0, 32, 0xb9, 5, 0x40, 0, 21, 17, 0, 0, 206, 200, 127, 138, 233, 54, 12, 111,
    0xc1, 0xf5, 0x67, 0x6d, 0, 12, 0, 0, b'I', b'T', b'C', b'H',
];

/// From [2001:db8::1]:49653 to [ff15::6f]:26477, carrying `ITCH`.
#[rustfmt::skip]
const V6: [u8; 52] = [
    0x60, 0, 0, 0, 0, 12, 17, 5,
    0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
    0xff, 0x15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x6f,
    0xc1, 0xf5, 0x67, 0x6d, 0, 12, 0, 0, b'I', b'T', b'C', b'H',
];

const ADDRESSES: [u8; 12] = [
    0x01, 0x00, 0x5e, 0x36, 0x0c, 0x6f, 0xd4, 0xaf, 0xf7, 0xcb, 0x20, 0xd5,
];

/// A frame as captured whole.
fn whole(link: LinkType, data: &[u8]) -> Result<Datagram<'_>, Skipped> {
    datagram(link, data, data.len() as u32)
}

fn ethernet(types_and_tags: &[u8], packet: &[u8]) -> Vec<u8> {
    [&ADDRESSES[..], types_and_tags, packet].concat()
}

#[track_caller]
fn assert_is_itch(found: Result<Datagram<'_>, Skipped>, six: bool) {
    let (source, destination) = if six {
        ("[2001:db8::1]:49653", "[ff15::6f]:26477")
    } else {
        ("206.200.127.138:49653", "233.54.12.111:26477")
    };
    let expected = Datagram {
        source: source.parse().unwrap(),
        destination: destination.parse().unwrap(),
        payload: b"ITCH",
        truncated: false,
    };
    assert_eq!(found, Ok(expected));
}

/// A copy of `V4` with the given bytes from `at` on.
fn v4_with(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut packet = V4.to_vec();
    packet[at..at + bytes.len()].copy_from_slice(bytes);
    packet
}

/// `V6` with extension headers: the first one's number, then the headers, the last naming UDP.
fn v6_with(first: u8, headers: &[u8]) -> Vec<u8> {
    let mut packet = V6.to_vec();
    packet[6] = first;
    packet[5] += headers.len() as u8;
    packet.splice(40..40, headers.iter().copied());
    packet
}

fn raw(packet: &[u8]) -> Result<Datagram<'_>, Skipped> {
    whole(LinkType::RAW, packet)
}

#[test]
fn an_ethernet_frame_gives_its_datagram_for_both_versions_of_ip() {
    assert_is_itch(
        whole(LinkType::ETHERNET, &ethernet(&[0x08, 0x00], &V4)),
        false,
    );
    assert_is_itch(
        whole(LinkType::ETHERNET, &ethernet(&[0x86, 0xdd], &V6)),
        true,
    );
}

#[test]
fn vlan_tags_of_every_kind_are_passed_to_the_stated_depth() {
    for tag in [
        [0x81, 0x00, 0, 0x8d],
        [0x88, 0xa8, 0, 1],
        [0x91, 0x00, 0xff, 0xff],
    ] {
        assert_is_itch(
            whole(
                LinkType::ETHERNET,
                &ethernet(&[&tag[..], &[8, 0]].concat(), &V4),
            ),
            false,
        );
    }
    let nested = [0x88, 0xa8, 0, 1, 0x81, 0x00, 0, 2, 0x86, 0xdd];
    assert_is_itch(whole(LinkType::ETHERNET, &ethernet(&nested, &V6)), true);
    let mut deepest = [0x81, 0x00, 0, 1].repeat(VLAN_TAGS_MAX);
    deepest.extend([8, 0]);
    assert_is_itch(whole(LinkType::ETHERNET, &ethernet(&deepest, &V4)), false);
    deepest.splice(0..0, [0x81, 0x00, 0, 1]);
    assert_eq!(
        whole(LinkType::ETHERNET, &ethernet(&deepest, &V4)),
        Err(Skipped::Malformed)
    );
}

#[test]
fn frames_of_other_protocols_are_told_apart() {
    for ethertype in [[0x08, 0x06], [0x88, 0xf7], [0x88, 0xcc], [0x00, 0x26]] {
        let frame = ethernet(&ethertype, &[0; 46]);
        assert_eq!(
            whole(LinkType::ETHERNET, &frame),
            Err(Skipped::NotIp),
            "{ethertype:02x?}"
        );
    }
    assert_eq!(raw(&v4_with(9, &[6])), Err(Skipped::NotUdp));
    assert_eq!(raw(&v6_with(6, &[])), Err(Skipped::NotUdp));
    assert_eq!(raw(&v6_with(59, &[])), Err(Skipped::NotUdp));
    assert_eq!(raw(&[0x50; 40]), Err(Skipped::NotIp));
    assert_eq!(whole(LinkType(105), &V4), Err(Skipped::UnsupportedLink));
}

#[test]
fn every_supported_link_type_leads_to_the_packet() {
    for link in [LinkType::RAW, LinkType::RAW_BSD, LinkType::RAW_OPENBSD] {
        assert_is_itch(whole(link, &V4), false);
        assert_is_itch(whole(link, &V6), true);
    }
    assert_is_itch(whole(LinkType::IPV4, &V4), false);
    assert_eq!(whole(LinkType::IPV4, &V6), Err(Skipped::Malformed));
    assert_is_itch(whole(LinkType::IPV6, &V6), true);
    assert_eq!(whole(LinkType::IPV6, &V4), Err(Skipped::Malformed));

    for family in [[2, 0, 0, 0], [0, 0, 0, 2]] {
        assert_is_itch(whole(LinkType::NULL, &[&family[..], &V4].concat()), false);
    }
    for family in [10, 24, 28, 30] {
        assert_is_itch(
            whole(LinkType::NULL, &[&[family, 0, 0, 0], &V6[..]].concat()),
            true,
        );
        assert_is_itch(
            whole(LinkType::LOOP, &[&[0, 0, 0, family], &V6[..]].concat()),
            true,
        );
    }
    assert_is_itch(
        whole(LinkType::LOOP, &[&[0, 0, 0, 2], &V4[..]].concat()),
        false,
    );
    assert_eq!(
        whole(LinkType::LOOP, &[&[2, 0, 0, 0], &V4[..]].concat()),
        Err(Skipped::NotIp)
    );
    assert_eq!(
        whole(LinkType::NULL, &[&[7, 0, 0, 0], &V4[..]].concat()),
        Err(Skipped::NotIp)
    );

    let cooked = [
        0, 2, 0, 1, 0, 6, 0xd4, 0xaf, 0xf7, 0xcb, 0x20, 0xd5, 0, 0, 0x08, 0x00,
    ];
    assert_is_itch(
        whole(LinkType::LINUX_SLL, &[&cooked[..], &V4].concat()),
        false,
    );
    let cooked = [
        0x86, 0xdd, 0, 0, 0, 0, 0, 3, 0, 1, 2, 6, 0xd4, 0xaf, 0xf7, 0xcb, 0x20, 0xd5, 0, 0,
    ];
    assert_is_itch(
        whole(LinkType::LINUX_SLL2, &[&cooked[..], &V6].concat()),
        true,
    );
}

#[test]
fn ethernet_padding_and_check_sequence_are_cut_off() {
    let padded = [&V4[..], &[0xee; 18]].concat();
    assert_is_itch(
        whole(LinkType::ETHERNET, &ethernet(&[8, 0], &padded)),
        false,
    );
    let padded = [&V6[..], &[0xee; 4]].concat();
    assert_is_itch(
        whole(LinkType::ETHERNET, &ethernet(&[0x86, 0xdd], &padded)),
        true,
    );
}

#[test]
fn ipv4_options_are_passed_over() {
    let mut packet = V4.to_vec();
    packet[0] = 0x47;
    packet[3] += 8;
    packet.splice(20..20, [0x94, 4, 0, 0, 0, 0, 0, 0]);
    assert_is_itch(raw(&packet), false);
}

#[test]
fn a_total_length_of_zero_means_all_that_was_captured() {
    assert_is_itch(raw(&v4_with(2, &[0, 0])), false);
    // UDP's own length still rules where it is given, and may be left out as well.
    let padded = [v4_with(2, &[0, 0]), vec![0xee; 4]].concat();
    assert_is_itch(raw(&padded), false);
    let mut offloaded = padded;
    offloaded[24..26].fill(0);
    assert_eq!(raw(&offloaded).unwrap().payload, b"ITCH\xee\xee\xee\xee");
}

#[test]
fn fragments_are_told_from_whole_packets() {
    assert_eq!(
        raw(&v4_with(6, &[0x20, 0])),
        Err(Skipped::Fragment),
        "first"
    );
    assert_eq!(raw(&v4_with(6, &[0x00, 1])), Err(Skipped::Fragment), "last");
    assert_eq!(
        raw(&v4_with(6, &[0x1f, 0xff])),
        Err(Skipped::Fragment),
        "far offset"
    );
    assert_is_itch(raw(&v4_with(6, &[0x40, 0])), false); // don't fragment
    assert_is_itch(raw(&v4_with(6, &[0x80, 0])), false); // the reserved bit

    assert_eq!(
        raw(&v6_with(44, &[17, 0, 0, 1, 0, 0, 0, 9])),
        Err(Skipped::Fragment),
        "first"
    );
    assert_eq!(
        raw(&v6_with(44, &[17, 0, 0, 8, 0, 0, 0, 9])),
        Err(Skipped::Fragment),
        "last"
    );
    assert_eq!(
        raw(&v6_with(44, &[6, 0, 0, 1, 0, 0, 0, 9])),
        Err(Skipped::NotUdp),
        "of TCP"
    );
    assert_is_itch(raw(&v6_with(44, &[17, 0, 0, 0, 0, 0, 0, 9])), true); // atomic
    assert_is_itch(raw(&v6_with(44, &[17, 0, 0, 6, 0, 0, 0, 9])), true); // atomic, reserved bits set
}

#[test]
fn ipv6_extension_headers_are_passed_by_their_own_length() {
    assert_is_itch(raw(&v6_with(0, &[17, 0, 5, 2, 0, 0, 1, 0])), true);
    #[rustfmt::skip]
    let chain = [
        60, 0, 5, 2, 0, 0, 1, 0,                                        // hop-by-hop
        43, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,               // destination options, 16 bytes
        51, 0, 4, 0, 0, 0, 0, 0,                                        // routing
        44, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, // AH, 24 bytes
        17, 0, 0, 0, 0, 0, 0, 1,                                        // atomic fragment
    ];
    assert_is_itch(raw(&v6_with(0, &chain)), true);
    // A header that claims to reach past the packet.
    assert_eq!(
        raw(&v6_with(0, &[17, 9, 5, 2, 0, 0, 1, 0])),
        Err(Skipped::Malformed)
    );
    // Hop-by-hop headers naming each other till the packet ends.
    assert_eq!(raw(&v6_with(0, &[0; 160])), Err(Skipped::Malformed));
}

#[test]
fn a_jumbogram_is_all_that_was_captured() {
    // Jumbo payload option of 20 bytes: the header itself and the datagram.
    let mut packet = v6_with(0, &[17, 0, 0xc2, 4, 0, 0, 0, 20]);
    packet[4..6].fill(0);
    assert_is_itch(raw(&packet), true);
    packet[52..54].fill(0);
    assert_is_itch(raw(&packet), true);
    let found = datagram(LinkType::RAW, &packet, packet.len() as u32 + 70_000).unwrap();
    assert_eq!((found.payload, found.truncated), (&b"ITCH"[..], true));
}

#[test]
fn a_snapshot_that_cuts_the_payload_is_told_and_one_that_cuts_headers_is_malformed() {
    for (packet, headers) in [(&V4[..], 28), (&V6[..], 48)] {
        for captured in 0..packet.len() {
            let found = datagram(LinkType::RAW, &packet[..captured], packet.len() as u32);
            if captured < headers {
                assert_eq!(found, Err(Skipped::Malformed), "{captured} bytes captured");
            } else {
                let found = found.unwrap();
                assert_eq!(found.payload, &b"ITCH"[..captured - headers]);
                assert!(found.truncated);
            }
            // Where the wire had no more either, the lengths lie.
            assert_eq!(raw(&packet[..captured]), Err(Skipped::Malformed));
        }
    }
    // Only padding was cut.
    assert_is_itch(datagram(LinkType::RAW, &V4, 60), false);
}

#[test]
fn lengths_that_contradict_each_other_are_malformed() {
    assert_eq!(
        raw(&v4_with(0, &[0x44])),
        Err(Skipped::Malformed),
        "header below 20 bytes"
    );
    assert_eq!(
        raw(&v4_with(0, &[0x4f])),
        Err(Skipped::Malformed),
        "header beyond the packet"
    );
    assert_eq!(
        raw(&v4_with(2, &[0, 19])),
        Err(Skipped::Malformed),
        "total below header"
    );
    assert_eq!(
        raw(&v4_with(2, &[0, 27])),
        Err(Skipped::Malformed),
        "no room for a UDP header"
    );
    assert_eq!(
        raw(&v4_with(24, &[0, 13])),
        Err(Skipped::Malformed),
        "UDP beyond IP"
    );
    assert_eq!(
        raw(&v4_with(24, &[0, 7])),
        Err(Skipped::Malformed),
        "UDP below its header"
    );
    assert_eq!(
        raw(&v4_with(24, &[0, 0])),
        Err(Skipped::Malformed),
        "UDP without a length"
    );
    // UDP beyond IP is no work of the snapshot length, even where that cut the frame.
    assert_eq!(
        datagram(LinkType::RAW, &v4_with(24, &[0, 13]), 99),
        Err(Skipped::Malformed)
    );
    // What IP carries behind the datagram is left unused.
    let shorter = v4_with(24, &[0, 10]);
    let found = raw(&shorter).unwrap();
    assert_eq!((found.payload, found.truncated), (&b"IT"[..], false));
    assert_eq!(raw(&v4_with(24, &[0, 8])).unwrap().payload, b"");
}
