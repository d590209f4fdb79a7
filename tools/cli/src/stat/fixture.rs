//! A look that no engine was needed for: 100 s into a session.

use std::time::Instant;

use engine::board::Liveness;
use engine::board::counters::{Ingest, ShardCounts, label};
use engine::board::kept::{Kept, RingDepth};
use engine::board::reader::ShownSymbol;
use engine::board::symbol::{Quote, flags};
use engine::log::SessionId;
use engine::units::{Nanos, SymbolId};

use super::look::{Engine, Look};

/// When its engine began.
pub(crate) const STARTED_NS: i64 = 1_700_000_000_000_000_000;

/// The look, with nothing counted.
pub(crate) fn look() -> Look {
    let at = Nanos(STARTED_NS + 100 * Nanos::SECOND);
    Look {
        at,
        taken: Instant::now(),
        engine: Engine {
            session: SessionId([0x1f; 16]),
            pid: 4_242,
            started: Nanos(STARTED_NS),
            midnight: Nanos(STARTED_NS - 34_200 * Nanos::SECOND),
            shards: 1,
            feeds: 1,
            clock: "tsc",
        },
        liveness: Liveness::Running,
        ingest: Ingest::default(),
        by_type: Box::new([0; 256]),
        feeds: Vec::new(),
        lines: Vec::new(),
        shards: vec![ShardCounts::default()],
        kept: Kept { heartbeat_ns: at.0, ..Kept::default() },
        threads: Vec::new(),
        rings: vec![RingDepth {
            name: label("shard-0"),
            capacity: 16_384,
            depth: 12,
            depth_max: 800,
            passed: 5_000,
            stalls: 3,
            reserved: [0; 7],
        }],
        cursors: Vec::new(),
        symbols: Vec::new(),
        torn: Vec::new(),
    }
}

/// A symbol with both sides quoted, trading; prices in cents.
pub(crate) fn symbol(locate: u32, name: &str, bid: i64, ask: i64, messages: u64) -> ShownSymbol {
    let quote = Quote {
        sequence: messages,
        time_ns: STARTED_NS,
        bid_price: bid * 10_000_000,
        bid_qty: 300,
        ask_price: ask * 10_000_000,
        ask_qty: 1_200,
        flags: u64::from(b'T') | flags::BID | flags::ASK | messages << flags::MESSAGES_SHIFT,
    };
    ShownSymbol { symbol: SymbolId(locate), name: name.to_owned(), quote }
}
