//! What came of live feeds: lines, losses, servers; for `summary.json`, `gaps.csv` and the verdict.

use std::fmt::Write as _;
use std::io::{self, Write};

use engine::units::FeedId;
use feed_handlers::ledger::{Loss, LossCounts, Outcome};
use feed_handlers::live::{LiveError, LiveFeeds};
use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::config::Config;
use crate::exit::Failure;
use crate::output::decimal::grouped;

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct FeedsReport {
    feeds: Vec<Value>,
    lines: Vec<Value>,
    losses: Vec<(String, Vec<Loss>)>,
    counts: LossCounts,
    /// Losses that the ledgers no longer list.
    unlisted: u64,
    foreign_session: u64,
}

impl FeedsReport {
    /// What has come of `feeds` so far.
    pub(crate) fn of(config: &Config, feeds: &mut LiveFeeds) -> FeedsReport {
        let mut report = FeedsReport::default();
        for (number, feed) in (0u16..).zip(&config.feeds) {
            report.add(FeedId(number), feed.name(), feeds);
        }
        report
    }

    fn add(&mut self, id: FeedId, name: &str, feeds: &mut LiveFeeds) {
        let sockets = feeds.lines(id);
        if let Some(soup) = feeds.soup(id) {
            self.feeds.push(json!({
                "name": name,
                "protocol": "soupbintcp",
                "messages": soup.messages,
                "next_sequence": soup.next,
                "ended": soup.is_ended,
                "connections": soup.connections,
                "losses_of_connection": soup.lost,
                "malformed": soup.malformed,
                "stale": soup.stale,
            }));
            return;
        }
        let Some(mold) = feeds.mold(id) else { return };
        for (at, socket) in sockets.iter().enumerate() {
            let (line, counts) = (mold.line(at), socket.counts);
            self.lines.push(json!({
                "feed": name,
                "name": letter(at),
                "address": socket.address.to_string(),
                "packets": line.packets,
                "messages": line.messages,
                "lost": line.lost,
                "duplicate": line.duplicates,
                "late": line.late,
                "silences": mold.line_silences(at),
                "lead_ns": mold.line_lead_ns(at).map(quantiles),
                "datagrams": counts.datagrams,
                "bytes": counts.bytes,
                "kernel_drops": counts.kernel_drops,
                "cut_datagrams": counts.cut,
                "read_errors": socket.read_errors,
                "receive_buffer_bytes": socket.buffer_bytes,
                "kernel_to_user_ns": quantiles(&socket.delay_ns),
            }));
        }
        let (stream, drops, counts) = (mold.statistics(), mold.drops(), mold.ledger().counts());
        let (snapshots, snapshots_failed) = mold.snapshots();
        let servers = (0..mold.servers()).map(|server| {
            let server = mold.server(server);
            json!({
                "requests": server.requests,
                "answers": server.answers,
                "messages": server.messages,
                "timeouts": server.timeouts,
            })
        });
        self.foreign_session += drops.foreign_session;
        self.feeds.push(json!({
            "name": name,
            "protocol": "moldudp64",
            "session": mold.session().map(|session| session.to_string()),
            "state": format!("{:?}", mold.state()),
            "messages": stream.delivered,
            "gaps_given_up": stream.gaps,
            "gap_messages": stream.gap_messages,
            "duplicates": stream.duplicates,
            "late": stream.late,
            "overflowing_packets": stream.overflowing_packets,
            "short_datagrams": drops.short_datagrams,
            "foreign_session": drops.foreign_session,
            "not_moldudp64": drops.not_moldudp64,
            "damaged_packets": drops.damaged_packets,
            "trailing_bytes": drops.trailing_bytes,
            "implausible_jumps": drops.implausible_jumps,
            "unnumbered": drops.unnumbered,
            "unasked_answers": drops.unasked_answers,
            "servers": servers.collect::<Vec<_>>(),
            "unsent_requests": feeds.unsent_requests(id),
            "snapshots": snapshots,
            "snapshots_failed": snapshots_failed,
            "losses": losses_json(&counts),
        }));
        let ledger = mold.ledger();
        self.unlisted += ledger.unlisted();
        self.losses.push((name.to_owned(), ledger.losses().collect()));
        let all = &mut self.counts;
        all.opened += counts.opened;
        all.healed_by_line += counts.healed_by_line;
        all.healed_by_retransmit += counts.healed_by_retransmit;
        all.healed_by_snapshot += counts.healed_by_snapshot;
        all.open += counts.open;
        all.messages += counts.messages;
        all.given_up_messages += counts.given_up_messages;
    }

