#![forbid(unsafe_code)]
//! Crate under construction.

pub mod capture;
