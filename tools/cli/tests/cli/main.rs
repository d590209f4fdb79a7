//! The `tapewatch` binary as people and programs use it: arguments in; stdout, stderr, files and
//! exit status out.

mod recording;
mod repair;
mod running;
mod support;
mod terminal;

mod archived;
mod bars;
mod bars_of_days;
mod bench_latency;
mod bench_throughput;
mod board;
mod book;
mod book_from_snapshots;
mod config;
mod cores;
mod crashes;
mod damage;
mod demo;
mod doctor;
mod exactly_once;
mod export;
mod full_disk;
mod healed;
mod hiccup;
mod inputs;
mod interrupted;
mod journal;
mod killed;
mod killed_day;
mod live;
mod manners;
mod metrics;
mod metrics_columns;
mod on_the_board;
mod outputs;
mod publish;
mod recorded;
mod retention;
mod session_faults;
mod sessions;
mod simulate;
mod top;
mod topologies;
mod verified;
