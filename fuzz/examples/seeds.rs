#![forbid(unsafe_code)]
//! Writes inputs to start fuzzing from: `seeds CORPUS_DIR [SHARED_DATA_DIR]`.
//!
//! They are made with the encoder and by hand, and cut from recorded files where these are at hand.
//! Each begins with the bytes by which its target chooses what to do.

use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use engine::units::Sequence;
use feed_handlers::glimpse::encode_snapshot_end;
use feed_handlers::itch50::{DirectoryEntry, Encoder, Header, Stock};
use feed_handlers::moldudp64::{SessionId, encode_end_of_session, encode_packet};
use feed_handlers::soupbintcp::{Login, Reject, SessionName, SoupPacket};
use fuzzing::{logs, steps};
use tapewatch_tests::detectors::CHANGE_BYTES;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Most bytes taken of a recorded file: small inputs are worked through quickly.
const RECORDED_BYTES_MAX: usize = 4_096;

fn main() -> Outcome {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let corpus = arguments.next().ok_or("usage: seeds CORPUS_DIR [SHARED_DATA_DIR]")?;
    let mut seeds = Seeds { corpus, written: 0 };
    let session = session();
    let zero_prefixed = zero_prefixed(&session);
    let capture = capture(&session)?;

    seeds.plain("made", &session, &zero_prefixed)?;
    seeds.capture("made", &capture)?;
    seeds.inputs("made", &[&session, &zero_prefixed, &capture])?;
    seeds.archive()?;
    seeds.csv_trades()?;
    seeds.arbiter()?;
    seeds.moldudp64_session()?;
    seeds.soupbintcp()?;
    seeds.steps()?;
    seeds.logs()?;
    seeds.images()?;
    seeds.detect()?;
    if let Some(shared) = arguments.next() {
        seeds.recorded(&shared)?;
    }
    let mut out = std::io::stdout();
    writeln!(out, "{} seeds in {}", seeds.written, seeds.corpus.display())?;
    Ok(())
}

struct Seeds {
    corpus: PathBuf,
    written: u32,
}

impl Seeds {
    fn write(&mut self, target: &str, name: &str, parts: &[&[u8]]) -> Outcome {
        let directory = self.corpus.join(target);
        fs::create_dir_all(&directory)?;
        fs::write(directory.join(format!("seed-{name}")), parts.concat())?;
        self.written += 1;
        Ok(())
    }

    fn plain(&mut self, name: &str, session: &[u8], zero_prefixed: &[u8]) -> Outcome {
        self.write("binaryfile", &format!("{name}-itch"), &[&[0, 7], session])?;
        self.write("binaryfile", &format!("{name}-zero-prefix"), &[&[1, 0], zero_prefixed])?;
        let messages = session.strip_suffix(&[0, 0]).unwrap_or(session);
        self.write("itch_apply", &format!("{name}-roomy"), &[&[0, 40], messages])?;
        self.write("itch_apply", &format!("{name}-cramped"), &[&[2, 3], messages])
    }

    fn capture(&mut self, name: &str, capture: &[u8]) -> Outcome {
        self.write("capture", name, &[&[5], capture])?;
        // The first frame of a pcap file, as a frame of its own.
        if let Some(frame) = capture.get(40..) {
            let frame = &frame[..frame.len().min(200)];
            self.write("capture", &format!("{name}-frame"), &[&[0xFF, 0, 1, 0, 1, 0], frame])?;
            if let Some(payload) = frame.get(42..) {
                self.write("moldudp64", &format!("{name}-payload"), &[&[0xFF; 4], payload])?;
            }
        }
        Ok(())
    }

