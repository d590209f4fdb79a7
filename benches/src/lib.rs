#![forbid(unsafe_code)]
//! Crate under construction.
