//! How a running engine is spoken to: a socket with the session's id, in the kernel's abstract namespace.
//!
//! `tapewatch reload` connects, sends a configuration's text and shuts its side; the engine answers with
//! one line of JSON. A cold thread listens and checks what it is given; what can be taken over goes to
//! the ingest thread, which says with which message it holds. The socket is gone with the process, and
//! only the session's own user and root are heard.
//!
//! **Full**: one request at a time; others wait in the kernel. **Late**: a client that sends nothing for
//! [`PATIENCE`] is hung up on. **Torn**: a text that is no configuration is refused with its first fault.

use std::io::{self, Read as _, Write as _};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::log::SessionId;
use engine::units::Sequence;
use serde_json::{Value, json};

use crate::cold_thread;
use crate::config::Config;
use crate::config::changes::{self, Change};
use crate::exit::Failure;

/// How long either side waits for the other.
const PATIENCE: Duration = Duration::from_secs(10);

/// Largest configuration that is taken.
const TEXT_BYTES_MAX: u64 = 64 << 10;

/// A configuration that is to hold from now on.
pub(super) struct Wanted {
    /// All of it.
    pub(super) config: Config,
    /// What changes, as a journal says it.
    pub(super) text: String,
    /// Told with which message it holds.
    pub(super) answer: Option<SyncSender<Sequence>>,
}

/// The ingest thread's side: configurations as they are asked for.
pub(crate) struct Control {
    wanted: Receiver<Wanted>,
    /// What holds now. Written here, read by whoever answers.
    running: Arc<Mutex<Config>>,
}

impl Control {
    /// Listens for the session `id`, which runs under `config`.
    pub(crate) fn listen(id: SessionId, config: &Config) -> Result<Control, Failure> {
        let listener = address(id).and_then(|address| UnixListener::bind_addr(&address));
        let listener = listener.map_err(|error| {
            Failure::no(format_args!(
                "cannot listen for `tapewatch reload`: {error}; another process runs this session"
            ))
        })?;
        let (sender, wanted) = mpsc::channel();
        let running = Arc::new(Mutex::new(config.clone()));
        let held = Arc::clone(&running);
        // It ends with the process: nothing it holds outlives that.
        let serve = move || serve(&listener, &held, &sender);
        cold_thread::spawn("control", serve).map_err(|error| {
            Failure::no(format_args!("cannot start a thread: {error}; raise `ulimit -u`"))
        })?;
        Ok(Control { wanted, running })
    }

    /// `config` holds from now on.
    pub(super) fn holds(&self, config: &Config) {
        *locked(&self.running) = config.clone();
    }

    /// What is asked for, if anything is.
    #[inline]
    pub(super) fn wanted(&self) -> Option<Wanted> {
        self.wanted.try_recv().ok()
    }
}

/// Where a session's engine listens.
pub(super) fn address(id: SessionId) -> io::Result<SocketAddr> {
    SocketAddr::from_abstract_name(format!("tapewatch-{id}"))
}

/// Sends `text` to the engine of the session `id`; its answer.
pub(super) fn ask(id: SessionId, text: &str) -> io::Result<Value> {
    let mut stream = UnixStream::connect_addr(&address(id)?)?;
    stream.set_read_timeout(Some(2 * PATIENCE))?;
    stream.write_all(text.as_bytes())?;
    stream.shutdown(std::net::Shutdown::Write)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    serde_json::from_str(&answer).map_err(io::Error::other)
}

/// A panic while it was held left a whole configuration.
fn locked(config: &Mutex<Config>) -> MutexGuard<'_, Config> {
    config.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(listener: &UnixListener, running: &Mutex<Config>, wanted: &Sender<Wanted>) {
    for stream in listener.incoming() {
        let Ok(mut stream) = stream else { continue };
        if !is_ours(&stream) {
            continue;
        }
        let request = request(&mut stream);
        // The ingest thread writes what holds before it answers: nothing is held while it is waited for.
        let holds = locked(running).clone();
        let answer = match request {
            Ok(text) => answered(&text, &holds, wanted),
            Err(error) => refused(&format!("the request cannot be read: {error}"), &[]),
        };
        // A client that is gone has no use for it.
        let _ = writeln!(stream, "{answer}");
    }
}

/// Whether the other side may change this engine.
fn is_ours(stream: &UnixStream) -> bool {
    let own = rustix::process::getuid();
    let other = rustix::net::sockopt::socket_peercred(stream);
    other.is_ok_and(|other| other.uid == own || other.uid.is_root())
}

