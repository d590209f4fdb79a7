//! Strict reading of a case: every field is taken by name, and what is left over is an error.

use std::fmt::Debug;

use engine::window::{Span, Tick, TimeWindow, Window};
use serde_json::{Map, Value};

/// Nothing, or what differed.
pub(crate) type Outcome = Result<(), String>;

/// A case that is being run: its own fields, and those of its `params`.
pub(crate) struct Case<'a> {
    pub(crate) fields: Fields<'a>,
    pub(crate) params: Fields<'a>,
}

impl<'a> Case<'a> {
    /// Calls `run` for each step; an error names the step.
    pub(crate) fn each_step(&mut self, run: impl FnMut(&mut Fields<'a>) -> Outcome) -> Outcome {
        each(self.fields.list("steps")?, "step", run)
    }

    /// Calls `run` for each check; an error names the check.
    pub(crate) fn each_check(&mut self, run: impl FnMut(&mut Fields<'a>) -> Outcome) -> Outcome {
        each(self.fields.list("checks")?, "check", run)
    }
}

/// Calls `run` with each of `items`, which are objects.
pub(crate) fn each<'a>(
    items: &'a [Value],
    name: &str,
    mut run: impl FnMut(&mut Fields<'a>) -> Outcome,
) -> Outcome {
    for (number, item) in items.iter().enumerate() {
        let what = format!("{name} {number}");
        let mut fields = Fields::of(item, &what)?;
        fields.skip("note");
        run(&mut fields).and_then(|()| fields.end()).map_err(|error| format!("{what}: {error}"))?;
    }
    Ok(())
}

/// The fields of an object that have not been taken yet.
pub(crate) struct Fields<'a> {
    what: String,
    left: Vec<(&'a str, &'a Value)>,
}

impl<'a> Fields<'a> {
    pub(crate) fn of(value: &'a Value, what: &str) -> Result<Self, String> {
        let object: &Map<String, Value> =
            value.as_object().ok_or_else(|| format!("{what} is no object: {value}"))?;
        let left = object.iter().map(|(name, value)| (name.as_str(), value)).collect();
        Ok(Fields { what: what.to_owned(), left })
    }

    pub(crate) fn none(what: &str) -> Self {
        Fields { what: what.to_owned(), left: Vec::new() }
    }

    /// Takes a field, if it is there. A `null` is there.
    pub(crate) fn optional(&mut self, name: &str) -> Option<&'a Value> {
        let place = self.left.iter().position(|(left, _)| *left == name)?;
        Some(self.left.remove(place).1)
    }

    /// Takes a field that is for people.
    pub(crate) fn skip(&mut self, name: &str) {
        let _for_people = self.optional(name);
    }

    pub(crate) fn required(&mut self, name: &str) -> Result<&'a Value, String> {
        self.optional(name).ok_or_else(|| format!("{} has no field {name:?}", self.what))
    }

    pub(crate) fn list(&mut self, name: &str) -> Result<&'a [Value], String> {
        list(self.required(name)?)
    }

    pub(crate) fn text(&mut self, name: &str) -> Result<&'a str, String> {
        let value = self.required(name)?;
        value.as_str().ok_or_else(|| format!("{name:?} is no text: {value}"))
    }

    pub(crate) fn number(&mut self, name: &str) -> Result<i64, String> {
        number(self.required(name)?)
    }

    pub(crate) fn optional_number(&mut self, name: &str) -> Result<Option<i64>, String> {
        self.optional(name).map(number).transpose()
    }

    /// A flag; absent is false.
    pub(crate) fn flag(&mut self, name: &str) -> Result<bool, String> {
        Ok(self.optional_flag(name)?.unwrap_or(false))
    }

    pub(crate) fn optional_flag(&mut self, name: &str) -> Result<Option<bool>, String> {
        let flag = |value: &Value| {
            value.as_bool().ok_or_else(|| format!("{name:?} is neither true nor false: {value}"))
        };
        self.optional(name).map(flag).transpose()
    }

    pub(crate) fn tick(&mut self, name: &str) -> Result<Tick, String> {
        self.number(name).map(Tick)
    }

    /// A span; absent is 0.
    pub(crate) fn span(&mut self, name: &str) -> Result<Span, String> {
        Ok(Span(self.optional_number(name)?.unwrap_or(0)))
    }

    pub(crate) fn window(&mut self, name: &str) -> Result<TimeWindow, String> {
        time_window(self.required(name)?)
    }

    /// Nothing is to be left.
    pub(crate) fn end(&self) -> Outcome {
        match self.left.first() {
            None => Ok(()),
            Some((name, value)) => {
                Err(format!("{} has a field {name:?} that is not known: {value}", self.what))
            }
        }
    }
}

pub(crate) fn list(value: &Value) -> Result<&[Value], String> {
    value.as_array().map(Vec::as_slice).ok_or_else(|| format!("{value} is no list"))
}

/// An integer, or one of its limits by name.
pub(crate) fn number(value: &Value) -> Result<i64, String> {
    match value.as_str() {
        Some("MAX") => Ok(i64::MAX),
        Some("MIN") => Ok(i64::MIN),
        _ => value.as_i64().ok_or_else(|| format!("{value} is no 64-bit integer")),
    }
}

/// `[start, end]`.
pub(crate) fn time_window(value: &Value) -> Result<TimeWindow, String> {
    match list(value)? {
        [start, end] => Ok(TimeWindow::new(Tick(number(start)?), Tick(number(end)?))),
        _ => Err(format!("{value} is no window")),
    }
}

/// `[start, end]`, or the global window as `null`.
pub(crate) fn window(value: &Value) -> Result<Window, String> {
    match value {
        Value::Null => Ok(Window::Global),
        value => time_window(value).map(Window::Time),
    }
}

/// One window, or a list of windows.
pub(crate) fn time_windows(value: &Value) -> Result<Vec<TimeWindow>, String> {
    match list(value)? {
        items if items.iter().all(Value::is_array) => items.iter().map(time_window).collect(),
        _ => Ok(vec![time_window(value)?]),
    }
}

/// `left` is what came out, `right` what the case expects.
pub(crate) fn same<T: PartialEq + Debug>(what: &str, left: T, right: T) -> Outcome {
    if left == right {
        return Ok(());
    }
    Err(format!("{what} is {left:?}, expected {right:?}"))
}
