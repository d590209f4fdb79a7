//! Running the binary, finding shared data, writing small sessions.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use engine::units::{OrderRef, Side};
use feed_handlers::itch50::encode::{Encoder, Header};
use feed_handlers::itch50::fields::{Price4, Stock};
use serde_json::Value;
use tempfile::TempDir;

/// How a run of the binary ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// The run, which must have ended with this exit status.
    #[track_caller]
    pub(crate) fn ended_with(self, status: i32) -> Run {
        assert_eq!(self.status, Some(status), "{self:#?}");
        self
    }

    /// Stdout, which must be one JSON value.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    /// Stderr must be a single line that has all of `parts`.
    #[track_caller]
    pub(crate) fn says(&self, parts: &[&str]) {
        assert_eq!(self.stderr.lines().count(), 1, "{self:#?}");
        for part in parts {
            assert!(self.stderr.contains(part), "no `{part}` in {self:#?}");
        }
    }
}

/// Runs the binary.
pub(crate) fn tapewatch<S: AsRef<std::ffi::OsStr>>(args: &[S]) -> Run {
    tapewatch_reading(args, b"")
}

/// Runs the binary in an environment of its own.
pub(crate) fn tapewatch_in<S: AsRef<std::ffi::OsStr>>(
    args: &[S],
    variables: &[(&str, &str)],
) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tapewatch"));
    command.args(args).envs(variables.iter().copied());
    ended(command, b"")
}

/// Runs the binary with `input` on its standard input.
pub(crate) fn tapewatch_reading<S: AsRef<std::ffi::OsStr>>(args: &[S], input: &[u8]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tapewatch"));
    command.args(args);
    ended(command, input)
}

fn ended(mut command: Command, input: &[u8]) -> Run {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        // The binary may end before it has read everything.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Run {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A directory that goes away with the test.
pub(crate) fn scratch() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// A file of the shared data; `None` (told in one line) where it is not there, which is a failure
/// under CI.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("TAPEWATCH_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let file = root.join("data").join(path);
    if file.exists() {
        return Some(file);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{} is missing", file.display());
    let _ = writeln!(std::io::stderr(), "skipped: {} is not there", file.display());
    None
}

/// The records of a CSV file, each as `column=value` look-up.
pub(crate) struct Csv {
    pub(crate) header: csv::StringRecord,
    pub(crate) records: Vec<csv::StringRecord>,
}

impl Csv {
    pub(crate) fn read(path: &Path) -> Csv {
        let mut reader = csv::Reader::from_path(path).unwrap();
        Csv {
            header: reader.headers().unwrap().clone(),
            records: reader.records().map(Result::unwrap).collect(),
        }
    }

    /// A field by row and column name.
    #[track_caller]
    pub(crate) fn field(&self, row: usize, column: &str) -> &str {
        let place = self.header.iter().position(|name| name == column).unwrap();
        &self.records[row][place]
    }

    /// The row of a symbol.
    #[track_caller]
    pub(crate) fn row_of(&self, symbol: &str) -> usize {
        let place = self.header.iter().position(|name| name == "symbol").unwrap();
        let is_it = |record: &csv::StringRecord| &record[place] == symbol;
        self.records.iter().position(is_it).unwrap()
    }
}

/// `path` as text.
pub(crate) fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

/// A path as an argument.
pub(crate) fn arg(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Writes ITCH messages one microsecond apart, from 09:30 on.
pub(crate) struct Feed {
    pub(crate) encoder: Encoder,
    pub(crate) time_of_day_ns: u64,
}

/// 09:30 in New York, ns since midnight.
pub(crate) const OPEN_NS: u64 = 34_200_000_000_000;

impl Feed {
    pub(crate) fn new() -> Feed {
        Feed { encoder: Encoder::new(), time_of_day_ns: OPEN_NS }
    }

    /// The head of the next message.
    pub(crate) fn head(&mut self, locate: u16) -> Header {
        self.time_of_day_ns += 1_000;
        Header { locate, tracking: 0, time_of_day_ns: self.time_of_day_ns }
    }

    pub(crate) fn add(
        &mut self,
        locate: u16,
        symbol: &str,
        order: u64,
        side: Side,
        shares: u32,
        price_e4: u32,
    ) {
        let head = self.head(locate);
        let stock = Stock::new(symbol).unwrap();
        let price = Price4(price_e4);
        self.encoder.add_order(head, OrderRef(order), side, shares, stock, price, None);
    }

    pub(crate) fn start_of_messages(&mut self) {
        let head = self.head(0);
        self.encoder.system_event(head, b'O');
    }

    /// `count` adds of one symbol, each its own order.
    pub(crate) fn adds(count: u32) -> Vec<u8> {
        let mut feed = Feed::new();
        for order in 1..=count {
            feed.add(1, "AAA", u64::from(order), Side::Buy, 100, 10_0000 + order % 50 * 100);
        }
        feed.encoder.into_bytes()
    }
}

/// Writes `bytes` to a file in `dir`.
pub(crate) fn file(dir: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.path().join(name);
    fs::write(&path, bytes).unwrap();
    path
}

/// A pcap of MoldUDP64 packets: (time in ms, last byte of the group, sequence, message blocks).
pub(crate) fn capture(packets: &[(u32, u8, u64, &[u8])]) -> Vec<u8> {
    let header = [0xa1b2_3c4d_u32, 0x0004_0002, 0, 0, 262_144, 1];
    let mut file: Vec<u8> = header.iter().flat_map(|word| word.to_le_bytes()).collect();
    for &(at_ms, group, sequence, blocks) in packets {
        let mut count: u16 = 0;
        let mut rest = blocks;
        while let [high, low, tail @ ..] = rest {
            rest = &tail[usize::from(u16::from_be_bytes([*high, *low]))..];
            count += 1;
        }
        let udp_bytes = 8 + 20 + blocks.len() as u16;
        let mut frame = vec![0; 12];
        frame.extend([0x08, 0x00, 0x45, 0]);
        frame.extend((20 + udp_bytes).to_be_bytes());
        frame.extend([0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 233, 54, 12, group]);
        frame.extend(4_096_u16.to_be_bytes());
        frame.extend(26_477_u16.to_be_bytes());
        frame.extend(udp_bytes.to_be_bytes());
        frame.extend([0, 0]);
        frame.extend(b"20191230  ");
        frame.extend(sequence.to_be_bytes());
        frame.extend(count.to_be_bytes());
        frame.extend(blocks);
        let length = frame.len() as u32;
        let record = [1_577_716_200, at_ms * 1_000_000, length, length];
        file.extend(record.iter().flat_map(|word: &u32| word.to_le_bytes()));
        file.extend(frame);
    }
    file
}
