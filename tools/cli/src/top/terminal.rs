//! The terminal: taken when the screen begins, and given back as it was however it ends: at its end, at an
//! error, at a panic, at a signal.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::DefaultTerminal;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

/// See the module.
pub(super) struct Screen {
    terminal: DefaultTerminal,
}

impl Screen {
    /// Takes the terminal: raw, on its other screen. A panic from now on gives it back before its line is
    /// written.
    pub(super) fn enter() -> io::Result<Screen> {
        match ratatui::try_init() {
            Ok(terminal) => Ok(Screen { terminal }),
            Err(error) => {
                // It may be raw already.
                let _ = ratatui::try_restore();
                Err(error)
            }
        }
    }

    /// To draw on.
    pub(super) fn terminal(&mut self) -> &mut DefaultTerminal {
        &mut self.terminal
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Nobody can be told if the terminal is gone.
        let _ = self.terminal.show_cursor();
        let _ = ratatui::try_restore();
    }
}

/// Set once a signal asks for the end. The screen looks at it ten times a second, so a second signal does
/// nothing that the first does not.
#[derive(Clone, Debug)]
pub(super) struct Signals {
    asked: Arc<AtomicBool>,
}

impl Signals {
    /// Listens from now on.
    pub(super) fn listen() -> io::Result<Signals> {
        let asked = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            flag::register(signal, Arc::clone(&asked))?;
        }
        Ok(Signals { asked })
    }

    /// Whether the end was asked for.
    pub(super) fn are_in(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }
}
