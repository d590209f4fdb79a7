//! pcapng files, byte by byte from draft-ietf-opsawg-pcapng.

use std::io::Read;

use feed_handlers::capture::{CaptureCounts, CaptureError, CaptureReader, INTERFACES_MAX};

/// A section, an Ethernet interface counting nanoseconds, and an Enhanced Packet Block of 5 bytes
/// (of 64 on the wire) at 1478961025.968272358; little-endian.
#[rustfmt::skip]
const LITTLE: [u8; 100] = [
    0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0, 0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 28, 0, 0, 0,
    1, 0, 0, 0, 32, 0, 0, 0, 1, 0, 0, 0, 0, 0, 4, 0, 9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0, 0,
    6, 0, 0, 0, 40, 0, 0, 0, 0, 0, 0, 0, 0x37, 0x53, 0x86, 0x14, 0xe6, 0x73, 0x7c, 0x9d,
    5, 0, 0, 0, 64, 0, 0, 0, 1, 2, 3, 4, 5, 0, 0, 0, 40, 0, 0, 0,
];

/// Writes blocks in one byte order.
#[derive(Clone, Copy)]
struct Order {
    big: bool,
}
const BIG: Order = Order { big: true };
const SMALL: Order = Order { big: false };

impl Order {
    fn u16(self, number: u16) -> [u8; 2] {
        if self.big {
            number.to_be_bytes()
        } else {
            number.to_le_bytes()
        }
    }

    fn u32(self, number: u32) -> [u8; 4] {
        if self.big {
            number.to_be_bytes()
        } else {
            number.to_le_bytes()
        }
    }

    fn u64(self, number: u64) -> [u8; 8] {
        if self.big {
            number.to_be_bytes()
        } else {
            number.to_le_bytes()
        }
    }

    fn block(self, block_type: u32, body: &[u8]) -> Vec<u8> {
        let padded = body.len().next_multiple_of(4);
        let length = self.u32(padded as u32 + 12);
        let mut block = [self.u32(block_type), length].concat();
        block.extend(body);
        block.resize(8 + padded, 0);
        block.extend(length);
        block
    }

    fn section(self) -> Vec<u8> {
        let mut body = self.u32(0x1a2b_3c4d).to_vec();
        body.extend([self.u16(1), self.u16(0)].concat());
        body.extend([0xff; 8]);
        self.block(0x0a0d_0d0a, &body)
    }

    fn interface(self, link: u16, snaplen: u32, options: &[u8]) -> Vec<u8> {
        let mut body = [self.u16(link), [0; 2]].concat();
        body.extend(self.u32(snaplen));
        body.extend(options);
        self.block(1, &body)
    }

    fn option(self, code: u16, value: &[u8]) -> Vec<u8> {
        let mut option = [self.u16(code), self.u16(value.len() as u16)].concat();
        option.extend(value);
        option.resize(4 + value.len().next_multiple_of(4), 0);
        option
    }

    fn enhanced(self, interface: u32, time: u64, original: u32, data: &[u8]) -> Vec<u8> {
        self.block(
            6,
            &self.enhanced_body(interface, time, data.len() as u32, original, data),
        )
    }

    fn enhanced_body(
        self,
        interface: u32,
        time: u64,
        captured: u32,
        original: u32,
        data: &[u8],
    ) -> Vec<u8> {
        let fields = [
            interface,
            (time >> 32) as u32,
            time as u32,
            captured,
            original,
        ];
        let mut body = fields.map(|field| self.u32(field)).concat();
        body.extend(data);
        body
    }

    fn simple(self, original: u32, data: &[u8]) -> Vec<u8> {
        self.block(3, &[&self.u32(original)[..], data].concat())
    }
}

/// (time, link type, data, original length, offset) of every frame.
type Frames = Vec<(i64, u16, Vec<u8>, u32, u64)>;

