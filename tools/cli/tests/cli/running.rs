//! A run of the binary that goes on while a test does something to it.

use std::ffi::OsStr;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStderr, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::Run;

/// Longest wait for something that must happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// Ended by a kill when it is dropped.
pub(crate) struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    told: Arc<Mutex<String>>,
    listener: Option<JoinHandle<()>>,
}

impl Running {
    /// Starts the binary. Its standard input is a pipe that stays open until the run is over.
    pub(crate) fn start<S: AsRef<OsStr>>(args: &[S]) -> Running {
        Running::start_in(args, &[])
    }

    /// The same in an environment of its own.
    pub(crate) fn start_in<S: AsRef<OsStr>>(args: &[S], variables: &[(&str, &str)]) -> Running {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tapewatch"))
            .args(args)
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let told = Arc::default();
        let listener = listen(child.stderr.take().unwrap(), Arc::clone(&told));
        Running { child, stdin, told, listener: Some(listener) }
    }

    /// What it has told on stderr so far, whole lines.
    pub(crate) fn told(&self) -> String {
        self.told.lock().unwrap().clone()
    }

    /// Waits until it has told a line with this in it.
    #[track_caller]
    pub(crate) fn until_told(&mut self, part: &str) {
        self.until_told_while(part, || {});
    }

    /// The same, doing `work` again and again meanwhile.
    #[track_caller]
    pub(crate) fn until_told_while(&mut self, part: &str, mut work: impl FnMut()) {
        let told = Arc::clone(&self.told);
        self.until(part, || {
            work();
            told.lock().unwrap().contains(part).then_some(())
        });
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
            assert!(alive, "ended before {what}: {}", self.told());
            assert!(start.elapsed() < PATIENCE, "no {what} within {PATIENCE:?}: {}", self.told());
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
        let pipe = self.child.stdout.take().unwrap();
        let stdout = thread::spawn(move || io::read_to_string(pipe).unwrap());
        let status = self.child.wait().unwrap();
        drop(stdin);
        self.listener.take().unwrap().join().unwrap();
        Run { status: status.code(), stdout: stdout.join().unwrap(), stderr: self.told() }
    }
}

/// Takes down what is told, so that a pipe never fills.
fn listen(pipe: ChildStderr, told: Arc<Mutex<String>>) -> JoinHandle<()> {
    thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = String::new();
        while pipe.read_line(&mut line).unwrap() > 0 {
            told.lock().unwrap().push_str(&line);
            line.clear();
        }
    })
}

impl Drop for Running {
    fn drop(&mut self) {
        // Fails where it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
