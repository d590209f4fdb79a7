#![forbid(unsafe_code)]
//! A detector of your own beside the engine's: a run of prints in which only one side comes.
//!
//! ```sh
//! cargo run --release -p tapewatch-examples --bin own_detector -- day.itch 4 alerts.jsonl
//! ```
//! `OneSidedRun` is all there is to it: what it is called, what it keeps of a symbol (plain old data), and
//! what it makes of a print. When its alerts open and end, that its state is part of every digest and
//! image, and that other detectors work beside it, is the engine's business. `main` makes an inline engine
//! with it; the alerts come to a [`MarketListener`], here one that writes a line for each of its own, and keeps
//! all for `alerts.jsonl`, which `tapewatch evaluate --alerts` holds against labels.

use std::error::Error;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use engine::book::books::Limits;
use engine::detect::phase::Phases;
use engine::detect::raised::{Raised, Since};
use engine::detect::seen::Seen;
use engine::detect::spec::{DetectorCode, Family, Spec};
use engine::detect::{Alert, Change, Detector, Detectors, Settings};
use engine::market::{Cause, HashPoint, MarketListener};
use engine::memory::MemoryError;
use engine::output::alert_lines::{AlertWords, Alerts};
use engine::packet::{Arrival, Source as _};
use engine::pipeline::inline::{Inline, InlineParts};
use engine::pipeline::selection::Selection;
use engine::pipeline::sequencer::Sequencer;
use engine::shard::Shard;
use engine::units::{Nanos, Sequence, Side};
use feed_handlers::input::{Format, InputSource};
use feed_handlers::itch50::decode::Itch50Decoder;

/// Midnight of the day: times are shown as nanoseconds since then.
pub(crate) const MIDNIGHT: Nanos = Nanos(0);

/// The detector.
#[derive(Debug)]
pub(crate) struct OneSidedRun {
    /// So many prints in a row open an alert.
    pub prints: u64,
}

/// What it is called and when it is armed. The first of a user's detectors has the least of their codes.
static SPEC: Spec = Spec {
    code: DetectorCode(DetectorCode::USER_MIN),
    name: "one_sided_run",
    pattern: "a run of prints by one side",
    figures: &["prints", "bought"],
    thresholds: &["prints"],
    phases: Phases::ANY,
    warm_up_seconds: 0,
    family: Family::Volume,
};

impl Detector for OneSidedRun {
    /// Prints of the run; the side that came; when the run began, and with which message.
    type State = [u64; 4];

    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn threshold(&self, _name: &str) -> Option<f64> {
        Some(self.prints as f64)
    }

    fn on_print(&self, state: &mut [u64; 4], seen: &Seen<'_>) -> Option<Raised> {
        let (print, here) = (seen.print?, seen.here());
        let side = print.aggressor?;
        if state[0] == 0 || state[1] != side as u64 {
            *state = [0, side as u64, here.time.0 as u64, here.sequence.0];
        }
        state[0] = state[0].saturating_add(1);
        let [prints, _, time, sequence] = *state;
        Some(Raised {
            level: prints as f64 / self.prints as f64,
            since: Since { time: Nanos(time as i64), sequence: Sequence(sequence) },
            figures: [prints as f64, f64::from(u8::from(side == Side::Buy)), 0.0, 0.0],
            // If the print with which it opens is broken, the alert is taken back.
            print: Some(print.match_number),
        })
    }
}

/// Adds it to a shard's detectors: of the one shard here, of each where there are several
/// ([`Layout::shards_with`](engine::pipeline::pipelined::Layout::shards_with)).
///
/// # Errors
/// If the system refuses memory.
pub(crate) fn with_run(detectors: Detectors, prints: u64) -> Result<Detectors, MemoryError> {
    detectors.with_own(OneSidedRun { prints })
}

/// Writes down the alerts: its own as they come, all as they stand.
pub(crate) struct Heard {
    /// A line for each of its own that opens, has ended or is taken back.
    pub text: String,
    /// All, also of the engine's detectors.
    pub alerts: Alerts,
    /// What they are called.
    pub words: AlertWords,
}

impl Heard {
    /// Of an engine of which this is a shard.
    pub(crate) fn of(shard: &Shard) -> Heard {
        let words = AlertWords::new(vec!["f0".into()], shard.detectors().catalogue());
        Heard { text: String::new(), alerts: Alerts::default(), words }
    }
}

impl MarketListener for Heard {
    fn on_hash_point(&mut self, _point: &HashPoint) {}

    fn on_alert(&mut self, _cause: &Cause, alert: &Alert, name: &[u8]) {
        self.alerts.take(&self.words, alert, name);
        if alert.code != SPEC.code {
            return;
        }
        let what = match alert.change {
            Change::Open => "opens",
            Change::Close => "has ended",
            Change::Retract => "is taken back",
        };
        let side = if alert.figures[1] > 0.0 { "bought" } else { "sold" };
        self.text += &format!(
            "{} {} {what}: {} prints {side} from {} to {}, score {:.1}\n",
            SPEC.name,
            String::from_utf8_lossy(name),
            alert.figures[0],
            alert.start.0,
            alert.end.0,
            alert.score.get()
        );
    }
}

/// A shard with the engine's detectors and this one, for up to `limits`.
///
/// # Errors
/// If the system refuses memory.
pub(crate) fn shard(limits: Limits, prints: u64) -> Result<Shard, MemoryError> {
    let detectors = Detectors::new(&Settings::default(), limits.symbols_max)?;
    Ok(Shard::new(limits)?.with_detectors(with_run(detectors, prints)?))
}

/// What is heard of a file from its start to its end.
///
/// # Errors
/// If the file cannot be read, or the system refuses memory.
pub(crate) fn run(file: &Path, prints: u64) -> Result<Heard, Box<dyn Error>> {
    let mut source = InputSource::open(&[file.to_owned()], Format::Auto)?;
    source.set_midnight(MIDNIGHT);
    let shard = shard(Limits::default(), prints)?;
    let heard = Heard::of(&shard);
    let mut engine = Inline::with_listener(
        Itch50Decoder::new(MIDNIGHT)?,
        Sequencer::new(MIDNIGHT),
        Selection::all(),
        shard,
        (),
        heard,
    );
    loop {
        match source.next()? {
            Arrival::Packet(packet) => engine.push(&packet)?,
            Arrival::End => break,
            // Nothing else comes from a file.
            _ => {}
        }
    }
    // The input has ended, and with it what is still open.
    let InlineParts { mut shard, mut market, sequencer, .. } = engine.into_parts();
    let (last, time) = (sequencer.position(), sequencer.feed_time());
    shard.end_of_input(last, time);
    shard.outbox().signals().iter().for_each(|signal| market.take(signal));
    market.end_of_input(last, time);
    Ok(market.into_listener())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, prints, out] = arguments.as_slice() else {
        return Err("usage: own_detector FILE PRINTS ALERTS_JSONL".into());
    };
    let heard = run(&PathBuf::from(file), prints.parse()?)?;
    heard.alerts.write(&heard.words, std::fs::File::create(out)?)?;
    std::io::stdout().write_all(heard.text.as_bytes())?;
    Ok(())
}
