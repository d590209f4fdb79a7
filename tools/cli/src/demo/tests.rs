//! The demo's results, worked by hand from the script.

use super::*;
use crate::output::symbols::SymbolLine;

fn shown() -> Shown {
    replayed(&script::session().bytes, Console::new(true, false)).unwrap()
}

fn told(line: &SymbolLine) -> String {
    let best = |best: Option<(engine::units::Price, engine::units::Qty)>| {
        best.map_or_else(String::new, |(price, qty)| format!("{price}x{qty}"))
    };
    let price = |price: Option<engine::units::Price>| price.unwrap_or_default().to_string();
    format!(
        "{} last {} open {} high {} low {} volume {} trades {} notional {} bid {} ask {} levels {}/{} \
         orders {} hidden {} cross {} broken {} state {}",
        line.symbol,
        price(line.last),
        price(line.open),
        price(line.high),
        price(line.low),
        line.volume,
        line.trades,
        line.notional,
        best(line.bid),
        best(line.ask),
        line.bid_levels,
        line.ask_levels,
        line.orders,
        line.hidden_volume,
        line.cross_volume,
        line.broken_volume,
        line.state.map_or(' ', char::from),
    )
}

#[test]
fn the_final_figures_are_those_worked_from_the_script() {
    let lines = shown().ended.symbol_lines();
    let told: Vec<String> = lines.iter().map(told).collect();
    // ACME: 300 + 200 at 25, 100 + 20 at 24.99, 50 at 25.01, 40 at 25, 1,200 at 25.01.
    // BOLT: 80 at 120.25, 100 at 150 broken, 500 at 120.2.  CRUX: 700 + 300 at 3.15.
    assert_eq!(
        told,
        [
            "ACME last 25.01 open 25 high 25.01 low 24.99 volume 1910 trades 7 notional 47761.3 \
             bid 24.99x100 ask 25.01x210 levels 3/3 orders 6 hidden 50 cross 1500 broken 0 state T",
            "BOLT last 120.2 open 120.25 high 120.25 low 120.2 volume 580 trades 2 notional 69720 \
             bid 120.18x200 ask 120.3x100 levels 3/3 orders 6 hidden 0 cross 500 broken 100 state T",
            "CRUX last 3.15 open 3.15 high 3.15 low 3.15 volume 1000 trades 2 notional 3150 \
             bid 3.15x200 ask 3.16x1000 levels 3/2 orders 5 hidden 0 cross 0 broken 0 state T",
        ]
    );
}

#[test]
fn nothing_is_amiss_but_acmes_locked_book_before_its_opening_cross() {
    let shown = shown();
    let summary = shown.ended.summary(&shown.ended.symbol_lines());
    let amiss: Vec<_> = summary.quality.iter().filter(|(_, count)| *count > 0).collect();
    // From the second order until the first execution of the cross: six messages of ACME.
    assert_eq!(amiss, [&("locked", 6)]);
    assert_eq!(summary.messages, script::session().messages);
    assert!(shown.ended.fault().is_none());
    assert!(shown.ended.finished.shards[0].validate().is_ok());
}

#[test]
fn the_story_tells_every_scene_and_that_it_is_scripted() {
    let script = script::session();
    let shown = shown();
    let lines = shown.ended.symbol_lines();
    let text = story::told(&script, &shown, &shown.ended.summary(&lines), &lines);
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    for scene in &script.scenes {
        assert!(words(&text).contains(&words(scene.told)), "{}", scene.told);
    }
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    assert!(text.contains("scripted"));
    assert!(text.contains("broken  BOLT  150 × 100"), "{text}");
    assert!(text.contains("quote   ACME  24.99 × 100 | 25.01 × 210"), "{text}");
}
