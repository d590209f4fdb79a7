//! Where the demo's session lies, and what helps when it cannot be written there.
//!
//! A temporary folder goes with its owner; after SIGKILL, or a second Ctrl-C, it stays. A place
//! that is named with `--keep` stays in any case.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::exit::Failure;

/// A session's directory, removed with its owner unless it is kept.
#[derive(Debug)]
pub(super) struct SessionPlace {
    path: PathBuf,
    /// What goes away.
    temporary: Option<TempDir>,
}

impl SessionPlace {
    /// `kept`, or a fresh temporary folder.
    pub(super) fn make(kept: Option<&Path>) -> Result<SessionPlace, Failure> {
        if let Some(kept) = kept {
            return Ok(SessionPlace { path: kept.to_owned(), temporary: None });
        }
        let made = tempfile::Builder::new().prefix("tapewatch-demo-").tempdir();
        let temporary = made.map_err(|error| {
            Failure::usage(format_args!(
                "cannot make a folder in {}: {error}; set TMPDIR to one that can be written, or name one with --keep",
                std::env::temp_dir().display()
            ))
        })?;
        Ok(SessionPlace { path: temporary.path().join("session"), temporary: Some(temporary) })
    }

    /// The session's directory.
    pub(super) fn session(&self) -> &Path {
        &self.path
    }

    /// `failure` of writing there. Where it advises another place in the words of a recording, whose
    /// options the demo does not have, what helps here stands instead.
    pub(super) fn helped(&self, failure: &Failure) -> Failure {
        let Some((what, advice)) = failure.line.rsplit_once("; ") else {
            return failure.clone();
        };
        if !["--session", "another directory", "make room"].iter().any(|of| advice.contains(of)) {
            return failure.clone();
        }
        let elsewhere = match &self.temporary {
            Some(temporary) => format!(
                "the demo's session lies in {}: set TMPDIR to a place with more room",
                temporary.path().parent().unwrap_or(temporary.path()).display()
            ),
            None => String::from("name another place with --keep"),
        };
        let memory = match failure.line.contains("memory") {
            true => ", or name another for its memory with --set journal.memory_dir=DIR",
            false => "",
        };
        Failure::new(failure.status, format_args!("{what}; {elsewhere}{memory}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_place_goes_and_a_kept_one_stays() {
        let place = SessionPlace::make(None).unwrap();
        let path = place.session().to_owned();
        std::fs::create_dir(&path).unwrap();
        drop(place);
        assert!(!path.exists() && !path.parent().unwrap().exists());
        let kept = tempfile::tempdir().unwrap();
        drop(SessionPlace::make(Some(kept.path())).unwrap());
        assert!(kept.path().exists());
    }

    #[test]
    fn advice_names_options_that_the_demo_has() {
        let failure = |line: &str| Failure::usage(line);
        let kept = SessionPlace::make(Some(Path::new("kept"))).unwrap();
        let taken =
            failure("kept already holds a session; name another directory, or replay it: x");
        assert_eq!(
            kept.helped(&taken).line,
            "kept already holds a session; name another place with --keep"
        );
        let memory = failure("cannot make; name another with --session, or in journal.memory_dir");
        let temporary = SessionPlace::make(None).unwrap().helped(&memory).line;
        assert!(!temporary.contains("--session"), "{temporary}");
        for part in ["TMPDIR", "--set journal.memory_dir=DIR"] {
            assert!(temporary.contains(part), "{temporary}");
        }
        let core = failure("cannot pin; name another in threads.journal_core");
        assert_eq!(kept.helped(&core).line, core.line);
    }
}
