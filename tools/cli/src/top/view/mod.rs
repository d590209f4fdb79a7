//! What is drawn: readings and state in, a buffer of cells out. Pure.
//!
//! ```text
//!  header     who it is, how fast it comes, how much there is; a banner where nobody is behind it
//!  table      the symbols with their books       or one's ladder, or the keys
//!  panels     lines │ rings │ threads │ latency  all four where there is room, else one
//!  footer     keys, or the filter as it is typed
//! ```
//! At 80 × 24 everything has its place; what does not fit is cut at the edge, and a screen too small for
//! anything says so.

mod cells;
mod header;
mod help;
mod ladder;
mod panels;
mod symbols;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::input::Mode;
use super::readings::Readings;
use super::state::{Panel, State};

/// The least that something can be shown on.
const LEAST: (u16, u16) = (40, 8);

/// Lines of a panel, its title among them.
const PANEL_LINES: u16 = 8;

/// From this size on all panels are shown: width, height.
const ALL_PANELS: (u16, u16) = (120, 36);

/// From this height on there is a panel.
const ONE_PANEL: u16 = 20;

/// Styles; without colours where the user wants none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Palette {
    has_colours: bool,
}

impl Palette {
    /// With colours, or without.
    pub(super) fn new(has_colours: bool) -> Palette {
        Palette { has_colours }
    }

    fn title(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    fn heading(self) -> Style {
        self.coloured(Style::new().add_modifier(Modifier::UNDERLINED), Color::Cyan)
    }

    fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    fn alarm(self) -> Style {
        self.coloured(Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD), Color::Red)
    }

    fn warning(self) -> Style {
        self.coloured(Style::new().add_modifier(Modifier::BOLD), Color::Yellow)
    }

    fn bid(self) -> Style {
        self.coloured(Style::new(), Color::Green)
    }

    fn ask(self) -> Style {
        self.coloured(Style::new(), Color::Red)
    }

    fn coloured(self, style: Style, colour: Color) -> Style {
        if self.has_colours { style.fg(colour) } else { style }
    }
}

/// Lines of the table that a screen of this size has, its heading not among them.
pub(super) fn table_lines(size: (u16, u16), readings: &Readings) -> usize {
    let (body, _) = split(Rect::new(0, 0, size.0, size.1), readings);
    usize::from(body.height.saturating_sub(1))
}

/// Draws all of it.
pub(super) fn draw(
    frame: &mut Frame<'_>,
    readings: &Readings,
    state: &mut State,
    palette: Palette,
) {
    let area = frame.area();
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let text = format!("{}x{}: at least {}x{}", area.width, area.height, LEAST.0, LEAST.1);
        frame.render_widget(Paragraph::new(vec![Line::raw("too small"), Line::raw(text)]), area);
        return;
    }
    let (body, panels) = split(area, readings);
    let head = header::lines(readings, state, palette);
    frame.render_widget(Paragraph::new(head), Rect { height: body.y - area.y, ..area });
    let lines = match state.mode {
        Mode::Table | Mode::Filter => symbols::lines(readings, state, body, palette),
        Mode::Ladder => ladder::lines(readings, state, palette),
        Mode::Help => help::lines(palette),
    };
    // What lies over the table takes the panel's place too.
    let body = match state.mode {
        Mode::Ladder | Mode::Help => Rect { height: body.height + panels.height, ..body },
        Mode::Table | Mode::Filter => body,
    };
    frame.render_widget(Paragraph::new(lines), body);
    if matches!(state.mode, Mode::Table | Mode::Filter) {
        draw_panels(frame, readings, state, panels, palette);
    }
    let footer = Rect { y: area.bottom() - 1, height: 1, ..area };
    frame.render_widget(Paragraph::new(help::footer(state, palette)), footer);
}

/// Where the body and the panels lie.
fn split(area: Rect, readings: &Readings) -> (Rect, Rect) {
    let head = header::height(readings).min(area.height);
    let panels = match (area.width, area.height) {
        (width, height) if width >= ALL_PANELS.0 && height >= ALL_PANELS.1 => 2 * PANEL_LINES,
        (_, height) if height >= ONE_PANEL => PANEL_LINES,
        _ => 0,
    };
    let body = area.height.saturating_sub(head + panels + 1);
    let body = Rect { y: area.y + head, height: body, ..area };
    let panels = Rect { y: body.bottom(), height: panels, ..area };
    (body, panels)
}

fn draw_panels(
    frame: &mut Frame<'_>,
    readings: &Readings,
    state: &State,
    area: Rect,
    palette: Palette,
) {
    if area.height <= PANEL_LINES {
        let lines = panels::lines(state.panel, true, readings, area.height.into(), palette);
        frame.render_widget(Paragraph::new(lines), area);
        return;
    }
    let half = area.width / 2;
    for (place, panel) in (0..).zip(Panel::ALL) {
        let (column, row): (u16, u16) = (place % 2, place / 2);
        let cell = Rect {
            x: area.x + column * half,
            y: area.y + row * PANEL_LINES,
            width: if column == 0 { half - 1 } else { area.width - half },
            height: PANEL_LINES,
        };
        let lines = panels::lines(panel, false, readings, PANEL_LINES.into(), palette);
        frame.render_widget(Paragraph::new(lines), cell);
    }
}

#[cfg(test)]
mod tests;
