//! `tapewatch top`: a running engine on a terminal, read from its board ten times a second.
//!
//! ```text
//!  board ─► watcher ─► readings ─┐
//!  keys ──► input ───► state ────┴─► view ─► terminal
//! ```
//! Readings, state, input and view are pure; this module, the watcher and the terminal touch the world. The
//! engine neither knows nor waits, and as many screens as like may look at one board.

mod input;
mod order;
mod readings;
mod state;
mod terminal;
mod view;
mod watcher;

use std::io::{self, IsTerminal as _};
use std::time::{Duration, Instant};

use clap::Args;
use ratatui::crossterm::event::{self, Event};

use self::state::State;
use self::terminal::{Screen, Signals};
use self::view::Palette;
use self::watcher::Watcher;
use crate::console::Console;
use crate::exit::{Failure, Status};
use crate::stat::WhichArgs;

const EXAMPLES: &str = "\
Examples:
  tapewatch top                  # the one engine that runs here
  tapewatch top session

Keys: q quit, p pause, s sort, / filter, Enter ladder, Tab panel, ? all of them.";

/// How often the board is read and the screen drawn.
const EVERY: Duration = Duration::from_millis(100);

/// Watch a running engine on this terminal: rates, books, gaps, rings, threads, latencies.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TopArgs {
    /// Whose board.
    #[command(flatten)]
    which: WhichArgs,
}

/// Runs the command.
pub(crate) fn run(args: &TopArgs, _console: Console) -> Result<Status, Failure> {
    if !io::stdout().is_terminal() {
        return Err(Failure::usage(
            "standard output is no terminal; `tapewatch stat` tells the same as text or JSON",
        ));
    }
    let mut watcher = Watcher::new(args.which.attach()?);
    let failed = |error: io::Error| {
        Failure::no(format_args!(
            "cannot use the terminal: {error}; `tapewatch stat --watch` needs none"
        ))
    };
    let signals = Signals::listen().map_err(failed)?;
    // A variable that is set and not empty: https://no-color.org
    let wants_none = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let mut screen = Screen::enter().map_err(failed)?;
    let shown = watch(&mut screen, &mut watcher, &signals, Palette::new(!wants_none));
    // The line of a failure belongs on the screen that was there before.
    drop(screen);
    shown.map(|()| Status::Done).map_err(failed)
}

/// Until somebody asks for the end.
fn watch(
    screen: &mut Screen,
    watcher: &mut Watcher,
    signals: &Signals,
    palette: Palette,
) -> io::Result<()> {
    let mut state = State::new();
    let mut next = Instant::now();
    loop {
        if state.is_paused {
            watcher.see_whether_it_lives();
        } else {
            watcher.look();
            state.order(watcher.readings());
            let size = screen.terminal().size()?;
            let lines = view::table_lines((size.width, size.height), watcher.readings());
            let mut shown = state.shown(lines).to_vec();
            shown.extend(state.selected());
            watcher.read_details(&shown);
        }
        // What was asked for while paused: another order, another filter.
        state.order(watcher.readings());
        screen
            .terminal()
            .draw(|frame| view::draw(frame, watcher.readings(), &mut state, palette))?;
        // A slow terminal is drawn on less often, not without end.
        next = (next + EVERY).max(Instant::now());
        if !wait(&mut state, signals, next)? {
            return Ok(());
        }
    }
}

/// Takes keys until then; `false` once the end was asked for.
fn wait(state: &mut State, signals: &Signals, until: Instant) -> io::Result<bool> {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        // Once at least: whoever types is heard however long drawing takes.
        let has_event = event::poll(left)?;
        if signals.are_in() {
            return Ok(false);
        }
        if !has_event {
            return Ok(true);
        }
        if let Event::Key(key) = event::read()? {
            let action = input::action(key, state.mode);
            if action.is_some_and(|action| !state.act(action)) {
                return Ok(false);
            }
        }
        if Instant::now() >= until {
            return Ok(true);
        }
    }
}
