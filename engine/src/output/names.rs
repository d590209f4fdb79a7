//! How a symbol's name is written: its printable bytes, `\xNN` for any other, `#LOCATE` for none.

use crate::units::SymbolId;

/// The text of `name`, or `#LOCATE` for a locate that was never named.
#[must_use]
pub fn text(name: Option<&[u8]>, symbol: SymbolId) -> String {
    match name {
        Some(name) => escaped(name),
        None => format!("#{}", symbol.locate()),
    }
}

/// Printable ASCII as it is, a backslash and any other byte as `\xNN`: reversible and one line.
#[must_use]
pub fn escaped(name: &[u8]) -> String {
    let mut text = String::with_capacity(name.len());
    for &byte in name {
        if matches!(byte, b' '..=b'~') && byte != b'\\' {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_printable_line_that_can_be_read_back() {
        let id = SymbolId(13);
        assert_eq!(text(Some(b"AAPL"), id), "AAPL");
        assert_eq!(text(Some(b"BRK.A"), id), "BRK.A");
        assert_eq!(text(Some(b"a\nb\0\xff"), id), "a\\x0ab\\x00\\xff");
        assert_eq!(text(Some(b"\\x41"), id), "\\x5cx41");
        assert_eq!(text(None, id), "#13");
    }
}
