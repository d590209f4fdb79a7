//! One value: from TOML into the configuration, and back to TOML text.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;
use std::time::Duration;

use engine::window::tick::Span;
use serde_json::{Value as Json, json};
use toml::de::{DeInteger, DeValue};

use super::keys::{CORES, Key, Numbers, Slot};
use super::model::{Core, FeedName};
use crate::span;

/// Longest foreign text that a fault quotes.
const QUOTED_CHARACTERS_MAX: usize = 60;

/// Puts `value` where `key` says. What is wrong with it otherwise, without the key's name.
pub(super) fn put<T>(config: &mut T, key: &Key<T>, value: &DeValue<'_>) -> Result<(), String> {
    match (key.slot)(config) {
        Slot::Flag(flag) => {
            *flag = value.as_bool().ok_or_else(|| wrong("true or false", value))?;
        }
        Slot::U32(place) => {
            let number = number(&key.numbers, value)?;
            *place = u32::try_from(number).map_err(|_| out_of_range(&key.numbers, value))?;
        }
        Slot::U64(place) => *place = number(&key.numbers, value)?,
        Slot::Word(choice) => {
            if !value.as_str().is_some_and(|word| choice.choose(word)) {
                let words: Vec<String> =
                    choice.words().iter().map(|(word, _)| format!("\"{word}\"")).collect();
                return Err(wrong(&format!("one of {}", words.join(", ")), value));
            }
        }
        Slot::Feed(name) => {
            let rule = "1 to 16 ASCII letters, digits or '-' in quotes";
            *name = value.as_str().and_then(FeedName::new).ok_or_else(|| wrong(rule, value))?;
        }
        Slot::Dir(dir) => {
            let path = value.as_str().filter(|text| is_absolute_path(text));
            *dir = path.map(PathBuf::from).ok_or_else(|| wrong("an absolute path", value))?;
        }
        Slot::File(place) => {
            let path = value.as_str().filter(|text| text.is_empty() || is_absolute_path(text));
            *place =
                path.map(str::to_owned).ok_or_else(|| wrong("an absolute path or \"\"", value))?;
        }
        Slot::Variable(place) => {
            let name = value.as_str().filter(|text| text.is_empty() || is_variable(text));
            // What stands here by mistake may be the key itself.
            let rule = "must be the name of an environment variable, or \"\"";
            *place = name.map(str::to_owned).ok_or_else(|| String::from(rule))?;
        }
        Slot::Core(place) => *place = Some(core(value)?),
        Slot::Cores(place) => {
            let Some(list) = value.as_array() else {
                return Err(wrong("a list of cores such as [2, 3]", value));
            };
            let cores: Result<Vec<Core>, String> =
                list.iter().map(|item| core(item.get_ref())).collect();
            *place = Some(cores?);
        }
        Slot::Span(place) => *place = duration(&key.numbers, value)?,
        Slot::Spans(place) => {
            let Some(list) = value.as_array() else {
                return Err(wrong("a list of durations such as [\"1s\", \"1m\"]", value));
            };
            let spans: Result<Vec<Span>, String> =
                list.iter().map(|item| duration(&key.numbers, item.get_ref())).collect();
            *place = spans?;
        }
        Slot::Text(place) => {
            let most = key.numbers.max;
            let text = value.as_str().filter(|text| is_short_ascii(text, most));
            let rule = || wrong(&format!("at most {most} printable ASCII characters"), value);
            *place = text.map(str::to_owned).ok_or_else(rule)?;
        }
        Slot::Ip(place) => *place = ip(value)?,
        Slot::Sender(place) => {
            *place = if value.as_str() == Some("") { None } else { Some(ip(value)?) };
        }
        Slot::Endpoint(place) => {
            *place = if value.as_str() == Some("") { None } else { Some(endpoint(value)?) };
        }
        Slot::Endpoints(place) => {
            let Some(list) = value.as_array() else {
                return Err(wrong("a list of addresses such as [\"233.54.12.111:26477\"]", value));
            };
            let endpoints: Result<Vec<SocketAddrV4>, String> =
                list.iter().map(|item| endpoint(item.get_ref())).collect();
            *place = endpoints?;
        }
    }
    Ok(())
}