fn read(input: impl Read) -> (Frames, CaptureCounts, Result<u64, CaptureError>) {
    let mut frames = Vec::new();
    let mut reader = match CaptureReader::open(input) {
        Ok(reader) => reader,
        Err(error) => return (frames, CaptureCounts::default(), Err(error)),
    };
    loop {
        match reader.next_frame() {
            Ok(Some(f)) => {
                let data = f.data.to_vec();
                frames.push((
                    f.time.0,
                    f.link.0,
                    data,
                    f.original_len_bytes,
                    f.offset_bytes,
                ));
            }
            Ok(None) => return (frames, *reader.counts(), Ok(reader.offset_bytes())),
            Err(error) => return (frames, *reader.counts(), Err(error)),
        }
    }
}

/// The damage that reading `bytes` ends in: offset, field, value.
fn damage(bytes: &[u8]) -> (u64, &'static str, u64) {
    match read(bytes).2 {
        Err(CaptureError::Damaged {
            offset,
            what,
            value,
        }) => (offset, what, value),
        other => panic!("no damage found: {other:?}"),
    }
}

#[test]
fn an_enhanced_packet_is_read_by_its_interfaces_clock() {
    let (frames, counts, end) = read(&LITTLE[..]);
    assert_eq!(
        frames,
        [(1_478_961_025_968_272_358, 1, vec![1, 2, 3, 4, 5], 64, 60)]
    );
    assert_eq!(
        (counts.frames, counts.sections, counts.interfaces),
        (1, 1, 1)
    );
    assert_eq!(end.unwrap(), 100);
}

#[test]
fn the_writer_of_these_tests_agrees_with_the_golden_bytes() {
    let options = [SMALL.option(9, &[9]), SMALL.option(0, &[])].concat();
    let bytes = [
        SMALL.section(),
        SMALL.interface(1, 0x40000, &options),
        SMALL.enhanced(0, 1_478_961_025_968_272_358, 64, &[1, 2, 3, 4, 5]),
    ];
    assert_eq!(bytes.concat(), LITTLE);
}

#[test]
fn each_section_has_its_own_byte_order_and_interfaces() {
    let bytes = [
        BIG.section(),
        BIG.interface(101, 0, &[]),
        BIG.enhanced(0, 5, 1, &[0xaa]),
        SMALL.section(),
        SMALL.interface(1, 0, &[]),
        SMALL.interface(113, 0, &SMALL.option(9, &[3])),
        SMALL.enhanced(1, 5, 1, &[0xbb]),
        SMALL.enhanced(0, 5, 1, &[0xcc]),
    ]
    .concat();
    let (frames, counts, end) = read(&bytes[..]);
    let seen: Vec<_> = frames.iter().map(|f| (f.0, f.1, f.2[0])).collect();
    assert_eq!(
        seen,
        [(5_000, 101, 0xaa), (5_000_000, 113, 0xbb), (5_000, 1, 0xcc)]
    );
    assert_eq!((counts.sections, counts.interfaces), (2, 3));
    assert_eq!(end.unwrap(), bytes.len() as u64);

    // The second section may not use what the first one described.
    let bytes = [
        BIG.section(),
        BIG.interface(1, 0, &[]),
        BIG.section(),
        BIG.enhanced(0, 5, 0, &[]),
    ];
    assert_eq!(damage(&bytes.concat()), (76, "interface number", 0));
}

#[test]
fn resolutions_by_tens_and_by_twos_and_offsets_are_exact() {
    for order in [BIG, SMALL] {
        let clock = |tsresol: u8, offset_s: i64| {
            let offset = order.option(14, &order.u64(offset_s as u64));
            let comment = order.option(1, b"an option that does not matter");
            [comment, order.option(9, &[tsresol]), offset].concat()
        };
        let bytes = [
            order.section(),
            order.interface(1, 0, &clock(9, 1_000_000_000)),
            order.interface(1, 0, &clock(0x80 | 20, 0)),
            order.interface(1, 0, &clock(0, -1)),
            order.enhanced(0, 7, 0, &[]),
            order.enhanced(1, (1_692_711_000 << 20) + 1, 0, &[]),
            order.enhanced(2, 1_692_711_000, 0, &[]),
            order.enhanced(2, u64::MAX, 0, &[]),
        ];
        let (frames, _, end) = read(&bytes.concat()[..]);
        let times: Vec<_> = frames.iter().map(|frame| frame.0).collect();
        assert_eq!(
            times,
            [
                1_000_000_000_000_000_007,
                1_692_711_000_000_000_953, // 2^-20 s is 953.67 ns
                1_692_710_999_000_000_000,
                i64::MAX,
            ]
        );
        assert!(end.is_ok());
    }
}

