//! `top` on a real terminal: what a user sees at 80 × 24, what keys do, and that the terminal is given
//! back however it ends.

use rustix::process::Signal;

use crate::board::Live;
use crate::support::{arg, scratch, tapewatch};
use crate::terminal::OnTerminal;

const NARROW: (u16, u16) = (24, 80);

fn top(live: &Live) -> OnTerminal {
    OnTerminal::start(&["top", arg(&live.session)], NARROW, &[])
}

#[test]
fn a_running_engine_is_seen_and_asked_with_keys() {
    let live = Live::start();
    let mut top = top(&live);
    let pid = format!("pid {}", live.running.pid());
    // What is drawn last is awaited: then all of it is there.
    let rows = top.until("a whole screen", |rows| rows[23].starts_with("by rate  q quit"));
    assert!(rows[0].starts_with("tapewatch ") && rows[0].contains(&pid), "{}", rows[0]);
    assert!(rows[0].trim_end().ends_with("RUNNING"), "{}", rows[0]);
    assert_eq!(rows.len(), 24);
    assert!(rows[1].starts_with("feed ") && rows[1].contains("msgs/s"), "{}", rows[1]);
    assert!(rows[2].contains(" 30 symbols ") && rows[2].contains("no gaps"), "{}", rows[2]);
    assert!(rows[3].starts_with("SYMBOL "), "{}", rows[3]);
    assert!(rows[15].contains("lines & gaps"), "{}", rows[15]);
    assert!(top.is_coloured());

    top.press("s");
    top.until_row(&["by volume"]);
    top.press("s");
    top.until_row(&["by name"]);
    let names = |rows: &[String]| -> Vec<String> {
        rows[4..15].iter().map(|row| row[..9].trim().to_owned()).collect()
    };
    let rows = top.until("the names in order", |rows| names(rows).is_sorted());
    let second = names(&rows)[1].clone();

    top.press("\t\t");
    top.until_row(&["THREAD", "BUSY", "BLOCKED"]);
    top.press("\t");
    top.until_row(&["received_published"]);

    // The second symbol's ladder, and back.
    top.press("j\r");
    let rows = top.until("a ladder", |rows| rows[23].starts_with("Esc back"));
    assert!(rows.iter().any(|row| row.contains("ORDERS         SIZE")), "{rows:?}");
    assert!(rows[3].starts_with(&format!("{second}  state ")), "{}", rows[3]);
    assert!(rows.iter().filter(|row| row.contains(" | ")).count() > 1, "{rows:?}");
    top.press("\u{1b}");
    top.until_row(&["SYMBOL ", "MSGS/S"]);

    // A filter.
    top.press(&format!("/{}", second.to_lowercase()));
    top.until_row(&[&format!("/{}_", second.to_lowercase())]);
    top.press("\r");
    let rows = top.until_row(&["by name /", "(1)"]);
    assert!(rows[4].starts_with(&second) && rows[5].trim().is_empty(), "{rows:?}");
    top.press("?");
    top.until_row(&["KEYS"]);
    top.press("?p");
    top.until_row(&["RUNNING", "PAUSED"]);
    // Larger: everything at once.
    top.resize(40, 120);
    top.until_row(&["SPREAD", "HIGH", "LOW"]);
    top.until_row(&["threads", "latency"]);
    top.press("q");
    assert_eq!(top.ended().code(), Some(0));
}

#[test]
fn the_terminal_is_given_back_at_control_c_and_at_signals() {
    let live = Live::start();
    type End = fn(&mut OnTerminal);
    let ends: [End; 5] = [
        |top| top.press("\u{3}"),
        |top| top.press("\u{1b}"),
        |top| top.signal(Signal::TERM),
        |top| top.signal(Signal::INT),
        |top| top.signal(Signal::HUP),
    ];
    for end in ends {
        let mut top = top(&live);
        top.until_row(&["RUNNING"]);
        end(&mut top);
        assert_eq!(top.ended().code(), Some(0));
    }
}

#[test]
fn several_screens_see_the_engine_end() {
    let live = Live::start();
    let session = arg(&live.session).to_owned();
    let mut coloured = top(&live);
    let mut plain = OnTerminal::start(&["top", &session], NARROW, &[("NO_COLOR", "1")]);
    coloured.until_row(&["RUNNING"]);
    plain.until_row(&["RUNNING"]);
    let (_place, run) = live.finish();
    let summary = run.ended_with(0).json();
    for top in [&mut coloured, &mut plain] {
        let rows = top.until("a banner, and the table below it", |rows| {
            rows[3].starts_with("ENDED in order at ") && rows[4].starts_with("SYMBOL ")
        });
        let messages = summary["messages"].as_u64().unwrap();
        assert!(rows[2].starts_with(&format!("{},{:03} msgs", messages / 1_000, messages % 1_000)));
        assert!(!rows[5].trim().is_empty(), "{rows:?}");
    }
    assert!(coloured.is_coloured() && !plain.is_coloured());
    for top in [&mut coloured, &mut plain] {
        top.press("q");
        assert_eq!(top.ended().code(), Some(0));
    }
}

#[test]
fn an_engine_that_is_stopped_or_killed_has_a_banner() {
    let live = Live::start();
    let mut top = top(&live);
    top.until_row(&["RUNNING"]);
    live.running.signal(Signal::STOP);
    top.until_row(&["STALE: pid "]);
    // A pause does not hide it.
    top.press("p");
    top.until_row(&["STALE", "PAUSED"]);
    live.running.kill();
    let rows = top.until_row(&["GONE: pid "]);
    assert!(rows[5].contains(" T "), "the figures stay: {rows:?}");
    top.press("q");
    assert_eq!(top.ended().code(), Some(0));
}

#[test]
fn without_a_terminal_stat_is_named() {
    let dir = scratch();
    let run = tapewatch(&["top", "--memory-dir", arg(dir.path())]).ended_with(2);
    run.says(&["no terminal", "tapewatch stat"]);
    // Without an engine the screen is never taken.
    let args = ["top", "--memory-dir", arg(dir.path())];
    let mut top = OnTerminal::start(&args, NARROW, &[]);
    top.until_row(&["no engine is running"]);
    assert_eq!(top.ended().code(), Some(2));
}
