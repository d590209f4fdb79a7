#![forbid(unsafe_code)]
//! Developer commands: `cargo xtask test`.
fn main() {}
