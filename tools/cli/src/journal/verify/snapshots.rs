//! The snapshots of a session, as `journal verify` looks at them.
//!
//! They hold nothing that the journal does not, so one that is damaged is worth a warning and never a
//! fault of the journal: whoever needs a snapshot takes an older one, or the journal alone.

use serde_json::{Value, json};

use crate::console::Console;
use crate::exit::Failure;
use crate::session_dir::SessionDir;

/// How many snapshots there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Snapshots {
    /// Every part of which is as it was written.
    pub(super) whole: u64,
    /// Of which that is not so.
    pub(super) damaged: u64,
}

impl Snapshots {
    /// Reads every part of every snapshot; tells which are damaged.
    pub(super) fn of(session: &SessionDir, console: Console) -> Result<Snapshots, Failure> {
        let shelf = session.shelf()?;
        let mut snapshots = Snapshots::default();
        // A directory that cannot be listed holds none that anybody could use.
        for records in shelf.list().unwrap_or_default() {
            match shelf.open(records).and_then(|snapshot| snapshot.check()) {
                Ok(()) => snapshots.whole += 1,
                Err(error) => {
                    snapshots.damaged += 1;
                    console.warning(&format!(
                        "a snapshot cannot be used: {error}; an older one or the journal stands in for it"
                    ));
                }
            }
        }
        Ok(snapshots)
    }

    /// For `--json`.
    pub(super) fn json(self) -> Value {
        json!({"whole": self.whole, "damaged": self.damaged})
    }
}
