//! A run of the binary that goes on while a test does something to it.

use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::Run;

/// Longest wait for something that must happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// Ended by a kill when it is dropped.
pub(crate) struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
}

impl Running {
    /// Starts the binary. Its standard input is a pipe that stays open until the run is over.
    pub(crate) fn start<S: AsRef<OsStr>>(args: &[S]) -> Running {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tapewatch"))
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        Running { child, stdin }
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Writes to its standard input: when this returns, all but what a pipe holds has been read.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stdin.as_mut().unwrap().write_all(bytes)
    }

    /// Ends its standard input.
    pub(crate) fn close_input(&mut self) {
        self.stdin = None;
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().try_into().unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Whether it goes on.
    #[track_caller]
    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Looks until there is something; fails if the run ends before.
    #[track_caller]
    pub(crate) fn until<T>(&mut self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            // In this order: what the run did before it ended counts.
            let alive = self.is_alive();
            if let Some(found) = look() {
                return found;
            }
            assert!(alive, "ended before {what}");
            assert!(start.elapsed() < PATIENCE, "no {what} within {PATIENCE:?}");
            thread::sleep(Duration::from_micros(200));
        }
    }

    /// Kills it as nothing can keep from happening, and waits until it is gone.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Run {
        // Waiting would close standard input, and so end the input that the run reads.
        let stdin = self.stdin.take();
        let read = |from: Option<Box<dyn io::Read + Send>>| {
            thread::spawn(move || io::read_to_string(from.unwrap()).unwrap())
        };
        let stdout = read(self.child.stdout.take().map(|pipe| Box::new(pipe) as _));
        let stderr = read(self.child.stderr.take().map(|pipe| Box::new(pipe) as _));
        let status = self.child.wait().unwrap();
        drop(stdin);
        Run {
            status: status.code(),
            stdout: stdout.join().unwrap(),
            stderr: stderr.join().unwrap(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Fails where it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
