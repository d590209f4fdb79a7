#![forbid(unsafe_code)]
//! scratch
use tapewatch_benches::rings::*;
use tapewatch_benches::rings::contenders::*;
fn one<C: Contender>(name: &str, pattern: Pattern, cores: Cores) -> f64 {
    let n = if pattern == Pattern::PingPong { 200_000 } else { 3_000_000 };
    let _ = name;
    pattern.run::<C>(cores, 1024, n).as_nanos() as f64 / n as f64
}
fn main() {
    let cores = Cores { first: 0, second: 1 };
    let rounds: usize = std::env::args().nth(1).map_or(5, |a| a.parse().unwrap());
    for pattern in Pattern::ALL {
        let mut rows = vec![vec![]; 4];
        let mut floor = vec![];
        for _ in 0..rounds {
            floor.push(line_round_trip_ns(cores, 200_000));
            rows[0].push(one::<Tapewatch>("tw", pattern, cores));
            rows[1].push(one::<Rtrb>("rtrb", pattern, cores));
            rows[2].push(one::<Crossbeam>("crossbeam", pattern, cores));
            rows[3].push(one::<Disruptor>("disruptor", pattern, cores));
        }
        let f = |v: &Vec<f64>| v.iter().map(|x| format!("{x:7.1}")).collect::<String>();
        eprintln!("{pattern:?}\n floor {}\n tw    {}\n rtrb  {}\n crosb {}\n disr  {}", f(&floor), f(&rows[0]), f(&rows[1]), f(&rows[2]), f(&rows[3]));
    }
}