    /// Each input in every format and compression, and two of them together.
    fn inputs(&mut self, name: &str, files: &[&[u8]]) -> Outcome {
        for (number, file) in files.iter().enumerate() {
            let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            let mut gzip = gzip;
            gzip.write_all(file)?;
            let gzip = gzip.finish()?;
            let zstd = zstd::encode_all(*file, 1)?;
            for (kind, bytes) in [("plain", *file), ("gz", &gzip), ("zst", &zstd)] {
                for format in 0..4 {
                    let name = format!("{name}-{number}-{kind}-{format}");
                    self.write("input", &name, &[&[format, 9, 0], bytes])?;
                }
            }
            let both = [&gzip[..], &zstd].concat();
            let split = u8::try_from(gzip.len() * 255 / both.len())?;
            self.write("input", &format!("{name}-{number}-two"), &[&[4, 0, split], &both])?;
        }
        Ok(())
    }

    /// Containers of little and much, with and without changes, and one as it is.
    fn archive(&mut self) -> Outcome {
        let seed: Vec<u8> =
            (0..90_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 11) as u8).collect();
        for choice in [1_u8, 3, 5, 7] {
            self.write("archive", &format!("whole-{choice}"), &[&[choice, 255], &seed])?;
            let changes = [0, 1, 9, 0, 9, 9, 0, 40, 9];
            self.write(
                "archive",
                &format!("changed-{choice}"),
                &[&[choice, 231], &seed, &changes],
            )?;
        }
        let compressed = [
            &[0x54, 0x2A, 0x4D, 0x18, 32, 0, 0, 0][..],
            b"TWZCHECK\x01\0\0\0\0\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            &[0x5E, 0x2A, 0x4D, 0x18, 17, 0, 0, 0, 40, 0, 0, 0, 0, 0, 0, 0],
            &[1, 0, 0, 0, 0, 0xB1, 0xEA, 0x92, 0x8F],
        ];
        self.write("archive", "compressed", &[&[0, 0], &compressed.concat()])?;
        self.write("archive", "encrypted", &[&[2, 0], b"TWCIPHER\x01\0\0\0\x40\0\0\0"])
    }

    /// Good lines in every form, and lines that are nearly good.
    fn csv_trades(&mut self) -> Outcome {
        for (name, text) in [
            (
                "header",
                "symbol,time,price,quantity\nAAPL,1577716500123456789,286.67,100\nMSFT,-1,-0.5,0",
            ),
            (
                "crlf",
                "\u{feff}\"symbol\",time,price,quantity\r\nA,0,1,1\r\n\r\nB,1,2.5,12345678\r\n",
            ),
            (
                "stamps",
                "A,2019-12-30T14:35:00.123456789Z,1.5,1\nA,2019-12-30t14:35:00z,1,1\nA,2019-12-30T15:35:00.5+01:00,1,1\n",
            ),
            (
                "quotes",
                "\"BRK,\"\"B\",0,\"1\",\"2\"\nA\"B,0,1,1\n\"A\"B,0,1,1\n\"A,0,1,1\n\"\",0,1,1\n",
            ),
            (
                "bad",
                "A,0,1\nA,2016-12-31T23:59:60Z,1,1\nA,0,12.3x,1\nA,0,1,-1\nA,0,1,1.5\n,0,1,1\nA,9223372036854775808,1,1\n",
            ),
            (
                "long",
                "LONGERSYMBOL,00000000000000000001,9223372036.854775807,18446744073709551615\nA,0,1.0000000000,1\n",
            ),
        ] {
            for piece in [0, 5] {
                self.write("csv_trades", &format!("{name}-{piece}"), &[&[piece], text.as_bytes()])?;
            }
        }
        Ok(())
    }

    /// Packets in order, overtaken, twice, torn and missing.
    fn arbiter(&mut self) -> Outcome {
        for choice in 0..3_u8 {
            for (name, wait, bound) in [("patient", 255, 200), ("hasty", 20, 3)] {
                let mut input = vec![choice, wait, bound, bound];
                for packet in 0..40_u8 {
                    let line = packet % 3;
                    let kind = match packet % 11 {
                        5 => 0x0c,
                        7 => 0xf0,
                        _ => 0,
                    };
                    let sequence = if packet % 7 == 3 { packet / 2 } else { packet };
                    let count = if packet == 39 { 15 } else { packet % 4 };
                    input.extend([line | kind, packet, 0, sequence, count, packet]);
                }
                self.write("moldudp64", &format!("{name}-{choice}"), &[&input])?;
            }
        }
        Ok(())
    }

    /// Sessions with holes that lines, servers and snapshots fill, and hostile ones.
    fn moldudp64_session(&mut self) -> Outcome {
        for choice in [0x00_u8, 0x01, 0x02, 0x10, 0x20, 0x40, 0x80, 0xC0] {
            for (name, bound) in [("roomy", 200), ("cramped", 3)] {
                let mut input = vec![choice, bound, bound];
                for step in 0..60_u8 {
                    // Lines with every fifth packet missing, then servers, then snapshots.
                    let what = match step % 10 {
                        4 => 2,
                        6 => 13,
                        7 => 15,
                        8 => [0x10, 0xA0, 0xC0, 0x80][usize::from(step / 16)],
                        _ => step & 1,
                    };
                    let sequence = if step % 10 == 4 { step - 2 } else { step + step / 5 };
                    input.extend([what, step.wrapping_mul(7), 0, sequence, 1, step]);
                }
                input.extend([0, 0, 0, 72, 0xFF, 0]);
                self.write("moldudp64_session", &format!("{name}-{choice:02x}"), &[&input])?;
            }
        }
        Ok(())
    }

    /// Every SoupBinTCP packet alone, connections of both ends, and snapshots.
    fn soupbintcp(&mut self) -> Outcome {
        let session = SessionName::new("20260105A").ok_or("a session's name")?;
        let login = Login::new("scott", "tiger", session, 77).ok_or("a login")?;
        let end = encode_snapshot_end(Sequence(1_234));
        let packets = [
            SoupPacket::LoginAccepted { session, next: 1 },
            SoupPacket::Sequenced(b"S message"),
            SoupPacket::ServerHeartbeat,
            SoupPacket::Debug(b"text"),
            SoupPacket::Unsequenced(b"aside"),
            SoupPacket::Sequenced(&end),
            SoupPacket::EndOfSession,
            SoupPacket::LoginRejected(Reject::NoSession),
            SoupPacket::LoginRequest(login),
            SoupPacket::ClientHeartbeat,
            SoupPacket::LogoutRequest,
        ];
        let mut all = Vec::new();
        for packet in &packets {
            let start = all.len();
            packet.encode(&mut all)?;
            let name = format!("packet-{:02x}", packet.kind());
            self.write("soupbintcp", &name, &[&[0, 0], &all[start + 2..]])?;
        }
        let mut client = Vec::new();
        for packet in [&packets[8], &packets[4], &packets[9], &packets[3], &packets[10]] {
            packet.encode(&mut client)?;
        }
        self.write("soupbintcp", "server", &[&[1, 5], &client])?;
        self.write("soupbintcp", "client", &[&[2, 5], &all])?;
        self.write("soupbintcp", "client-logged-in", &[&[3, 200], &all[33..]])?;
        self.write("glimpse", "stream", &[&[0, 9, 200], &all])?;
        self.write("glimpse", "stream-logged-in", &[&[1, 9, 200], &all[33..]])?;
        self.write("glimpse", "messages", &[&[0x2B, 9, 200], &all])?;
        self.write("glimpse", "end", &[&[0, 0, 0], &end])
    }

    /// Every kind of step, over few orders and many, with references of every spread.
    fn steps(&mut self) -> Outcome {
        for how in 0..8_u8 {
            let mut input = Vec::new();
            for i in 0..120_u8 {
                let step = steps::STEP_BYTES as u8;
                let what = if i < 60 { i % 5 | (i & 1) << 7 } else { i.wrapping_mul(37) };
                let place = i % 4 | how << 2;
                input.extend([what, place, i % 60, i % 13, i % step * 9, i % 16, i]);
            }
            let limits = if how & 1 == 0 { 1 } else { 3 };
            self.write("itch_apply", &format!("steps-{how}"), &[&[limits, how * 9], &input])?;
        }
        Ok(())
    }

    /// Scripts of engines with changes to their images.
    fn images(&mut self) -> Outcome {
        for (nth, choice) in [0, 2, 4, 0x30, 1, 0x21].into_iter().enumerate() {
            let script = (0..200 * steps::STEP_BYTES as u32)
                .map(|i| ((i + nth as u32 * 7_000).wrapping_mul(2_654_435_761) >> 11) as u8);
            let script: Vec<u8> = script.collect();
            let changes = [7_u8, 90, 0, 3, 1].repeat(nth / 2);
            let cut = u8::try_from(script.len() * 255 / (script.len() + changes.len()))?;
            let parts: [&[u8]; 3] = [&[choice, cut], &script, &changes];
            self.write("state_image", &format!("script-{nth}"), &parts)?;
        }
        Ok(())
    }

    /// Scripts in small and in large steps of time, under default parameters and under others.
    fn detect(&mut self) -> Outcome {
        let bytes = |seed: u32, count: u32| -> Vec<u8> {
            (0..count).map(|i| ((i + seed).wrapping_mul(2_654_435_761) >> 11) as u8).collect()
        };
        for (nth, choice) in [0, 6, 7, 8, 0x16, 0x27].into_iter().enumerate() {
            let seed = nth as u32 * 3_000;
            let changes = 20 * nth as u8;
            let script = bytes(seed, 200 * steps::STEP_BYTES as u32);
            let parameters = bytes(seed + 1_500, u32::from(changes) * CHANGE_BYTES as u32);
            let parts: [&[u8]; 3] = [&[choice, changes, 120], &parameters, &script];
            self.write("detect", &format!("script-{nth}"), &parts)?;
        }
        Ok(())
    }

    /// Scripts of logs with changes to them, and the files of one.
    fn logs(&mut self) -> Outcome {
        let bytes = |seed: u32, count: u32| -> Vec<u8> {
            (0..count).map(|i| ((i + seed).wrapping_mul(2_654_435_761) >> 11) as u8).collect()
        };
        for (nth, choice) in [1, 3, 1, 0x83, 1, 0xff].into_iter().enumerate() {
            let seed = nth as u32 * 1_000;
            let input = bytes(seed, 60 * logs::STEP_BYTES as u32);
            let changes = bytes(seed + 500, 3 * nth as u32 * logs::CHANGE_BYTES as u32);
            let cut = u8::try_from(input.len() * 255 / (input.len() + changes.len()))?;
            self.write(
                "log_reader",
                &format!("script-{nth}"),
                &[&[choice, cut], &input, &changes],
            )?;
        }
        let image = logs::script(&[0, 9, 9, 5, 2, 0, 6, 0, 0, 4, 0, 0, 1, 3, 7]).end();
        let file = |name: &str| image.files.get(name).map_or(&[][..], |file| &file.bytes);
        let (first, second) = (file("00000000.seg"), file("00000001.seg"));
        let all = [first, second, file("00000000.idx")];
        let cut = u8::try_from(first.len() * 255 / all.concat().len())?;
        for choice in [0, 2, 4, 6] {
            self.write("log_reader", &format!("files-{choice}"), &[&[choice, cut], &all.concat()])?;
        }
        Ok(())
    }

    fn recorded(&mut self, shared: &Path) -> Outcome {
        for (directory, kind) in [
            ("itch50", "plain"),
            ("moldudp64", "pcap"),
            ("moldudp64_single", "pcap"),
            ("iex", "gz"),
        ] {
            let Ok(entries) = fs::read_dir(shared.join(directory)) else {
                continue;
            };
            for entry in entries {
                let path = entry?.path();
                let bytes = fs::read(&path)?;
                let bytes = &bytes[..bytes.len().min(RECORDED_BYTES_MAX)];
                let name = format!("recorded-{}", path.file_stem().unwrap_or_default().display());
                match kind {
                    "plain" => self.plain(&name, bytes, bytes)?,
                    "pcap" => self.capture(&name, bytes)?,
                    _ => {}
                }
                self.write("input", &name, &[&[0, 0, 0], bytes])?;
            }
        }
        Ok(())
    }
}