#[test]
fn options_after_the_end_mark_are_not_read() {
    let options = [BIG.option(0, &[]), BIG.option(9, &[0])].concat();
    let bytes = [
        BIG.section(),
        BIG.interface(1, 0, &options),
        BIG.enhanced(0, 3, 0, &[]),
    ];
    assert_eq!(read(&bytes.concat()[..]).0[0].0, 3_000);
}

#[test]
fn a_simple_packet_takes_the_time_before_it_and_the_snapshot_length() {
    let bytes = [
        SMALL.section(),
        SMALL.interface(1, 6, &[]),
        SMALL.interface(101, 0, &[]),
        SMALL.simple(5, &[1, 2, 3, 4, 5]),
        SMALL.enhanced(1, 9, 0, &[]),
        SMALL.simple(1_000, &[1, 2, 3, 4, 5, 6]),
    ];
    let (frames, _, end) = read(&bytes.concat()[..]);
    assert_eq!(frames[0], (0, 1, vec![1, 2, 3, 4, 5], 5, 68));
    assert_eq!(frames[2], (9_000, 1, vec![1, 2, 3, 4, 5, 6], 1_000, 124));
    assert!(end.is_ok());

    // Without a limit all of it must be there.
    let bytes = [
        SMALL.section(),
        SMALL.interface(1, 0, &[]),
        SMALL.simple(9, &[0; 8]),
    ];
    assert_eq!(damage(&bytes.concat()), (48, "captured length", 9));
    let bytes = [SMALL.section(), SMALL.simple(8, &[0; 8])];
    assert_eq!(damage(&bytes.concat()), (28, "interface number", 0));
}

#[test]
fn an_obsolete_packet_block_is_read_past_its_drop_count() {
    for order in [BIG, SMALL] {
        let mut body = [order.u16(1), order.u16(0xffff)].concat();
        body.extend([order.u32(1), order.u32(2), order.u32(3), order.u32(44)].concat());
        body.extend([7, 8, 9]);
        let bytes = [
            order.section(),
            order.interface(1, 0, &[]),
            order.interface(101, 0, &order.option(9, &[9])),
            order.block(2, &body),
        ];
        let (frames, _, _) = read(&bytes.concat()[..]);
        assert_eq!(frames, [((1 << 32) + 2, 101, vec![7, 8, 9], 44, 76)]);
    }
}

#[test]
fn options_behind_a_packets_data_do_not_reach_the_frame() {
    let mut body = SMALL.enhanced_body(0, 1, 2, 2, &[1, 2, 0, 0]);
    body.extend(SMALL.option(1, b"comment"));
    let bytes = [
        SMALL.section(),
        SMALL.interface(1, 0, &[]),
        SMALL.block(6, &body),
    ];
    assert_eq!(read(&bytes.concat()[..]).0[0].2, [1, 2]);
}

#[test]
fn unknown_blocks_of_any_size_are_passed_over_and_counted() {
    let huge = 40_000_000;
    let head = [
        LITTLE.to_vec(),
        SMALL.block(0x0bad, &[]),
        SMALL.block(5, &[0; 40]),
        [SMALL.u32(10), SMALL.u32(huge + 12)].concat(),
    ]
    .concat();
    let tail = [
        SMALL.u32(huge + 12).to_vec(),
        SMALL.enhanced(0, 1, 0, &[]),
        SMALL.block(4, &[]),
    ]
    .concat();
    let input = (&head[..])
        .chain(std::io::repeat(0).take(huge.into()))
        .chain(&tail[..]);
    let (frames, counts, end) = read(input);
    assert_eq!((frames.len(), counts.blocks_skipped), (2, 4));
    assert_eq!(
        end.unwrap(),
        (head.len() + tail.len()) as u64 + u64::from(huge)
    );
}

