//! The engine's configuration as data. What each key means, its range and its words in a file
//! stand in [`keys`](super::keys); this is only where the values live.

use std::path::PathBuf;

use engine::book::books::Limits as BookLimits;
use engine::detect::Settings;
use engine::window::tick::Span;

use super::live_feed::LiveFeed;

/// The whole configuration; [`Config::default`] is what holds without a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Config {
    pub(crate) feed: Feed,
    pub(crate) engine: Engine,
    pub(crate) limits: Limits,
    pub(crate) threads: Threads,
    pub(crate) ring: Ring,
    pub(crate) journal: Journal,
    pub(crate) archive: Archive,
    pub(crate) encryption: Encryption,
    pub(crate) hashes: Hashes,
    pub(crate) bars: Bars,
    pub(crate) detect: Detect,
    pub(crate) output: Output,
    pub(crate) snapshots: Snapshots,
    pub(crate) board: Board,
    pub(crate) run: Run,
    pub(crate) retention: Retention,
    pub(crate) feeds: Vec<LiveFeed>,
}

/// `[detect]` and its tables. No value is ever not a number, so that equality is one.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Detect(pub(crate) Settings);

impl Eq for Detect {}

/// `[feed]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Feed {
    pub(crate) name: FeedName,
}

/// `[engine]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Engine {
    pub(crate) topology: Topology,
    pub(crate) shards: u32,
}

/// `[limits]`: bounds of one shard's memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) orders_max: u64,
    pub(crate) levels_max: u64,
    pub(crate) symbols_max: u64,
    pub(crate) prints_max: u64,
}

/// `[threads]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Threads {
    pub(crate) ingest_core: Option<Core>,
    pub(crate) shard_cores: Option<Vec<Core>>,
    pub(crate) market_core: Option<Core>,
    pub(crate) journal_core: Option<Core>,
    pub(crate) wait: Wait,
    pub(crate) receive: Receive,
    pub(crate) spins: u32,
    pub(crate) interval_us: u64,
    pub(crate) lock_memory: bool,
    pub(crate) prefault_orders: u64,
}

/// `[ring]`: capacities in values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ring {
    pub(crate) events: u32,
    pub(crate) signals: u32,
}

/// `[journal]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Journal {
    pub(crate) place: Place,
    pub(crate) append: Append,
    pub(crate) segment_bytes: u64,
    pub(crate) memory_bytes_max: u64,
    pub(crate) memory_dir: PathBuf,
    pub(crate) sync: Sync,
    pub(crate) sync_interval_ms: u64,
    pub(crate) sync_interval_bytes: u64,
    pub(crate) on_error: OnError,
    pub(crate) low_disk_bytes: u64,
}

/// `[archive]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Archive {
    pub(crate) compress: bool,
    pub(crate) level: u32,
}

/// `[encryption]`: where the key is, if there is one; never the key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Encryption {
    pub(crate) key_file: String,
    pub(crate) key_env: String,
}

/// `[hashes]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hashes {
    pub(crate) every_sequences: u64,
}

/// `[bars]`: in ns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bars {
    pub(crate) sizes: Vec<Span>,
    pub(crate) lateness: Span,
}

/// `[output]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Output {
    pub(crate) release: Release,
    pub(crate) segment_bytes: u64,
}

/// `[snapshots]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Snapshots {
    pub(crate) every_messages: u64,
    pub(crate) every_bytes: u64,
    pub(crate) every_ms: u64,
    pub(crate) keep: u64,
}

/// `[board]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Board {
    pub(crate) enabled: bool,
    pub(crate) symbols_max: u32,
}

/// `[run]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) session_dir: String,
}

impl Run {
    /// The session's directory, where one is named.
    pub(crate) fn session_dir(&self) -> Option<PathBuf> {
        (!self.session_dir.is_empty()).then(|| PathBuf::from(&self.session_dir))
    }
}

/// `[retention]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Retention {
    pub(crate) keep: Span,
    pub(crate) keep_bytes: u64,
}

/// A processor as the kernel numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Core(pub(crate) u16);

impl Core {
    /// The highest number that an affinity mask of the C library can hold.
    pub(crate) const MAX: Core = Core(1_023);
}

/// A feed's name: 1 to 16 ASCII letters, digits and `-`, so that it can stand in ids and file names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FeedName(String);

impl FeedName {
    /// Most characters of a name.
    pub(crate) const CHARACTERS_MAX: usize = 16;

    /// `text` as a name, where it is one.
    pub(crate) fn new(text: &str) -> Option<FeedName> {
        let is_one = (1..=FeedName::CHARACTERS_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        is_one.then(|| FeedName(text.to_owned()))
    }

    /// The name.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for FeedName {
    fn default() -> Self {
        FeedName(String::from("f0"))
    }
}

/// One of a few words.
pub(super) trait Choice {
    /// Every word, with what it does.
    fn words(&self) -> &'static [(&'static str, &'static str)];
    /// The chosen word.
    fn word(&self) -> &'static str;
    /// Chooses `word`; false, and nothing is changed, where it is none of the words.
    fn choose(&mut self, word: &str) -> bool;
}

/// An enum, the word of each variant in a file, and what it does (which is also its documentation).
macro_rules! choice {
    ($(#[$about:meta])* $name:ident { $($variant:ident = $word:literal: $does:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $name {
            $(#[doc = $does] $variant,)+
        }

        impl $name {
            /// The word for it in a file.
            #[allow(dead_code, reason = "not every choice is told outside of a file")]
            pub(crate) fn name(self) -> &'static str {
                Choice::word(&self)
            }
        }

        impl Choice for $name {
            fn words(&self) -> &'static [(&'static str, &'static str)] {
                &[$(($word, $does),)+]
            }

            fn word(&self) -> &'static str {
                match self {
                    $($name::$variant => $word,)+
                }
            }

            fn choose(&mut self, word: &str) -> bool {
                match word {
                    $($word => *self = $name::$variant,)+
                    _ => return false,
                }
                true
            }
        }
    };
}

