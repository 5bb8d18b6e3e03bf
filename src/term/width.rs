//! How many columns of a terminal a text takes, and how to make it take fewer.
//!
//! The ranges are those of whole scripts (Unicode, East Asian Width): enough to keep columns straight, and no table of
//! every character. Expects text without control characters.

/// The columns the text takes.
pub fn width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

/// 0 for what is drawn onto the character before, 2 for what is as wide as two.
fn char_width(c: char) -> usize {
    match u32::from(c) {
        0x300..=0x36f | 0x483..=0x489 | 0x591..=0x5bd | 0x610..=0x61a | 0x64b..=0x65f => 0,
        0x1ab0..=0x1aff | 0x1dc0..=0x1dff | 0x200b..=0x200f | 0x20d0..=0x20ff => 0,
        0xfe00..=0xfe0f | 0xfe20..=0xfe2f | 0xe0100..=0xe01ef => 0,
        0x1100..=0x115f | 0x2e80..=0x303e | 0x3041..=0xa4cf | 0xac00..=0xd7a3 => 2,
        0xf900..=0xfaff | 0xfe30..=0xfe4f | 0xff00..=0xff60 | 0xffe0..=0xffe6 => 2,
        0x1f300..=0x1f64f | 0x1f680..=0x1f6ff | 0x1f900..=0x1f9ff | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// The text in at most `columns`, what is cut off at its end replaced by `…`.
pub fn ellipsize(text: &str, columns: usize) -> String {
    cut(text, columns, columns)
}

/// The same, cut in the middle: the end of a path says more than its beginning.
pub fn ellipsize_middle(text: &str, columns: usize) -> String {
    cut(text, columns, columns / 3)
}

/// Keeps about `head` columns of the beginning, and of the end what then still fits.
fn cut(text: &str, columns: usize, head: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let Some(room) = columns.checked_sub(1) else {
        return String::new();
    };
    let start = prefix(text.chars(), head.min(room));
    let mut end = prefix(text.chars().rev(), room - width(&start));
    end = end.chars().rev().collect();
    format!("{start}…{end}")
}

/// As many of the characters as fit.
fn prefix(chars: impl Iterator<Item = char>, columns: usize) -> String {
    let mut taken = 0;
    chars
        .take_while(|c| {
            taken += char_width(*c);
            taken <= columns
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_and_combining_characters_take_two_columns_and_none() {
        for (text, columns) in [
            ("", 0),
            ("abc", 3),
            ("größe", 5),
            ("漢字", 4),
            ("e\u{301}", 1),
            ("한글 ｶ", 6),
        ] {
            assert_eq!(width(text), columns, "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_cut_to_the_columns_there_are() {
        for (text, columns, shown) in [
            ("abcdef", 6, "abcdef"),
            ("abcdef", 4, "abc…"),
            ("abcdef", 1, "…"),
            ("abcdef", 0, ""),
            ("漢字漢字", 4, "漢…"),
        ] {
            assert_eq!(ellipsize(text, columns), shown);
        }
        assert_eq!(
            ellipsize_middle("/var/lib/machines/a.raw", 12),
            "/var…s/a.raw"
        );
        assert_eq!(
            ellipsize_middle("/var/lib/漢字漢字漢字.raw", 11),
            "/va…字.raw"
        );
    }
}
