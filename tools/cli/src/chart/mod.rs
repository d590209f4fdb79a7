//! Plain SVG pictures: lines over a grid with a legend, and bars. The same figures give the same bytes.
//!
//! Whoever has something to show says where it stands, in shares of the axes; this draws. Text may come
//! from anywhere: what XML cannot hold is escaped or left out.

mod bars;
mod lines;

pub(crate) use bars::{Bar, bars};
pub(crate) use lines::{Axis, Line, lines};
#[cfg(test)]
pub(crate) use lines::{BOTTOM, LEFT, RIGHT, TOP};

/// Width of every picture.
const WIDTH: f64 = 1_140.0;

/// Told apart by most eyes, also next to each other.
const COLOURS: [&str; 12] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a3e9d", "#8c564b",
    "#5c8a00", "#b00040", "#2f4f4f", "#b59b00",
];

/// What every picture begins with: its size, its ground, its title above what begins at `left`.
fn head(title: &str, height: f64, left: f64) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {WIDTH:.0} {height:.0}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <title>{0}</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{left}\" y=\"30\" font-size=\"16\">{0}</text>\n",
        escaped(title)
    )
}

/// `text` as it may stand in XML; what may not is left out.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => {}
            other if other.is_control() => {}
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use roxmltree::Document;

    #[test]
    fn any_text_leaves_the_picture_well_formed() {
        let bad = "a & b < \"c\" \u{0}\u{fffe}\u{1b}";
        let axis = || Axis { title: String::from(bad), marks: vec![(0.5, String::from(bad))] };
        let line = Line { label: String::from(bad), points: vec![(0.0, 1.0)], is_dashed: false };
        for svg in [
            lines(bad, &axis(), &axis(), &[line]),
            lines(bad, &axis(), &axis(), &[]),
            bars(
                bad,
                bad,
                &[Bar { label: String::from(bad), value: 1.0, told: String::from(bad) }],
            ),
            bars(bad, bad, &[]),
        ] {
            let document = Document::parse(&svg).unwrap();
            let title = document.descendants().find(|node| node.has_tag_name("title")).unwrap();
            assert_eq!(title.text(), Some("a & b < \"c\" "));
        }
    }

    #[test]
    fn bars_are_as_long_as_their_values_and_stay_in_the_picture() {
        let bar = |label: &str, value| Bar {
            label: String::from(label),
            value,
            told: format!("{value}"),
        };
        let given = [bar("whole", 4.0), bar("half", 2.0), bar("none", 0.0)];
        let svg = bars("title", "of what", &given);
        let document = Document::parse(&svg).unwrap();
        let number = |node: &roxmltree::Node<'_, '_>, name| -> f64 {
            node.attribute(name).unwrap().parse().unwrap()
        };
        let drawn: Vec<(f64, f64)> = document
            .descendants()
            .filter(|node| node.has_tag_name("rect") && node.has_attribute("x"))
            .map(|node| (number(&node, "x"), number(&node, "width")))
            .collect();
        let [whole, half, none] = drawn[..] else { panic!("{svg}") };
        assert!((whole.1 - 2.0 * half.1).abs() < 0.11, "{drawn:?}");
        assert!(whole.0 + whole.1 < WIDTH && none.1 == 0.0, "{drawn:?}");
        let texts: Vec<&str> = document.descendants().filter_map(|node| node.text()).collect();
        for text in ["title", "of what", "whole", "half", "none", "4", "2", "0"] {
            assert!(texts.contains(&text), "no {text} in {texts:?}");
        }
    }
}
