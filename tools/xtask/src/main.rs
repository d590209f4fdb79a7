#![forbid(unsafe_code)]
//! Developer commands; `cargo xtask help` explains them. Each command has a module of its own and runs other programs; this one picks the
//! command.

mod bench;
mod debian;
mod evaluate;
mod fuzz;
mod loom;
mod markers;
mod paths;
mod power_loss;
mod realism;
mod same_state;
mod screenshot;
mod steps;
mod syscalls;
mod test;
mod tidy;
mod yardstick;

use std::process::ExitCode;

use crate::steps::{Failure, say};

const HELP: &str = "\
Developer commands of Tapewatch.

Usage: cargo xtask COMMAND

  test               everything that must hold before a change is merged, step by step: repository
                     rules, format, build of all targets, clippy, docs, the fuzz crate's check (with
                     a nightly toolchain), doctests, all tests, the models of `loom`. Stops at the
                     first failure, exit 1. Installs tshark from Debian if it is missing; where that
                     cannot be done, the tests that need it are skipped.
  tidy               the repository rules alone: no tracked file over 1 MB, unsafe_code only where it
                     is allowed, `#![forbid(unsafe_code)]` in every crate that needs none.
  loom               the models of the ring and the board: every order of threads' steps with at most 4
                     interruptions, or as many as LOOM_MAX_PREEMPTIONS says. Builds in target/loom.
  fuzz [TARGET...] [--seconds N]
                     fuzzes the targets named (all of them otherwise), one after the other, N
                     seconds each (default 600). Installs cargo-fuzz if it is missing; needs a
                     nightly toolchain. Seeds are written first; corpus and findings are in
                     fuzz/corpus/TARGET and fuzz/artifacts/TARGET.
  yardstick          makes the benchmark file (20,000,000 messages, 616 MB) with the generator in
                     the shared folder, or checks the one that is there, and prints its path.
  bench [FILE] [--only=NAME,...] [--write]
                     measures parsers, stages and the whole engine on FILE, otherwise the yardstick,
                     the ring, the journal, the simulated exchange and the demo, and prints the README's
                     tables; with --write puts them there. Takes minutes and an idle machine.
  evaluate [--seeds A..B] [--plain-seeds A..B] [--binary FILE] [--write]
                     simulates a day with staged episodes for each seed of --seeds (default: the published
                     ones, 1001..1020) and one without for each of --plain-seeds (2001..2010), of two
                     populations of agents, and prints what the detectors are worth on them. With --write
                     into README.md, the pictures into benches/evaluate: of the published seeds alone, and
                     of what is committed. --binary takes that tapewatch in place of one that is built.
                     Needs a gigabyte in the system's folder for temporary files (TMPDIR).
  syscalls [FILE]    runs the whole engine under strace and prints the system calls of each thread in
                     steady state. Installs strace from Debian if it is missing.
  same-state [FILE]  runs FILE (ITCH 5.0 as BinaryFILE; otherwise a session made for it) inline and
                     pipelined with 1, 2, 3 and 7 shards, flat out and paced, compressed, as
                     captures of other packets on two lines, and from its own journal; prints what
                     each came to. Exit 1 if states, digests or outputs differ. Needs room for the
                     outputs and five copies of FILE in the system's folder for temporary files.
  power-loss [--seeds N] [--from N]
                     loses power, by seed, while logs and cursors are written to a disk that fails,
                     tears and misdirects writes, and while what is left is taken up; holds what is
                     read then to what was written. N seeds (default 100000) from N on (default 0).
                     Exit 1 with the seed at the first that does not hold.
  realism [--write]  simulates a day and prints its figures beside those of the recorded stretch of AAPL
                     and the ranges that the tests hold; with --write puts them into
                     tools/exchange/REALISM.md. Needs the shared folder.
  screenshot [--write]  `tapewatch top` on a terminal of 80 by 24, beside an engine that listens to a
                     simulated exchange; with --write into README.md. Installs tmux from Debian if it is
                     missing.
  help               this text.

Environment:
  TAPEWATCH_SHARED         folder with test data and the yardstick's generator [default: ../shared]
  TAPEWATCH_YARDSTICK_DIR  where the yardstick is made [default: tapewatch-yardstick in the system's
                           folder for temporary files]
  CI=true                  missing test data or tshark is a failure instead of a skipped test

Examples:
  cargo xtask test
  cargo xtask fuzz itch_apply --seconds 60
  cargo xtask power-loss --seeds 1000000
  cargo run --release -- bench throughput \"$(cargo xtask yardstick)\"
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((command, rest)) = arguments.split_first() else {
        steps::tell(HELP);
        return ExitCode::from(2);
    };
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    let done = match command.as_str() {
        "help" | "-h" | "--help" => {
            say(HELP.trim_end());
            Ok(())
        }
        "test" => no_more(&rest).and_then(|()| test::run()),
        "tidy" => no_more(&rest).and_then(|()| tidy::run()),
        "loom" => no_more(&rest).and_then(|()| loom::run()),
        "fuzz" => fuzz::run(&rest),
        "yardstick" => no_more(&rest).and_then(|()| {
            say(&yardstick::file()?.display().to_string());
            Ok(())
        }),
        "bench" => bench::run(&rest),
        "evaluate" => evaluate::run(&rest),
        "power-loss" => power_loss::run(&rest),
        "realism" => realism::run(&rest),
        "same-state" => same_state::run(&rest),
        "screenshot" => screenshot::run(&rest),
        "syscalls" => syscalls::run(&rest),
        unknown => Err(Failure::Usage(format!("no command {unknown:?}"))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(what)) => {
            steps::tell(&format!("xtask: {what}; `cargo xtask help` lists the commands"));
            ExitCode::from(2)
        }
        Err(Failure::Step(what)) => {
            steps::tell(&format!("xtask: {what}"));
            ExitCode::FAILURE
        }
    }
}

fn no_more(arguments: &[&str]) -> Result<(), Failure> {
    match arguments.first() {
        None => Ok(()),
        Some(unknown) => Err(Failure::Usage(format!("no argument {unknown:?} here"))),
    }
}
