//! An image in memory: for tests, and for whoever wants one part of an engine.

use core::convert::Infallible;
use std::collections::BTreeMap;

use super::{ImageSink, ImageSource, Part};

impl ImageSink for BTreeMap<Part, Vec<u8>> {
    type Error = Infallible;

    fn part(&mut self, part: Part, bytes: &[u8]) -> Result<(), Infallible> {
        self.insert(part, bytes.to_vec());
        Ok(())
    }
}

impl ImageSource for BTreeMap<Part, Vec<u8>> {
    type Error = Infallible;

    fn parts(&self) -> impl Iterator<Item = Part> {
        self.keys().copied()
    }

    fn read(&self, part: Part, into: &mut Vec<u8>) -> Result<bool, Infallible> {
        into.clear();
        let Some(bytes) = self.get(&part) else { return Ok(false) };
        into.extend_from_slice(bytes);
        Ok(true)
    }
}
