//! Which messages of a journal are shown.

use clap::Args;
use engine::units::Nanos;

use crate::day::TradingDay;
use crate::exit::Failure;
use crate::journal::line::MessageLine;

/// The options that choose messages.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct FilterArgs {
    /// From this sequence on.
    #[arg(long, value_name = "N")]
    from_sequence: Option<u64>,
    /// Up to this sequence, itself included.
    #[arg(long, value_name = "N")]
    to_sequence: Option<u64>,
    /// From this exchange time on: RFC 3339, or HH:MM:SS[.fffffffff] in New York on the session's day.
    #[arg(long, value_name = "TIME")]
    from_time: Option<String>,
    /// Up to this exchange time, itself included.
    #[arg(long, value_name = "TIME")]
    to_time: Option<String>,
    /// Only these symbols; `#123` is locate 123 where it was never named.
    #[arg(long, value_name = "A,B,...", value_delimiter = ',')]
    symbol: Vec<String>,
    /// Only these message types, such as A,D,U.
    #[arg(long = "type", value_name = "T,...", value_delimiter = ',')]
    types: Vec<char>,
    /// No more than this many.
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    sequences: std::ops::RangeInclusive<u64>,
    times: std::ops::RangeInclusive<i64>,
    symbols: Vec<String>,
    types: Vec<char>,
    left: u64,
}

/// What is to be done with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// It is shown.
    Show,
    /// It is shown, and is the last one.
    ShowLast,
    /// It is not.
    Skip,
    /// It is not, and nothing after it will be.
    Stop,
}

impl FilterArgs {
    /// The filter for a session of `day`.
    pub(crate) fn filter(&self, day: TradingDay) -> Result<Filter, Failure> {
        let instant = |name: &str, text: &Option<String>, without: i64| match text {
            None => Ok(without),
            Some(text) => day.instant(text).map(|time: Nanos| time.0).map_err(|why| {
                Failure::usage(format_args!(
                    "--{name} {text}: {why}; give RFC 3339 or HH:MM:SS[.fffffffff]"
                ))
            }),
        };
        let from_time = instant("from-time", &self.from_time, i64::MIN)?;
        let to_time = instant("to-time", &self.to_time, i64::MAX)?;
        Ok(Filter {
            sequences: self.from_sequence.unwrap_or(0)..=self.to_sequence.unwrap_or(u64::MAX),
            times: from_time..=to_time,
            symbols: self.symbol.clone(),
            types: self.types.clone(),
            left: self.limit.unwrap_or(u64::MAX),
        })
    }
}

impl Filter {
    /// Whether a message is shown; counts those that are.
    pub(crate) fn choose(&mut self, line: &MessageLine) -> Choice {
        if self.left == 0 {
            return Choice::Stop;
        }
        let is_wanted = self.sequences.contains(&line.sequence)
            && self.times.contains(&line.time.0)
            && (self.types.is_empty() || self.types.contains(&char::from(line.message_type)))
            && (self.symbols.is_empty() || self.symbols.contains(&line.symbol));
        if !is_wanted {
            return Choice::Skip;
        }
        self.left -= 1;
        if self.left == 0 { Choice::ShowLast } else { Choice::Show }
    }

    /// Whether an output of a symbol, or of none, is shown: by the message that caused it and its feed
    /// time. Counts those that are.
    pub(crate) fn choose_output(
        &mut self,
        sequence: u64,
        time_ns: i64,
        symbol: Option<&str>,
    ) -> Choice {
        if self.left == 0 {
            return Choice::Stop;
        }
        let is_of_symbol = self.symbols.is_empty()
            || symbol.is_some_and(|symbol| self.symbols.iter().any(|wanted| wanted == symbol));
        if !is_of_symbol || !self.sequences.contains(&sequence) || !self.times.contains(&time_ns) {
            return Choice::Skip;
        }
        self.left -= 1;
        if self.left == 0 { Choice::ShowLast } else { Choice::Show }
    }

    /// Whether a gap is shown: one that reaches into the sequences asked for, where messages are not
    /// chosen by what they say.
    pub(crate) fn shows_gap(&self, first: u64, end: u64) -> bool {
        let is_by_content = !self.symbols.is_empty()
            || !self.types.is_empty()
            || self.times != (i64::MIN..=i64::MAX);
        !is_by_content && first <= *self.sequences.end() && end > *self.sequences.start()
    }
}
