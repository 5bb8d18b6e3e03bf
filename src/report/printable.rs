//! Text from elsewhere (servers, file names) made harmless before it reaches a terminal or a log that one reads.

use std::borrow::Cow;

/// Whether a terminal shows this character and does nothing else: no control character, nothing that turns the
/// direction of writing around.
pub fn is_printable(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text with everything but printable characters and tabs written out (`\x1b`, `\u{202e}`).
pub fn printable(text: &str) -> Cow<'_, str> {
    let fine = |c| c == '\t' || is_printable(c);
    if text.chars().all(fine) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() * 2);
    for c in text.chars() {
        match u32::from(c) {
            _ if fine(c) => escaped.push(c),
            code @ ..0x80 => escaped.push_str(&format!("\\x{code:02x}")),
            code => escaped.push_str(&format!("\\u{{{code:x}}}")),
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_written_out() {
        for (text, shown) in [
            ("plain\ttext, größer 漢", "plain\ttext, größer 漢"),
            ("\x1b]0;hi\x07", "\\x1b]0;hi\\x07"),
            ("a\rb\nc\u{7f}", "a\\x0db\\x0ac\\x7f"),
            ("\u{9b}2J", "\\u{9b}2J"),
            ("abc\u{202e}fdp.exe", "abc\\u{202e}fdp.exe"),
        ] {
            assert_eq!(printable(text), shown);
        }
    }
}
