//! One message of a journal as a line for people, or as JSON.
//!
//! Decodes as the engine does, message by message, so that what is shown is what is applied; a
//! message that the engine counts and skips is shown by its type and length.

use std::fmt::Write as _;

use engine::event::{Event, Kind};
use engine::memory::MemoryError;
use engine::packet::{Packet, SnapshotItem};
use engine::pipeline::stage::{Cursor, Decoder as _, EventBatch};
use engine::units::{Nanos, Price, Sequence, SymbolId};
use feed_handlers::itch50::decode::Itch50Decoder;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::output::names;

/// A message, decoded.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MessageLine {
    /// Its sequence.
    pub(crate) sequence: u64,
    /// Its exchange time; of a message that is skipped, the packet's receive time.
    pub(crate) time: Nanos,
    /// The packet's receive time.
    pub(crate) recv: Nanos,
    /// Its type byte, 0 where it is empty.
    pub(crate) message_type: u8,
    /// Its symbol as results name it; empty where it concerns none.
    pub(crate) symbol: String,
    /// Whether a snapshot holds it; its sequence is then that of the first message behind that.
    pub(crate) is_of_snapshot: bool,
    /// What else it says.
    fields: Vec<(&'static str, Value)>,
}

/// Decodes messages one by one.
pub(crate) struct LineDecoder {
    decoder: Itch50Decoder,
    midnight: Nanos,
    feeds: u16,
    batch: EventBatch,
}

impl LineDecoder {
    /// A decoder of so many feeds for the day that began at `midnight`.
    pub(crate) fn new(midnight: Nanos, feeds: u16) -> Result<LineDecoder, MemoryError> {
        Ok(LineDecoder {
            decoder: Itch50Decoder::for_feeds(midnight, feeds)?,
            feeds,
            midnight,
            batch: EventBatch::new(),
        })
    }

    /// Decodes a packet's messages; `each` says whether to go on.
    pub(crate) fn packet(
        &mut self,
        packet: &Packet<'_>,
        mut each: impl FnMut(MessageLine) -> bool,
    ) -> Result<bool, MemoryError> {
        let mut sequence = packet.sequence.0;
        self.messages(packet, |line| {
            let line = MessageLine { sequence, ..line };
            sequence = sequence.wrapping_add(1);
            each(line)
        })
    }

    /// Decodes the messages of a piece of a snapshot; they have no sequence but that of the first message
    /// that is not in it.
    pub(crate) fn snapshot_item(
        &mut self,
        item: &SnapshotItem<'_>,
        mut each: impl FnMut(MessageLine) -> bool,
    ) -> Result<bool, MemoryError> {
        let SnapshotItem { feed, next, recv, messages, .. } = *item;
        let packet = Packet { feed, sequence: next, recv, messages };
        self.messages(&packet, |line| each(MessageLine { is_of_snapshot: true, ..line }))
    }

    /// Decodes messages, as if each had the packet's sequence.
    fn messages(
        &mut self,
        packet: &Packet<'_>,
        mut each: impl FnMut(MessageLine) -> bool,
    ) -> Result<bool, MemoryError> {
        let (mut rest, sequence) = (packet.messages, packet.sequence.0);
        while let Some((length, tail)) = rest.split_first_chunk::<2>() {
            let bytes = usize::from(u16::from_be_bytes(*length));
            let Some((message, next)) = tail.split_at_checked(bytes) else {
                break;
            };
            let one = Packet {
                feed: packet.feed,
                sequence: Sequence(sequence),
                recv: packet.recv,
                messages: &rest[..2 + bytes],
            };
            if message.first() == Some(&b'S') && message.last() == Some(&b'O') {
                // A second start of day ends a session; shown, it is a message like any other.
                self.decoder = Itch50Decoder::for_feeds(self.midnight, self.feeds)?;
            }
            self.batch.clear();
            self.decoder.decode(&one, &mut Cursor::default(), &mut self.batch);
            let line = match self.batch.events().first() {
                Some(event) => self.line(event, message, packet.recv),
                None => skipped(sequence, message, packet.recv),
            };
            if !each(line) {
                return Ok(false);
            }
            rest = next;
        }
        Ok(true)
    }

