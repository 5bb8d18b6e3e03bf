//! How a command line is cut into words, and a word into fields.

/// The words of a kernel command line: what stands between blanks. Quotes keep blanks in a word, and vanish; what follows a
/// backslash stands for itself, and the backslash stays. A quote that is not closed ends with the line.
pub(super) fn words(line: &[u8]) -> Vec<Vec<u8>> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut quote = None;
    let mut bytes = line.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' if quote.is_none() => words.extend(word.take()),
            b'\'' | b'"' if quote == Some(byte) => quote = None,
            b'\'' | b'"' if quote.is_none() => {
                quote = Some(byte);
                word.get_or_insert_default();
            }
            b'\\' => {
                let word = word.get_or_insert_default();
                word.push(byte);
                word.extend(bytes.next());
            }
            byte => word.get_or_insert_default().push(byte),
        }
    }
    words.extend(word);
    words
}

/// Cuts off what stands before the first `separator`. What follows a backslash stands for itself, and the backslash goes.
pub(super) fn field(text: &str, separator: char) -> Option<(String, &str)> {
    let mut field = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => field.push(characters.next()?.1),
            _ if character == separator => {
                return Some((field, &text[at + separator.len_utf8()..]));
            }
            _ => field.push(character),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_cut_at_blanks_outside_of_quotes() {
        for (line, expected) in [
            ("", &[][..]),
            (" a  b\t\nc ", &["a", "b", "c"]),
            ("a='b c'd \"e 'f'\"", &["a=b cd", "e 'f'"]),
            ("'' a=''", &["", "a="]),
            (r#"a\ b "c\" d" \"e"#, &[r"a\ b", r#"c\" d"#, r#"\"e"#]),
            ("a 'b c", &["a", "b c"]),
            ("a\\", &["a\\"]),
        ] {
            let found = words(line.as_bytes());
            let found: Vec<_> = found.iter().map(|it| str::from_utf8(it).unwrap()).collect();
            assert_eq!(found, expected, "{line}");
        }
    }

    #[test]
    fn fields_end_at_their_separator() {
        assert_eq!(field("a:b:c", ':'), Some(("a".to_owned(), "b:c")));
        assert_eq!(field(":", ':'), Some((String::new(), "")));
        assert_eq!(field(r"a\:\x:b", ':'), Some(("a:x".to_owned(), "b")));
        assert_eq!(field("a", ':'), None);
        assert_eq!(field("a\\", ':'), None);
    }
}
