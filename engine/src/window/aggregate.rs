//! What a window holds: values folded into a figure, which can be merged, and taken apart again.
//!
//! An aggregate is a monoid: [`Aggregate::EMPTY`], [`Aggregate::add`] and [`Aggregate::merge`] give
//! the same result whatever the order, so that sessions can merge. Where a value can be taken out
//! exactly, [`Aggregate::retract`] does; a greatest or least value cannot, and says so.

use thiserror::Error;

use super::encoding::{DecodeError, Reader, Stored};
use crate::state::encode::Sink;

/// This aggregate does not keep what it would need to take a value out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("this aggregate cannot take a value out again")]
pub struct NotRetractable;

/// Values folded into a figure.
pub trait Aggregate: Stored {
    /// What is added.
    type Value;
    /// What comes out.
    type Result;

    /// Of no values.
    const EMPTY: Self;

    /// Adds a value.
    fn add(&mut self, value: &Self::Value);

    /// Adds all values of another.
    fn merge(&mut self, other: Self);

    /// Takes a value out that was added before. An aggregate can always or never: it does not depend
    /// on the values.
    ///
    /// # Errors
    /// [`NotRetractable`] if that cannot be done exactly; then nothing has changed.
    fn retract(&mut self, value: &Self::Value) -> Result<(), NotRetractable> {
        let _ = value;
        Err(NotRetractable)
    }

    /// Replaces a value that was added before.
    ///
    /// # Errors
    /// As [`Aggregate::retract`].
    fn correct(&mut self, old: &Self::Value, new: &Self::Value) -> Result<(), NotRetractable> {
        self.retract(old)?;
        self.add(new);
        Ok(())
    }

    /// The figure.
    fn result(&self) -> Self::Result;
}

/// The sum of integers, exact: in `i128`, where 2^64 of the greatest values fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum(i128);

impl Aggregate for Sum {
    type Value = i64;
    type Result = i128;

    const EMPTY: Self = Sum(0);

    fn add(&mut self, value: &i64) {
        self.0 = self.0.saturating_add(i128::from(*value));
    }

    fn merge(&mut self, other: Self) {
        self.0 = self.0.saturating_add(other.0);
    }

    fn retract(&mut self, value: &i64) -> Result<(), NotRetractable> {
        self.0 = self.0.saturating_sub(i128::from(*value));
        Ok(())
    }

    fn result(&self) -> i128 {
        self.0
    }
}

impl Stored for Sum {
    fn encode<S: Sink>(&self, sink: &mut S) {
        sink.i128(self.0);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.i128().map(Sum)
    }
}

/// The greatest of integers. Not retractable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Max(Option<i64>);

impl Aggregate for Max {
    type Value = i64;
    /// `None` of no values.
    type Result = Option<i64>;

    const EMPTY: Self = Max(None);

    fn add(&mut self, value: &i64) {
        self.0 = self.0.max(Some(*value));
    }

    fn merge(&mut self, other: Self) {
        self.0 = self.0.max(other.0);
    }

    fn result(&self) -> Option<i64> {
        self.0
    }
}

impl Stored for Max {
    fn encode<S: Sink>(&self, sink: &mut S) {
        self.0.encode(sink);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Option::decode(reader).map(Max)
    }
}
