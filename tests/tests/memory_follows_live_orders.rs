//! Whatever references a feed deals out, memory follows the orders that live, not those that lived.
//!
//! Orders come and go in waves, at most [`LIVE_MAX`] at a time, some twenty times as many in all, each
//! wave under references chosen to hurt: thinly spread, random, shared by symbols, around one order
//! that never dies. After each wave the index must be within what it promises; at the end resident
//! memory must be what it was after the first waves.
//!
//! One test alone, so that nothing else in this process holds or gives back memory meanwhile.

#![forbid(unsafe_code)]

use std::fs;

use engine::book::books::Limits;
use engine::event::Event;
use engine::quality::Quality;
use engine::shard::Shard;
use engine::units::Side;
use tapewatch_tests::events::{add, cents, delete};
use tapewatch_tests::random::Random;

/// Orders that live at most.
const LIVE_MAX: usize = 40_000;
/// How often they come and go.
const WAVES: usize = 24;
/// After how many waves memory must have reached what it needs.
const SETTLED: usize = 4;
/// Messages applied together.
const BATCH: usize = 100;

/// Index pages that may be in use for a few orders, and live orders that pay for one more.
const PAGES_FREE: u32 = 1_024;
const ORDERS_A_PAGE: u32 = 8;

/// By how much resident memory may still grow after it has settled: less than a tenth of what the
/// orders of the later waves would take at 32 bytes each.
const GROWTH_BYTES_MAX: u64 = 2 << 20;
/// Bytes of directory for each 1,024 references that the orders have passed over.
const DIRECTORY_ENTRY_BYTES: u64 = 4;
/// What a live order may cost: its record, its level, its share of the index (512 bytes where
/// references are as thin as pages are granted for).
const LIVE_ORDER_BYTES_MAX: u64 = 640;
/// What books may take however few orders live: pages granted freely, huge pages begun.
const FIXED_BYTES_MAX: u64 = 32 << 20;

/// How a feed deals out references.
struct Dealt {
    name: &'static str,
    /// Symbols that use each reference at once.
    symbols: u32,
    /// An order that lives throughout.
    keeps_one: bool,
    /// The reference of the nth order of all.
    reference: fn(u64, &mut Random) -> u64,
    /// How many references one after the other the run passes over.
    span: u64,
}

const TOTAL: u64 = (LIVE_MAX * WAVES) as u64;

const FEEDS: [Dealt; 8] = [
    Dealt { name: "dense", symbols: 1, keeps_one: false, reference: |nth, _| 1 + nth, span: TOTAL },
    Dealt {
        name: "one an index page",
        symbols: 1,
        keeps_one: false,
        reference: |nth, _| 1_024 * nth,
        span: 1_024 * TOTAL,
    },
    Dealt {
        name: "one an index page, never at the same place in it",
        symbols: 1,
        keeps_one: false,
        reference: |nth, _| 1_031 * nth,
        span: 1_031 * TOTAL,
    },
    Dealt {
        name: "falling from the greatest",
        symbols: 1,
        keeps_one: false,
        reference: |nth, _| u64::MAX - 3 * nth,
        span: 3 * TOTAL,
    },
    Dealt {
        name: "random",
        symbols: 1,
        keeps_one: false,
        reference: |_, random| random.next_u64(),
        span: 0,
    },
    Dealt {
        name: "scattered over half the window of pages",
        symbols: 1,
        keeps_one: true,
        // An odd factor: no reference comes twice.
        reference: |nth, _| (1 << 40) + (nth.wrapping_mul(0x9e37_79b1) & ((1 << 31) - 1)),
        span: 1 << 31,
    },
    Dealt {
        name: "the same for two symbols",
        symbols: 2,
        keeps_one: false,
        reference: |nth, _| 7 * nth,
        span: 7 * TOTAL,
    },
    Dealt {
        name: "far from an order that never dies",
        symbols: 1,
        keeps_one: true,
        reference: |nth, _| (1 << 50) + (nth << 33) + nth,
        span: 0,
    },
];

/// The shard under test and what its orders are called.
struct Market {
    shard: Shard,
    batch: Vec<Event>,
    live: Vec<(u32, u64)>,
}

impl Market {
    fn new() -> Self {
        Market {
            shard: Shard::new(Limits::default()).expect("memory for a shard"),
            batch: Vec::with_capacity(BATCH),
            live: Vec::with_capacity(LIVE_MAX),
        }
    }

