//! Alerts: what a shard tells the market of them, and what the market tells the world.
//!
//! A shard tells two signals in a row, the second with the figures:
//!
//! ```text
//!  Detection   code u8 │ change u8 │ phase u8 │ suspect u8 │ score u16 │ –   │ start │ last │ first sequence │ last sequence
//!              word 0                                                       word 1  word 2 word 3            word 4
//!  Figures     figure … │ match + 1, or 0                                   words 0 to 3, word 4
//! ```
//! The last sequence of an alert that opens is that of the message that opened it, which is its identity:
//! `<feed>-<sequence>-<code>-<locate>`, at most one a (sequence, detector, symbol).

use crate::detect::episode::Episode;
use crate::detect::phase::Phase;
use crate::detect::raised::Score;
use crate::detect::spec::{DetectorCode, FIGURES_MAX};
use crate::prints::Print;
use crate::signal::{Outbox, Signal, SignalKind};
use crate::units::{MatchNumber, Nanos, Position, Sequence, SymbolId};

/// What becomes of an alert. The numbers are part of every persisted format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Change {
    /// It opens.
    Open = 1,
    /// It has ended.
    Close = 2,
    /// What showed it was broken: it is as if it had not been.
    Retract = 3,
}

impl Change {
    /// The change with this number, if there is one.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Change> {
        Some(match byte {
            1 => Change::Open,
            2 => Change::Close,
            3 => Change::Retract,
            _ => return None,
        })
    }
}

/// An alert, as it stands after a change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alert {
    /// The message that opened it.
    pub opened: Sequence,
    /// Whose detector.
    pub code: DetectorCode,
    /// Of which symbol; locate 0 is the market of a feed.
    pub symbol: SymbolId,
    /// What became of it.
    pub change: Change,
    /// The phase in which it opened.
    pub phase: Phase,
    /// Whether the symbol's book was in doubt when it opened or ended.
    pub is_suspect: bool,
    /// The greatest so far.
    pub score: Score,
    /// When its condition began.
    pub start: Nanos,
    /// When its condition was last seen.
    pub end: Nanos,
    /// The first message that shows it.
    pub first: Sequence,
    /// The last message that shows it.
    pub last: Sequence,
    /// By the detector's specification.
    pub figures: [f64; FIGURES_MAX],
}

/// What a shard tells of an alert.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Told {
    pub(crate) code: DetectorCode,
    pub(crate) change: Change,
    pub(crate) phase: Phase,
    pub(crate) is_suspect: bool,
    pub(crate) episode: Episode,
    pub(crate) print: Option<MatchNumber>,
}

impl Told {
    pub(crate) fn close(
        code: DetectorCode,
        phase: Phase,
        is_suspect: bool,
        episode: Episode,
    ) -> Told {
        Told { code, change: Change::Close, phase, is_suspect, episode, print: None }
    }

    /// The alert as it stands by this, as if it opened just now.
    pub(crate) fn alert(&self, symbol: SymbolId, score: Score) -> Alert {
        let Told { code, change, phase, is_suspect, episode, print: _ } = *self;
        let Episode { start_ns, last_ns, first_sequence, last_sequence, figures, .. } = episode;
        Alert {
            opened: Sequence(last_sequence),
            code,
            symbol,
            change,
            phase,
            is_suspect,
            score,
            start: Nanos(start_ns),
            end: Nanos(last_ns),
            first: Sequence(first_sequence),
            last: Sequence(last_sequence),
            figures,
        }
    }

    pub(crate) fn emit(
        &self,
        outbox: &mut Outbox,
        position: Position,
        time: Nanos,
        symbol: SymbolId,
    ) {
        let Told { code, change, phase, is_suspect, episode, print } = *self;
        let score = Score::of_level(episode.level).tenths();
        let head = u64::from(code.0)
            | u64::from(change as u8) << 8
            | u64::from(phase as u8) << 16
            | u64::from(is_suspect) << 24
            | u64::from(score) << 32;
        let words = [
            head,
            episode.start_ns as u64,
            episode.last_ns as u64,
            episode.first_sequence,
            episode.last_sequence,
        ];
        outbox.emit(position, time, symbol, SignalKind::Detection, words);
        let [a, b, c, d] = episode.figures.map(f64::to_bits);
        let print = print.map_or(0, |print| print.0.wrapping_add(1));
        outbox.emit(position, time, symbol, SignalKind::Figures, [a, b, c, d, print]);
    }

    /// From its two signals; `None` if they are none.
    pub(crate) fn of(detection: &Signal, figures: &Signal) -> Option<(Told, Score)> {
        let [head, start, last, first_sequence, last_sequence] = detection.words;
        let [a, b, c, d, print] = figures.words;
        let episode = Episode {
            start_ns: start as i64,
            last_ns: last as i64,
            first_sequence,
            last_sequence,
            level: 0.0,
            figures: [a, b, c, d].map(f64::from_bits),
            print: 0,
        };
        let told = Told {
            code: DetectorCode(head as u8),
            change: Change::from_byte((head >> 8) as u8)?,
            phase: Phase::from_byte((head >> 16) as u8)?,
            is_suspect: (head >> 24) as u8 != 0,
            episode,
            print: (print != 0).then_some(MatchNumber(print.wrapping_sub(1))),
        };
        Some((told, Score::from_tenths((head >> 32) as u16)?))
    }
}

/// Tells that a print was broken.
pub(crate) fn emit_broken(
    print: &Print,
    outbox: &mut Outbox,
    position: Position,
    time: Nanos,
    symbol: SymbolId,
) {
    let words = [print.match_number.0, 0, 0, 0, 0];
    outbox.emit(position, time, symbol, SignalKind::Broken, words);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::raised::Since;

    #[test]
    fn what_a_shard_tells_comes_back_from_its_signals() {
        let since = Since { time: Nanos(-5), sequence: Sequence(7) };
        let here = Since { time: Nanos(9), sequence: Sequence(11) };
        for (change, print) in [(Change::Open, Some(MatchNumber(0))), (Change::Close, None)] {
            let told = Told {
                code: DetectorCode(129),
                change,
                phase: Phase::Reopening,
                is_suspect: change == Change::Open,
                episode: Episode::open(since, here, 2.0, [1.5, -2.0, 0.0, 1e9]),
                print,
            };
            let mut outbox = Outbox::new();
            told.emit(&mut outbox, Position(3), Nanos(9), SymbolId(4));
            let [detection, figures] = outbox.signals() else { panic!("two signals") };
            let (back, score) = Told::of(detection, figures).unwrap();
            let episode = Episode { level: 0.0, ..told.episode };
            assert_eq!((back, score.get()), (Told { episode, ..told }, 75.0));
        }
    }
}
