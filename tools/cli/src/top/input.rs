//! Keys: what is asked for by one, where the screen stands. Pure.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// What a key is taken as depends on what is on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// The table of symbols.
    Table,
    /// The same, while the filter is typed.
    Filter,
    /// A symbol's ladder.
    Ladder,
    /// The keys.
    Help,
}

/// What somebody asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// The end.
    Quit,
    /// Nothing changes until it is asked for again.
    Pause,
    /// Another order of the symbols.
    Sort,
    /// To type a filter.
    BeginFilter,
    /// One more character of it.
    Type(char),
    /// One less.
    Erase,
    /// It stays as it is typed.
    AcceptFilter,
    /// No filter.
    DropFilter,
    /// Down so many symbols; up where it is negative.
    Move(isize),
    /// The first symbol.
    First,
    /// The last.
    Last,
    /// The ladder of the symbol.
    Open,
    /// Back to the table.
    Back,
    /// The next panel.
    Panel,
    /// The keys.
    Help,
}

/// Symbols that a page key goes over.
const PAGE: isize = 10;

/// What `key` asks for.
pub(super) fn action(key: KeyEvent, mode: Mode) -> Option<Action> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
    if is_control {
        return (key.code == KeyCode::Char('c')).then_some(Action::Quit);
    }
    match mode {
        Mode::Filter => in_filter(key.code),
        Mode::Table => in_table(key.code).or_else(|| anywhere(key.code)),
        Mode::Ladder | Mode::Help => on_top(key.code).or_else(|| anywhere(key.code)),
    }
}

fn in_filter(code: KeyCode) -> Option<Action> {
    match code {
        KeyCode::Enter => Some(Action::AcceptFilter),
        KeyCode::Esc => Some(Action::DropFilter),
        KeyCode::Backspace => Some(Action::Erase),
        // Names are printable ASCII.
        KeyCode::Char(character @ ' '..='~') => Some(Action::Type(character)),
        _ => None,
    }
}

fn in_table(code: KeyCode) -> Option<Action> {
    match code {
        KeyCode::Esc => Some(Action::Quit),
        KeyCode::Char('s') => Some(Action::Sort),
        KeyCode::Char('/') => Some(Action::BeginFilter),
        KeyCode::Enter => Some(Action::Open),
        _ => None,
    }
}

/// Where something lies over the table.
fn on_top(code: KeyCode) -> Option<Action> {
    matches!(code, KeyCode::Esc | KeyCode::Enter | KeyCode::Backspace).then_some(Action::Back)
}

fn anywhere(code: KeyCode) -> Option<Action> {
    match code {
        KeyCode::Char('q') => Some(Action::Quit),
        KeyCode::Char('p') => Some(Action::Pause),
        KeyCode::Char('?') => Some(Action::Help),
        KeyCode::Up | KeyCode::Char('k') => Some(Action::Move(-1)),
        KeyCode::Down | KeyCode::Char('j') => Some(Action::Move(1)),
        KeyCode::PageUp => Some(Action::Move(-PAGE)),
        KeyCode::PageDown => Some(Action::Move(PAGE)),
        KeyCode::Home => Some(Action::First),
        KeyCode::End => Some(Action::Last),
        KeyCode::Tab => Some(Action::Panel),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pressed(code: KeyCode, mode: Mode) -> Option<Action> {
        action(KeyEvent::new(code, KeyModifiers::NONE), mode)
    }

    #[test]
    fn control_c_quits_everywhere_and_q_wherever_nothing_is_typed() {
        for mode in [Mode::Table, Mode::Filter, Mode::Ladder, Mode::Help] {
            let key = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
            assert_eq!(action(key, mode), Some(Action::Quit));
            let q = pressed(KeyCode::Char('q'), mode);
            let typed = (mode == Mode::Filter).then_some(Action::Type('q'));
            assert_eq!(q, typed.or(Some(Action::Quit)), "{mode:?}");
        }
        // Other keys with Ctrl are not the letters.
        let key = KeyEvent::new(KeyCode::Char('q'), KeyModifiers::CONTROL);
        assert_eq!(action(key, Mode::Table), None);
    }

    #[test]
    fn escape_goes_one_step_back_and_ends_from_the_table() {
        assert_eq!(pressed(KeyCode::Esc, Mode::Table), Some(Action::Quit));
        assert_eq!(pressed(KeyCode::Esc, Mode::Ladder), Some(Action::Back));
        assert_eq!(pressed(KeyCode::Esc, Mode::Help), Some(Action::Back));
        assert_eq!(pressed(KeyCode::Esc, Mode::Filter), Some(Action::DropFilter));
    }

    #[test]
    fn keys_ask_for_what_the_help_says() {
        for (code, action) in [
            (KeyCode::Char('p'), Action::Pause),
            (KeyCode::Char('s'), Action::Sort),
            (KeyCode::Char('/'), Action::BeginFilter),
            (KeyCode::Char('?'), Action::Help),
            (KeyCode::Char('j'), Action::Move(1)),
            (KeyCode::Up, Action::Move(-1)),
            (KeyCode::PageDown, Action::Move(10)),
            (KeyCode::Home, Action::First),
            (KeyCode::Enter, Action::Open),
            (KeyCode::Tab, Action::Panel),
        ] {
            assert_eq!(pressed(code, Mode::Table), Some(action), "{code:?}");
        }
        assert_eq!(pressed(KeyCode::F(5), Mode::Table), None);
        // In a filter letters are letters.
        assert_eq!(pressed(KeyCode::Char('p'), Mode::Filter), Some(Action::Type('p')));
        assert_eq!(pressed(KeyCode::Char('é'), Mode::Filter), None);
        assert_eq!(pressed(KeyCode::Enter, Mode::Filter), Some(Action::AcceptFilter));
    }

    #[test]
    fn letting_go_of_a_key_asks_for_nothing() {
        let mut key = KeyEvent::new(KeyCode::Char('q'), KeyModifiers::NONE);
        key.kind = KeyEventKind::Release;
        assert_eq!(action(key, Mode::Table), None);
    }
}
