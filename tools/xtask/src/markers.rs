//! What a command writes into a document: the text between a pair of markers, and nothing else.
//!
//! ```text
//!  <!-- KIND:begin NAME -->
//!  …
//!  <!-- KIND:end NAME -->
//! ```

/// `text` with `section` between the markers of `kind` and `name`; `None` if they are not there.
pub(crate) fn put(text: &str, kind: &str, name: &str, section: &str) -> Option<String> {
    let (begin, end) =
        (format!("<!-- {kind}:begin {name} -->"), format!("<!-- {kind}:end {name} -->"));
    let (before, rest) = text.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}\n{section}\n{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_put_between_its_markers_and_nothing_else_changes() {
        let text = "# A\n<!-- bench:begin x -->\nold\n<!-- bench:end x -->\nlast\n";
        let new = put(text, "bench", "x", "| new |").unwrap();
        let expected = "# A\n<!-- bench:begin x -->\n| new |\n<!-- bench:end x -->\nlast\n";
        assert_eq!(new, expected);
        assert_eq!(put(&new, "bench", "x", "| new |"), Some(new));
        assert_eq!(put("no markers", "bench", "x", "y"), None);
        assert_eq!(put(text, "bench", "y", "z"), None);
        assert_eq!(put(text, "other", "x", "z"), None);
    }
}
