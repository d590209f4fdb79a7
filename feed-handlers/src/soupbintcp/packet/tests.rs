use super::*;

fn login() -> Login {
    Login::new("scott", "tiger", SessionName::new("20260105A").unwrap(), 77).unwrap()
}

/// Written by hand from section 2.
fn golden() -> Vec<(SoupPacket<'static>, &'static [u8])> {
    let session = SessionName::new("20260105A").unwrap();
    vec![
        (SoupPacket::Debug(b"hi"), b"\0\x03+hi"),
        (
            SoupPacket::LoginAccepted { session, next: 1_234 },
            b"\0\x1FA 20260105A                1234",
        ),
        (SoupPacket::LoginRejected(Reject::NotAuthorized), b"\0\x02JA"),
        (SoupPacket::LoginRejected(Reject::NoSession), b"\0\x02JS"),
        (SoupPacket::Sequenced(b"\0\n\xFF"), b"\0\x04S\0\n\xFF"),
        (SoupPacket::Sequenced(b""), b"\0\x01S"),
        (SoupPacket::ServerHeartbeat, b"\0\x01H"),
        (SoupPacket::EndOfSession, b"\0\x01Z"),
        (
            SoupPacket::LoginRequest(login()),
            b"\0\x2FLscott tiger      20260105A                  77",
        ),
        (SoupPacket::Unsequenced(b"x"), b"\0\x02Ux"),
        (SoupPacket::ClientHeartbeat, b"\0\x01R"),
        (SoupPacket::LogoutRequest, b"\0\x01O"),
    ]
}

#[test]
fn packets_are_read_and_written_as_the_specification_draws_them() {
    for (packet, bytes) in golden() {
        let mut written = Vec::new();
        packet.encode(&mut written).unwrap();
        assert_eq!(written, bytes, "{packet:?}");
        assert_eq!(SoupPacket::parse(&bytes[2..]), Ok(packet));
    }
}

#[test]
fn a_packet_cut_or_lengthened_is_malformed_where_its_length_is_fixed() {
    for (packet, bytes) in golden() {
        if matches!(packet.kind(), b'+' | b'S' | b'U') {
            continue;
        }
        for cut in 3..bytes.len() {
            let refused = SoupPacket::parse(&bytes[2..cut]);
            assert!(matches!(refused, Err(Malformed::WrongLength { .. })), "{packet:?} {cut}");
        }
        let longer = [&bytes[2..], b"1"].concat();
        let refused = SoupPacket::parse(&longer);
        assert!(matches!(refused, Err(Malformed::WrongLength { .. })), "{packet:?}");
    }
    assert_eq!(SoupPacket::parse(b""), Err(Malformed::Empty));
    assert_eq!(SoupPacket::parse(b"X"), Err(Malformed::UnknownType(b'X')));
}

#[test]
fn a_login_request_of_version_4_is_read_without_its_heartbeat_time() {
    let bytes = b"Lscott tiger      20260105A                  77 1000";
    assert_eq!(SoupPacket::parse(bytes), Ok(SoupPacket::LoginRequest(login())));
}

#[test]
fn numbers_are_read_wherever_their_spaces_are_and_never_overflow() {
    for (field, number) in [
        (b"                   0", Some(0)),
        (b"00000000000000000012", Some(12)),
        (b"12                  ", Some(12)),
        (b"18446744073709551615", Some(u64::MAX)),
        (b"18446744073709551616", None),
        (b"99999999999999999999", None),
        (b"                    ", None),
        (b"                 1 2", None),
        (b"                  -1", None),
    ] {
        assert_eq!(parse_number(field), number, "{}", field.escape_ascii());
    }
    assert_eq!(&number(0), b"                   0");
    assert_eq!(&number(u64::MAX), b"18446744073709551615");
}

#[test]
fn names_that_do_not_fit_are_refused() {
    assert_eq!(SessionName::new("12345678901"), None);
    assert_eq!(SessionName::new("tab\t"), None);
    assert_eq!(SessionName::new(""), Some(SessionName::ACTIVE));
    assert_eq!(SessionName::new("  a b ").unwrap().to_string(), "a b");
    assert!(Login::new("toolong", "", SessionName::ACTIVE, 0).is_none());
    assert!(Login::new("six666", "ten4567890", SessionName::ACTIVE, 0).is_some());
    assert!(Login::new("a", "elevenchars", SessionName::ACTIVE, 0).is_none());
    assert!(!format!("{:?}", login()).contains("tiger"), "no password in a log");
}

#[test]
fn a_message_longer_than_a_length_can_tell_is_refused_and_leaves_the_buffer_alone() {
    let mut to = b"before".to_vec();
    let long = vec![0; MESSAGE_BYTES_MAX + 1];
    let refused = SoupPacket::Sequenced(&long).encode(&mut to);
    assert_eq!(refused, Err(Malformed::TooLong { bytes: 65_536, bytes_max: 65_535 }));
    assert_eq!(to, b"before");
    SoupPacket::Sequenced(&long[1..]).encode(&mut to).unwrap();
    assert_eq!(to[6..9], [0xFF, 0xFF, b'S']);
}
