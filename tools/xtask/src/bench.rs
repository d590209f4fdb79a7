//! `cargo xtask bench`: the README's tables, measured here and now, with their conditions.
//!
//! Published parsers beside our stages and the whole engine (`peers`), the ring beside published ones
//! (`rings`), appends to the journal beside bare copies (`journal`), what bars add and how soon they are
//! put out (`bars`, `outputs`), what snapshots and archiving add and how long a restart takes (`recovery`), the simulated exchange (`simulate`), what two lines of loopback bring (`wire`), an example's job over text (`csv`), everything together (`demo`), what a packet
//! takes by an open loop (`latency`, with curves), and what the board costs (`board`): each table is one run; `--only=NAME,…` makes some of them. The conditions are those that `tapewatch bench throughput` tells of the host.

use std::fs;
use std::path::{self, Path};
use std::process::Command;

use serde_json::Value;

use crate::steps::{Failure, cargo, is_there, output, program, say, step, tell};
use crate::{markers, paths, yardstick};

/// The tables: the name in the README's markers, and the program in `benches/`.
const TABLES: [&str; 9] =
    ["peers", "rings", "journal", "bars", "outputs", "recovery", "simulate", "wire", "csv"];

/// The table that `tapewatch demo` makes.
const DEMO: &str = "demo";

/// The table that `tapewatch bench latency` makes, and its curves.
const LATENCY: &str = "latency";
const CURVES: &str = "benches/latency.svg";

/// The table of what detectors and the board cost, out of `tapewatch bench throughput`.
const BOARD: &str = "board";

/// Runs the command.
pub(crate) fn run(arguments: &[&str]) -> Result<(), Failure> {
    let writes = arguments.contains(&"--write");
    let only = arguments.iter().find_map(|one| one.strip_prefix("--only="));
    let is_wanted = |name: &str| only.is_none_or(|only| only.split(',').any(|one| one == name));
    let is_file = |one: &&str| *one != "--write" && !one.starts_with("--only=");
    let files: Vec<&str> = arguments.iter().copied().filter(is_file).collect();
    let file = match files.as_slice() {
        [] => yardstick::file()?,
        [file] if !file.starts_with('-') => {
            path::absolute(file).map_err(|error| Failure::of(file, error))?
        }
        other => return Err(Failure::Usage(format!("bench takes one file, not {other:?}"))),
    };
    // Built first, so that no compiler runs beside what is measured.
    let mut build = cargo(["build", "--release", "-p", "tapewatch"]);
    if TABLES.into_iter().any(is_wanted) {
        build.args(["-p", "tapewatch-benches"]);
    }
    step("build", build)?;
    let mut tables = Vec::new();
    for name in TABLES.into_iter().filter(|name| is_wanted(name)) {
        tell(&format!("── measure: {name}"));
        let mut measure = cargo(["run", "--release", "--quiet", "-p", "tapewatch-benches"]);
        measure.args(["--bin", name, "--"]);
        match name {
            "peers" | "bars" | "recovery" => measure.arg(&file),
            "journal" => measure.arg("--disk").arg(paths::target()),
            _ => &mut measure,
        };
        let table = output(name, measure)?;
        // Its rows are aligned text, no table of Markdown's.
        let is_text = matches!(name, "journal" | "outputs");
        let table = if is_text { format!("```text\n{}\n```", table.trim()) } else { table };
        tables.push((name, table));
    }
    if is_wanted(DEMO) {
        tell("── measure: demo");
        let mut demo = cargo(["run", "--release", "--quiet", "-p", "tapewatch", "--"]);
        demo.args(["demo", "--json", "--quiet"]);
        tables.push((DEMO, demo_table(&parsed(DEMO, demo)?)));
    }
    if is_wanted(LATENCY) {
        tell("── measure: bench latency");
        let mut latency = cargo(["run", "--release", "--quiet", "-p", "tapewatch", "--"]);
        latency.args(["bench", "latency", "--json", "--quiet"]);
        if writes {
            latency.arg("--plot").arg(paths::root().join(CURVES));
        }
        tables.push((LATENCY, latency_table(&parsed(LATENCY, latency)?)));
    }
    tell("── measure: bench throughput");
    let mut throughput = cargo(["run", "--release", "--quiet", "-p", "tapewatch", "--"]);
    throughput.args(["bench", "throughput", "--json"]).arg(&file);
    let measured = parsed("bench throughput", throughput)?;
    if is_wanted(BOARD) {
        tables.push((BOARD, board_table(&measured)));
    }
    let commit = output("commit", program("git", ["log", "-1", "--format=%h, %cs"]))?;
    // The document itself is what this writes.
    let is_as_committed = program("git", ["diff", "--quiet", "HEAD", "--", ".", ":!README.md"]);
    let changed = if is_there(is_as_committed) { "" } else { ", with changes" };
    let conditions = conditions(&measured, &format!("{}{changed}", commit.trim()));
    let readme = paths::root().join("README.md");
    let failed = |error| Failure::of("README.md", error);
    let mut text = fs::read_to_string(&readme).map_err(failed)?;
    for (name, table) in tables {
        let section = section(&table, &conditions, &file);
        say(&section);
        text = markers::put(&text, "bench", name, &section)
            .ok_or_else(|| Failure::of("README.md", format_args!("no markers for {name} in it")))?;
    }
    if writes {
        fs::write(&readme, text).map_err(failed)?;
    }
    Ok(())
}

