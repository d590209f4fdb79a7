//! `reload`: what a running engine takes over, what it refuses, and what its journal says of it.

use std::fs;

use rustix::process::Signal;

use crate::live::{Day, Engine, config, mold};
use crate::recording::Place;
use crate::support::{arg, tapewatch, text};

#[test]
fn a_running_engine_takes_over_what_it_can_and_refuses_the_rest_by_name() {
    let place = Place::new();
    let day = Day::new(41, 10, 1_000_000);
    let mut exchange = day.publish(&place, "--retransmit 127.0.0.1:0 --rate 3000");
    let served = format!("retransmission = [{:?}]\n", exchange.server("retransmit"));
    let feed = |more: &str| mold(&day.lines, &format!("{served}{more}"));
    let engine = Engine::new(&place, &[feed("")]);
    let session = arg(&engine.session);
    let running = engine.start_listening();
    exchange.until_published(500);

    // The same again.
    let same = tapewatch(&["reload", session, "-c", arg(&engine.config)]).ended_with(0);
    assert_eq!(same.stdout, "nothing differs\n");

    let changed = config(&place, "changed.toml", &[feed("stale = \"7s\"\n")]);
    let kept = format!("[retention]\nkeep = \"36h\"\n{}", text(&changed));
    fs::write(&changed, kept).unwrap();
    let reload = ["reload", session, "-c", arg(&changed), "--json"];
    let answer = tapewatch(&reload).ended_with(0).json();
    assert_eq!(answer["changed"], serde_json::json!(["retention.keep", "feeds.0.stale"]));
    let sequence = answer["sequence"].as_u64().unwrap();
    assert!(sequence > 1, "{answer}");

    // One thing that cannot be taken over, and nothing is.
    let refused = place.path("refused.toml");
    let shards = "[engine]\ntopology = \"pipelined\"\nshards = 2\n";
    let other = format!("{shards}{}", text(&changed).replace("7s", "8s"));
    fs::write(&refused, other).unwrap();
    let no = tapewatch(&["reload", session, "-c", arg(&refused)]).ended_with(2);
    no.says(&["engine.topology", "engine.shards", "nothing was changed"]);
    let again = tapewatch(&reload).ended_with(0).json();
    assert_eq!(again["changed"], serde_json::json!([]));

    running.signal(Signal::TERM);
    let run = running.end().ended_with(0);
    let dump = tapewatch(&["journal", "dump", session, "--frames", "--json"]).ended_with(0);
    let frames = dump.stdout.lines().map(|line| serde_json::from_str(line).unwrap());
    let parameters: Vec<serde_json::Value> =
        frames.filter(|frame: &serde_json::Value| frame["kind"] == "Parameters").collect();
    // The exchange's session, which the feed took from its first packet, and the change.
    let at: Vec<u64> = parameters.iter().map(|it| it["sequence"].as_u64().unwrap()).collect();
    assert!(at.len() == 2 && at[0] < sequence && at[1] == sequence, "{parameters:?}");
    engine.is_sound(&place, &engine.came_to(&run));

    let nobody = tapewatch(&reload).ended_with(1);
    nobody.says(&["nobody listens for the session", "tapewatch run"]);
}
