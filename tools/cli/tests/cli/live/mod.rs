//! `run` as a desk uses it: a simulated exchange in a process of its own, plain sockets where somebody
//! else talks, groups and ports of each test's own, loopback alone.
//!
//! What a lossless replay of the exchange's own file gives is what a live run must come to.

mod captures;
mod hostile;
mod kills;
mod losses;
mod reload;
mod soup;
mod stale;
mod two_feeds;

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};

use serde_json::Value;

use crate::recording::{Place, words};
use crate::running::Running;
use crate::support::{Csv, Run, arg, tapewatch, text};

/// The day of all simulated sessions.
const DATE: &str = "2025-06-02";

/// Two groups that no other test has, with a port that was free.
fn lines() -> [String; 2] {
    static LAST: AtomicU8 = AtomicU8::new(0);
    let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let third = std::process::id() % 256;
    [0; 2].map(|_| {
        let last = LAST.fetch_add(1, Ordering::Relaxed);
        format!("239.192.{third}.{}:{port}", last + 1)
    })
}

/// A port that was free a moment ago.
fn free_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// A day of an exchange.
struct Day {
    made_from: String,
    lines: [String; 2],
}

impl Day {
    fn new(seed: u32, symbols: u32, messages: u32) -> Day {
        let made_from = format!("--seed {seed} --symbols {symbols} --messages {messages}");
        Day { made_from, lines: lines() }
    }

    /// Puts it on the wire; goes on when its servers are open. The end of the session is told every ten
    /// seconds, for longer than anybody needs.
    fn publish(&self, place: &Place, more: &str) -> Exchange {
        let at = place.path(&format!("addresses-{}.json", self.lines[0]));
        let [a, b] = &self.lines;
        let line = format!(
            "simulate --publish {} --line-a {a} --line-b {b} --linger 100s --addresses {} {more}",
            self.made_from,
            arg(&at)
        );
        let mut running = Running::start(&line.split_whitespace().collect::<Vec<_>>());
        let look = || serde_json::from_str(&fs::read_to_string(&at).ok()?).ok();
        let addresses = running.until("the addresses", look);
        Exchange { running, addresses }
    }

    /// Its messages as a file, written without a wire.
    fn file(&self, place: &Place) -> PathBuf {
        let out = place.path(&format!("file-{}", self.lines[0]));
        let line = format!("simulate {} --quiet --out {}", self.made_from, arg(&out));
        tapewatch(&line.split_whitespace().collect::<Vec<_>>()).ended_with(0);
        out.join("session.itch")
    }

    /// What a lossless replay of its messages comes to.
    fn lossless(&self, place: &Place) -> CameTo {
        replayed(&self.file(place), &place.path(&format!("lossless-{}", self.lines[0])), "")
    }
}

/// An exchange at work. Killed when it is dropped.
struct Exchange {
    running: Running,
    addresses: Value,
}

impl Exchange {
    /// The address of one of its servers.
    #[track_caller]
    fn server(&self, name: &str) -> &str {
        self.addresses[name].as_str().unwrap()
    }

    /// Waits until the message with this number was published: then it can be had again.
    fn until_published(&mut self, sequence: u64) {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(std::time::Duration::from_millis(50))).unwrap();
        let session = format!("{:<10}", self.server("session"));
        let request = [session.as_bytes(), &sequence.to_be_bytes(), &1_u16.to_be_bytes()].concat();
        let server = self.server("retransmit").to_owned();
        let mut answer = [0; 2_000];
        self.running.until("the message", || {
            socket.send_to(&request, &server).unwrap();
            socket.recv(&mut answer).ok()
        });
    }
}

/// A feed by MoldUDP64 as a configuration has it, from the first message on.
fn mold(lines: &[String], more: &str) -> String {
    format!(
        "[[feeds]]\nlines = {lines:?}\ninterface = \"127.0.0.1\"\nstart = \"beginning\"\n\
         receive_buffer_bytes = 4194304\n{more}\n"
    )
}