/// The JSON that a program prints.
fn parsed(name: &str, command: Command) -> Result<Value, Failure> {
    let text = output(name, command)?;
    serde_json::from_str(&text).map_err(|error| Failure::of(name, error))
}

/// A run of the demo as a table: what the engine takes a packet, and the run's own figures.
fn demo_table(result: &Value) -> String {
    let mut text = String::from(
        "| ns a packet | p50 | p90 | p99 | p99.9 | p99.99 | max |\n|---|---:|---:|---:|---:|---:|---:|\n",
    );
    for stage in result["stages"].as_array().into_iter().flatten() {
        let name = stage["name"].as_str().unwrap_or_default();
        let figures = ["p50_ns", "p90_ns", "p99_ns", "p999_ns", "p9999_ns", "max_ns"]
            .map(|key| stage[key].to_string());
        text += &format!("| {name} | {} |\n", figures.join(" | "));
    }
    let number = |value: &Value| value.as_f64().unwrap_or(0.0);
    let (messages, packets) = (number(&result["messages"]), number(&result["packets"]));
    let verified = if result["verified"] == true { "verified" } else { "NOT verified" };
    text += &format!(
        "\n{messages} messages in {packets} packets, {:.2} M a second from the simulated exchange to books, \
         over two lines of loopback; {:.1} ns a message of the engine's own time, journal included.\n\
         From the journal {:.2} M messages a second, while all that was published ran through another engine beside it. \
         Books, state and journal {verified}; {:.1} s in all, {:.0} MB at most.",
        number(&result["messages_per_s"]) / 1e6,
        number(&result["busy_ns_per_message"]),
        number(&result["replay"]["messages_per_s"]) / 1e6,
        number(&result["elapsed_s"]),
        number(&result["peak_rss_bytes"]) / 1e6,
    );
    text
}

