//! The keys of `[detect]` and `[detect.NAME]`: from the engine's tables of parameters to TOML and back.
//!
//! A detector brings the table of what can be set of it, so there is no second list here that could
//! drift from it.

use engine::detect::Settings;
use engine::detect::parameter::{Arming, Parameter, Parameters as _, Unit};
use engine::detect::settings::Whole;
use engine::window::tick::Span;
use serde_json::{Map, Value, json};
use toml::de::DeValue;

use super::keys::Numbers;
use super::suggest::nearest;
use super::value;

/// The section.
pub(super) const DETECT: &str = "detect";

/// What the section is about.
pub(super) const ABOUT: &str = "Detectors: what raises an alert. Each has a table of its own.";

/// Every table: the name of its detector (empty for what concerns none), what it holds.
pub(super) fn tables() -> Vec<(&'static str, Vec<Parameter>)> {
    let mut tables = vec![("", Whole::TABLE.to_vec())];
    for name in Settings::names() {
        let Some((arming, own)) = Settings::tables(name) else { continue };
        let armed = Arming::TABLE.iter().map(|parameter| {
            let default = arming.value(parameter.name).unwrap_or(parameter.default);
            Parameter { default, ..*parameter }
        });
        tables.push((name, armed.chain(own.iter().copied()).collect()));
    }
    tables
}

/// The parameter of a detector.
pub(super) fn find(detector: &str, name: &str) -> Option<Parameter> {
    let of = |table: &[Parameter]| table.iter().find(|it| it.name == name).copied();
    if detector.is_empty() {
        return of(Whole::TABLE);
    }
    let (arming, own) = Settings::tables(detector)?;
    let armed = || {
        let parameter = of(Arming::TABLE)?;
        Some(Parameter { default: arming.value(name)?, ..parameter })
    };
    armed().or_else(|| of(own))
}

/// `detect.NAME`, or `detect.DETECTOR.NAME`.
pub(super) fn path(detector: &str, name: &str) -> String {
    match detector {
        "" => format!("{DETECT}.{name}"),
        _ => format!("{DETECT}.{detector}.{name}"),
    }
}

/// What an unknown path was probably meant to be.
pub(super) fn suggestion(given: &str) -> String {
    let known = || {
        let all = tables().into_iter();
        all.flat_map(|(detector, table)| table.into_iter().map(move |it| path(detector, it.name)))
    };
    match nearest(given, known()) {
        Some(near) => format!("is no key; did you mean {near}?"),
        None => format!("is no key; detectors are {}", Settings::names().join(", ")),
    }
}

/// Puts a value where it belongs; what is wrong with it otherwise.
pub(super) fn put(
    settings: &mut Settings,
    detector: &str,
    parameter: &Parameter,
    given: &DeValue<'_>,
) -> Result<(), String> {
    let number = match parameter.unit {
        Unit::Flag => given.as_bool().map(f64::from),
        Unit::Time => {
            let numbers = Numbers::any(parameter.min as u64, parameter.max as u64);
            let text = given.as_str();
            text.and_then(|text| value::span_of(&numbers, text)).map(|span| span.0 as f64)
        }
        _ => number(given).filter(|it| (parameter.min..=parameter.max).contains(it)),
    };
    let number = number.ok_or_else(|| value::wrong(&rule(parameter), given))?;
    if let Some(place) = settings.value_mut(detector, parameter.name) {
        *place = number;
    }
    Ok(())
}

fn number(given: &DeValue<'_>) -> Option<f64> {
    let text = match given {
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        _ => return None,
    };
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Which values it takes.
fn rule(parameter: &Parameter) -> String {
    match parameter.unit {
        Unit::Flag => String::from("true or false"),
        Unit::Time => format!(
            "a duration such as \"50ms\", from {} to {}",
            span(parameter.min),
            span(parameter.max)
        ),
        _ => format!("a number from {} to {}", parameter.min, parameter.max),
    }
}

fn span(ns: f64) -> String {
    value::text_of(Span(ns as i64))
}

/// What the number counts, for people.
fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Count | Unit::Flag | Unit::Time => "",
        Unit::Ratio => "A proportion; ",
        Unit::Money => "In currency units; ",
        Unit::BasisPoints => "In basis points; ",
        Unit::Shares => "In shares; ",
        Unit::Score => "A score; ",
    }
}

/// A value as TOML.
pub(super) fn toml_text(settings: &Settings, detector: &str, parameter: &Parameter) -> String {
    text(settings.value(detector, parameter.name).unwrap_or_default(), parameter.unit)
}

fn text(value: f64, of: Unit) -> String {
    match of {
        Unit::Flag => (value > 0.0).to_string(),
        Unit::Time => format!("\"{}\"", span(value)),
        _ => value.to_string(),
    }
}

/// What stands above a key: its meaning, its range and default, and where that comes from.
pub(super) fn comments(parameter: &Parameter) -> Vec<String> {
    let default = text(parameter.default, parameter.unit);
    let range = match parameter.unit {
        Unit::Flag => String::new(),
        Unit::Time => format!("From {} to {}; ", span(parameter.min), span(parameter.max)),
        _ => format!("{}from {} to {}; ", unit(parameter.unit), parameter.min, parameter.max),
    };
    let source = match parameter.source {
        "" => String::new(),
        source => format!(" ({source})"),
    };
    let mut range = format!("{range}default {default}{source}.");
    if let Some(first) = range.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    wrapped(parameter.about).chain(wrapped(&range)).collect()
}

/// Characters of a line behind `# `, at most.
const LINE_MAX: usize = 98;

/// A text in lines that fit the page.
fn wrapped(text: &str) -> impl Iterator<Item = String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= LINE_MAX => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.into_iter()
}

/// All of it as an object of objects.
pub(super) fn to_json(settings: &Settings) -> Value {
    let mut all = Map::new();
    for (detector, table) in tables() {
        let mut values = Map::new();
        for parameter in table {
            let value = settings.value(detector, parameter.name).unwrap_or_default();
            let value = match parameter.unit {
                Unit::Flag => json!(value > 0.0),
                Unit::Time => json!(span(value)),
                _ => json!(value),
            };
            values.insert(parameter.name.to_owned(), value);
        }
        match detector {
            "" => all.extend(values),
            _ => {
                all.insert(detector.to_owned(), Value::Object(values));
            }
        }
    }
    Value::Object(all)
}
