#![forbid(unsafe_code)]
//! `tapewatch`: the command line.
fn main() {}
