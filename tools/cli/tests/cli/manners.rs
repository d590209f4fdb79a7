//! How the command line behaves whatever it is asked to do.

use std::process::{Command, Stdio};

use crate::support::{Feed, arg, file, scratch, tapewatch};

#[test]
fn every_help_has_an_example() {
    for command in [
        &[][..],
        &["demo"],
        &["replay"],
        &["simulate"],
        &["evaluate"],
        &["bench"],
        &["bench", "throughput"],
        &["config"],
        &["config", "print"],
        &["config", "check"],
        &["doctor"],
        &["top"],
        &["stat"],
        &["bench", "hiccup"],
        &["bench", "latency"],
    ] {
        let mut args = command.to_vec();
        args.push("--help");
        let run = tapewatch(&args).ended_with(0);
        let example = format!("\n  tapewatch {}", command.join(" "));
        assert!(run.stdout.contains("Example"), "{command:?}: {}", run.stdout);
        assert!(run.stdout.contains(example.trim_end()), "{command:?}: {}", run.stdout);
        assert_eq!(run.stderr, "");
    }
}

#[test]
fn wrong_usage_exits_with_2_and_leaves_stdout_alone() {
    let dir = scratch();
    let input = file(&dir, "day", &Feed::adds(1));
    let blocked = input.join("out");
    for args in [
        &[][..],
        &["no-such-command"],
        &["replay"],
        &["replay", arg(&input), "--trades"],
        &["replay", arg(&input), "--bbo"],
        &["replay", arg(&input), "--speed", "fast"],
        &["replay", arg(&input), "--date", "30.12.2019"],
        &["replay", arg(&input), "--symbols", "A,,B"],
        &["replay", arg(&input), "--out", arg(&blocked)],
        &["replay", "-", "-"],
        &["bench", "throughput", arg(&input), "--runs", "4"],
    ] {
        let run = tapewatch(args).ended_with(2);
        assert_eq!(run.stdout, "", "{args:?}");
        assert_eq!(run.stderr.lines().count(), 1, "{args:?}: {run:#?}");
        assert!(run.stderr.starts_with("tapewatch: "), "{args:?}: {run:#?}");
    }
}

#[test]
fn wrong_arguments_are_told_in_one_line_with_the_help_to_ask_for() {
    for (args, what, help) in [
        (&[][..], "'tapewatch' requires a command: 'demo', 'run'", "tapewatch --help"),
        (&["-v"], "'tapewatch' requires a command", "tapewatch --help"),
        (
            &["bench"],
            "'tapewatch bench' requires a command: 'throughput'",
            "tapewatch bench --help",
        ),
        (&["no-such"], "'no-such'", "tapewatch --help"),
        (&["replay"], "arguments were not provided: <INPUT>...", "tapewatch replay --help"),
        (&["-q", "replay", "x", "--fast"], "'--fast'", "tapewatch replay --help"),
        (
            &["replay", "x", "--format", "y\n\nz"],
            "possible values: auto, itch",
            "tapewatch replay --help",
        ),
        (
            &["bench", "throughput", "x", "--runs", "4"],
            "--runs",
            "tapewatch bench throughput --help",
        ),
        (&["replay", "x", "-q", "-v"], "--verbose", "tapewatch replay --help"),
    ] {
        let run = tapewatch(args).ended_with(2);
        run.says(&["tapewatch: ", what, &format!("; try '{help}'\n")]);
        assert!(!run.stderr.contains("Usage:"), "{run:#?}");
        assert_eq!(run.stdout, "");
    }
    let version = tapewatch(&["--version"]).ended_with(0);
    assert!(version.stdout.starts_with("tapewatch ") && version.stderr.is_empty());
}

#[test]
fn an_output_directory_that_cannot_be_made_is_told_before_any_work() {
    let dir = scratch();
    let input = file(&dir, "day", &Feed::adds(1));
    let run = tapewatch(&["replay", arg(&input), "--out", arg(&input.join("out"))]);
    run.ended_with(2).says(&["output directory", "--out"]);
}

#[test]
fn json_is_all_that_stands_on_stdout_and_nothing_on_stderr() {
    let dir = scratch();
    let input = file(&dir, "day", &Feed::adds(10));
    for args in [
        &["replay", arg(&input), "--json", "--quiet"][..],
        &["doctor", "--json", "--quiet"],
        &["bench", "throughput", arg(&input), "--json", "--quiet"],
    ] {
        let run = tapewatch(args).ended_with(0);
        assert!(run.json().is_object());
        assert_eq!(run.stderr, "", "{args:?}");
    }
}

#[test]
fn quiet_drops_warnings_but_not_failures() {
    let dir = scratch();
    let bytes = Feed::adds(2);
    let input = file(&dir, "day", &bytes);
    let torn = file(&dir, "torn", &bytes[..50]);
    let symbols = ["--symbols", "ZZZ"];
    let loud = tapewatch(&["replay", arg(&input), symbols[0], symbols[1]]).ended_with(0);
    loud.says(&["warning", "ZZZ"]);
    let quiet = ["replay", arg(&input), symbols[0], symbols[1], "-q"];
    assert_eq!(tapewatch(&quiet).ended_with(0).stderr, "");
    let run = tapewatch(&["replay", arg(&torn), "-q"]).ended_with(1);
    run.says(&["error", "38"]);
}

#[test]
fn a_paced_replay_tells_how_late_it_was_only_with_v() {
    let dir = scratch();
    let input = file(&dir, "day", &Feed::adds(10));
    let paced = ["replay", arg(&input), "--speed", "1000x"];
    assert_eq!(tapewatch(&paced).ended_with(0).stderr, "");
    let verbose = ["replay", arg(&input), "--speed", "1000x", "-v"];
    let run = tapewatch(&verbose).ended_with(0);
    assert!(run.stderr.contains("more than 1 ms late"), "{run:#?}");
    assert!(run.stderr.lines().all(|line| line.contains("detail")));
}

#[test]
fn a_reader_that_leaves_early_is_no_failure() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tapewatch"))
        .arg("doctor")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
}

#[test]
fn a_full_stdout_is_a_failure_in_one_line() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_tapewatch"))
        .arg("doctor")
        .stdout(full)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

#[test]
fn no_color_is_respected_even_where_colour_is_forced() {
    let coloured = |no_color: bool| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tapewatch"));
        command.arg("--help").env("CLICOLOR_FORCE", "1");
        if no_color {
            command.env("NO_COLOR", "1");
        } else {
            command.env_remove("NO_COLOR");
        }
        command.output().unwrap().stdout.contains(&0x1b)
    };
    assert!(coloured(false));
    assert!(!coloured(true));
}
