//! `cargo xtask fuzz`: seeds, then one target after the other for a given time.

use std::path::Path;

use crate::paths;
use crate::steps::{Failure, cargo, has_nightly, is_there, nightly_cargo, step, tell};

/// The targets, as `fuzz/Cargo.toml` names them.
const TARGETS: [&str; 13] = [
    "archive",
    "capture",
    "csv_trades",
    "moldudp64",
    "binaryfile",
    "itch_apply",
    "input",
    "log_reader",
    "state_image",
    "moldudp64_session",
    "soupbintcp",
    "glimpse",
    "detect",
];

/// Seconds for each target unless told otherwise.
const SECONDS: u32 = 600;

/// Most bytes of an input. An input of many messages costs time and finds little that a short one
/// does not.
const INPUT_BYTES_MAX: u32 = 4_096;

struct Plan<'a> {
    targets: Vec<&'a str>,
    seconds: u32,
}

impl<'a> Plan<'a> {
    fn parse(arguments: &[&'a str]) -> Result<Plan<'a>, Failure> {
        let mut plan = Plan { targets: Vec::new(), seconds: SECONDS };
        let mut arguments = arguments.iter().copied();
        while let Some(argument) = arguments.next() {
            if argument == "--seconds" {
                plan.seconds = arguments
                    .next()
                    .and_then(|seconds| seconds.parse().ok())
                    .filter(|seconds| *seconds > 0)
                    .ok_or_else(|| Failure::Usage("--seconds needs a number above 0".into()))?;
            } else if TARGETS.contains(&argument) {
                plan.targets.push(argument);
            } else {
                let known = TARGETS.join(", ");
                return Err(Failure::Usage(format!("no fuzz target {argument:?} among {known}")));
            }
        }
        if plan.targets.is_empty() {
            plan.targets = TARGETS.to_vec();
        }
        Ok(plan)
    }
}

/// Runs the command.
pub(crate) fn run(arguments: &[&str]) -> Result<(), Failure> {
    let plan = Plan::parse(arguments)?;
    if !has_nightly() {
        let advice = "needs a nightly toolchain: rustup toolchain install nightly";
        return Err(Failure::of("fuzz", advice));
    }
    if !is_there(cargo(["fuzz", "--version"])) {
        step("install cargo-fuzz", cargo(["install", "cargo-fuzz", "--locked"]))?;
    }
    let mut seeds = cargo(["run", "--quiet", "--locked", "--manifest-path", "fuzz/Cargo.toml"]);
    seeds.args(["--example", "seeds", "--", "fuzz/corpus"]);
    let data = paths::shared().join("data");
    if data.is_dir() {
        seeds.arg(data);
    }
    step("seeds", seeds)?;
    for target in &plan.targets {
        let corpus = Path::new("fuzz/corpus").join(target);
        let mut fuzz = nightly_cargo(["fuzz", "run", target]);
        fuzz.arg(corpus).arg("--").args([
            format!("-max_total_time={}", plan.seconds),
            format!("-max_len={INPUT_BYTES_MAX}"),
            "-rss_limit_mb=2048".to_owned(),
            "-timeout=30".to_owned(),
            "-print_final_stats=1".to_owned(),
        ]);
        step(&format!("fuzz {target}, {} s", plan.seconds), fuzz)?;
    }
    tell(&format!("── no findings: {}", plan.targets.join(", ")));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_targets_are_those_of_the_fuzz_crate() {
        let manifest = std::fs::read_to_string(paths::root().join("fuzz/Cargo.toml")).unwrap();
        let (_, bins) = manifest.split_once("[[bin]]").unwrap();
        let named = bins.lines().filter_map(|line| line.strip_prefix("name = "));
        let named: Vec<&str> = named.map(|name| name.trim_matches('"')).collect();
        assert_eq!(named, TARGETS);
    }

    #[test]
    fn all_targets_are_fuzzed_for_ten_minutes_unless_told_otherwise() {
        let plan = Plan::parse(&[]).unwrap();
        assert_eq!((plan.targets.as_slice(), plan.seconds), (&TARGETS[..], 600));
        let plan = Plan::parse(&["capture", "--seconds", "5"]).unwrap();
        assert_eq!((plan.targets.as_slice(), plan.seconds), (&["capture"][..], 5));
        for wrong in [&["captures"][..], &["--seconds"], &["--seconds", "0"], &["--seconds", "x"]] {
            assert!(matches!(Plan::parse(wrong), Err(Failure::Usage(_))), "{wrong:?}");
        }
    }
}
