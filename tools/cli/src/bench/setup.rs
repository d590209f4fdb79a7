//! Under which configuration a bench runs, and where its sessions lie.
//!
//! What a bench presets gives way to `--set`. Where no place is named, sessions lie in the memory that the
//! journal is configured to use, and stay there; where that has no room, in a temporary folder, and the
//! journal takes what there is of the memory.

use std::path::Path;

use super::place::BenchPlace;
use crate::config::{Config, Journal};
use crate::console::Console;
use crate::exit::Failure;
use crate::room;

/// What a bench changes in the configuration before `--set`: hash points are a follower's work in a
/// live engine.
const PRESET: &str = "hashes.every_sequences=0";

/// As [`PRESET`], where no place for the session is named: segments stay in the folder in memory,
/// nothing has to be carried to a disk.
const PRESET_IN_MEMORY: &str = "journal.place=disk";

/// What was asked for.
#[derive(Clone, Debug)]
pub(super) struct Wanted<'a> {
    /// The configuration's file.
    pub(super) file: Option<&'a Path>,
    /// What is set besides, each `KEY=VALUE`.
    pub(super) set: Vec<String>,
    /// Where sessions are to lie.
    pub(super) session_dir: Option<&'a Path>,
}

impl Wanted<'_> {
    /// The configuration, if all goes well.
    pub(super) fn config(&self) -> Result<Config, Failure> {
        let in_memory = [String::from(PRESET_IN_MEMORY)];
        self.configured(if self.session_dir.is_none() { &in_memory } else { &[] })
    }

    /// A place that has room for what `needed_bytes` says, and the configuration to use there. Notes say
    /// where it is not the memory's.
    pub(super) fn place(
        &self,
        needed_bytes: impl Fn(&Journal) -> u64,
        console: Console,
    ) -> Result<(Config, BenchPlace), Failure> {
        let config = self.config()?;
        let place = match self.session_dir {
            Some(named) => BenchPlace::named(named),
            None => BenchPlace::with_room(&config.journal, needed_bytes(&config.journal))?,
        };
        if !place.is_temporary() {
            return Ok((config, place));
        }
        console.note(&format!(
            "{} has no room for the input and its sessions: they lie in {}",
            config.journal.memory_dir.display(),
            place.path().display()
        ));
        let (set, note) = room::room(&self.configured(&[])?.journal);
        if let Some(note) = note {
            console.note(&note);
        }
        Ok((self.configured(&set)?, place))
    }

    fn configured(&self, preset: &[String]) -> Result<Config, Failure> {
        let mut set = vec![String::from(PRESET)];
        set.extend(preset.iter().cloned());
        set.extend(self.set.iter().cloned());
        Config::load(self.file, &set)
    }
}
