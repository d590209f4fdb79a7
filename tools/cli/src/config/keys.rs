//! Every key of a configuration: its section, its name, what it means, its range and where its value
//! lives. Reading, printing and checking go by this table, so that they cannot drift apart.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;
use std::time::Duration;

use engine::window::bars::settings::{BAR_NS_MAX, BAR_STEP_NS};
use engine::window::tick::Span;

use super::model::{Choice, Config, Core, FeedName};
use crate::span;

/// One key of a `T`.
pub(super) struct Key<T = Config> {
    /// The table it stands in.
    pub(super) section: &'static str,
    /// Its name there; units last.
    pub(super) name: &'static str,
    /// What it means, in lines of a comment.
    pub(super) about: &'static [&'static str],
    /// Which numbers it takes; of no account for other values.
    pub(super) numbers: Numbers,
    /// Where its value lives.
    pub(super) slot: fn(&mut T) -> Slot<'_>,
}

/// A value's place and type.
pub(super) enum Slot<'a> {
    /// `true` or `false`.
    Flag(&'a mut bool),
    /// An integer within the key's [`Numbers`].
    U32(&'a mut u32),
    /// An integer within the key's [`Numbers`].
    U64(&'a mut u64),
    /// One of a few words.
    Word(&'a mut dyn Choice),
    /// A feed's name.
    Feed(&'a mut FeedName),
    /// An absolute path.
    Dir(&'a mut PathBuf),
    /// The absolute path of a file, or an empty text for none.
    File(&'a mut String),
    /// The name of an environment variable, or an empty text for none.
    Variable(&'a mut String),
    /// A processor; may be left out.
    Core(&'a mut Option<Core>),
    /// A list of processors; may be left out.
    Cores(&'a mut Option<Vec<Core>>),
    /// A duration whose ns are within the key's [`Numbers`].
    Span(&'a mut Span),
    /// A list of such durations.
    Spans(&'a mut Vec<Span>),
    /// Printable ASCII of no more characters than the greatest of the key's [`Numbers`].
    Text(&'a mut String),
    /// An IPv4 address.
    Ip(&'a mut Ipv4Addr),
    /// An IPv4 address, or an empty text for none.
    Sender(&'a mut Option<Ipv4Addr>),
    /// An IPv4 address and a port, or an empty text for none.
    Endpoint(&'a mut Option<SocketAddrV4>),
    /// A list of IPv4 addresses with ports.
    Endpoints(&'a mut Vec<SocketAddrV4>),
}

/// The integers that a key takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers {
    pub(super) min: u64,
    pub(super) max: u64,
    pub(super) shape: Shape,
}

/// Which integers of the range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// All.
    Any,
    /// Powers of two.
    PowerOfTwo,
    /// Powers of two, and 0 for "never".
    PowerOfTwoOrZero,
    /// Whole microseconds, in ns.
    Microseconds,
}

impl Numbers {
    /// All from `min` to `max`.
    pub(super) const fn any(min: u64, max: u64) -> Numbers {
        Numbers { min, max, shape: Shape::Any }
    }

    /// The powers of two from `min` to `max`.
    const fn powers(min: u64, max: u64) -> Numbers {
        Numbers { min, max, shape: Shape::PowerOfTwo }
    }

    /// Durations of whole microseconds, in ns.
    const fn microseconds(min_ns: u64) -> Numbers {
        Numbers { min: min_ns, max: BAR_NS_MAX as u64, shape: Shape::Microseconds }
    }

    /// Whether it is one of them.
    pub(super) fn take(&self, number: u64) -> bool {
        let in_range = (self.min..=self.max).contains(&number);
        match self.shape {
            Shape::Any => in_range,
            Shape::PowerOfTwo => in_range && number.is_power_of_two(),
            Shape::PowerOfTwoOrZero => number == 0 || (in_range && number.is_power_of_two()),
            Shape::Microseconds => in_range && number.is_multiple_of(BAR_STEP_NS as u64),
        }
    }

    /// What they are: `a power of two from 2 to 64`.
    pub(super) fn text(&self) -> String {
        let Numbers { min, max, shape } = self;
        match shape {
            Shape::Any => format!("from {min} to {max}"),
            Shape::PowerOfTwo => format!("a power of two from {min} to {max}"),
            Shape::PowerOfTwoOrZero => format!("0 or a power of two from {min} to {max}"),
            Shape::Microseconds => {
                let [min, max] = [min, max].map(|ns| span::text(Duration::from_nanos(*ns)));
                format!("from {min} to {max}, in whole microseconds")
            }
        }
    }
}

/// Numbers of a processor.
pub(super) const CORES: Numbers = Numbers::any(0, Core::MAX.0 as u64);

/// Sizes of a bar, in ns.
pub(super) const BAR_SIZES: Numbers = Numbers::microseconds(BAR_STEP_NS as u64);

/// Sizes of a log's segment.
const SEGMENT_BYTES: Numbers = Numbers::powers(256 << 10, 1 << 30);

/// Ages of what is kept, in ns: up to ten years.
const AGES: Numbers =
    Numbers { min: 0, max: 3_652 * 86_400_000_000_000, shape: Shape::Microseconds };

/// For keys that are no number.
pub(super) const NONE: Numbers = Numbers::any(0, 0);

const MIB: u64 = 1 << 20;
const TIB: u64 = 1 << 40;

/// The sections in the order in which they are printed, with what they are about.
pub(super) const SECTIONS: [(&str, &str); 15] = [
    ("feed", "What is listened to."),
    ("engine", "How the work is laid out."),
    ("limits", "Bounds of one shard's memory. Only address space is reserved; memory follows use."),
    ("threads", "Where threads run and how they wait. Cores are numbered as the kernel does."),
    ("ring", "Capacities of the rings between threads, in values."),
    ("journal", "How what arrived is kept."),
    ("archive", "How closed segments are kept on disk. Every command reads them as they are."),
    (
        "encryption",
        "The key of archived segments and snapshots; without one they are not encrypted.",
    ),
    ("hashes", "Digests of the state, by which a replay is checked."),
    ("bars", "Windows over the prints of each symbol, in exchange time."),
    ("output", "What leaves the engine, and when."),
    ("snapshots", "The state, kept now and then, so that a restart need not begin at the start."),
    ("board", "What `tapewatch top` and `tapewatch stat` look at while a session is recorded."),
    ("run", "What `tapewatch run` records."),
    ("retention", "How long what was recorded is kept; `journal prune` does the same once."),
];

/// The table.
pub(super) static KEYS: [Key; 47] = [
    Key {
        section: "feed",
        name: "name",
        about: &[
            "Stands first in the ids of its alerts and bars: 1 to 16 ASCII letters, digits or '-'.",
        ],
        numbers: NONE,
        slot: |config| Slot::Feed(&mut config.feed.name),
    },
    Key {
        section: "engine",
        name: "topology",
        about: &["How the stages are laid out on threads."],
        numbers: NONE,
        slot: |config| Slot::Word(&mut config.engine.topology),
    },
    Key {
        section: "engine",
        name: "shards",
        about: &["Threads that share the symbols among them. More than 1 needs \"pipelined\"."],
        numbers: Numbers::any(1, 64),
        slot: |config| Slot::U32(&mut config.engine.shards),
    },
    Key {
        section: "limits",
        name: "orders_max",
        about: &["Live orders."],
        numbers: Numbers::any(1, 1 << 30),
        slot: |config| Slot::U64(&mut config.limits.orders_max),
    },
    Key {
        section: "limits",
        name: "levels_max",
        about: &["Price levels of all books."],
        numbers: Numbers::any(1, 1 << 28),
        slot: |config| Slot::U64(&mut config.limits.levels_max),
    },
    Key {
        section: "limits",
        name: "symbols_max",
        about: &["Symbols; a symbol's number (its locate) must be below."],
        numbers: Numbers::any(1, 1 << 24),
        slot: |config| Slot::U64(&mut config.limits.symbols_max),
    },
    Key {
        section: "limits",
        name: "prints_max",
        about: &["Prints kept, so that a break can be taken out exactly."],
        numbers: Numbers::any(1, 1 << 32),
        slot: |config| Slot::U64(&mut config.limits.prints_max),
    },
    Key {
        section: "threads",
        name: "ingest_core",
        about: &["Core of the ingest thread, which is the only one when inline."],
        numbers: CORES,
        slot: |config| Slot::Core(&mut config.threads.ingest_core),
    },
    Key {
        section: "threads",
        name: "shard_cores",
        about: &["Cores of the shards' threads when pipelined: one for each shard."],
        numbers: CORES,
        slot: |config| Slot::Cores(&mut config.threads.shard_cores),
    },
    Key {
        section: "threads",
        name: "market_core",
        about: &["Core of the market thread when pipelined."],
        numbers: CORES,
        slot: |config| Slot::Core(&mut config.threads.market_core),
    },
    Key {
        section: "threads",
        name: "journal_core",
        about: &["Core of the journal's thread (journal.append = \"thread\")."],
        numbers: CORES,
        slot: |config| Slot::Core(&mut config.threads.journal_core),
    },
    Key {
        section: "threads",
        name: "wait",
        about: &["What a thread does while its ring is empty or full."],
        numbers: NONE,
        slot: |config| Slot::Word(&mut config.threads.wait),
    },
    Key {
        section: "threads",
        name: "receive",
        about: &["What the ingest thread of `tapewatch run` does while no packet comes."],
        numbers: NONE,
        slot: |config| Slot::Word(&mut config.threads.receive),
    },
    Key {
        section: "threads",
        name: "spins",
        about: &["Looks at the ring before \"spin-then-yield\" yields."],
        numbers: Numbers::any(0, 1_000_000_000),
        slot: |config| Slot::U32(&mut config.threads.spins),
    },
    Key {
        section: "threads",
        name: "interval_us",
        about: &["Sleep of \"interval\" between two looks, in microseconds."],
        numbers: Numbers::any(1, 1_000_000),
        slot: |config| Slot::U64(&mut config.threads.interval_us),
    },
    Key {
        section: "threads",
        name: "lock_memory",
        about: &["Locks all memory into RAM (mlockall); needs the memlock limit of `doctor`."],
        numbers: NONE,
        slot: |config| Slot::Flag(&mut config.threads.lock_memory),
    },
    Key {
        section: "threads",
        name: "prefault_orders",
        about: &[
            "Orders, and as many prints, whose memory is touched before the first packet, so that no page",
            "fault falls into the session: some 110 bytes each; at most limits.orders_max.",
        ],
        numbers: Numbers::any(0, 1 << 30),
        slot: |config| Slot::U64(&mut config.threads.prefault_orders),
    },
    Key {
        section: "ring",
        name: "events",
        about: &["Events (64 bytes each) from the ingest thread to each shard."],
        numbers: Numbers::powers(2, 1 << 24),
        slot: |config| Slot::U32(&mut config.ring.events),
    },
    Key {
        section: "ring",
        name: "signals",
        about: &["Bars, signals and progress marks from each shard to the market thread."],
        numbers: Numbers::powers(2, 1 << 24),
        slot: |config| Slot::U32(&mut config.ring.signals),
    },
    Key {
        section: "journal",
        name: "place",
        about: &["Where segments are appended to."],
        numbers: NONE,
        slot: |config| Slot::Word(&mut config.journal.place),
    },
    Key {
        section: "journal",
        name: "append",
        about: &["Which thread appends."],
        numbers: NONE,
        slot: |config| Slot::Word(&mut config.journal.append),
    },
    Key {
        section: "journal",
        name: "segment_bytes",
        about: &["Size of a segment file, 256 KiB to 1 GiB."],
        numbers: SEGMENT_BYTES,
        slot: |config| Slot::U64(&mut config.journal.segment_bytes),
    },
    Key {
        section: "journal",
        name: "memory_bytes_max",
        about: &[
            "Memory that segments may fill while they wait for the archiver (place = \"memory\"):",
            "whole segments, four at least.",
        ],
        numbers: Numbers::any(MIB, TIB),
        slot: |config| Slot::U64(&mut config.journal.memory_bytes_max),
    },
    Key {
        section: "journal",
        name: "memory_dir",
        about: &["Directory of memory-backed segments: an absolute path on a tmpfs."],
        numbers: NONE,
        slot: |config| Slot::Dir(&mut config.journal.memory_dir),
    },
    Key {
        section: "journal",
        name: "sync",
        about: &["When what was appended is brought to the disk."],
        numbers: NONE,
        slot: |config| Slot::Word(&mut config.journal.sync),
    },
    Key {
        section: "journal",
        name: "sync_interval_ms",
        about: &["Longest time between two syncs of \"interval\", in milliseconds."],
        numbers: Numbers::any(1, 60_000),
        slot: |config| Slot::U64(&mut config.journal.sync_interval_ms),
    },
    Key {
        section: "journal",
        name: "sync_interval_bytes",
        about: &["Most bytes between two syncs of \"interval\"; 0: by time alone."],
        numbers: Numbers::any(0, TIB),
        slot: |config| Slot::U64(&mut config.journal.sync_interval_bytes),
    },
    Key {
        section: "journal",
        name: "on_error",
        about: &["What a failed append or sync does."],
        numbers: NONE,
        slot: |config| Slot::Word(&mut config.journal.on_error),
    },
    Key {
        section: "journal",
        name: "low_disk_bytes",
        about: &[
            "Live. Warns when the disk of the session has less room than this, while it is recorded;",
            "when it is full the run ends, or goes on as on_error says. 0: no warning.",
        ],
        numbers: Numbers::any(0, 1024 * TIB),
        slot: |config| Slot::U64(&mut config.journal.low_disk_bytes),
    },
    Key {
        section: "archive",
        name: "compress",
        about: &["Compresses segments once they are closed, off the hot threads."],
        numbers: NONE,
        slot: |config| Slot::Flag(&mut config.archive.compress),
    },
    Key {
        section: "archive",
        name: "level",
        about: &["zstd's level: higher ones take longer and less room."],
        numbers: Numbers::any(1, 19),
        slot: |config| Slot::U32(&mut config.archive.level),
    },
    Key {
        section: "encryption",
        name: "key_file",
        about: &[
            "File with the key: 64 hexadecimal digits or 32 bytes, for its owner alone (mode 600).",
        ],
        numbers: NONE,
        slot: |config| Slot::File(&mut config.encryption.key_file),
    },
    Key {
        section: "encryption",
        name: "key_env",
        about: &["Environment variable with the key's 64 hexadecimal digits, in place of a file."],
        numbers: NONE,
        slot: |config| Slot::Variable(&mut config.encryption.key_env),
    },
    Key {
        section: "hashes",
        name: "every_sequences",
        about: &["Sequences from one digest to the next; 0: only at the end."],
        numbers: Numbers { min: 1, max: TIB, shape: Shape::PowerOfTwoOrZero },
        slot: |config| Slot::U64(&mut config.hashes.every_sequences),
    },
    Key {
        section: "bars",
        name: "sizes",
        about: &["Sizes of bars, each a number with its unit: [\"1s\", \"1m\"]. None: no bars."],
        numbers: BAR_SIZES,
        slot: |config| Slot::Spans(&mut config.bars.sizes),
    },
    Key {
        section: "bars",
        name: "lateness",
        about: &[
            "Exchange time after the end of its bar in which a print still corrects it; one that",
            "comes later is left out and counted.",
        ],
        numbers: Numbers::microseconds(0),
        slot: |config| Slot::Span(&mut config.bars.lateness),
    },
    Key {
        section: "output",
        name: "release",
        about: &["When an output may leave the engine."],
        numbers: NONE,
        slot: |config| Slot::Word(&mut config.output.release),
    },
    Key {
        section: "output",
        name: "segment_bytes",
        about: &["Size of a segment file of the output log, 256 KiB to 1 GiB."],
        numbers: SEGMENT_BYTES,
        slot: |config| Slot::U64(&mut config.output.segment_bytes),
    },
    Key {
        section: "snapshots",
        name: "every_messages",
        about: &[
            "Messages from one snapshot of the state to the next; 0: not by messages. Whatever is",
            "reached first counts; with all three 0 there are none, and the engine writes hashes.",
        ],
        numbers: Numbers::any(0, TIB),
        slot: |config| Slot::U64(&mut config.snapshots.every_messages),
    },
    Key {
        section: "snapshots",
        name: "every_bytes",
        about: &["Bytes of messages from one snapshot to the next; 0: not by bytes."],
        numbers: Numbers::any(0, TIB),
        slot: |config| Slot::U64(&mut config.snapshots.every_bytes),
    },
    Key {
        section: "snapshots",
        name: "every_ms",
        about: &["Time from one snapshot to the next, in milliseconds; 0: not by time."],
        numbers: Numbers::any(0, 86_400_000),
        slot: |config| Slot::U64(&mut config.snapshots.every_ms),
    },
    Key {
        section: "snapshots",
        name: "keep",
        about: &["Snapshots that are kept, the newest; two at least: one may be damaged."],
        numbers: Numbers::any(2, 1 << 20),
        slot: |config| Slot::U64(&mut config.snapshots.keep),
    },
    Key {
        section: "board",
        name: "enabled",
        about: &[
            "Whether there is a board: a file in journal.memory_dir, beside the session's memory, that any",
            "process may read and that costs the engine some nanoseconds a message.",
        ],
        numbers: NONE,
        slot: |config| Slot::Flag(&mut config.board.enabled),
    },
    Key {
        section: "board",
        name: "symbols_max",
        about: &[
            "Locates of each feed that are shown, from 0 on; each takes 896 bytes of memory. Those beyond",
            "are counted.",
        ],
        numbers: Numbers::any(1, 65_536),
        slot: |config| Slot::U32(&mut config.board.symbols_max),
    },
    Key {
        section: "run",
        name: "session_dir",
        about: &[
            "The session's directory, an absolute path; \"\": the one given with --session. A session in",
            "it that was cut off is gone on with.",
        ],
        numbers: NONE,
        slot: |config| Slot::File(&mut config.run.session_dir),
    },
    Key {
        section: "retention",
        name: "keep",
        about: &[
            "Live. Closed segments whose last message was received longer ago are removed, such as",
            "\"5d\"; \"0s\": never. What the newest snapshot or a consumer needs stays.",
        ],
        numbers: AGES,
        slot: |config| Slot::Span(&mut config.retention.keep),
    },
    Key {
        section: "retention",
        name: "keep_bytes",
        about: &[
            "Live. The oldest closed segments go until the session's logs have no more bytes;",
            "0: never.",
        ],
        numbers: Numbers::any(0, 1024 * TIB),
        slot: |config| Slot::U64(&mut config.retention.keep_bytes),
    },
];

impl<T> Key<T> {
    /// `section.name`.
    pub(super) fn path(&self) -> String {
        format!("{}.{}", self.section, self.name)
    }
}

/// The key called `name` in `section`.
pub(super) fn find(section: &str, name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.section == section && key.name == name)
}
