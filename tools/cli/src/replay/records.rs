//! `--trades` and `--bbo`: rows spooled in the shards, written when the input has ended.

use std::io;
use std::path::{Path, PathBuf};

use engine::units::SymbolId;

use crate::exit::{Failure, Status};
use crate::output::bbo::BboRow;
use crate::output::files::{OutDir, SealedFile};
use crate::output::recorder::{Recorder, Spools};
use crate::output::rows;
use crate::output::spool::Spool;
use crate::output::trades::TradeRow;

/// The files of rows that were asked for.
#[derive(Clone, Debug)]
pub(crate) struct Records {
    dir: PathBuf,
    trades: bool,
    bbo: bool,
}

impl Records {
    /// Rows will be spooled in `dir`.
    pub(crate) fn new(dir: &Path, trades: bool, bbo: bool) -> Records {
        Records { dir: dir.to_owned(), trades, bbo }
    }

    /// A recorder for each of `shards` shards.
    pub(crate) fn recorders(&self, shards: u32) -> Result<Vec<Recorder>, Failure> {
        let begin = |wanted: bool| wanted.then(|| Spool::begin(&self.dir)).transpose();
        let recorder = || -> io::Result<Recorder> {
            Ok(Recorder { rows: Spools { trades: begin(self.trades)?, bbo: begin(self.bbo)? } })
        };
        (0..shards).map(|_| recorder()).collect::<io::Result<_>>().map_err(|error| {
            Failure::new(
                Status::Usage,
                format_args!(
                    "cannot write to {}: {error}; name another directory with --out",
                    self.dir.display()
                ),
            )
        })
    }

    /// Writes the files. `name_of` as for [`rows::write`].
    pub(crate) fn write(
        &self,
        dir: &OutDir,
        recorders: Vec<Recorder>,
        name_of: impl Fn(SymbolId) -> Option<String>,
    ) -> Result<Vec<SealedFile>, Failure> {
        let (mut trades, mut bbo) = (Vec::new(), Vec::new());
        for recorder in recorders {
            trades.extend(recorder.rows.trades);
            bbo.extend(recorder.rows.bbo);
        }
        let mut sealed = Vec::new();
        if self.trades {
            sealed.push(rows::write::<TradeRow>(dir, trades, &name_of)?);
        }
        if self.bbo {
            sealed.push(rows::write::<BboRow>(dir, bbo, &name_of)?);
        }
        Ok(sealed)
    }
}