/// Leaves an optional key without a value; false where the key needs one.
pub(super) fn unset<T>(config: &mut T, key: &Key<T>) -> bool {
    match (key.slot)(config) {
        Slot::Core(place) => *place = None,
        Slot::Cores(place) => *place = None,
        _ => return false,
    }
    true
}

/// A key's value as TOML, `None` where it is left out.
pub(super) fn toml_text<T>(config: &mut T, key: &Key<T>) -> Option<String> {
    Some(match (key.slot)(config) {
        Slot::Flag(flag) => flag.to_string(),
        Slot::U32(number) => number.to_string(),
        Slot::U64(number) => number.to_string(),
        Slot::Word(choice) => quoted(choice.word()),
        Slot::Feed(name) => quoted(name.as_str()),
        // Paths come from TOML strings or defaults, so they are text.
        Slot::Dir(dir) => quoted(&dir.to_string_lossy()),
        Slot::File(text) | Slot::Variable(text) => quoted(text),
        Slot::Core(core) => core.as_ref()?.0.to_string(),
        Slot::Cores(cores) => {
            let cores: Vec<String> =
                cores.as_ref()?.iter().map(|core| core.0.to_string()).collect();
            format!("[{}]", cores.join(", "))
        }
        Slot::Span(span) => quoted(&text_of(*span)),
        Slot::Spans(spans) => list_of(spans),
        Slot::Text(text) => quoted(text),
        Slot::Ip(ip) => quoted(&ip.to_string()),
        Slot::Sender(ip) => quoted(&ip.map_or_else(String::new, |ip| ip.to_string())),
        Slot::Endpoint(one) => quoted(&one.map_or_else(String::new, |one| one.to_string())),
        Slot::Endpoints(list) => {
            let list: Vec<String> = list.iter().map(|one| quoted(&one.to_string())).collect();
            format!("[{}]", list.join(", "))
        }
    })
}

/// A key's value as JSON, `null` where it is left out.
pub(super) fn json<T>(config: &mut T, key: &Key<T>) -> Json {
    match (key.slot)(config) {
        Slot::Flag(flag) => json!(*flag),
        Slot::U32(number) => json!(*number),
        Slot::U64(number) => json!(*number),
        Slot::Word(choice) => json!(choice.word()),
        Slot::Feed(name) => json!(name.as_str()),
        Slot::Dir(dir) => json!(dir.to_string_lossy()),
        Slot::File(text) | Slot::Variable(text) => json!(text),
        Slot::Core(core) => json!(core.as_ref().map(|core| core.0)),
        Slot::Cores(cores) => {
            json!(cores.as_ref().map(|cores| cores.iter().map(|core| core.0).collect::<Vec<_>>()))
        }
        Slot::Span(span) => json!(text_of(*span)),
        Slot::Spans(spans) => json!(spans.iter().map(|span| text_of(*span)).collect::<Vec<_>>()),
        Slot::Text(text) => json!(text),
        Slot::Ip(ip) => json!(ip.to_string()),
        Slot::Sender(ip) => json!(ip.map(|ip| ip.to_string())),
        Slot::Endpoint(one) => json!(one.map(|one| one.to_string())),
        Slot::Endpoints(list) => {
            json!(list.iter().map(ToString::to_string).collect::<Vec<_>>())
        }
    }
}

fn number(numbers: &Numbers, value: &DeValue<'_>) -> Result<u64, String> {
    let Some(integer) = value.as_integer() else {
        return Err(wrong(&format!("an integer, {}", numbers.text()), value));
    };
    integer_of(integer)
        .filter(|&number| numbers.take(number))
        .ok_or_else(|| out_of_range(numbers, value))
}

