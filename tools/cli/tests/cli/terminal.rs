//! A terminal that a test looks at: a pseudo-terminal of the kernel's, its screen kept cell by cell by a
//! published parser of escape sequences.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Termios, Winsize, tcgetattr, tcsetwinsize};

/// Longest wait for something that must appear.
const PATIENCE: Duration = Duration::from_secs(60);

/// The binary on a terminal of its own. Ended by a kill when it is dropped.
pub(crate) struct OnTerminal {
    child: Child,
    keys: File,
    parser: Arc<Mutex<vt100::Parser>>,
    /// The program's side, held open so that what it left can be looked at.
    side: File,
    before: Termios,
}

impl OnTerminal {
    /// Starts the binary on a terminal of so many rows and columns, in an environment of its own.
    pub(crate) fn start(
        args: &[&str],
        (rows, columns): (u16, u16),
        variables: &[(&str, &str)],
    ) -> OnTerminal {
        let master: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let side = File::options().read(true).write(true).open(name).unwrap();
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&side, size).unwrap();
        let before = tcgetattr(&side).unwrap();
        // setsid (util-linux) makes it the terminal that the program finds as its own; the process stays
        // the same.
        let child = Command::new("setsid")
            .args(["--ctty", env!("CARGO_BIN_EXE_tapewatch")])
            .args(args)
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR")
            .envs(variables.iter().copied())
            .stdin(side.try_clone().unwrap())
            .stdout(side.try_clone().unwrap())
            .stderr(side.try_clone().unwrap())
            .spawn()
            .unwrap();
        let parser = Arc::new(Mutex::new(vt100::Parser::new(cells(rows), cells(columns), 0)));
        let keys = File::from(master);
        let (mut screen, shown) = (keys.try_clone().unwrap(), Arc::clone(&parser));
        // Ends when the last of the program's side is closed.
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = screen.read(&mut bytes) {
                shown.lock().unwrap().process(&bytes[..read]);
            }
        });
        OnTerminal { child, keys, parser, side, before }
    }

    /// Types.
    pub(crate) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Makes the terminal another size, as a window that is dragged.
    pub(crate) fn resize(&mut self, rows: u16, columns: u16) {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        self.parser.lock().unwrap().screen_mut().set_size(cells(rows), cells(columns));
        tcsetwinsize(&self.side, size).unwrap();
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().try_into().unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// The rows of the screen.
    pub(crate) fn rows(&self) -> Vec<String> {
        let parser = self.parser.lock().unwrap();
        let screen = parser.screen();
        let (_, columns) = screen.size();
        screen.rows(0, columns.get()).collect()
    }

    /// Whether any cell has a colour.
    pub(crate) fn is_coloured(&self) -> bool {
        let parser = self.parser.lock().unwrap();
        let screen = parser.screen();
        let (rows, columns) = (screen.size().0.get(), screen.size().1.get());
        let mut cells = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
        cells.any(|(row, column)| {
            let cell = screen.cell(row, column);
            cell.is_some_and(|cell| cell.fgcolor() != vt100::Color::Default)
        })
    }

    /// Looks until the screen is so; gives its rows.
    #[track_caller]
    pub(crate) fn until(&mut self, what: &str, is_so: impl Fn(&[String]) -> bool) -> Vec<String> {
        let start = Instant::now();
        loop {
            let rows = self.rows();
            if is_so(&rows) {
                return rows;
            }
            let told = || format!("{what}: {:?}\n{}", self.child.id(), rows.join("\n"));
            assert!(start.elapsed() < PATIENCE, "no {}", told());
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits for a row with all of `parts`.
    #[track_caller]
    pub(crate) fn until_row(&mut self, parts: &[&str]) -> Vec<String> {
        let has_all = |row: &String| parts.iter().all(|part| row.contains(part));
        self.until(&format!("{parts:?}"), |rows| rows.iter().any(has_all))
    }

    /// Waits for its end; the terminal must be as it was before.
    #[track_caller]
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let status = self.child.wait().unwrap();
        let after = tcgetattr(&self.side).unwrap();
        assert_eq!(after.local_modes, self.before.local_modes, "echo and lines are back");
        assert_eq!(after.input_modes, self.before.input_modes);
        assert_eq!(after.output_modes, self.before.output_modes);
        let start = Instant::now();
        // What it wrote last may be on its way still.
        while self.parser.lock().unwrap().screen().alternate_screen() {
            assert!(start.elapsed() < PATIENCE, "the screen from before is not back");
            thread::sleep(Duration::from_millis(2));
        }
        assert!(!self.parser.lock().unwrap().screen().hide_cursor(), "the cursor is back");
        status
    }
}

/// A number of rows or columns.
fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).unwrap()
}

impl Drop for OnTerminal {
    fn drop(&mut self) {
        // Fails where it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
