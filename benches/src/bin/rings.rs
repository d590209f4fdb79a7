#![forbid(unsafe_code)]
//! scratch
use tapewatch_benches::rings::contenders::*;
use tapewatch_benches::rings::*;
fn one<C: Contender>(pattern: Pattern, cores: Cores) -> f64 {
    let n = if pattern == Pattern::PingPong { 100_000 } else { 2_000_000 };
    pattern.run::<C>(cores, 1024, n).as_nanos() as f64 / n as f64
}
fn main() {
    let cores = Cores { first: 0, second: 1 };
    let rounds: usize = std::env::args().nth(1).map_or(5, |a| a.parse().unwrap());
    for pattern in Pattern::ALL {
        let mut rows = vec![vec![]; 5];
        for _ in 0..rounds {
            rows[0].push(line_round_trip_ns(cores, 100_000));
            rows[1].push(one::<Rtrb>(pattern, cores));
            rows[2].push(one::<Disruptor>(pattern, cores));
            rows[3].push(one::<Tapewatch>(pattern, cores));
            rows[4].push(one::<Crossbeam>(pattern, cores));
        }
        eprintln!("{pattern:?}");
        for (i, r) in rows.iter().enumerate() {
            let name = ["floor", "rtrb", "disr", "tw", "crossb"][i];
            let mut m = r.clone();
            m.sort_by(f64::total_cmp);
            eprintln!(
                "{name:10} med {:7.1}   {}",
                m[m.len() / 2],
                r.iter().map(|x| format!("{x:7.1}")).collect::<String>()
            );
        }
    }
}
