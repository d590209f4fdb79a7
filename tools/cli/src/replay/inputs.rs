//! What was read, as the `input` object of the summary and as lines for people.

use feed_handlers::input::{Compression, Format, InputSource, PacketOrigin};
use serde_json::{Map, Value, json};

use crate::output::decimal::grouped;

/// The `input` object: each path, the format, and for captures the session, the lines and what was
/// met in the frames.
pub(crate) fn json(source: &InputSource) -> Value {
    let description = source.describe();
    let counts = source.counts();
    let paths: Vec<Value> = description
        .inputs
        .iter()
        .map(|input| json!({"path": input.name, "compression": compression(input.compression)}))
        .collect();
    let mut object = Map::new();
    object.insert(String::from("paths"), Value::Array(paths));
    object.insert(String::from("format"), json!(description.format.name()));
    object.insert(String::from("packets"), json!(counts.packets));
    if description.format != Format::Pcap {
        return Value::Object(object);
    }
    let session = source.session().map(|session| session.to_string());
    object.insert(String::from("session"), json!(session));
    object.insert(String::from("end_of_session"), json!(source.end_of_session()));
    let lines: Vec<Value> = source
        .lines()
        .iter()
        .map(|line| {
            json!({
                "name": line.destination.to_string(),
                "capture": line.capture,
                "packets": line.statistics.packets,
                "messages": line.statistics.messages,
                "lost": line.statistics.lost,
                "duplicate": line.statistics.duplicates,
                "late": line.statistics.late,
            })
        })
        .collect();
    object.insert(String::from("lines"), Value::Array(lines));
    for (name, count) in [
        ("gaps", counts.gaps),
        ("duplicate_messages", counts.duplicate_messages),
        ("late_messages", counts.late_messages),
        ("frames", counts.frames),
        ("datagrams", counts.datagrams),
        ("non_udp", counts.non_udp),
        ("unsupported_link", counts.unsupported_link),
        ("fragments", counts.fragments),
        ("malformed", counts.malformed),
        ("not_moldudp64", counts.not_moldudp64),
        ("damaged_packets", counts.damaged_packets),
        ("trailing_bytes", counts.trailing_bytes),
        ("overflowing_packets", counts.overflowing_packets),
    ] {
        object.insert(String::from(name), json!(count));
    }
    Value::Object(object)
}

/// Where in the input the byte `ahead_bytes` into the last packet is: for a plain file that very
/// byte, for a capture the frame it came in.
pub(crate) fn place(source: &InputSource, ahead_bytes: u64) -> Option<String> {
    let PacketOrigin { input, offset_bytes } = source.packet_origin()?;
    Some(match source.describe().format {
        Format::Pcap => format!("{input}, frame at byte {offset_bytes}"),
        _ => format!("{input}, byte {}", offset_bytes + ahead_bytes),
    })
}

/// Details of the input for `-v`, a line each.
pub(crate) fn details(source: &InputSource) -> Vec<String> {
    let description = source.describe();
    let mut lines: Vec<String> = description
        .inputs
        .iter()
        .map(|input| {
            let (format, compression) = (description.format.name(), compression(input.compression));
            format!("read {} as {format}, compression {compression}", input.name)
        })
        .collect();
    lines.extend(source.lines().iter().map(|line| {
        let statistics = &line.statistics;
        format!(
            "line {} of {}: {} packets, {} messages, {} lost, {} duplicate",
            line.destination,
            line.capture,
            grouped(statistics.packets),
            grouped(statistics.messages),
            grouped(statistics.lost),
            grouped(statistics.duplicates)
        )
    }));
    lines
}

fn compression(compression: Compression) -> &'static str {
    match compression {
        Compression::Plain => "none",
        Compression::Gzip => "gzip",
        Compression::Zstd => "zstd",
    }
}
