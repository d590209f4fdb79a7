//! `--trades` and `--bbo`: takes the recorder's rows after each packet and writes them.

use engine::pipeline::stage::Decoder as _;
use engine::units::SymbolId;

use crate::exit::Failure;
use crate::output::bbo::BboRow;
use crate::output::files::{OutDir, SealedFile};
use crate::output::recorder::Recorder;
use crate::output::rows::Rows;
use crate::output::trades::TradeRow;
use crate::replay::session::Engine;

/// The files of rows that were asked for.
pub(crate) struct Records {
    trades: Option<Rows>,
    bbo: Option<Rows>,
}

impl Records {
    /// Begins the files.
    pub(crate) fn begin(dir: &OutDir, trades: bool, bbo: bool) -> Result<Records, Failure> {
        let begin_trades = || Rows::begin::<TradeRow>(dir);
        let begin_bbo = || Rows::begin::<BboRow>(dir);
        Ok(Records {
            trades: trades.then(begin_trades).transpose()?,
            bbo: bbo.then(begin_bbo).transpose()?,
        })
    }

    /// Writes the rows that have arisen since the last time.
    pub(crate) fn take(&mut self, engine: &mut Engine<Recorder>) -> Result<(), Failure> {
        let directory = engine.decoder().directory();
        if let Some(file) = &mut self.trades {
            for row in &engine.observer().trades {
                file.write(row, directory.name(row.symbol))?;
            }
        }
        if let Some(file) = &mut self.bbo {
            for row in &engine.observer().bbo {
                file.write(row, directory.name(row.symbol))?;
            }
        }
        engine.observer_mut().clear();
        Ok(())
    }

    /// Ends the files. `final_name` as for [`Rows::seal`].
    pub(crate) fn seal(
        self,
        dir: &OutDir,
        final_name: impl Fn(SymbolId) -> Option<String>,
    ) -> Result<Vec<SealedFile>, Failure> {
        let mut sealed = Vec::new();
        if let Some(file) = self.trades {
            sealed.push(file.seal::<TradeRow>(dir, &final_name)?);
        }
        if let Some(file) = self.bbo {
            sealed.push(file.seal::<BboRow>(dir, &final_name)?);
        }
        Ok(sealed)
    }
}