/// A short day in BinaryFILE framing: the steps of the books between a directory and an end.
fn session() -> Vec<u8> {
    let mut encoder = Encoder::new();
    let header = Header { time_of_day_ns: 34_000_000_000_000, ..Header::default() };
    encoder.system_event(header, b'O');
    for locate in 1..=4_u16 {
        let letter = b'@' + locate as u8;
        let stock = Stock([letter, b' ', b' ', b' ', b' ', b' ', b' ', b' ']);
        let header = Header { locate, ..header };
        encoder.stock_directory(header, &DirectoryEntry::common_stock(stock));
        encoder.trading_action(header, stock, b'T', *b"    ");
    }
    encoder.system_event(header, b'Q');
    let bytes: Vec<u8> =
        (0..700_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    steps::write(&bytes, &mut encoder);
    encoder.system_event(Header { time_of_day_ns: 72_000_000_000_000, ..header }, b'C');
    encoder.finish();
    encoder.into_bytes()
}

/// The messages of a BinaryFILE with two zero bytes instead of each length.
fn zero_prefixed(session: &[u8]) -> Vec<u8> {
    messages(session).flat_map(|message| [&[0, 0], message].concat()).collect()
}

fn messages(session: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = session;
    std::iter::from_fn(move || {
        let (length, tail) = rest.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (message, next) = tail.split_at_checked(length).filter(|_| length > 0)?;
        rest = next;
        Some(message)
    })
}

/// A pcap file (nanoseconds, big-endian) with MoldUDP64 over UDP, IPv4 and Ethernet.
fn capture(session: &[u8]) -> Outcome<Vec<u8>> {
    const SESSION: SessionId = SessionId(*b"000010059B");
    let mut capture =
        b"\xa1\xb2\x3c\x4d\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\xff\xff\0\0\0\x01".to_vec();
    let messages: Vec<&[u8]> = messages(session).collect();
    let mut sequence = 1;
    let mut datagrams = Vec::new();
    for messages in messages.chunks(9) {
        let mut datagram = Vec::new();
        encode_packet(&mut datagram, SESSION, sequence, messages.iter().copied())?;
        sequence += messages.len() as u64;
        datagrams.push(datagram);
    }
    // The third is lost on the way, the first comes twice.
    datagrams.remove(2);
    datagrams.push(datagrams[0].clone());
    let mut end = Vec::new();
    encode_end_of_session(&mut end, SESSION, sequence);
    datagrams.push(end);
    for (second, datagram) in (1_577_716_200_u32..).zip(datagrams) {
        let length = u16::try_from(datagram.len())?;
        let mut frame = b"\x01\0\x5e\x36\x0c\x6f\0\0\0\0\0\0\x08\0\x45\0".to_vec();
        frame.extend((length + 28).to_be_bytes());
        frame.extend(b"\0\0\x40\0\x15\x11\0\0\xce\xc8\x7f\x8a\xe9\x36\x0c\x6f\xc1\xf5\x67\x6d");
        frame.extend((length + 8).to_be_bytes());
        frame.extend([0, 0]);
        frame.extend(datagram);
        let length = u32::try_from(frame.len())?;
        capture.extend([second, 5, length, length].map(u32::to_be_bytes).concat());
        capture.extend(frame);
    }
    Ok(capture)
}