#[test]
fn a_file_cut_anywhere_gives_the_frames_before_and_the_place_of_the_torn_block() {
    let unknown = SMALL.block(5, &[0; 8]);
    let bytes = [&LITTLE[..], &unknown, &SMALL.enhanced(0, 1, 0, &[])].concat();
    let starts = [0, 28, 60, 100, 120, bytes.len()];
    for cut in 4..bytes.len() {
        let (frames, _, end) = read(&bytes[..cut]);
        assert_eq!(frames.len(), usize::from(cut >= 100), "cut at {cut}");
        let start = *starts.iter().rfind(|start| **start <= cut).unwrap();
        if start == cut {
            assert_eq!(end.unwrap(), cut as u64);
            continue;
        }
        let Err(CaptureError::Truncated {
            offset,
            needed,
            had,
        }) = end
        else {
            panic!("cut at {cut}: {end:?}");
        };
        assert_eq!(
            (offset, had),
            (start as u64, (cut - start) as u64),
            "cut at {cut}"
        );
        let next = *starts.iter().find(|next| **next > cut).unwrap();
        assert!(
            needed > had && needed <= (next - start) as u64,
            "cut at {cut}: needs {needed}"
        );
    }
}

#[test]
fn contradictions_are_told_with_place_field_and_value() {
    let open = [SMALL.section(), SMALL.interface(1, 0, &[])].concat();
    let after = |bytes: &[u8]| damage(&[&open[..], bytes].concat());
    let set = |mut bytes: Vec<u8>, at: usize, value: u32| {
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        bytes
    };
    let packet = SMALL.enhanced(0, 1, 4, &[1, 2, 3, 4]);
    let oversized = SMALL.enhanced(0, 1, 0, &vec![0; 262_145]);
    let option = SMALL.option(9, &[6]);

    assert_eq!(
        after(&SMALL.enhanced(1, 0, 0, &[])),
        (48, "interface number", 1)
    );
    assert_eq!(
        after(&set(packet.clone(), 20, 5)),
        (48, "captured length", 5)
    );
    assert_eq!(after(&oversized), (48, "captured length", 262_145));
    assert_eq!(after(&set(packet.clone(), 4, 35)), (48, "block length", 35));
    assert_eq!(after(&set(packet.clone(), 4, 28)), (48, "block length", 28));
    assert_eq!(
        after(&set(packet.clone(), 4, 524_292)),
        (48, "block length", 524_292)
    );
    assert_eq!(
        after(&set(packet, 32, 40)),
        (48, "trailing block length", 40)
    );
    assert_eq!(
        after(&set(SMALL.block(5, &[]), 4, 8)),
        (48, "block length", 8)
    );
    assert_eq!(
        after(&set(SMALL.block(5, &[]), 4, 0)),
        (48, "block length", 0)
    );
    assert_eq!(
        after(&set(SMALL.block(5, &[]), 8, 16)),
        (48, "trailing block length", 16)
    );
    assert_eq!(
        after(&SMALL.interface(1, 0, &set(option, 0, 0x8_0009))),
        (48, "option length", 8)
    );
    let wrong = SMALL.option(9, &[6, 6]);
    assert_eq!(
        after(&SMALL.interface(1, 0, &wrong)),
        (48, "length of if_tsresol", 2)
    );
    let wrong = SMALL.option(14, &[0; 4]);
    assert_eq!(
        after(&SMALL.interface(1, 0, &wrong)),
        (48, "length of if_tsoffset", 4)
    );
    assert_eq!(
        after(&set(SMALL.section(), 8, 0x1122_3344)),
        (48, "byte-order magic", 0x4433_2211)
    );
    assert_eq!(
        after(&set(SMALL.section(), 12, 2)),
        (48, "major version of pcapng", 2)
    );
    assert_eq!(
        after(&set(SMALL.section(), 4, 24)),
        (48, "block length", 24)
    );
}

#[test]
fn interfaces_beyond_the_bound_are_damage() {
    let interface = SMALL.interface(1, 0, &[]);
    let mut bytes = SMALL.section();
    for _ in 0..INTERFACES_MAX {
        bytes.extend(&interface);
    }
    let (_, counts, end) = read(&bytes[..]);
    assert_eq!(
        (counts.interfaces, end.is_ok()),
        (INTERFACES_MAX as u64, true)
    );
    bytes.extend(&interface);
    assert_eq!(damage(&bytes).1, "number of interfaces");
}