/// Writes a configuration: small segments, bars, a snapshot of the state now and then; `feeds` behind.
fn config(place: &Place, name: &str, feeds: &[String]) -> PathBuf {
    let text = format!(
        "[threads]\nwait = \"park\"\n\
         [journal]\nsegment_bytes = 262144\nmemory_bytes_max = 4194304\nmemory_dir = {:?}\n\
         low_disk_bytes = 0\n\
         [output]\nsegment_bytes = 262144\n\
         [hashes]\nevery_sequences = 4096\n\
         [bars]\nsizes = [\"1s\", \"1m\"]\n\
         [snapshots]\nevery_messages = 3000\nkeep = 2\n{}",
        place.memory(),
        feeds.concat()
    );
    place.file(name, text.as_bytes())
}

/// An engine to be run: its configuration and its session's directory.
struct Engine {
    config: PathBuf,
    session: PathBuf,
    more: String,
}

impl Engine {
    fn new(place: &Place, feeds: &[String]) -> Engine {
        Engine {
            config: config(place, "tapewatch.toml", feeds),
            session: place.path("session"),
            more: format!("--date {DATE}"),
        }
    }

    fn args(&self) -> Vec<String> {
        let mut args = words(&["run", "-c", arg(&self.config), "--session", arg(&self.session)]);
        args.push(String::from("--json"));
        args.extend(self.more.split_whitespace().map(String::from));
        args
    }

    /// Starts it.
    fn start(&self) -> Running {
        Running::start(&self.args())
    }

    /// Starts it, and goes on when it listens to its feeds: then it hears `tapewatch reload`.
    fn start_listening(&self) -> Running {
        let mut running = self.start();
        running.until("an engine that listens", || {
            let description = fs::read_to_string(self.session.join("session.toml")).ok()?;
            let id = description.lines().find_map(|line| line.strip_prefix("id = "))?;
            let name = format!("@tapewatch-{}", id.trim_matches('"'));
            fs::read_to_string("/proc/net/unix").unwrap().contains(&name).then_some(())
        });
        running
    }

    /// What its session came to, by what it printed and wrote.
    #[track_caller]
    fn came_to(&self, run: &Run) -> CameTo {
        CameTo::of(&run.json(), &self.session.join("report"))
    }

    /// Its journal and outputs are as they should be, and replayed they come to the same.
    #[track_caller]
    fn is_sound(&self, place: &Place, came_to: &CameTo) {
        let verify = ["journal", "verify", arg(&self.session), "--deep", "--json"];
        let verified = tapewatch(&verify).ended_with(0).json();
        assert_eq!(verified["ok"], true, "{verified}");
        assert_eq!(replayed(&self.session, &place.path("again"), ""), *came_to);
    }
}

/// What a session came to.
#[derive(Debug, PartialEq)]
struct CameTo {
    messages: u64,
    gap_messages: u64,
    state_hash: String,
    sections: Value,
    symbols: String,
    bars: String,
}

impl CameTo {
    #[track_caller]
    fn of(summary: &Value, out: &Path) -> CameTo {
        CameTo {
            messages: summary["messages"].as_u64().unwrap(),
            gap_messages: summary["quality"]["gap_messages"].as_u64().unwrap(),
            state_hash: summary["state_hash"].as_str().unwrap().to_owned(),
            sections: summary["sections"].clone(),
            symbols: text(&out.join("symbols.csv")),
            bars: text(&out.join("bars.csv")),
        }
    }
}

/// Replays an input with the bars of [`config`] and outputs in `out`, which must end well.
#[track_caller]
fn replayed(input: &Path, out: &Path, more: &str) -> CameTo {
    let mut args = vec!["replay", arg(input), "--json", "--out", arg(out)];
    args.extend(more.split_whitespace());
    if !input.is_dir() {
        args.extend(["--bar", "1s", "--bar", "1m"]);
        if !more.contains("--date") {
            args.extend(["--date", DATE]);
        }
    }
    CameTo::of(&tapewatch(&args).ended_with(0).json(), out)
}

/// The books at the end of a session, by what its symbols' lines say of them.
fn books(came_to_in: &Path) -> Vec<Vec<String>> {
    let symbols = Csv::read(&came_to_in.join("symbols.csv"));
    let columns =
        ["symbol", "bid", "bid_size", "ask", "ask_size", "bid_levels", "ask_levels", "orders"];
    (0..symbols.records.len())
        .map(|row| columns.map(|column| symbols.field(row, column).to_owned()).to_vec())
        .collect()
}

/// The losses that a run lists.
fn losses(session: &Path) -> Csv {
    Csv::read(&session.join("report/gaps.csv"))
}