    fn line(&self, event: &Event, message: &[u8], recv: Nanos) -> MessageLine {
        let symbol = event.symbol();
        MessageLine {
            sequence: event.sequence,
            time: event.time(),
            recv,
            message_type: message.first().copied().unwrap_or(0),
            is_of_snapshot: false,
            symbol: if symbol == SymbolId(0) {
                String::new()
            } else {
                names::text(self.decoder.directory().name(symbol), symbol)
            },
            fields: fields(event),
        }
    }
}

fn skipped(sequence: u64, message: &[u8], recv: Nanos) -> MessageLine {
    MessageLine {
        sequence,
        time: recv,
        recv,
        message_type: message.first().copied().unwrap_or(0),
        is_of_snapshot: false,
        symbol: String::new(),
        fields: vec![("skipped", json!(true)), ("length", json!(message.len()))],
    }
}

/// What a message says, by name.
pub(crate) fn fields(event: &Event) -> Vec<(&'static str, Value)> {
    let mut fields = Vec::new();
    let mut put = |name, value: Value| fields.push((name, value));
    let price = |price: Price| json!(price.to_string());
    let code = |byte: u8| json!(char::from(byte).to_string());
    match event.kind() {
        Some(Kind::Add) => {
            put("order", json!(event.order().0));
            put("side", code(event.side));
            put("price", price(event.add_price()));
            put("size", json!(event.qty().0));
        }
        Some(Kind::Execute) => {
            put("order", json!(event.order().0));
            put("size", json!(event.qty().0));
            put("match", json!(event.match_number().0));
            if let Some(at) = event.print_price() {
                put("price", price(at));
                put("printable", json!(event.is_printable()));
            }
        }
        Some(Kind::Cancel) => {
            put("order", json!(event.order().0));
            put("size", json!(event.qty().0));
        }
        Some(Kind::Delete) => put("order", json!(event.order().0)),
        Some(Kind::Replace) => {
            put("order", json!(event.order().0));
            put("new_order", json!(event.new_order().0));
            put("price", price(event.new_price()));
            put("size", json!(event.new_qty().0));
        }
        Some(Kind::Trade | Kind::Cross) => {
            if let Some(at) = event.print_price() {
                put("price", price(at));
            }
            put("size", json!(event.qty().0));
            put("match", json!(event.match_number().0));
        }
        Some(Kind::Break) => put("match", json!(event.match_number().0)),
        Some(Kind::Auction) => {
            put("paired", json!(event.words[0]));
            put("imbalance", json!(event.words[1]));
        }
        Some(Kind::SystemEvent) => put("event", code(event.code())),
        Some(Kind::TradingAction) => put("state", code(event.code())),
        Some(Kind::ShortSale) => put("action", code(event.code())),
        Some(_) | None => {}
    }
    fields
}

/// RFC 3339 in UTC with nanoseconds.
pub(crate) fn time_text(time: Nanos) -> String {
    match Timestamp::from_nanosecond(i128::from(time.0)) {
        Ok(timestamp) => format!("{timestamp:.9}"),
        Err(_) => format!("{} ns", time.0),
    }
}

impl MessageLine {
    /// As a line: `sequence time type symbol name=value …`.
    pub(crate) fn text(&self) -> String {
        let symbol = if self.symbol.is_empty() { "-" } else { &self.symbol };
        let name = crate::output::summary::type_text(self.message_type);
        let mut text = format!("{} {} {name} {symbol}", self.sequence, time_text(self.time));
        if self.is_of_snapshot {
            text += " snapshot";
        }
        for (name, value) in &self.fields {
            // Writing to a string cannot fail.
            let _ = match value {
                Value::String(value) => write!(text, " {name}={value}"),
                other => write!(text, " {name}={other}"),
            };
        }
        crate::exit::one_line(&text)
    }

    /// As an object.
    pub(crate) fn json(&self) -> Value {
        let mut object = Map::new();
        let mut put = |name: &str, value: Value| object.insert(name.to_owned(), value);
        put("sequence", json!(self.sequence));
        put("ts_ns", json!(self.time.0));
        put("recv_ns", json!(self.recv.0));
        put("type", json!(crate::output::summary::type_text(self.message_type)));
        put("symbol", json!(self.symbol));
        if self.is_of_snapshot {
            put("snapshot", json!(true));
        }
        for (name, value) in &self.fields {
            put(name, value.clone());
        }
        Value::Object(object)
    }
}
