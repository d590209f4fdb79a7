#![forbid(unsafe_code)]
//! The example run as a program, against results worked out directly: every trade put into every
//! window that it belongs to.

mod windowed_means {
    mod csv;
    mod itch;

    use std::collections::BTreeMap;
    use std::path::Path;
    use std::process::{Command, Output};

    /// A window: its end, its symbol, its start, in the order of the lines.
    type Place = (i64, String, i64);

    /// Trades, sum of prices in 1e-9, sum of quantities.
    type Sums = (i128, i128, i128);

    /// What the lines are to say.
    #[derive(Default)]
    struct Expected(BTreeMap<Place, Sums>);

    impl Expected {
        /// Puts a trade into its windows that `is_open`, given their ends; says whether any was.
        fn add(
            &mut self,
            (symbol, time, price, quantity): (&str, i64, i64, u64),
            (size, slide): (i64, i64),
            is_open: impl Fn(i64) -> bool,
        ) -> bool {
            let mut is_added = false;
            let mut start = time.div_euclid(slide) * slide;
            while start + size > time {
                if is_open(start + size) {
                    let place = (start + size, symbol.to_owned(), start);
                    let (trades, prices, quantities) = self.0.entry(place).or_default();
                    *trades += 1;
                    *prices += i128::from(price);
                    *quantities += i128::from(quantity);
                    is_added = true;
                }
                start -= slide;
            }
            is_added
        }

        /// The lines, without the header.
        fn lines(&self) -> Vec<String> {
            let line = |((end, symbol, start), (trades, prices, quantity)): (&Place, &Sums)| {
                // Half away from zero: half of what is divided by is added to the magnitude.
                let mean = (prices.abs() * 2 + trades) / (trades * 2);
                let sign = if *prices < 0 && mean > 0 { "-" } else { "" };
                let (whole, decimals) = (mean / 1_000_000_000, mean % 1_000_000_000);
                format!("{symbol},{start},{end},{trades},{sign}{whole}.{decimals:09},{quantity}")
            };
            self.0.iter().map(line).collect()
        }
    }

    /// The lines of a result, without the header.
    fn lines_of(text: &str) -> Vec<String> {
        let mut lines = text.lines().map(str::to_owned);
        let header = "symbol,window_start_ns,window_end_ns,trades,avg_price,total_quantity";
        assert_eq!(lines.next().as_deref(), Some(header));
        lines.collect()
    }

    fn run(file: &Path, arguments: &[&str]) -> Output {
        let mut program = Command::new(env!("CARGO_BIN_EXE_windowed_means"));
        program.arg(file).args(arguments).output().unwrap()
    }

    /// Runs the program to a good end: its standard output and standard error.
    fn outcome(file: &Path, arguments: &[&str]) -> (String, String) {
        let output = run(file, arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(output.stdout), text(output.stderr))
    }
}
