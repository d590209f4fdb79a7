//! From the configured feeds to sockets and machines.

use std::net::SocketAddrV4;

use engine::journal::stand::FeedStand;
use engine::units::{FeedId, Sequence};
use engine::window::tick::Span;
use feed_handlers::live::{LiveFeedSettings, LiveSettings, MoldSettings, SoupServer, SoupSettings};
use feed_handlers::moldudp64::SessionId;
use feed_handlers::moldudp64::session::{FeedLimits, FeedSettings, Timings};
use feed_handlers::udp::UdpSettings;

use crate::config::{Config, LiveFeed, Protocol, StartAt, Timing};
use crate::exit::Failure;

/// What is opened for `config`, whose feeds stood so.
pub(crate) fn live_settings(
    config: &Config,
    stand: impl Fn(FeedId) -> FeedStand,
) -> Result<LiveSettings, Failure> {
    let feeds = (0u16..).zip(&config.feeds);
    let feeds = feeds.map(|(number, feed)| settings_of(feed, stand(FeedId(number))));
    Ok(LiveSettings {
        feeds: feeds.collect::<Result<_, _>>()?,
        busy_poll: config.is_busy_polling(),
    })
}

fn settings_of(feed: &LiveFeed, stand: FeedStand) -> Result<LiveFeedSettings, Failure> {
    let start = match feed.start {
        StartAt::FirstSeen => None,
        StartAt::Beginning => Some(Sequence(1)),
    };
    let next = stand.next.or(start);
    let size = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
    match feed.protocol {
        Protocol::MoldUdp64 => {
            let udp = |address: &SocketAddrV4| UdpSettings {
                address: *address,
                interface: feed.interface,
                source: feed.source,
                receive_buffer_bytes: size(feed.receive_buffer_bytes),
            };
            let limits = FeedLimits {
                packets_max: size(feed.packets_max),
                bytes_max: size(feed.bytes_max),
                snapshot_bytes_max: size(feed.bytes_max),
                request_messages_max: u16::try_from(feed.request_messages_max).unwrap_or(u16::MAX),
                requests_in_flight_max: feed.requests_in_flight_max as usize,
                ..FeedLimits::default()
            };
            Ok(LiveFeedSettings::Mold(Box::new(MoldSettings {
                lines: feed.lines.iter().map(udp).collect(),
                servers: feed.retransmission.clone(),
                snapshot: feed.snapshot.map(|at| server(feed, at)).transpose()?,
                is_suspect: stand.is_suspect.unwrap_or(false),
                feed: FeedSettings {
                    session: session(&feed.session),
                    next,
                    limits,
                    timings: timings(&feed.timing),
                    ..FeedSettings::default()
                },
            })))
        }
        Protocol::SoupBinTcp => Ok(LiveFeedSettings::Soup(SoupSettings {
            servers: feed.servers.iter().map(|at| server(feed, *at)).collect::<Result<_, _>>()?,
            session: feed.session.clone(),
            next: next.map_or(1, |next| next.0),
            stale_ns: ns(feed.timing.stale),
        })),
    }
}

/// The machine's times.
pub(crate) fn timings(timing: &Timing) -> Timings {
    Timings {
        reorder_wait_ns: ns(timing.reorder_wait),
        hole_wait_ns: ns(timing.hole_wait),
        request_timeout_ns: ns(timing.request_timeout),
        tries_max: timing.request_tries_max,
        line_silent_ns: ns(timing.line_silent),
        stale_ns: ns(timing.stale),
        snapshot_wait_ns: ns(timing.snapshot_wait),
        snapshot_retry_ns: ns(timing.snapshot_retry),
    }
}

fn ns(span: Span) -> u64 {
    span.0.unsigned_abs()
}

/// A session as it stands in packets: padded with spaces on the right.
fn session(text: &str) -> Option<SessionId> {
    if text.is_empty() {
        return None;
    }
    let mut id = [b' '; 10];
    for (to, from) in id.iter_mut().zip(text.bytes()) {
        *to = from;
    }
    Some(SessionId(id))
}

fn server(feed: &LiveFeed, address: SocketAddrV4) -> Result<SoupServer, Failure> {
    let password = match feed.password_env.as_str() {
        "" => String::new(),
        name => std::env::var(name).map_err(|error| {
            Failure::usage(format_args!(
                "feed {}: the variable {name} of password_env: {error}; set it, or leave password_env out",
                feed.name()
            ))
        })?,
    };
    Ok(SoupServer { address, username: feed.username.clone(), password })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_padded_and_none_is_the_first_that_comes() {
        assert_eq!(session("ABC"), Some(SessionId(*b"ABC       ")));
        assert_eq!(session("000010059B"), Some(SessionId(*b"000010059B")));
        assert_eq!(session(""), None);
    }

    #[test]
    fn a_feed_goes_on_where_it_stood_and_begins_where_it_is_told() {
        let lines = "[[feeds]]\nlines = [\"239.0.0.1:5\", \"239.0.0.2:5\"]\n";
        let next = |text: &str, stand: FeedStand| {
            let config = Config::from_toml(&format!("{lines}{text}"), &[], &[]).unwrap();
            match settings_of(&config.feeds[0], stand).unwrap() {
                LiveFeedSettings::Mold(mold) => (mold.feed.next, mold.is_suspect),
                LiveFeedSettings::Soup(_) => unreachable!("not configured"),
            }
        };
        let stood = FeedStand { next: Some(Sequence(77)), is_suspect: Some(true) };
        assert_eq!(next("", FeedStand::default()), (None, false));
        let from_one = next("start = \"beginning\"", FeedStand::default());
        assert_eq!(from_one, (Some(Sequence(1)), false));
        assert_eq!(next("start = \"beginning\"", stood), (Some(Sequence(77)), true));
    }

    #[test]
    fn a_password_comes_from_its_variable_or_the_run_does_not_begin() {
        let text = "[[feeds]]\nprotocol = \"soupbintcp\"\nservers = [\"10.0.0.1:5\"]\n\
                    password_env = \"TAPEWATCH_NO_SUCH_PASSWORD\"\n";
        let config = Config::from_toml(text, &[], &[]).unwrap();
        let failure = live_settings(&config, |_| FeedStand::default()).unwrap_err();
        assert!(failure.line.contains("TAPEWATCH_NO_SUCH_PASSWORD"), "{}", failure.line);
    }
}
