//! `cargo xtask syscalls`: system calls a message of each thread of the whole engine, in steady state.
//!
//! Runs `steady_calls` under strace and counts what each thread calls between its two marks. The hot
//! threads are `steady_calls` itself, which takes packets, journals and routes, and the shards; the
//! others are cold. Where strace is missing, it is installed from Debian.

use std::collections::BTreeMap;
use std::fs;
use std::path;

use crate::steps::{Failure, cargo, output, program, say, step, tell};
use crate::{debian, paths};

/// What marks the stretch.
const MARK: &str = "getppid(";

/// Runs the command.
pub(crate) fn run(arguments: &[&str]) -> Result<(), Failure> {
    let file = match arguments {
        [] => None,
        [file] if !file.starts_with('-') => {
            Some(path::absolute(file).map_err(|error| Failure::of(file, error))?)
        }
        other => return Err(Failure::Usage(format!("syscalls takes one file, not {other:?}"))),
    };
    debian::ensure("strace")?;
    step("build", cargo(["build", "--release", "-p", "tapewatch-benches"]))?;
    say("| topology | thread | calls between the marks | messages | which |");
    say("|---|---|---:|---:|---|");
    for topology in ["inline", "pipelined"] {
        tell(&format!("── count: {topology}"));
        let log = paths::target().join(format!("syscalls-{topology}.log"));
        let mut strace = program("strace", ["-f", "-o"]);
        strace.arg(&log).arg(paths::target().join("release/steady_calls"));
        strace.arg(topology).args(&file).arg("--disk").arg(paths::target());
        let messages = output("strace", strace)?;
        let text = fs::read_to_string(&log).map_err(|error| Failure::of("strace", error))?;
        for (thread, calls) in counted(&text) {
            let which: Vec<String> =
                calls.iter().map(|(name, count)| format!("{name} {count}")).collect();
            let sum: u64 = calls.values().sum();
            let which = which.join(", ");
            say(&format!("| {topology} | {thread} | {sum} | {} | {which} |", messages.trim()));
        }
    }
    Ok(())
}

/// Calls by thread and name between the first mark and the second. Threads that call nothing there
/// are listed too.
fn counted(log: &str) -> BTreeMap<String, BTreeMap<String, u64>> {
    let mut names: BTreeMap<&str, String> = BTreeMap::new();
    let mut calls: BTreeMap<&str, BTreeMap<String, u64>> = BTreeMap::new();
    let mut marks = 0;
    for line in log.lines() {
        let Some((thread, call)) = line.split_once(' ') else {
            continue;
        };
        let call = call.trim_start();
        let of_thread = calls.entry(thread).or_default();
        let default = format!("steady_calls ({})", names.len());
        let name = names.entry(thread).or_insert(default);
        if let Some(named) = call.strip_prefix("prctl(PR_SET_NAME, \"")
            && let Some((named, _)) = named.split_once('"')
        {
            named.clone_into(name);
        }
        if call.starts_with(MARK) {
            marks += 1;
            continue;
        }
        // A call that another thread interrupted in the log is counted where it begins.
        let begins = call.split_once('(').filter(|_| !call.starts_with("<..."));
        if marks == 1
            && let Some((called, _)) = begins
        {
            *of_thread.entry(called.to_owned()).or_default() += 1;
        }
    }
    let named = |thread: &str| names.get(thread).cloned().unwrap_or_default();
    calls.into_iter().map(|(thread, calls)| (named(thread), calls)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_between_the_marks_by_thread() {
        let log = "10 open(\"x\") = 3\n\
                   11 prctl(PR_SET_NAME, \"keeper\") = 0\n\
                   10 getppid() = 1\n\
                   11 write(3, \"a\") = 1\n\
                   11 fsync(3 <unfinished ...>\n\
                   10 futex(0x1) = 0\n\
                   11 <... fsync resumed>) = 0\n\
                   11 write(3, \"b\") = 1\n\
                   10 getppid() = 1\n\
                   10 close(3) = 0\n";
        let counted = counted(log);
        let calls = |thread: &str| format!("{:?}", counted[thread]);
        assert_eq!(calls("steady_calls (0)"), r#"{"futex": 1}"#);
        assert_eq!(calls("keeper"), r#"{"fsync": 1, "write": 2}"#);
    }
}
