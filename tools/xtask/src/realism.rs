//! `cargo xtask realism`: how a simulated day compares with a recorded stretch, and what of it the tests
//! hold.
//!
//! The figures are those of the program `realism` in `tests/`; a test there sees to it that the document
//! has them as they are now.

use std::fs;

use crate::steps::{Failure, cargo, output, say};
use crate::{markers, paths};

/// Where the table stands.
const DOCUMENT: &str = "tools/exchange/REALISM.md";

/// Runs the command.
pub(crate) fn run(arguments: &[&str]) -> Result<(), Failure> {
    let writes = match arguments {
        [] => false,
        ["--write"] => true,
        other => return Err(Failure::Usage(format!("realism takes --write, not {other:?}"))),
    };
    // The profile of the tests, which have mostly been built.
    let run = ["run", "--quiet", "--profile", "test", "-p", "tapewatch-tests", "--bin", "realism"];
    let table = output("realism", cargo(run))?;
    say(table.trim_end());
    if writes {
        let document = paths::root().join(DOCUMENT);
        let failed = |error| Failure::of(DOCUMENT, error);
        let text = fs::read_to_string(&document).map_err(failed)?;
        let text = markers::put(&text, "realism", "table", table.trim_end())
            .ok_or_else(|| Failure::of(DOCUMENT, "no markers for the table in it"))?;
        fs::write(&document, text).map_err(failed)?;
    }
    Ok(())
}
