//! `cargo xtask bench`: the README's tables, measured here and now, with their conditions.
//!
//! Published parsers beside our stages and the whole engine (`peers`), the ring beside published ones
//! (`rings`), appends to the journal beside bare copies (`journal`): each table is one run. The
//! conditions are those that `tapewatch bench throughput` tells of the host.

use std::fs;
use std::path::{self, Path};

use serde_json::Value;

use crate::steps::{Failure, cargo, output, program, say, step, tell};
use crate::{markers, paths, yardstick};

/// The tables: the name in the README's markers, and the program in `benches/`.
const TABLES: [&str; 3] = ["peers", "rings", "journal"];

/// Runs the command.
pub(crate) fn run(arguments: &[&str]) -> Result<(), Failure> {
    let writes = arguments.contains(&"--write");
    let files: Vec<&str> = arguments.iter().copied().filter(|one| *one != "--write").collect();
    let file = match files.as_slice() {
        [] => yardstick::file()?,
        [file] if !file.starts_with('-') => {
            path::absolute(file).map_err(|error| Failure::of(file, error))?
        }
        other => return Err(Failure::Usage(format!("bench takes one file, not {other:?}"))),
    };
    // Built first, so that no compiler runs beside what is measured.
    step("build", cargo(["build", "--release", "-p", "tapewatch", "-p", "tapewatch-benches"]))?;
    let mut tables = Vec::new();
    for name in TABLES {
        tell(&format!("── measure: {name}"));
        let mut measure = cargo(["run", "--release", "--quiet", "-p", "tapewatch-benches"]);
        measure.args(["--bin", name, "--"]);
        match name {
            "peers" => measure.arg(&file),
            "journal" => measure.arg("--disk").arg(paths::target()),
            _ => &mut measure,
        };
        let table = output(name, measure)?;
        // Its rows are aligned text, no table of Markdown's.
        let is_text = name == "journal";
        let table = if is_text { format!("```text\n{}\n```", table.trim()) } else { table };
        tables.push((name, table));
    }
    tell("── measure: bench throughput");
    let mut throughput = cargo(["run", "--release", "--quiet", "-p", "tapewatch", "--"]);
    throughput.args(["bench", "throughput", "--json"]).arg(&file);
    let measured = output("bench throughput", throughput)?;
    let measured =
        serde_json::from_str(&measured).map_err(|error| Failure::of("bench throughput", error))?;
    let commit = output("commit", program("git", ["log", "-1", "--format=%h, %cs"]))?;
    let conditions = conditions(&measured, commit.trim());
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

/// What the figures were measured on.
fn conditions(measured: &Value, commit: &str) -> String {
    let host = &measured["host"];
    let told = |key: &str| match &host[key] {
        Value::String(text) => text.clone(),
        Value::Null => "unknown".to_owned(),
        other => other.to_string(),
    };
    format!(
        "{}, {} core(s), Linux {}, governor {}, transparent huge pages {}; {}, {}; commit {commit}.",
        told("cpu"),
        told("cores"),
        told("kernel"),
        told("governor"),
        told("transparent_huge_pages"),
        told("rustc"),
        told("profile"),
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
    fn the_readme_has_the_markers_of_every_table() {
        let readme = fs::read_to_string(paths::root().join("README.md")).unwrap();
        assert!(TABLES.iter().all(|name| markers::put(&readme, "bench", name, "").is_some()));
    }

    #[test]
    fn the_conditions_stand_under_the_table_and_no_path_of_this_machine_does() {
        let measured =
            json!({"host": {"cpu": "A CPU", "cores": 2, "kernel": "6.1", "governor": null}});
        let conditions = conditions(&measured, "abc, 2020-01-01");
        assert!(conditions.starts_with("A CPU, 2 core(s), Linux 6.1, governor unknown, "));
        let text =
            section("| table |\nfrom /a/b/day.itch\n", &conditions, Path::new("/a/b/day.itch"));
        assert!(text.starts_with("| table |\nfrom day.itch\n\nA CPU"), "{text}");
        assert!(text.ends_with("commit abc, 2020-01-01."), "{text}");
    }
}