choice! {
    /// How the stages are laid out on threads.
    Topology {
        Inline = "inline": "every stage on one thread: the lowest latency",
        Pipelined = "pipelined": "ingest, each shard and the market merge on threads of their own",
    }
}

choice! {
    /// What a thread does while its ring is empty or full.
    Wait {
        BusySpin = "busy-spin": "spins; needs a core for each thread",
        SpinThenYield = "spin-then-yield": "spins, then lets other threads run",
        Park = "park": "spins briefly, then sleeps until woken; a wake-up costs microseconds",
        Interval = "interval": "sleeps and looks again every interval_us",
    }
}

pub(super) use choice;

choice! {
    /// What the ingest thread does while no packet comes.
    Receive {
        Blocking = "blocking": "sleeps until the kernel has one",
        BusyPoll = "busy-poll": "looks again and again; needs a core of its own",
    }
}

choice! {
    /// Where segments are appended to.
    Place {
        Memory = "memory": "in memory_dir; an archiver carries closed segments to disk",
        Disk = "disk": "in the session's directory; write-back can stall the appending thread",
    }
}

choice! {
    /// Which thread appends.
    Append {
        Inline = "inline": "the ingest thread",
        Thread = "thread": "a thread of its own, behind a ring",
    }
}

choice! {
    /// When what was appended is brought to the disk.
    Sync {
        Nothing = "none": "whenever the kernel does: survives a killed process, not a power cut",
        Interval = "interval": "every sync_interval_ms or sync_interval_bytes",
        Batch = "batch": "after each batch, before it counts as accepted",
    }
}

choice! {
    /// What a failed append or sync does.
    OnError {
        Stop = "stop": "ends the run; what was accepted is journaled",
        ContinueUnjournaled = "continue-unjournaled": "goes on; the session is marked incomplete",
    }
}

choice! {
    /// When an output may leave the engine.
    Release {
        Appended = "appended": "once the message it follows from is appended to the journal",
        Synced = "synced": "once that message is on the disk, too; needs a journal.sync",
    }
}

impl Default for Engine {
    fn default() -> Self {
        Engine { topology: Topology::Inline, shards: 1 }
    }
}

impl Limits {
    /// What so many shards hold together, as far as one can. Symbols are numbered alike in all of them.
    pub(crate) fn scale(&mut self, shards: u32) {
        let limits = [
            (&mut self.orders_max, 1 << 30),
            (&mut self.levels_max, 1 << 28),
            (&mut self.prints_max, 1 << 32),
        ];
        for (limit, most) in limits {
            *limit = limit.saturating_mul(u64::from(shards)).min(most);
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        let BookLimits { orders_max, levels_max, symbols_max, prints_max } = BookLimits::default();
        Limits {
            orders_max: orders_max as u64,
            levels_max: levels_max as u64,
            symbols_max: symbols_max as u64,
            prints_max: prints_max as u64,
        }
    }
}

impl Default for Threads {
    fn default() -> Self {
        Threads {
            ingest_core: None,
            shard_cores: None,
            market_core: None,
            journal_core: None,
            wait: Wait::SpinThenYield,
            receive: Receive::Blocking,
            spins: 1_000,
            interval_us: 100,
            lock_memory: false,
            prefault_orders: 0,
        }
    }
}

impl Default for Ring {
    fn default() -> Self {
        Ring { events: 16_384, signals: 4_096 }
    }
}

impl Default for Journal {
    fn default() -> Self {
        Journal {
            place: Place::Memory,
            append: Append::Inline,
            segment_bytes: 64 << 20,
            memory_bytes_max: 1 << 30,
            memory_dir: PathBuf::from("/dev/shm"),
            sync: Sync::Nothing,
            sync_interval_ms: 10,
            sync_interval_bytes: 16 << 20,
            on_error: OnError::Stop,
            low_disk_bytes: 1 << 30,
        }
    }
}

impl Default for Archive {
    fn default() -> Self {
        Archive { compress: true, level: 1 }
    }
}

impl Default for Hashes {
    fn default() -> Self {
        Hashes { every_sequences: 1 << 20 }
    }
}

impl Default for Output {
    fn default() -> Self {
        Output { release: Release::Appended, segment_bytes: 4 << 20 }
    }
}

impl Config {
    /// Whether the ingest thread never sleeps.
    pub(crate) fn is_busy_polling(&self) -> bool {
        self.threads.receive == Receive::BusyPoll
    }
}

impl Default for Board {
    fn default() -> Self {
        Board { enabled: true, symbols_max: 16_384 }
    }
}

impl Default for Snapshots {
    fn default() -> Self {
        Snapshots { every_messages: 5_000_000, every_bytes: 0, every_ms: 0, keep: 8 }
    }
}
