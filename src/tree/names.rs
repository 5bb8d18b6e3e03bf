//! The names of members: put into one form, and refused where they name nothing beneath a tree.

use super::Error;
use crate::report::printable;

/// What a component may have, as on practically every file system (`NAME_MAX`).
const COMPONENT_BYTES: usize = 255;

/// What a whole name may have (`PATH_MAX` without the byte that ends it).
pub(super) const PATH_BYTES: usize = 4095;

/// How deep a tree may be.
const LEVELS: usize = 128;

/// What a name is made of: slashes at its beginning, doubled ones and `.` do not count.
pub(super) fn components(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/')
        .filter(|component| !component.is_empty() && *component != b".")
}

/// The name with single slashes between its components and none at its ends; empty for the top itself.
pub(super) fn clean(path: &[u8]) -> Result<Vec<u8>, Error> {
    let mut cleaned = Vec::with_capacity(path.len().min(PATH_BYTES));
    for component in components(path) {
        if component == b".." {
            return Err(Error::name(path, "`..` leads out of where it stands"));
        }
        append(&mut cleaned, component);
    }
    check(&cleaned)?;
    Ok(cleaned)
}

/// Adds a component to a clean name.
pub(super) fn append(path: &mut Vec<u8>, component: &[u8]) {
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(component);
}

/// Holds a clean name against the limits.
pub(super) fn check(path: &[u8]) -> Result<(), Error> {
    let fault = if path.contains(&0) {
        "it has a zero byte"
    } else if path.len() > PATH_BYTES {
        "it is longer than 4095 bytes"
    } else if components(path).any(|component| component.len() > COMPONENT_BYTES) {
        "a component is longer than 255 bytes"
    } else if components(path).count() > LEVELS {
        "it is deeper than 128 levels"
    } else {
        return Ok(());
    };
    Err(Error::name(path, fault))
}

/// A clean name's directory and its last component; the top is its own directory.
pub(super) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => {
            let (parent, name) = path.split_at(slash);
            (parent, name.get(1..).unwrap_or_default())
        }
        None => (b"", path),
    }
}

/// A name as messages have it.
pub(super) fn shown(path: &[u8]) -> String {
    let cut = path.get(..PATH_BYTES).unwrap_or(path);
    match cut {
        b"" => ".".to_owned(),
        cut => printable(&String::from_utf8_lossy(cut)).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_relative_to_the_top_and_in_one_form() {
        for (path, cleaned) in [
            ("./usr/./lib//x", "usr/lib/x"),
            ("///etc/passwd", "etc/passwd"),
            ("a/", "a"),
            (".", ""),
            ("/", ""),
            ("", ""),
            ("...", "..."),
            ("..a/b..", "..a/b.."),
        ] {
            assert_eq!(clean(path.as_bytes()).unwrap(), cleaned.as_bytes());
        }
    }

    #[test]
    fn names_that_climb_or_are_too_long_or_too_deep_are_refused() {
        let long = "x".repeat(255);
        let deep = ["d"; 128].join("/");
        let whole = [long.as_str(); 16].join("/");
        for path in [&long, &deep, &whole[..4095]] {
            assert_eq!(clean(path.as_bytes()).unwrap(), path.as_bytes());
        }
        for path in [
            "..",
            "a/../b",
            "/..",
            "a/..",
            &format!("{long}x"),
            &format!("{deep}/d"),
            &[&long[..254]; 17].join("/"),
            "a\0b",
        ] {
            assert!(matches!(clean(path.as_bytes()), Err(Error::Name { .. })));
        }
    }

    #[test]
    fn a_name_has_a_directory_and_a_last_component() {
        assert_eq!(split(b"a/b/c"), (&b"a/b"[..], &b"c"[..]));
        assert_eq!(split(b"a"), (&b""[..], &b"a"[..]));
    }
}
