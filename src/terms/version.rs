//! Versions in file names, compared as the specification "UAPI.10 Version Format" has it.

use std::cmp::Ordering;

/// Which of two versions is the older. Any text is a version; some that are spelled differently are equal.
///
/// One pass looks for each mark once, in this order, as the specification's steps do: `~~` and `~^` are told apart by
/// their ends.
pub fn compare_versions(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    loop {
        a = without(a, |byte| !is_significant(byte));
        b = without(b, |byte| !is_significant(byte));
        // What precedes a release is older than its end; what follows it is newer.
        let mut order = compare_mark(b'~', &mut a, &mut b);
        if order == Ordering::Equal && (a.is_empty() || b.is_empty()) {
            return a.len().cmp(&b.len());
        }
        for mark in *b"-^." {
            order = order.then_with(|| compare_mark(mark, &mut a, &mut b));
        }
        let numbers = starts_with_digit(a) || starts_with_digit(b);
        order = order.then_with(|| match numbers {
            true => compare_numbers(&mut a, &mut b),
            false => compare_words(&mut a, &mut b),
        });
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// Takes a mark off that both begin with; where one alone has it, that one is older.
fn compare_mark(mark: u8, a: &mut &[u8], b: &mut &[u8]) -> Ordering {
    let (ours, theirs) = (a.strip_prefix(&[mark]), b.strip_prefix(&[mark]));
    let order = theirs.is_some().cmp(&ours.is_some());
    if let (Some(ours), Some(theirs)) = (ours, theirs) {
        *a = ours;
        *b = theirs;
    }
    order
}

/// Takes numbers of any length off. A number, be it zero, is newer than none.
fn compare_numbers(a: &mut &[u8], b: &mut &[u8]) -> Ordering {
    let present = starts_with_digit(a).cmp(&starts_with_digit(b));
    let (ours, after_ours) = a.split_at(run(a, |byte| byte.is_ascii_digit()));
    let (theirs, after_theirs) = b.split_at(run(b, |byte| byte.is_ascii_digit()));
    *a = after_ours;
    *b = after_theirs;
    let (ours, theirs) = (without_zeros(ours), without_zeros(theirs));
    present
        .then(ours.len().cmp(&theirs.len()))
        .then(ours.cmp(theirs))
}

/// Takes letters off: capitals are older than small ones, and what is continued is newer.
fn compare_words(a: &mut &[u8], b: &mut &[u8]) -> Ordering {
    let (ours, after_ours) = a.split_at(run(a, |byte| byte.is_ascii_alphabetic()));
    let (theirs, after_theirs) = b.split_at(run(b, |byte| byte.is_ascii_alphabetic()));
    *a = after_ours;
    *b = after_theirs;
    ours.cmp(theirs)
}

fn is_significant(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"~-^.".contains(&byte)
}

fn starts_with_digit(rest: &[u8]) -> bool {
    rest.first().is_some_and(u8::is_ascii_digit)
}

fn without_zeros(digits: &[u8]) -> &[u8] {
    without(digits, |byte| byte == b'0')
}

/// How many bytes at the start are of that kind.
fn run(rest: &[u8], is: impl Fn(u8) -> bool) -> usize {
    rest.iter().take_while(|byte| is(**byte)).count()
}

fn without(rest: &[u8], is: impl Fn(u8) -> bool) -> &[u8] {
    &rest[run(rest, is)..]
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering::{Equal, Greater, Less};

    use super::*;

    #[track_caller]
    fn holds(a: &str, order: Ordering, b: &str) {
        assert_eq!(compare_versions(a, b), order, "{a} {b}");
        assert_eq!(compare_versions(b, a), order.reverse(), "{b} {a}");
    }

    #[test]
    fn the_examples_of_the_specification_hold() {
        for (a, order, b) in [
            ("11", Equal, "11"),
            ("systemd-123", Equal, "systemd-123"),
            ("bar-123", Less, "foo-123"),
            ("123a", Greater, "123"),
            ("123.a", Greater, "123"),
            ("123.a", Less, "123.b"),
            ("123a", Greater, "123.a"),
            ("11α", Equal, "11β"),
            ("A", Less, "a"),
            ("", Less, "0"),
            ("0.", Greater, "0"),
            ("0.0", Greater, "0"),
            ("1_", Equal, "1"),
            ("_1", Equal, "1"),
            ("1_", Less, "1.2"),
            ("1_2_3", Greater, "1.3.3"),
            ("1+", Equal, "1"),
            ("1+2+3", Greater, "1.3.3"),
        ] {
            holds(a, order, b);
        }
    }

    #[test]
    fn releases_stand_between_what_precedes_and_what_follows_them() {
        let ascending = [
            "122.1",
            "123~rc1-1",
            "123",
            "123-a",
            "123-a.1",
            "123-1",
            "123-1.1",
            "123^post1",
            "123.a-1",
            "123.1-1",
            "123a-1",
            "124-1",
        ];
        for (index, a) in ascending.iter().enumerate() {
            for b in &ascending[index + 1..] {
                holds(a, Less, b);
            }
        }
        for (a, order, b) in [
            ("~", Less, ""),
            ("1~", Less, "1"),
            ("1~~", Greater, "1~"),
            ("~~", Greater, "~^"),
            ("0", Greater, "a"),
            ("a", Less, "0a"),
            ("1~", Less, "1~1"),
            ("^", Greater, "-"),
            ("^", Less, "."),
        ] {
            holds(a, order, b);
        }
    }

    #[test]
    fn numbers_have_no_size_and_no_leading_zeros() {
        let long = "9".repeat(60);
        holds("9", Less, "10");
        holds("1.007", Equal, "1.7");
        holds(&long, Less, &format!("1{long}"));
        holds("1a", Less, "01b");
    }
}
