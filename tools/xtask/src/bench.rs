//! `cargo xtask bench`: the README's table, measured here and now, with its conditions.
//!
//! The figures are those of `peers` in `benches/`: published parsers and our stages in one run. The
//! conditions are those that `tapewatch bench throughput` tells of the host.

use std::fs;
use std::path::{self, Path};

use serde_json::Value;

use crate::steps::{Failure, cargo, output, say, step, tell};
use crate::{paths, yardstick};

const BEGIN: &str = "<!-- bench:begin -->";
const END: &str = "<!-- bench:end -->";

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
    tell("── measure: published parsers and our stages");
    let mut peers = cargo(["run", "--release", "--quiet", "-p", "tapewatch-benches"]);
    peers.args(["--bin", "peers", "--"]).arg(&file);
    let table = output("peers", peers)?;
    tell("── measure: bench throughput");
    let mut throughput = cargo(["run", "--release", "--quiet", "-p", "tapewatch", "--"]);
    throughput.args(["bench", "throughput", "--json"]).arg(&file);
    let measured = output("bench throughput", throughput)?;
    let measured =
        serde_json::from_str(&measured).map_err(|error| Failure::of("bench throughput", error))?;
    let section = section(&table, &measured, &file);
    say(&section);
    if writes {
        let readme = paths::root().join("README.md");
        let failed = |error| Failure::of("README.md", error);
        let text = fs::read_to_string(&readme).map_err(failed)?;
        let text = put(&text, &section)
            .ok_or_else(|| Failure::of("README.md", format_args!("no {BEGIN} … {END} in it")))?;
        fs::write(&readme, text).map_err(failed)?;
    }
    Ok(())
}

/// The section between the markers: table and conditions.
fn section(table: &str, measured: &Value, file: &Path) -> String {
    let host = &measured["host"];
    let told = |key: &str| match &host[key] {
        Value::String(text) => text.clone(),
        Value::Null => "unknown".to_owned(),
        other => other.to_string(),
    };
    // Where the file lies on this machine is nobody's business.
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let table = table.trim_end().replace(&file.display().to_string(), &name);
    format!(
        "{table}\n\n{}, {} core(s), Linux {}, governor {}, transparent huge pages {}; {}, {}.",
        told("cpu"),
        told("cores"),
        told("kernel"),
        told("governor"),
        told("transparent_huge_pages"),
        told("rustc"),
        told("profile"),
    )
}

/// `text` with `section` between its markers; `None` if they are not there.
fn put(text: &str, section: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{section}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_table_is_put_between_the_markers_and_nothing_else_changes() {
        let text = format!("# A\n{BEGIN}\nold\n{END}\nlast\n");
        let new = put(&text, "| new |").unwrap();
        assert_eq!(new, format!("# A\n{BEGIN}\n| new |\n{END}\nlast\n"));
        assert_eq!(put(&new, "| new |"), Some(new));
        assert_eq!(put("no markers", "x"), None);
        assert_eq!(put(&format!("{END} {BEGIN}"), "x"), None);
    }

    #[test]
    fn the_readme_has_the_markers() {
        let readme = fs::read_to_string(paths::root().join("README.md")).unwrap();
        assert!(put(&readme, "").is_some());
    }

    #[test]
    fn the_conditions_stand_under_the_table() {
        let measured =
            json!({"host": {"cpu": "A CPU", "cores": 2, "kernel": "6.1", "governor": null}});
        let table = "| pass |\n|---|\n\n9 messages, from /data/day.itch.\n";
        let section = section(table, &measured, Path::new("/data/day.itch"));
        let whole = "| pass |\n|---|\n\n9 messages, from day.itch.\n\nA CPU, 2 core(s), Linux 6.1";
        assert!(section.starts_with(whole), "{section}");
        assert!(section.contains("governor unknown"));
    }
}