    /// All losses of all feeds.
    pub(crate) fn losses(&self) -> &LossCounts {
        &self.counts
    }

    /// Packets of other sessions.
    pub(crate) fn foreign_session(&self) -> u64 {
        self.foreign_session
    }

    /// The feeds, for programs.
    pub(crate) fn feeds_json(&self) -> Value {
        json!(self.feeds)
    }

    /// The lines of all feeds, for programs.
    pub(crate) fn lines_json(&self) -> Value {
        json!(self.lines)
    }

    /// Why the run's books are not all right, where they are not; `listed` says where the gaps stand.
    pub(crate) fn open(&self, listed: &str) -> Option<Failure> {
        let LossCounts { open, given_up_messages, .. } = self.counts;
        (open > 0).then(|| {
            Failure::no(format_args!(
                "{} gap(s) are open at the end, {} message(s) were given up in all; the books they concern are suspect{listed}",
                grouped(open),
                grouped(given_up_messages)
            ))
        })
    }

    /// For people: a line a line, and the losses.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for line in &self.lines {
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "line {} of {} ({}): {} packets, {} lost, {} duplicate, {} late message(s), {} dropped by the kernel",
                line["name"].as_str().unwrap_or_default(),
                line["feed"].as_str().unwrap_or_default(),
                line["address"].as_str().unwrap_or_default(),
                grouped(line["packets"].as_u64().unwrap_or_default()),
                grouped(line["lost"].as_u64().unwrap_or_default()),
                grouped(line["duplicate"].as_u64().unwrap_or_default()),
                grouped(line["late"].as_u64().unwrap_or_default()),
                grouped(line["kernel_drops"].as_u64().unwrap_or_default()),
            );
        }
        let LossCounts {
            opened,
            healed_by_line,
            healed_by_retransmit,
            healed_by_snapshot,
            open,
            ..
        } = self.counts;
        let _ = writeln!(
            text,
            "gaps: {} opened, {} healed by a line, {} by retransmission, {} by snapshot, {} open",
            grouped(opened),
            grouped(healed_by_line),
            grouped(healed_by_retransmit),
            grouped(healed_by_snapshot),
            grouped(open)
        );
        text
    }

    /// Writes `gaps.csv`: a line a loss, feed by feed, in order of their ends.
    pub(crate) fn write_gaps(&self, to: &mut impl Write) -> io::Result<()> {
        writeln!(to, "feed,first_sequence,end_sequence,opened_ns,ended_ns,given_up,outcome")?;
        for (feed, losses) in &self.losses {
            for loss in losses {
                let ended = loss.ended.map_or_else(String::new, |ended| ended.0.to_string());
                writeln!(
                    to,
                    "{feed},{},{},{},{ended},{},{}",
                    loss.first.0,
                    loss.end.0,
                    loss.opened.0,
                    loss.given_up,
                    outcome(loss.outcome)
                )?;
            }
        }
        Ok(())
    }
}

/// What became of a loss, as `gaps.csv` says it.
fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Waiting => "waiting",
        Outcome::Line => "line",
        Outcome::Retransmission => "retransmission",
        Outcome::GivenUp => "open",
        Outcome::Snapshot => "snapshot",
    }
}

/// The losses, for programs.
pub(crate) fn losses_json(counts: &LossCounts) -> Value {
    json!({
        "opened": counts.opened,
        "healed_by_line": counts.healed_by_line,
        "healed_by_retransmit": counts.healed_by_retransmit,
        "healed_by_snapshot": counts.healed_by_snapshot,
        "open": counts.open,
        "messages": counts.messages,
        "given_up_messages": counts.given_up_messages,
    })
}

fn letter(at: usize) -> String {
    let letter = u8::try_from(at).ok().map(|at| b'A' + at).filter(u8::is_ascii_uppercase);
    letter.map_or_else(|| at.to_string(), |letter| char::from(letter).to_string())
}

fn quantiles(times_ns: &Histogram<u64>) -> Value {
    let at = |quantile| times_ns.value_at_quantile(quantile).min(times_ns.max());
    json!({
        "count": times_ns.len(),
        "p50": at(0.5),
        "p99": at(0.99),
        "p999": at(0.999),
        "max": times_ns.max(),
    })
}

/// A feed that cannot be listened to.
pub(crate) fn of_live(error: &LiveError) -> Failure {
    match error {
        LiveError::Line { .. } => Failure::usage(format_args!(
            "{error}; check lines, interface and source of that feed, and what else uses the port"
        )),
        LiveError::Poll(_) => Failure::no(format_args!("{error}; raise `ulimit -n`")),
    }
}
