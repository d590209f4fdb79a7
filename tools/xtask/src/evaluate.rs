//! `cargo xtask evaluate`: the README's tables of what the detectors are worth, on simulated days.
//!
//! Each seed is a day; the days of a population are evaluated together, their counts added up. Days with
//! staged episodes tell what is found, plain ones what is raised where nothing was staged; a second
//! population of agents shows what of the figures was the first one's. The seeds are published with the
//! tables and are no detector's to be fitted on: thresholds come from other ones. Only what they come to, by
//! a program that was built from what is committed, is written.
//!
//! - `days`: simulates and evaluates; `tables`: what stands between the README's markers

mod days;
mod tables;

use std::fs;
use std::path::PathBuf;

use crate::steps::{Failure, cargo, output, program, say, step, tell};
use crate::{markers, paths};

use self::days::{Days, MESSAGES, SYMBOLS, Scratch, Seeds};
use self::tables::Results;

/// The days that are published: those with staged episodes, and those without.
const STAGED: Seeds = Seeds { first: 1_001, last: 1_020 };
const PLAIN: Seeds = Seeds { first: 2_001, last: 2_010 };
const _: () = assert!(STAGED.last < PLAIN.first, "no day is told twice");

/// The agents of the tables, and those that they are held against.
const POPULATIONS: [&str; 2] = ["standard", "shifted"];

/// Where the pictures lie.
const PICTURES: &str = "benches/evaluate";

