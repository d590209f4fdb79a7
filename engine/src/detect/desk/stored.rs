//! The desk as bytes, and read back.
//!
//! ```text
//!  refused u64
//!  alerts u32 │ alert 88 B …                  open ones, by symbol and detector
//!  alerts u32 │ (match u64 │ alert 88 B) …    those that prints have shown, in the order of their opening
//!  cluster, burst                             their words, `sparse.rs`
//! ```
//! Nothing is there where nothing is detected.

use super::{Desk, KEPT_MAX, Key, Open, key};
use crate::detect::alert::{Alert, Change};
use crate::detect::phase::Phase;
use crate::detect::raised::Score;
use crate::detect::settings::Settings;
use crate::detect::sparse;
use crate::detect::spec::{DetectorCode, FIGURES_MAX};
use crate::state::encode::Sink;
use crate::units::{MatchNumber, Nanos, Sequence, SymbolId};
use crate::window::encoding::{DecodeError, Reader};

impl Desk {
    /// Writes all that it holds; nothing where nothing is detected.
    pub(crate) fn store<S: Sink>(&self, sink: &mut S) {
        if !self.settings.is_on() {
            return;
        }
        let Desk { settings: _, open, shown, refused, cluster, burst } = self;
        sink.u64(*refused);
        let mut open: Vec<&Alert> = open.values().map(|open| &open.alert).collect();
        open.sort_unstable_by_key(|alert| key(alert));
        sink.u32(open.len() as u32);
        open.into_iter().for_each(|alert| store_alert(alert, sink));
        sink.u32(shown.len() as u32);
        for (print, alert) in shown.iter() {
            sink.u64(print.0);
            store_alert(alert, sink);
        }
        sparse::put(cluster, sink);
        sparse::put(burst, sink);
    }

    /// The desk that was stored.
    pub(crate) fn restored(
        settings: &Settings,
        reader: &mut Reader<'_>,
    ) -> Result<Desk, DecodeError> {
        let mut desk = Desk::new(settings);
        if !settings.is_on() {
            return Ok(desk);
        }
        desk.refused = reader.u64()?;
        let mut last: Option<Key> = None;
        for _ in 0..kept(reader)? {
            let alert = read_alert(reader)?;
            if last.is_some_and(|last| last >= key(&alert)) {
                return Err(reader.refuse("the order of open alerts"));
            }
            last = Some(key(&alert));
            desk.open.insert(key(&alert), Open { alert, shown: None });
        }
        for _ in 0..kept(reader)? {
            let print = MatchNumber(reader.u64()?);
            let alert = read_alert(reader)?;
            let number = desk.shown.push(print, alert);
            if let Some(open) = desk.open.get_mut(&key(&alert))
                && open.alert.opened == alert.opened
            {
                open.shown = Some(number);
            }
        }
        desk.cluster = sparse::take(reader)?;
        desk.burst = sparse::take(reader)?;
        Ok(desk)
    }
}

fn kept(reader: &mut Reader<'_>) -> Result<usize, DecodeError> {
    match reader.u32()? as usize {
        count if count <= KEPT_MAX => Ok(count),
        _ => Err(reader.refuse("the number of alerts")),
    }
}

fn store_alert<S: Sink>(alert: &Alert, sink: &mut S) {
    let Alert {
        opened,
        code,
        symbol,
        change,
        phase,
        is_suspect,
        score,
        start,
        end,
        first,
        last,
        figures,
    } = *alert;
    sink.u64(opened.0);
    sink.u32(symbol.0);
    sink.bytes(&[code.0, change as u8, phase as u8, u8::from(is_suspect)]);
    sink.u32(u32::from(score.tenths()));
    sink.i64(start.0);
    sink.i64(end.0);
    sink.u64(first.0);
    sink.u64(last.0);
    figures.iter().for_each(|figure| sink.u64(figure.to_bits()));
}

fn read_alert(reader: &mut Reader<'_>) -> Result<Alert, DecodeError> {
    let (opened, symbol) = (Sequence(reader.u64()?), SymbolId(reader.u32()?));
    let (code, change, phase) = (reader.u8()?, reader.u8()?, reader.u8()?);
    let is_suspect = reader.flag("whether an alert's book was in doubt")?;
    let change = Change::from_byte(change).ok_or_else(|| reader.refuse("an alert's change"))?;
    let phase = Phase::from_byte(phase).ok_or_else(|| reader.refuse("an alert's phase"))?;
    let tenths = u16::try_from(reader.u32()?).ok();
    let score = tenths.and_then(Score::from_tenths);
    let score = score.ok_or_else(|| reader.refuse("an alert's score"))?;
    let (start, end) = (Nanos(reader.i64()?), Nanos(reader.i64()?));
    let (first, last) = (Sequence(reader.u64()?), Sequence(reader.u64()?));
    let mut figures = [0.0; FIGURES_MAX];
    for figure in &mut figures {
        *figure = f64::from_bits(reader.u64()?);
    }
    let code = DetectorCode(code);
    Ok(Alert {
        opened,
        code,
        symbol,
        change,
        phase,
        is_suspect,
        score,
        start,
        end,
        first,
        last,
        figures,
    })
}