fn request(stream: &mut UnixStream) -> io::Result<String> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut text = String::new();
    stream.take(TEXT_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > TEXT_BYTES_MAX {
        return Err(io::Error::other("more than 64 KiB are no configuration"));
    }
    Ok(text)
}

fn answered(text: &str, running: &Config, wanted: &Sender<Wanted>) -> Value {
    let config = match Config::from_toml(text, &[], &[]) {
        Ok(config) => config,
        Err(faults) => {
            let first = faults.first().map(ToString::to_string).unwrap_or_default();
            return refused(&first, &[]);
        }
    };
    let changed = running.changes(&config);
    let fixed: Vec<&Change> = changed.iter().filter(|change| !change.is_live).collect();
    if !fixed.is_empty() {
        return refused("a running engine cannot take over", &fixed);
    }
    let paths: Vec<&str> = changed.iter().map(|change| change.path.as_str()).collect();
    if changed.is_empty() {
        return json!({"ok": true, "changed": paths});
    }
    let (answer, answered) = mpsc::sync_channel(1);
    let text = changes::text(changed.iter());
    let asked = wanted.send(Wanted { config, text, answer: Some(answer) });
    match asked.map(|()| answered.recv_timeout(PATIENCE)) {
        Ok(Ok(sequence)) => json!({"ok": true, "changed": paths, "sequence": sequence.0}),
        Err(_) | Ok(Err(RecvTimeoutError::Disconnected)) => refused("the engine is ending", &[]),
        Ok(Err(RecvTimeoutError::Timeout)) => {
            json!({"ok": false, "late": true, "why": "the engine has not taken it over yet", "keys": []})
        }
    }
}

fn refused(why: &str, keys: &[&Change]) -> Value {
    let keys: Vec<&str> = keys.iter().map(|change| change.path.as_str()).collect();
    json!({"ok": false, "why": why, "keys": keys})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(byte: u8) -> SessionId {
        let mut bytes = [byte; 16];
        bytes[..4].copy_from_slice(&std::process::id().to_le_bytes());
        SessionId(bytes)
    }

    const FEED: &str = "[[feeds]]\nlines = [\"239.0.0.1:5\"]\n";

    #[test]
    fn what_can_be_taken_over_is_and_the_answer_names_the_message() {
        let config = Config::from_toml(FEED, &[], &[]).unwrap();
        let control = Control::listen(id(1), &config).unwrap();
        let asks = std::thread::spawn(|| ask(id(1), &format!("{FEED}stale = \"3s\"\n")).unwrap());
        let wanted = control.wanted.recv().unwrap();
        assert_eq!(wanted.text, "feeds.0.stale = \"3s\"\n");
        assert_eq!(wanted.config.feeds[0].timing.stale.0, 3_000_000_000);
        control.holds(&wanted.config);
        wanted.answer.unwrap().send(Sequence(77)).unwrap();
        let answer = asks.join().unwrap();
        assert_eq!(answer, json!({"ok": true, "changed": ["feeds.0.stale"], "sequence": 77}));
        // The same again changes nothing, and nobody is asked.
        let answer = ask(id(1), &format!("{FEED}stale = \"3s\"\n")).unwrap();
        assert_eq!(answer, json!({"ok": true, "changed": []}));
    }

    #[test]
    fn what_cannot_be_taken_over_is_refused_by_name_and_nothing_changes() {
        let config = Config::from_toml(FEED, &[], &[]).unwrap();
        let control = Control::listen(id(2), &config).unwrap();
        let text = format!("{FEED}stale = \"3s\"\n[engine]\ntopology = \"pipelined\"\n");
        let answer = ask(id(2), &text).unwrap();
        assert_eq!(answer["ok"], false);
        assert_eq!(answer["keys"], json!(["engine.topology"]));
        let answer = ask(id(2), "[engine]\nshards = 0\n").unwrap();
        assert!(answer["why"].as_str().unwrap().starts_with("engine.shards must be"), "{answer}");
        assert!(control.wanted().is_none());
        assert!(Control::listen(id(2), &config).is_err(), "one engine a session");
    }

    #[test]
    fn an_engine_that_ends_says_so() {
        let config = Config::from_toml(FEED, &[], &[]).unwrap();
        let control = Control::listen(id(3), &config).unwrap();
        drop(control);
        let answer = ask(id(3), &format!("{FEED}stale = \"3s\"\n")).unwrap();
        assert_eq!(answer["why"], "the engine is ending");
    }
}
