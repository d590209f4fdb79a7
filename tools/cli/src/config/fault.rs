//! What is wrong with a configuration, and where.

use std::fmt;
use std::path::Path;

use serde_json::{Value, json};

use crate::exit::one_line;

/// One fault. Faults are in order of their place, those of `--set` last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Where it was given.
    pub(super) given: Given,
    /// The key, where it is about one: `section.name`.
    pub(super) key: Option<String>,
    /// What is wrong.
    pub(super) what: String,
}

/// Where something was given.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Given {
    /// In the file, both counted from 1; the column in characters.
    File { line: usize, column: usize },
    /// With `--set`, as it stood there.
    Set(String),
}

impl Given {
    /// The place of the byte at `offset` in `text`.
    pub(super) fn at(text: &str, offset: usize) -> Given {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Given::File {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    /// The line of the file, 0 for `--set`.
    pub(super) fn line(&self) -> usize {
        match self {
            Given::File { line, .. } => *line,
            Given::Set(_) => 0,
        }
    }
}

impl Fault {
    /// Whether it stands in the file, not in `--set`.
    pub(super) fn is_in_file(&self) -> bool {
        matches!(self.given, Given::File { .. })
    }

    /// `FILE:LINE: key what`, or `--set KEY=VALUE: what`; one line.
    pub(crate) fn text(&self, file: Option<&Path>) -> String {
        let place = match (&self.given, file) {
            (Given::File { line, .. }, Some(file)) => format!("{}:{line}", file.display()),
            (Given::File { line, .. }, None) => format!("line {line}"),
            (Given::Set(given), _) => format!("--set {given}"),
        };
        one_line(&format!("{place}: {self}"))
    }

    /// The fault for programs.
    pub(super) fn json(&self) -> Value {
        let (line, column, set) = match &self.given {
            Given::File { line, column } => (Some(line), Some(column), None),
            Given::Set(given) => (None, None, Some(given)),
        };
        json!({"line": line, "column": column, "set": set, "key": self.key, "what": self.what})
    }
}

/// Without its place.
impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            Some(key) => write!(formatter, "{key} {}", self.what),
            None => formatter.write_str(&self.what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_from_one_in_characters() {
        let text = "a = 1\né = 2";
        assert_eq!(Given::at(text, 0), Given::File { line: 1, column: 1 });
        assert_eq!(Given::at(text, 6), Given::File { line: 2, column: 1 });
        assert_eq!(Given::at(text, 8), Given::File { line: 2, column: 2 });
        // Past the end, and inside a character: the last place there is.
        assert_eq!(Given::at(text, 99), Given::File { line: 2, column: 6 });
        assert_eq!(Given::at(text, 7), Given::File { line: 2, column: 6 });
    }

    #[test]
    fn a_fault_is_one_line_whatever_it_quotes() {
        let given = Given::File { line: 3, column: 1 };
        let fault = Fault { given, key: None, what: String::from("a\nb\u{1b}[2J") };
        assert_eq!(fault.text(Some(Path::new("x.toml"))), "x.toml:3: a\\nb\\u{1b}[2J");
    }
}