/// The rows of the open loop as a table, the floor of the same core under them.
fn latency_table(result: &Value) -> String {
    const QUANTILES: [&str; 6] = ["p50_ns", "p90_ns", "p99_ns", "p999_ns", "p9999_ns", "max_ns"];
    let figures = |of: &Value| QUANTILES.map(|key| of[key].to_string()).join(" | ");
    let mut text = String::from(
        "| path | packets | messages/s wanted | reached | p50 ns | p90 | p99 | p99.9 | p99.99 | max |\n\
         |---|---|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    let mut saturated = 0;
    for row in result["rows"].as_array().into_iter().flatten() {
        let word = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let packets = match row["times"].as_f64() {
            Some(times) => format!("{} × {times}", word("packets")),
            None => word("packets"),
        };
        let missed = if row["reached"] == true { "" } else { " **not reached**" };
        text += &format!(
            "| {} | {packets} | {} | {}{missed} | {} |\n",
            word("path"),
            row["rate_per_s"],
            row["achieved_per_s"],
            figures(row)
        );
        saturated += row["saturated"].as_u64().unwrap_or(0);
    }
    let floor = &result["hiccup"];
    text += &format!("| floor | core {} | | | {} |\n", floor["core"], figures(floor));
    text + &format!(
        "\nFrom the moment at which a packet was due (a fixed schedule, whoever is late) to its best bid and offer on the board; \
         {saturated} times too long to record. The floor is what this host keeps a spinning thread from the same core, before and \
         after the rows, by time."
    )
}

/// What detectors and the board cost a recording, as a table.
fn board_table(measured: &Value) -> String {
    let stage = |name: &str| {
        let stages = measured["stages"].as_array().into_iter().flatten();
        let found = stages.into_iter().find(|stage| stage["name"] == name);
        let figure = |key: &str| found.and_then(|stage| stage[key].as_f64()).unwrap_or(f64::NAN);
        (figure("ns_per_message"), figure("min"), figure("max"))
    };
    let percent = |key: &str| measured["board"][key].as_f64().unwrap_or(f64::NAN);
    let row = |what: &str, name: &str, more: &str| {
        let (median, min, max) = stage(name);
        format!("| {what} | {median:.1} | {min:.1} | {max:.1} | {more} |\n")
    };
    let mut text = String::from(
        "| the yardstick, recorded inline | ns a message | least | most | round by round |\n|---|---:|---:|---:|---:|\n",
    );
    let nanoseconds = &measured["detectors"]["added_ns_per_message"];
    let detectors = format!("{:+.1} ns", nanoseconds.as_f64().unwrap_or(f64::NAN));
    text += &row("without detectors and a board", "without_detectors", "");
    text += &row("all detectors, without a board", "without_board", &detectors);
    let added = format!("{:+.1} %", percent("added_percent"));
    text += &row("board and latencies", "pipeline", &added);
    let polled = format!("{:+.1} %", percent("polled_percent"));
    text + &row("… and a reader that polls it as fast as it can", "polled", &polled)
}

/// What the figures were measured on.
fn conditions(measured: &Value, commit: &str) -> String {
    let host = &measured["host"];
    let told = |key: &str| match &host[key] {
        Value::String(text) => text.clone(),
        Value::Null => "unknown".to_owned(),
        other => other.to_string(),
    };
    format!(
        "{}, {} core(s), isolated {}, Linux {}, governor {}, clock source {}, transparent huge pages {}; \
         {}, {}; commit {commit}; measured {}.",
        told("cpu"),
        told("cores"),
        if host["isolated_cores"] == "" { String::from("none") } else { told("isolated_cores") },
        told("kernel"),
        told("governor"),
        told("clock_source"),
        told("transparent_huge_pages"),
        told("rustc"),
        told("profile"),
        host["date"].as_str().and_then(|date| date.get(..10)).unwrap_or("at an unknown date"),
    )
}

/// What stands between the markers: table and conditions.
fn section(table: &str, conditions: &str, file: &Path) -> String {
    // Where files lie on this machine is nobody's business.
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let table = table.trim_end().replace(&file.display().to_string(), &name);
    let target = paths::target().display().to_string();
    format!("{}\n\n{conditions}", table.replace(&target, "a directory on disk"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_run_of_the_demo_becomes_a_table() {
        let stage = json!({
            "name": "both", "p50_ns": 1, "p90_ns": 2, "p99_ns": 3, "p999_ns": 4, "p9999_ns": 5, "max_ns": 6,
        });
        let result = json!({
            "stages": [stage], "messages": 10_000_000, "packets": 226_380, "messages_per_s": 3_140_000.0,
            "busy_ns_per_message": 88.04, "replay": {"messages_per_s": 1e7}, "verified": true,
            "elapsed_s": 9.87, "peak_rss_bytes": 383_000_000,
        });
        let table = demo_table(&result);
        assert!(table.contains("\n| both | 1 | 2 | 3 | 4 | 5 | 6 |\n"), "{table}");
        for part in [
            "10000000 messages in 226380 packets, 3.14 M a second",
            "88.0 ns a message",
            "journal 10.00 M messages",
            "journal verified; 9.9 s in all, 383 MB at most.",
        ] {
            assert!(table.contains(part), "no {part} in {table}");
        }
        assert!(demo_table(&json!({})).contains("NOT verified"));
    }

    #[test]
    fn a_row_whose_rate_was_not_reached_says_so() {
        let row = |reached: bool| {
            json!({"path": "in-process", "packets": "single", "times": null, "rate_per_s": 1000, "achieved_per_s": 900,
                   "reached": reached, "p50_ns": 1, "p90_ns": 2, "p99_ns": 3, "p999_ns": 4, "p9999_ns": 5, "max_ns": 6, "saturated": 2})
        };
        let result = json!({"rows": [row(true), row(false)], "hiccup": {"core": 1, "p50_ns": 7}});
        let table = latency_table(&result);
        assert!(
            table.contains("| in-process | single | 1000 | 900 | 1 | 2 | 3 | 4 | 5 | 6 |\n"),
            "{table}"
        );
        assert!(table.contains("| 900 **not reached** | 1 |"), "{table}");
        assert!(
            table.contains("| floor | core 1 | | | 7 |") && table.contains("; 4 times too long")
        );
    }

    #[test]
    fn the_board_s_cost_becomes_a_table() {
        let stage = |name: &str, ns: f64| json!({"name": name, "ns_per_message": ns, "min": 1.0, "max": 9.0});
        let measured = json!({
            "stages": [
                stage("without_detectors", 80.0),
                stage("without_board", 100.0),
                stage("pipeline", 102.5),
                stage("polled", 104.0),
            ],
            "detectors": {"added_ns_per_message": 19.96},
            "board": {"added_percent": 2.34, "polled_percent": -0.5},
        });
        let table = board_table(&measured);
        assert!(
            table.contains("| without detectors and a board | 80.0 | 1.0 | 9.0 |  |\n"),
            "{table}"
        );
        assert!(table.contains("without a board | 100.0 | 1.0 | 9.0 | +20.0 ns |\n"), "{table}");
        assert!(table.contains("| 102.5 | 1.0 | 9.0 | +2.3 % |") && table.contains("| -0.5 % |"));
    }

    #[test]
    fn the_readme_has_the_markers_of_every_table() {
        let readme = fs::read_to_string(paths::root().join("README.md")).unwrap();
        for name in TABLES.iter().chain([&DEMO, &LATENCY, &BOARD]) {
            assert!(markers::put(&readme, "bench", name, "").is_some(), "{name}");
        }
    }

    #[test]
    fn the_conditions_stand_under_the_table_and_no_path_of_this_machine_does() {
        let measured = json!({"host": {"cpu": "A CPU", "cores": 2, "kernel": "6.1", "governor": null,
                            "isolated_cores": "", "date": "2020-01-02T03:04:05Z"}});
        let conditions = conditions(&measured, "abc, 2020-01-01");
        let begin = "A CPU, 2 core(s), isolated none, Linux 6.1, governor unknown, ";
        assert!(conditions.starts_with(begin), "{conditions}");
        let text =
            section("| table |\nfrom /a/b/day.itch\n", &conditions, Path::new("/a/b/day.itch"));
        assert!(text.starts_with("| table |\nfrom day.itch\n\nA CPU"), "{text}");
        assert!(text.ends_with("commit abc, 2020-01-01; measured 2020-01-02."), "{text}");
    }
}
