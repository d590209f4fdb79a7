//! The bars of a run as the market tells them: counted by size, and written to `bars.csv`.
//!
//! Hears the market stage, on its thread; the lines go to the file at once, which gets its name when
//! the run has ended. A file that cannot be written any further ends the writing, never the run; the
//! fault is told at the end.

use std::collections::BTreeMap;
use std::io::{self, Write as _};

use engine::shard::Shard;
use engine::window::bars::Bar;

use crate::exit::Failure;
use crate::output::bars::{self, BarSymbols};
use crate::output::files::{OutFile, SealedFile};
use crate::output::late_windows::LateWindows;
use crate::output::summary::{BarFigures, BarSize};
use crate::replay::ended::Ended;
use crate::replay::select::Wanted;

/// Windows of one size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// Windows that were put out.
    pub(crate) windows: u64,
    /// How often, corrections included.
    pub(crate) outputs: u64,
}

impl Told {
    /// Counts a bar.
    #[inline]
    pub(crate) fn take(&mut self, bar: &Bar) {
        self.windows += u64::from(bar.revision == 0);
        self.outputs += 1;
    }
}

/// See the module.
pub(crate) struct Bars {
    symbols: BarSymbols,
    /// By size in ns.
    told: BTreeMap<i64, Told>,
    file: Option<BarFile>,
}

impl Bars {
    /// Hears the bars of symbols that are `wanted`.
    pub(crate) fn new(wanted: Wanted) -> Bars {
        Bars { symbols: BarSymbols::new(wanted), told: BTreeMap::new(), file: None }
    }

    /// Goes on from what was told before, by size in ns.
    pub(crate) fn go_on_from(&mut self, told: BTreeMap<i64, Told>) {
        self.told = told;
    }

    /// Writes them to `file`, too.
    pub(crate) fn write_to(&mut self, file: OutFile) {
        self.file = Some(BarFile::begin(file));
    }

    /// The market has put out a bar of a symbol, whose name is empty where it had none by then. Tells
    /// whether it belongs to the results.
    pub(crate) fn on_bar(&mut self, bar: &Bar, name: &[u8]) -> bool {
        let Some(symbol) = self.symbols.field(bar.symbol, name) else {
            return false;
        };
        self.told.entry(bar.end.0.saturating_sub(bar.start.0)).or_default().take(bar);
        if let Some(file) = &mut self.file {
            file.add(symbol, bar);
        }
        true
    }

    /// What was told of the windows of one size.
    pub(crate) fn told(&self, size_ns: i64) -> Told {
        self.told.get(&size_ns).copied().unwrap_or_default()
    }

    /// The file, if there is one, brought to the disk.
    pub(crate) fn seal(&mut self) -> Option<Result<SealedFile, Failure>> {
        self.file.take().map(BarFile::seal)
    }
}

/// `bars.csv` being written.
struct BarFile {
    file: OutFile,
    line: Vec<u8>,
    /// What went wrong first; lines after that are lost, and so is the file.
    fault: Option<io::Error>,
}

impl BarFile {
    fn begin(mut file: OutFile) -> BarFile {
        let fault = file.write_all(bars::HEADER.as_bytes()).err();
        BarFile { file, line: Vec::new(), fault }
    }

    fn add(&mut self, symbol: &[u8], bar: &Bar) {
        if self.fault.is_none() {
            bars::put(&mut self.line, symbol, bar);
            self.fault = self.file.write_all(&self.line).err();
        }
    }

    fn seal(self) -> Result<SealedFile, Failure> {
        match self.fault {
            Some(error) => Err(self.file.fault(&error)),
            None => self.file.seal(),
        }
    }
}

impl<O> Ended<O> {
    /// The file of bars, if there is one, once.
    pub(crate) fn bars_file(&mut self) -> Option<Result<SealedFile, Failure>> {
        self.finished.market.listener_mut().bars.seal()
    }

    /// Windows to which something happened after their end; `None` without bars.
    pub(crate) fn late_windows(&self) -> Option<LateWindows> {
        if self.setup.config.bars.sizes.is_empty() {
            return None;
        }
        let windows = self.finished.shards.iter().flat_map(Shard::amended_windows);
        Some(LateWindows::of(windows, |symbol| self.written_name(symbol)))
    }

    /// What came of the windows of each size.
    pub(super) fn bar_figures(&self, late: Option<&LateWindows>) -> BarFigures {
        let settings = self.setup.config.bars();
        let told = &self.finished.market.listener().bars;
        let mut sizes: Vec<BarSize> = settings
            .sizes()
            .iter()
            .map(|size| BarSize { size_ns: size.0, told: told.told(size.0), ..BarSize::default() })
            .collect();
        for window in late.iter().flat_map(|late| late.windows()) {
            let size_ns = window.end.0.saturating_sub(window.start.0);
            if let Ok(at) = sizes.binary_search_by_key(&size_ns, |size| size.size_ns) {
                sizes[at].late += window.counts.late;
                sizes[at].dropped += window.counts.dropped;
                sizes[at].corrected += window.counts.corrected;
            }
        }
        BarFigures { lateness_ns: settings.lateness().0, sizes }
    }
}
