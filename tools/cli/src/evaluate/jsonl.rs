//! Files of JSON lines: one object a line, read whole. A line that is not what it must be ends the
//! reading with its number; empty lines are passed over.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use crate::exit::Failure;

/// One line's fields.
#[derive(Debug)]
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    /// A field that must be text.
    pub(super) fn text(&self, key: &str) -> Result<String, String> {
        let text = self.0.get(key).and_then(Value::as_str).map(str::to_owned);
        text.ok_or_else(|| format!("\"{key}\" is not text"))
    }

    /// A field that must be a whole number of nanoseconds.
    pub(super) fn ns(&self, key: &str) -> Result<i64, String> {
        let ns = self.0.get(key).and_then(Value::as_i64);
        ns.ok_or_else(|| format!("\"{key}\" is not a whole number of nanoseconds"))
    }

    /// A field that must be a number.
    pub(super) fn number(&self, key: &str) -> Result<f64, String> {
        let number = self.0.get(key).and_then(Value::as_f64);
        number.ok_or_else(|| format!("\"{key}\" is not a number"))
    }

    /// A count within the object `key`.
    pub(super) fn count_in(&self, key: &str, inner: &str) -> Result<u64, String> {
        let count = self.0.get(key).and_then(|object| object.get(inner)).and_then(Value::as_u64);
        count.ok_or_else(|| format!("\"{key}\" has no count \"{inner}\""))
    }

    /// A list of texts, which may be absent.
    pub(super) fn texts(&self, key: &str) -> Result<Vec<String>, String> {
        let wrong = || format!("\"{key}\" is not a list of texts");
        let Some(value) = self.0.get(key).filter(|value| !value.is_null()) else {
            return Ok(Vec::new());
        };
        let texts = value.as_array().ok_or_else(wrong)?.iter();
        texts.map(|text| text.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
    }

    /// Whether a field is there and true.
    pub(super) fn is_true(&self, key: &str) -> bool {
        self.0.get(key).and_then(Value::as_bool).unwrap_or(false)
    }
}

/// Every line of the file as `of` makes it.
pub(super) fn read<T>(
    path: &Path,
    of: impl Fn(&Fields) -> Result<T, String>,
) -> Result<Vec<T>, Failure> {
    let name = path.display();
    let text = fs::read_to_string(path).map_err(|error| {
        Failure::usage(format_args!("{name}: cannot be read: {error}; check the path"))
    })?;
    let lines = (1_usize..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    let read = lines.map(|(number, line)| {
        one(line, &of).map_err(|what| {
            Failure::usage(format_args!("{name}, line {number}: {what}; one JSON object a line"))
        })
    });
    read.collect()
}

fn one<T>(line: &str, of: impl Fn(&Fields) -> Result<T, String>) -> Result<T, String> {
    let value: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    match value {
        Value::Object(fields) => of(&Fields(fields)),
        _ => Err(String::from("no object")),
    }
}
