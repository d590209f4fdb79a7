//! The same settings give the same day on every machine and in every build: the digest of one is pinned,
//! and `cargo xtask test` checks it in the test profile, in release and for the processor at hand.

use exchange::Settings;
use tapewatch_tests::simulated;

#[test]
fn a_day_has_the_bytes_that_it_always_had() {
    let settings =
        Settings { seed: 7, symbols: 6, messages: 30_000, continuous_ns: 120_000_000_000 };
    let day = simulated::day(&settings).unwrap();
    let digest = blake3::hash(&day.bytes).to_hex();
    let pinned = "666d632c927d2bcaa15035a952d044cb312bd527b9d09bd92c6c30e952de6aea";
    assert_eq!(digest.as_str(), pinned);
}
