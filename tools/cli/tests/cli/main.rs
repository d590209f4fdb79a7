//! The `tapewatch` binary as people and programs use it: arguments in; stdout, stderr, files and
//! exit status out.

mod support;

mod bench_throughput;
mod config;
mod damage;
mod doctor;
mod hiccup;
mod inputs;
mod journal;
mod manners;
mod outputs;
mod recorded;