/// Runs the command.
pub(crate) fn run(arguments: &[&str]) -> Result<(), Failure> {
    let asked = Asked::of(arguments)?;
    let changed = changed()?;
    if asked.writes
        && let Some(first) = changed.first()
    {
        return Err(Failure::Step(format!(
            "--write tells figures of a commit, and {} file(s) are not as committed, {first} the first; commit them",
            changed.len()
        )));
    }
    let conditions = conditions(&asked, !changed.is_empty())?;
    let binary = match &asked.binary {
        Some(binary) => binary.clone(),
        None => {
            step("build", cargo(["build", "--release", "-p", "tapewatch"]))?;
            paths::target().join("release/tapewatch")
        }
    };
    let scratch = Scratch::new()?;
    let evaluated = |seeds, population, is_staged| {
        let days = Days { seeds, population, is_staged };
        let has_pictures = asked.writes && is_staged && population == POPULATIONS[0];
        let pictures = has_pictures.then(|| paths::root().join(PICTURES));
        days.evaluated(&binary, &scratch, pictures.as_deref())
    };
    let [standard, shifted] = POPULATIONS;
    let results = Results {
        staged: [evaluated(asked.staged, standard, true)?, evaluated(asked.staged, shifted, true)?],
        plain: [evaluated(asked.plain, standard, false)?, evaluated(asked.plain, shifted, false)?],
    };
    let section = tables::section(&results, PICTURES, &conditions);
    say(&section);
    if asked.writes {
        write(&section)?;
    }
    Ok(())
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Asked {
    staged: Seeds,
    plain: Seeds,
    /// Whether the README is written.
    writes: bool,
    /// The program to run in place of one that is built.
    binary: Option<PathBuf>,
}

impl Asked {
    fn of(arguments: &[&str]) -> Result<Asked, Failure> {
        let mut asked = Asked { staged: STAGED, plain: PLAIN, writes: false, binary: None };
        let mut rest = arguments.iter().copied();
        while let Some(argument) = rest.next() {
            match argument {
                "--write" => asked.writes = true,
                "--seeds" => asked.staged = seeds(argument, rest.next())?,
                "--plain-seeds" => asked.plain = seeds(argument, rest.next())?,
                "--binary" => {
                    let file = rest.next().map(|file| paths::root().join(file));
                    let none = || Failure::Usage(String::from("--binary takes a file"));
                    asked.binary = Some(file.ok_or_else(none)?);
                }
                other => return Err(Failure::Usage(format!("evaluate does not take {other:?}"))),
            }
        }
        let is_published = asked.staged == STAGED && asked.plain == PLAIN;
        if asked.writes && !(is_published && asked.binary.is_none()) {
            return Err(Failure::Usage(format!(
                "--write tells what the published seeds, {STAGED} and {PLAIN}, come to with what is built here; \
                 leave --seeds, --plain-seeds and --binary out"
            )));
        }
        Ok(asked)
    }
}

fn seeds(option: &str, given: Option<&str>) -> Result<Seeds, Failure> {
    let given = given.unwrap_or_default();
    Seeds::parse(given).ok_or_else(|| Failure::Usage(format!("{option} takes A..B, not {given:?}")))
}

/// What differs from the last commit or is not in it, other than what this command writes.
fn changed() -> Result<Vec<String>, Failure> {
    let pictures = format!(":(exclude){PICTURES}");
    let arguments = ["status", "--porcelain", "--", ".", ":(exclude)README.md", &pictures];
    let status = output("status", program("git", arguments))?;
    Ok(status.lines().map(|line| line.get(3..).unwrap_or(line).to_owned()).collect())
}

/// Of what the figures are, in a line.
fn conditions(asked: &Asked, is_changed: bool) -> Result<String, Failure> {
    let commit = output("commit", program("git", ["log", "-1", "--format=%h, %cs"]))?;
    let date = output("date", program("date", ["-u", "+%Y-%m-%d"]))?;
    let changed = if is_changed { ", with changes" } else { "" };
    let binary = if asked.binary.is_some() { "; with a program built elsewhere" } else { "" };
    Ok(format!(
        "Seeds {} with `--inject all`, {} plain; {MESSAGES} messages and {SYMBOLS} symbols each; commit {}{changed}{binary}; \
         evaluated {}.",
        asked.staged,
        asked.plain,
        commit.trim(),
        date.trim()
    ))
}

/// Puts the section into the README.
fn write(section: &str) -> Result<(), Failure> {
    let readme = paths::root().join("README.md");
    let failed = |error| Failure::of("README.md", error);
    let text = fs::read_to_string(&readme).map_err(failed)?;
    let text = markers::put(&text, "evaluate", "detectors", section)
        .ok_or_else(|| Failure::of("README.md", "no markers for the detectors in it"))?;
    fs::write(&readme, text).map_err(failed)?;
    tell(&format!("── written: README.md, {PICTURES}"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_given_by_their_ends() {
        let asked = |arguments: &[&str]| Asked::of(arguments).unwrap();
        let published = Asked { staged: STAGED, plain: PLAIN, writes: false, binary: None };
        assert_eq!(asked(&[]), published);
        assert_eq!(asked(&["--write"]), Asked { writes: true, ..published.clone() });
        let staged = Seeds { first: 5, last: 7 };
        assert_eq!(asked(&["--seeds", "5..7"]), Asked { staged, ..published.clone() });
        let plain = Seeds { first: 5, last: 5 };
        assert_eq!(asked(&["--plain-seeds", "5..5"]), Asked { plain, ..published });
        for wrong in [&["--seeds"][..], &["--seeds", "7..5"], &["--seeds", "5"], &["--fast"]] {
            assert!(matches!(Asked::of(wrong), Err(Failure::Usage(_))), "{wrong:?}");
        }
    }

    #[test]
    fn nothing_is_written_of_other_seeds_or_another_program() {
        for more in [["--seeds", "1..20"], ["--plain-seeds", "1..2"], ["--binary", "tapewatch"]] {
            let arguments = [&["--write"][..], &more].concat();
            assert!(matches!(Asked::of(&arguments), Err(Failure::Usage(_))), "{more:?}");
            assert!(Asked::of(&more).is_ok(), "{more:?}");
        }
        let spelt_out = ["--write", "--seeds", "1001..1020", "--plain-seeds", "2001..2010"];
        assert!(Asked::of(&spelt_out).unwrap().writes);
    }

    #[test]
    fn the_readme_has_the_markers_of_the_detectors() {
        let readme = fs::read_to_string(paths::root().join("README.md")).unwrap();
        assert!(markers::put(&readme, "evaluate", "detectors", "").is_some());
    }
}
