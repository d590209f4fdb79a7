//! The alerts of a session, the evidence of one, and what other parameters would have found.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::recording::{Place, words};
use crate::running::Running;
use crate::support::{arg, scratch, tapewatch, text};

/// Records a day on which symbols are stuffed and halted.
fn session(dir: &TempDir, more: &[&str]) -> PathBuf {
    let day = dir.path().join("day");
    if !day.exists() {
        let simulate =
            ["simulate", "-q", "--seed", "7", "--symbols", "5", "--messages", "60000", "--inject"];
        let inject = ["quote_stuffing,halt", "--out", arg(&day)];
        tapewatch(&[&simulate[..], &inject].concat()).ended_with(0);
    }
    let session = dir.path().join(format!("session-{}", more.len()));
    let input = day.join("session.itch");
    let args = ["replay", arg(&input), "--date", "2025-06-02", "-q", "--session", arg(&session)];
    tapewatch(&[&args[..], &["--set", "journal.place=disk"], more].concat()).ended_with(0);
    session
}

fn alerts(session: &Path, more: &[&str]) -> Vec<Value> {
    let run = tapewatch(&[&["alerts", arg(session), "--json"], more].concat()).ended_with(0);
    run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn of_detector(alerts: &[Value], detector: &str) -> Vec<Value> {
    alerts.iter().filter(|alert| alert["detector"] == detector).cloned().collect()
}

fn ids(alerts: &[Value]) -> BTreeSet<String> {
    alerts.iter().map(|alert| alert["id"].as_str().unwrap().to_owned()).collect()
}

fn explain(session: &Path, id: &Value, more: &[&str]) -> Value {
    let args = ["alerts", arg(session), "--explain", id.as_str().unwrap(), "--json"];
    tapewatch(&[&args[..], more].concat()).ended_with(0).json()
}

#[test]
fn alerts_are_those_of_the_report_byte_for_byte_and_are_chosen_by_detector_symbol_and_score() {
    let dir = scratch();
    let session = session(&dir, &[]);
    let report = text(&session.join("report/alerts.jsonl"));
    let run = tapewatch(&["alerts", arg(&session), "--json"]).ended_with(0);
    assert_eq!(run.stdout, report);
    let all = alerts(&session, &[]);
    let stuffed = of_detector(&all, "quote_stuffing");
    let halts = of_detector(&all, "halt");
    assert!(!stuffed.is_empty() && !halts.is_empty(), "{report}");
    // The detectors ran over the log only: it alone tells the alerts.
    fs::remove_dir_all(session.join("report")).unwrap();
    let two = alerts(&session, &["--detector", "quote_stuffing,halt"]);
    assert_eq!(two.len(), stuffed.len() + halts.len());
    assert_eq!(alerts(&session, &["--detector", "halt"]), halts);
    let symbol = stuffed[0]["symbol"].as_str().unwrap();
    let of_symbol = alerts(&session, &["--symbol", symbol]);
    let expected: Vec<Value> =
        all.iter().filter(|alert| alert["symbol"] == symbol).cloned().collect();
    assert_eq!(of_symbol, expected);
    let high = alerts(&session, &["--min-score", "60"]);
    let expected: Vec<Value> =
        all.iter().filter(|alert| alert["score"].as_f64().unwrap() >= 60.0).cloned().collect();
    assert_eq!(high, expected);
    let table = tapewatch(&["alerts", arg(&session)]).ended_with(0).stdout;
    assert!(ids(&all).iter().all(|id| table.contains(id.as_str())), "{table}");
    assert_eq!(table.lines().last().unwrap(), format!("{} alert(s)", all.len()));
    tapewatch(&["alerts", arg(&session), "--detector", "quote_stufing"])
        .ended_with(2)
        .says(&["quote_stuffing"]);
}

#[test]
fn the_evidence_is_every_message_of_the_symbol_between_the_books_before_and_after() {
    let dir = scratch();
    let session = session(&dir, &[]);
    let stuffed = of_detector(&alerts(&session, &[]), "quote_stuffing");
    for alert in &stuffed {
        let explained = explain(&session, &alert["id"], &["--depth", "0"]);
        assert_eq!(&explained["alert"], alert);
        let messages = explained["messages"].as_array().unwrap();
        let sequences: Vec<u64> =
            messages.iter().map(|message| message["sequence"].as_u64().unwrap()).collect();
        let evidence = &alert["evidence"];
        let range = ["first_sequence", "last_sequence"].map(|name| evidence[name].to_string());
        // Another eye: the journal's own dump of the range.
        let symbol = alert["symbol"].as_str().unwrap();
        let [first, last] = &range;
        let dump = ["journal", "dump", arg(&session), "--json", "--symbol", symbol];
        let dump = [&dump[..], &["--from-sequence", first, "--to-sequence", last]].concat();
        let dump = tapewatch(&dump).ended_with(0).stdout;
        let dumped: Vec<Value> =
            dump.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let expected: Vec<u64> =
            dumped.iter().map(|message| message["sequence"].as_u64().unwrap()).collect();
        assert_eq!(sequences, expected);
        let count = |of: &str| messages.iter().filter(|message| message["type"] == of).count();
        assert!(count("A") + count("F") > 50 && count("D") > 50, "{messages:?}");
        // A delete says what it took out: an order that came before, and its life.
        let deleted = messages.iter().find(|message| message["type"] == "D").unwrap();
        assert!(deleted["price"].is_string() && deleted["side"].is_string(), "{deleted}");
        assert!(deleted["did"].as_str().unwrap().starts_with("gone after"), "{deleted}");
        // Just before the first message and at the last, as `book` has them.
        let at = |ns: i64, name: &str| {
            let s = ns / 1_000_000_000;
            let seconds = s - 1_748_822_400;
            let at = format!(
                "2025-06-02T{:02}:{:02}:{:02}.{:09}Z",
                seconds / 3_600,
                seconds / 60 % 60,
                seconds % 60,
                ns % 1_000_000_000
            );
            let book = ["book", arg(&session), "--symbol", symbol, "--at", &at, "--depth", "0"];
            let book = tapewatch(&[&book[..], &["--json"]].concat()).ended_with(0).json();
            let shown = &explained[name];
            for part in ["bids", "asks", "bid_levels", "ask_levels", "suspect", "symbol"] {
                assert_eq!(book[part], shown[part], "{name} {part}");
            }
            assert!(!shown["bids"].as_array().unwrap().is_empty());
            (book["sequence"].as_u64().unwrap(), shown["sequence"].as_u64().unwrap())
        };
        let time = |message: &Value| message["ts_ns"].as_i64().unwrap();
        let (book, shown) = at(time(&messages[0]) - 1, "before");
        assert!(book <= shown && shown < sequences[0]);
        let (_, shown) = at(time(messages.last().unwrap()), "after");
        assert_eq!(shown.to_string(), range[1]);
        // The last message's best prices are the tops of the book behind it.
        let last = messages.last().unwrap();
        assert_eq!(last["bid"], explained["after"]["bids"][0]["price"]);
        assert_eq!(last["ask_size"], explained["after"]["asks"][0]["size"]);
        let marks = |mark: &str| {
            let has = |message: &&Value| {
                let marks = message["marks"].as_array();
                marks.is_some_and(|marks| marks.iter().any(|it| it == mark))
            };
            messages.iter().filter(has).map(|message| &message["sequence"]).collect::<Vec<_>>()
        };
        let opened =
            u64::from_str_radix(alert["id"].as_str().unwrap().split('-').nth(1).unwrap(), 16);
        assert_eq!(marks("opened"), [&Value::from(opened.unwrap())]);
        assert_eq!(marks("first"), [&messages[0]["sequence"]]);
        assert_eq!(marks("last"), [&last["sequence"]]);
    }
}

#[test]
fn an_explanation_is_the_same_from_a_snapshot_and_is_cut_to_size() {
    let dir = scratch();
    let plain = session(&dir, &[]);
    let with = ["--set", "snapshots.every_messages=3000", "--set", "snapshots.keep=100"];
    let with = session(&dir, &with);
    assert!(fs::read_dir(with.join("snapshots")).unwrap().count() > 3);
    let stuffed = of_detector(&alerts(&plain, &[]), "quote_stuffing");
    for alert in &stuffed {
        let id = alert["id"].as_str().unwrap();
        let from = tapewatch(&["alerts", arg(&with), "--explain", id, "--json", "-v"]);
        let from = from.ended_with(0);
        assert!(from.stderr.contains("the book begins at"), "{}", from.stderr);
        assert_eq!(from.json(), explain(&plain, &alert["id"], &[]));
        let cut = explain(&plain, &alert["id"], &["--max-lines", "10", "--depth", "2"]);
        let whole = explain(&plain, &alert["id"], &[]);
        let (shown, all) = (cut["messages"].as_array().unwrap(), whole["messages"].as_array());
        let all = all.unwrap();
        let left_out = cut["left_out"].as_u64().unwrap() as usize;
        assert_eq!(shown.len() + left_out, all.len());
        assert!((10..=11).contains(&shown.len()));
        assert_eq!((shown.first(), shown.last()), (all.first(), all.last()));
        assert!(cut["before"]["bids"].as_array().unwrap().len() <= 2);
        let story = tapewatch(&["alerts", arg(&plain), "--explain", id, "--max-lines", "10"]);
        let story = story.ended_with(0).stdout;
        assert!(story.replace(',', "").contains(&format!("{left_out} more")), "{story}");
        for part in [id, "messages_per_s", "rate_min", "before: ", "after: ", "opened"] {
            assert!(story.contains(part), "no {part} in {story}");
        }
    }
}

#[test]
fn alerts_of_a_running_and_of_a_killed_session_are_had_and_explained_as_far_as_it_goes() {
    let dir = scratch();
    let whole = session(&dir, &[]);
    let stuffed = of_detector(&alerts(&whole, &[]), "quote_stuffing");
    let explained = explain(&whole, &stuffed[0]["id"], &[]);
    let bytes = fs::read(dir.path().join("day/session.itch")).unwrap();
    for mode in [("memory", "inline"), ("disk", "thread")] {
        let place = Place::new();
        let path = place.path("cut");
        let mut args = place.record("-", &path, mode);
        args.extend(words(&["--date", "2025-06-02"]));
        let mut run = Running::start(&args);
        run.feed(&bytes[..bytes.len() * 3 / 4]).unwrap();
        let is_there = || {
            let read = tapewatch(&["alerts", arg(&path), "--json", "--detector", "halt"]);
            // The directory may not be made yet.
            (read.status == Some(0) && !read.stdout.is_empty()).then_some(())
        };
        run.until("a halt, which comes behind the stuffing", is_there);
        assert_eq!(explain(&path, &stuffed[0]["id"], &[]), explained, "{mode:?}, running");
        run.kill();
        assert_eq!(explain(&path, &stuffed[0]["id"], &[]), explained, "{mode:?}, killed");
        let cut = alerts(&path, &[]);
        assert!(ids(&cut).is_subset(&ids(&alerts(&whole, &[]))));
    }
}

#[test]
fn an_id_that_is_not_there_is_told_with_the_nearest() {
    let dir = scratch();
    let session = session(&dir, &[]);
    let all = alerts(&session, &[]);
    let id = all[0]["id"].as_str().unwrap();
    let run = tapewatch(&["alerts", arg(&session), "--explain", &format!("{id}x")]);
    run.ended_with(1).says(&["no alert", id]);
    // A session without any.
    let none = dir.path().join("none");
    let input = dir.path().join("day/session.itch");
    let args = ["replay", arg(&input), "-q", "--session", arg(&none)];
    tapewatch(&[&args[..], &["--set", "detect.enabled=false"]].concat()).ended_with(0);
    let run = tapewatch(&["alerts", arg(&none)]).ended_with(0);
    assert_eq!(run.stdout, "no alerts\n");
    tapewatch(&["alerts", arg(&none), "--explain", id]).ended_with(1).says(&["no other"]);
}

#[test]
fn alerts_of_the_market_are_explained_by_what_they_are_made_of() {
    let dir = scratch();
    // Two symbols are a cluster, and little is a burst.
    let set = [
        "detect.market_cluster.symbols=2",
        "detect.market_cluster.span=600s",
        "detect.message_burst.ratio=1",
        "detect.message_burst.messages_min=20",
        "detect.message_burst.warm_up=1",
    ];
    let set: Vec<&str> = set.iter().flat_map(|set| ["--set", set]).collect();
    let session = session(&dir, &set);
    let all = alerts(&session, &[]);
    let clusters = of_detector(&all, "market_cluster");
    let bursts = of_detector(&all, "message_burst");
    assert!(!clusters.is_empty() && !bursts.is_empty());
    for cluster in clusters.iter().take(8) {
        let explained = explain(&session, &cluster["id"], &[]);
        let members = explained["alerts"].as_array().unwrap();
        let symbols: BTreeSet<&str> =
            members.iter().map(|member| member["symbol"].as_str().unwrap()).collect();
        assert!(symbols.len() as u64 >= cluster["figures"]["symbols"].as_u64().unwrap());
        assert!(members.iter().all(|member| all.contains(member)));
        let story = ["alerts", arg(&session), "--explain", cluster["id"].as_str().unwrap()];
        let story = tapewatch(&story).ended_with(0).stdout;
        assert!(ids(members).iter().all(|id| story.contains(id.as_str())), "{story}");
    }
    for burst in bursts.iter().take(8) {
        let explained = explain(&session, &burst["id"], &[]);
        let counts = explained["counts"].as_array().unwrap();
        let most = counts.iter().map(|count| count["messages"].as_u64().unwrap()).max().unwrap();
        assert_eq!(Some(most), burst["figures"]["messages_100ms"].as_u64(), "{burst}");
    }
}

#[test]
fn what_if_tells_alert_by_alert_what_other_parameters_find() {
    let dir = scratch();
    let session = session(&dir, &[]);
    let before = alerts(&session, &[]);
    let stuffed = of_detector(&before, "quote_stuffing");
    let out = dir.path().join("out");
    let replay = |set: &str, more: &[&str]| {
        let args = ["replay", arg(&session), "-q", "--set", set];
        tapewatch(&[&args[..], more].concat()).ended_with(0)
    };
    let run = replay("detect.quote_stuffing.min_score=99.9", &["--json", "--out", arg(&out)]);
    let changed = &run.json()["alerts_changed"];
    let list = |name: &str| changed[name].as_array().unwrap().clone();
    assert_eq!(ids(&list("gone")), ids(&stuffed));
    assert!(list("added").is_empty(), "{changed}");
    // Another detector's alert may end another line of time later: who is woken when depends on all.
    assert!(of_detector(&list("changed"), "quote_stuffing").is_empty(), "{changed}");
    // What is told is what the run wrote.
    let after: Vec<Value> = text(&out.join("alerts.jsonl"))
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let gone: BTreeSet<String> = ids(&before).difference(&ids(&after)).cloned().collect();
    assert_eq!(ids(&list("gone")), gone);
    let same = after.len() - list("changed").len();
    assert_eq!(changed["as_they_were"], same);
    let told = replay("detect.quote_stuffing.min_score=99.9", &[]).stdout;
    for id in ids(&stuffed) {
        assert!(told.contains(&format!("- {id} quote_stuffing ")), "{told}");
    }
    let (gone, others) = (stuffed.len(), list("changed").len());
    let counts = format!("0 new, {gone} gone, {others} changed, {same} as they were");
    assert_eq!(told.lines().last().unwrap(), counts);
    // A higher bar for the rate: the alerts there were score less.
    let run = replay("detect.quote_stuffing.rate_min=300", &["--json"]);
    let changed = &run.json()["alerts_changed"];
    let pairs = changed["changed"].as_array().unwrap();
    let pairs = of_detector(pairs, "quote_stuffing");
    assert!(!pairs.is_empty(), "{changed}");
    assert!(of_detector(changed["gone"].as_array().unwrap(), "quote_stuffing").is_empty());
    for now in pairs {
        let before = stuffed.iter().find(|alert| alert["id"] == now["before"]["id"]).unwrap();
        assert_eq!(now["before"]["score"], before["score"]);
        assert!(now["score"].as_f64() < before["score"].as_f64(), "{now}");
    }
    let told = replay("detect.quote_stuffing.rate_min=300", &[]).stdout;
    // It opens by a later message, and is the same alert.
    let is_later = |line: &str| {
        line.starts_with("~ ") && line.contains(", opened as f0-") && line.contains(", was ")
    };
    assert!(told.lines().any(is_later), "{told}");
    // The parameters it was recorded under, and a file: nothing to compare.
    let same = replay("journal.sync=batch", &["--json"]).json();
    assert!(same.get("alerts_changed").is_none());
    let input = dir.path().join("day/session.itch");
    let file = ["replay", arg(&input), "-q", "--json", "--set", "detect.halt.min_score=99"];
    assert!(tapewatch(&file).ended_with(0).json().get("alerts_changed").is_none());
}
