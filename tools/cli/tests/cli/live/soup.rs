//! A feed by SoupBinTCP: one connection, made again from the next message when it breaks.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

use crate::live::{Day, Engine};
use crate::recording::Place;

fn soup(servers: &[String]) -> String {
    format!("[[feeds]]\nprotocol = \"soupbintcp\"\nservers = {servers:?}\nstart = \"beginning\"\n")
}

#[test]
fn a_session_by_soupbintcp_comes_to_what_a_replay_of_it_does() {
    let place = Place::new();
    let day = Day::new(31, 10, 20_000);
    let lossless = day.lossless(&place);
    let exchange = day.publish(&place, "--soup 127.0.0.1:0 --rate 20000");
    let engine = Engine::new(&place, &[soup(&[exchange.server("soup").to_owned()])]);
    let run = engine.start().end().ended_with(0);
    let came_to = engine.came_to(&run);
    assert_eq!(came_to, lossless);
    engine.is_sound(&place, &came_to);
    let feed = &run.json()["input"]["feeds"][0];
    assert_eq!((&feed["messages"], &feed["connections"]), (&20_000.into(), &1.into()), "{feed}");
}

/// Hands on to `server` one connection after another, each of the first few cut behind so many bytes
/// of the server's; where it can be reached.
fn cutting_proxy(server: &str, cuts: &'static [usize]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap().to_string();
    let server = server.to_owned();
    // It ends with the test's process.
    thread::spawn(move || {
        let cuts = cuts.iter().copied().chain(std::iter::repeat(usize::MAX));
        for (client, cut) in listener.incoming().zip(cuts) {
            let (client, server) = (client.unwrap(), TcpStream::connect(&server).unwrap());
            let up = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || hand_on(up.0, up.1, usize::MAX));
            hand_on(server, client, cut);
        }
    });
    at
}

/// Copies until the end or so many bytes have gone, then closes both.
fn hand_on(mut from: TcpStream, mut to: TcpStream, bytes_max: usize) {
    let (mut left, mut piece) = (bytes_max, [0; 4_096]);
    while left > 0 {
        let room = left.min(piece.len());
        let Ok(bytes @ 1..) = from.read(&mut piece[..room]) else { break };
        if to.write_all(&piece[..bytes]).is_err() {
            break;
        }
        left -= bytes;
    }
    // Either may be gone already.
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

#[test]
fn a_connection_that_breaks_is_made_again_from_the_next_message() {
    let place = Place::new();
    let day = Day::new(32, 10, 20_000);
    let lossless = day.lossless(&place);
    let exchange = day.publish(&place, "--soup 127.0.0.1:0 --rate 20000");
    // In the answer to the login, behind it, and in the middle of messages.
    let proxy = cutting_proxy(exchange.server("soup"), &[10, 33, 34, 50_001, 7, 123_457]);
    let engine = Engine::new(&place, &[soup(&[proxy])]);
    let run = engine.start().end().ended_with(0);
    assert!(run.stderr.contains("connecting again"), "{run:?}");
    let came_to = engine.came_to(&run);
    assert_eq!(came_to, lossless);
    engine.is_sound(&place, &came_to);
    let feed = &run.json()["input"]["feeds"][0];
    assert_eq!((&feed["losses_of_connection"], &feed["malformed"]), (&6.into(), &0.into()));
    assert_eq!((&feed["messages"], &feed["ended"]), (&20_000.into(), &true.into()), "{feed}");
}