    fn send(&mut self, event: Event) {
        self.batch.push(event);
        if self.batch.len() == BATCH {
            self.flush();
        }
    }

    fn flush(&mut self) {
        self.shard.apply_batch(&self.batch, &mut ());
        self.batch.clear();
    }

    /// One order within 400 cents of a dollar, on a side of its own.
    fn add(&mut self, symbol: u32, reference: u64) {
        let (side, base) =
            if reference.is_multiple_of(3) { (Side::Buy, 100) } else { (Side::Sell, 600) };
        let price = cents(base + (reference % 397) as i64);
        self.send(add(symbol, reference, side, price, 100));
        self.live.push((symbol, reference));
    }

    /// Takes out all but `left` orders, in no order.
    fn delete_down_to(&mut self, left: usize, random: &mut Random) {
        while self.live.len() > left {
            let place = random.below(self.live.len() as u64) as usize;
            let (symbol, reference) = self.live.swap_remove(place);
            self.send(delete(symbol, reference));
        }
        self.flush();
    }

    fn assert_index_is_bounded(&self, feed: &str) {
        let (pages, sparse) = self.shard.books().index_usage();
        let pages_max = PAGES_FREE + LIVE_MAX as u32 / ORDERS_A_PAGE;
        assert!(pages <= pages_max, "{feed}: {pages} pages of {pages_max}");
        let live = self.shard.books().order_count() as usize;
        assert!(sparse <= live, "{feed}: {sparse} sparse references of {live} orders");
        assert_eq!(live, self.live.len(), "{feed}");
    }
}

/// Resident memory of this process.
fn resident_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("a Linux kernel's account");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number of kB");
    kilobytes * 1_024
}

fn memory_stays_bounded(feed: &Dealt) {
    let name = feed.name;
    let before = resident_bytes();
    let mut random = Random::new(11);
    let mut market = Market::new();
    let kept = usize::from(feed.keeps_one);
    if feed.keeps_one {
        market.add(1, (1 << 40) - 5);
    }
    let mut nth = 0;
    let mut settled = 0;
    for wave in 0..WAVES {
        while market.live.len() + feed.symbols as usize <= LIVE_MAX {
            let reference = (feed.reference)(nth, &mut random);
            nth += 1;
            (1..=feed.symbols).for_each(|symbol| market.add(symbol, reference));
        }
        market.flush();
        market.assert_index_is_bounded(name);
        // Every other wave dies but for a few; what is left lies anywhere.
        let left = if wave % 2 == 0 { LIVE_MAX / 50 } else { kept };
        // The one order that stays is set aside meanwhile.
        let aside = feed.keeps_one.then(|| market.live.remove(0));
        market.delete_down_to(left - kept, &mut random);
        market.live.splice(0..0, aside);
        market.assert_index_is_bounded(name);
        if wave + 1 == SETTLED {
            settled = resident_bytes();
        }
    }
    let after = resident_bytes();
    market.shard.validate().expect("books in order");
    assert_eq!(market.shard.quality().unknown_order, 0, "{name}");
    assert_eq!(market.shard.quality().over_capacity, 0, "{name}");

    let directory_bytes = feed.span / 1_024 * DIRECTORY_ENTRY_BYTES;
    let grown = after.saturating_sub(settled);
    assert!(
        grown <= GROWTH_BYTES_MAX + directory_bytes,
        "{name}: {grown} bytes more after {nth} references than after {SETTLED} waves"
    );
    let taken = after.saturating_sub(before);
    let allowed = FIXED_BYTES_MAX + directory_bytes + LIVE_MAX as u64 * LIVE_ORDER_BYTES_MAX;
    assert!(taken <= allowed, "{name}: {taken} bytes of {allowed} for {LIVE_MAX} live orders");

    if !feed.keeps_one {
        market.delete_down_to(0, &mut random);
        assert_eq!(market.shard.books().index_usage(), (0, 0), "{name}");
    }
    assert_eq!(market.shard.quality(), Quality::default(), "{name}");
}

#[test]
fn memory_follows_the_orders_that_live_whatever_their_references() {
    if !cfg!(target_os = "linux") {
        return;
    }
    for feed in &FEEDS {
        memory_stays_bounded(feed);
    }
}