/// The integer, where it is not negative and no larger than 64 bits.
fn integer_of(integer: &DeInteger<'_>) -> Option<u64> {
    u64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

fn core(value: &DeValue<'_>) -> Result<Core, String> {
    let number = number(&CORES, value)?;
    u16::try_from(number).map(Core).map_err(|_| out_of_range(&CORES, value))
}

fn duration(numbers: &Numbers, value: &DeValue<'_>) -> Result<Span, String> {
    let rule = || format!("a duration such as \"1m30s\", {}", numbers.text());
    let text = value.as_str().ok_or_else(|| wrong(&rule(), value))?;
    span_of(numbers, text).ok_or_else(|| wrong(&rule(), value))
}

/// The duration that `text` is, where `numbers` take its ns.
pub(super) fn span_of(numbers: &Numbers, text: &str) -> Option<Span> {
    let ns = u64::try_from(span::parse(text).ok()?.as_nanos()).ok()?;
    numbers.take(ns).then(|| i64::try_from(ns).map(Span).ok())?
}

/// A duration as it stands in a file; none is negative.
pub(super) fn text_of(span: Span) -> String {
    span::text(Duration::from_nanos(span.0.unsigned_abs()))
}

/// A list of durations as TOML.
pub(super) fn list_of(spans: &[Span]) -> String {
    let spans: Vec<String> = spans.iter().map(|span| quoted(&text_of(*span))).collect();
    format!("[{}]", spans.join(", "))
}

fn ip(value: &DeValue<'_>) -> Result<Ipv4Addr, String> {
    let address = value.as_str().and_then(|text| text.parse().ok());
    address.ok_or_else(|| wrong("an IPv4 address such as \"10.1.2.3\"", value))
}

fn endpoint(value: &DeValue<'_>) -> Result<SocketAddrV4, String> {
    let endpoint = value.as_str().and_then(|text| text.parse().ok());
    endpoint.ok_or_else(|| wrong("an IPv4 address and a port such as \"10.1.2.3:26477\"", value))
}

fn is_short_ascii(text: &str, most: u64) -> bool {
    text.len() as u64 <= most && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

fn is_absolute_path(text: &str) -> bool {
    text.starts_with('/') && !text.contains('\0')
}

/// Whether a text can be a variable's name, and no key: that begins with a digit, or is longer.
fn is_variable(text: &str) -> bool {
    text.len() < 64
        && !text.starts_with(|first: char| first.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn out_of_range(numbers: &Numbers, value: &DeValue<'_>) -> String {
    wrong(&numbers.text(), value)
}

/// `must be RULE, is VALUE`.
pub(super) fn wrong(rule: &str, value: &DeValue<'_>) -> String {
    format!("must be {rule}, is {}", shown(value))
}

/// A value as a fault quotes it.
fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("the text \"{}\"", cut(text)),
        DeValue::Integer(number) => cut(&number.to_string()),
        DeValue::Float(number) => cut(&number.to_string()),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(_) => String::from("a date or time"),
        DeValue::Array(list) => format!("a list of {}", list.len()),
        DeValue::Table(_) => String::from("a table"),
    }
}

/// The start of a foreign text.
pub(super) fn cut(text: &str) -> String {
    match text.char_indices().nth(QUOTED_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            _ if character.is_control() => quoted.push_str(&format!("\\u{:04X}", character as u32)),
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_survives_as_a_toml_string() {
        for text in ["", "/dev/shm", "a\"b\\c", "tab\t nul\0 del\u{7f} nel\u{85}", "é…\u{1F600}"]
        {
            let toml = quoted(text);
            let read = DeValue::parse(&toml).unwrap();
            assert_eq!(read.get_ref().as_str(), Some(text), "{toml}");
        }
    }

    #[test]
    fn long_foreign_text_is_cut_between_characters() {
        assert_eq!(cut("short"), "short");
        let long = cut(&"é".repeat(100));
        assert_eq!(long.chars().count(), QUOTED_CHARACTERS_MAX + 1);
    }
}
