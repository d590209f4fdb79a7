//! The keys of a live feed, as [`keys`](super::keys) has those of everything else.

use super::keys::{BAR_SIZES, Key, NONE, Numbers, Slot};
use super::live_feed::{LiveFeed, SESSION_CHARACTERS_MAX};

/// Where they stand: an array of tables.
pub(super) const FEEDS: &str = "feeds";

/// What the array is about.
pub(super) const ABOUT: [&str; 2] = [
    "Live feeds, which `tapewatch run` listens to: a table for each, in the order of their numbers.",
    "Times that a running engine may take over by `tapewatch reload` are marked \"live\".",
];

/// The table. All stand in `feeds`.
pub(super) static FEED_KEYS: [Key<LiveFeed>; 25] = [
    key(
        "name",
        &["Stands first in the ids of its alerts and bars: 1 to 16 ASCII letters, digits or '-'."],
        NONE,
        |feed| Slot::Feed(&mut feed.name),
    ),
    key("protocol", &["How it is carried."], NONE, |feed| Slot::Word(&mut feed.protocol)),
    key(
        "lines",
        &["\"moldudp64\": its lines, groups or own addresses with ports, which carry the same."],
        NONE,
        |feed| Slot::Endpoints(&mut feed.lines),
    ),
    key(
        "interface",
        &["Address of the interface on which groups are joined; \"0.0.0.0\": the kernel's choice."],
        NONE,
        |feed| Slot::Ip(&mut feed.interface),
    ),
    key(
        "source",
        &["The only sender that is listened to (source-specific multicast); \"\": any."],
        NONE,
        |feed| Slot::Sender(&mut feed.source),
    ),
    key(
        "receive_buffer_bytes",
        &["Kernel's buffer of each line. A run says where the system gives less."],
        Numbers::any(4_096, 1 << 30),
        |feed| Slot::U64(&mut feed.receive_buffer_bytes),
    ),
    key(
        "session",
        &["The exchange's session, up to 10 characters; \"\": the first one that comes."],
        Numbers::any(0, SESSION_CHARACTERS_MAX),
        |feed| Slot::Text(&mut feed.session),
    ),
    key("start", &["With which message a new session begins."], NONE, |feed| {
        Slot::Word(&mut feed.start)
    }),
    key(
        "retransmission",
        &["Servers that send messages again (MoldUDP64 requests)."],
        NONE,
        |feed| Slot::Endpoints(&mut feed.retransmission),
    ),
    key(
        "snapshot",
        &["The server that gives whole books (GLIMPSE 5.0); \"\": there is none."],
        NONE,
        |feed| Slot::Endpoint(&mut feed.snapshot),
    ),
    key("servers", &["\"soupbintcp\": the feed's servers, tried in turn."], NONE, |feed| {
        Slot::Endpoints(&mut feed.servers)
    }),
    key("username", &["For servers that ask for a login."], Numbers::any(0, 6), |feed| {
        Slot::Text(&mut feed.username)
    }),
    key(
        "password_env",
        &["The environment variable that holds the password; \"\": an empty password."],
        NONE,
        |feed| Slot::Variable(&mut feed.password_env),
    ),
    key(
        "reorder_wait",
        &["Live. How long the lines may take to fill a hole before it is asked for."],
        BAR_SIZES,
        |feed| Slot::Span(&mut feed.timing.reorder_wait),
    ),
    key(
        "hole_wait",
        &["Live. How long a hole may stand where nobody can be asked; then it is given up."],
        BAR_SIZES,
        |feed| Slot::Span(&mut feed.timing.hole_wait),
    ),
    key(
        "request_timeout",
        &["Live. How long a retransmission server may take before the next one is asked."],
        BAR_SIZES,
        |feed| Slot::Span(&mut feed.timing.request_timeout),
    ),
    key(
        "request_tries_max",
        &["Live. Requests for the same messages before they are given up."],
        Numbers::any(1, 1_000),
        |feed| Slot::U32(&mut feed.timing.request_tries_max),
    ),
    key(
        "snapshot_wait",
        &["Live. How long packets are held back for a snapshot before they go on without it."],
        BAR_SIZES,
        |feed| Slot::Span(&mut feed.timing.snapshot_wait),
    ),
    key(
        "snapshot_retry",
        &["Live. How long after a snapshot that failed the next one is asked for."],
        BAR_SIZES,
        |feed| Slot::Span(&mut feed.timing.snapshot_retry),
    ),
    key(
        "line_silent",
        &["Live. A line that brings nothing so long while another does has failed."],
        BAR_SIZES,
        |feed| Slot::Span(&mut feed.timing.line_silent),
    ),
    key("stale", &["Live. A feed that brings nothing so long is stale."], BAR_SIZES, |feed| {
        Slot::Span(&mut feed.timing.stale)
    }),
    key(
        "packets_max",
        &["Packets held back behind a hole; more, and the oldest hole is given up."],
        Numbers::any(1, 1 << 24),
        |feed| Slot::U64(&mut feed.packets_max),
    ),
    key(
        "bytes_max",
        &["Bytes of them, and of a snapshot."],
        Numbers::any(1 << 16, 1 << 34),
        |feed| Slot::U64(&mut feed.bytes_max),
    ),
    key(
        "request_messages_max",
        &["Messages that a server takes in one request."],
        Numbers::any(1, 65_534),
        |feed| Slot::U32(&mut feed.request_messages_max),
    ),
    key(
        "requests_in_flight_max",
        &["Requests that wait for their answers at once."],
        Numbers::any(1, 10_000),
        |feed| Slot::U32(&mut feed.requests_in_flight_max),
    ),
];

const fn key(
    name: &'static str,
    about: &'static [&'static str],
    numbers: Numbers,
    slot: fn(&mut LiveFeed) -> Slot<'_>,
) -> Key<LiveFeed> {
    Key { section: FEEDS, name, about, numbers, slot }
}

/// The key called `name`.
pub(super) fn find(name: &str) -> Option<&'static Key<LiveFeed>> {
    FEED_KEYS.iter().find(|key| key.name == name)
}
