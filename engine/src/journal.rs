//! The journal: everything that arrived, in order, as records over a [`log`](crate::log).
//!
//! One writer for all feeds appends a record before what it holds is decoded. State is a pure
//! function of these records: recovery, replay and a standby run the engine over them.
//!
//! | kind | record | `sequence` of the frame | payload |
//! |---|---|---|---|
//! | 1 | `Session` | 0 | the session's description, TOML, UTF-8; the first frame of every journal |
//! | 2 | `Packet` | its first message's | length-prefixed messages, as [`crate::packet`] draws them |
//! | 3 | `Tick` | the last message's before it | empty: time passed without a message |
//! | 4 | `Gap` | first lost | `end`, u64: one past the last lost message |
//! | 5 | `SnapshotItem` | of the first message that is not in the snapshot | 1 byte (bit 0: the snapshot begins with it, bit 1: it ends with it, others 0), then length-prefixed messages |
//! | 6 | `Parameters` | first message it applies to | changed configuration, TOML, UTF-8 |
//! | 7 | `Trade` | its own | a trade from the API |
//!
//! Flag 1 ([`FLAG_RESTARTS`]) of a frame says that its sequence does not follow from the record before
//! it: where unsequenced messages, which are numbered by their ordinal, come among sequenced ones. All
//! other flags are 0. The frame's time is the receive time, the `Session` record's is 0. Kind 7 is reserved until
//! something writes it.
//!
//! The records that change the state, and so are counted and digested where a place in a journal is told by
//! its records, are `Packet`, `Gap` and `SnapshotItem`.
//!
//! - [`record`]: what each payload must be
//! - [`writer`]: appends records
//! - [`source`]: replays them
//! - [`stand`]: where each feed stands behind the last record
//! - [`symbol_index`]: where in a closed segment a symbol's messages stand

pub mod record;
pub mod source;
pub mod stand;
pub mod symbol_index;
pub mod writer;

/// Flag of a frame whose sequence does not lie behind that of the feed's record before it.
pub const FLAG_RESTARTS: u8 = 1;

/// In the first byte of a `SnapshotItem`: the snapshot begins with it.
pub const SNAPSHOT_FIRST: u8 = 1;
/// In the first byte of a `SnapshotItem`: the snapshot ends with it.
pub const SNAPSHOT_LAST: u8 = 2;

/// What a record of a journal is. The numbers are part of the format and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum RecordKind {
    /// The session's description.
    Session = 1,
    /// A packet after arbitration.
    Packet = 2,
    /// Time passed without a message.
    Tick = 3,
    /// A range of messages was given up.
    Gap = 4,
    /// Content recovered from a snapshot feed.
    SnapshotItem = 5,
    /// A changed configuration.
    Parameters = 6,
    /// A trade from the API.
    Trade = 7,
}

impl RecordKind {
    /// Whether such records change the state: those that are counted and digested.
    #[inline]
    #[must_use]
    pub const fn is_counted(self) -> bool {
        matches!(self, RecordKind::Packet | RecordKind::Gap | RecordKind::SnapshotItem)
    }

    /// The kind with this number, if there is one.
    #[inline]
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<RecordKind> {
        Some(match byte {
            1 => RecordKind::Session,
            2 => RecordKind::Packet,
            3 => RecordKind::Tick,
            4 => RecordKind::Gap,
            5 => RecordKind::SnapshotItem,
            6 => RecordKind::Parameters,
            7 => RecordKind::Trade,
            _ => return None,
        })
    }
}
