//! Directories of versions: which of the files in one is the image (`systemd.v(7)`).

use std::cmp::{Ordering, Reverse};

use crate::terms::{ArchitectureFit, compare_versions};

/// What the name of a file says: `NAME_VERSION[_ARCHITECTURE][+LEFT[-DONE]]SUFFIX`.
#[derive(Debug, PartialEq, Eq)]
struct Version<'a> {
    file_name: &'a str,
    version: &'a str,
    /// None where no architecture is named.
    fit: Option<ArchitectureFit>,
    tries: Option<Tries>,
}

/// How often it may still be tried until it has proved itself, and how often it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tries {
    left: u32,
    done: u32,
}

/// The file names that may be an image of this name, the best first.
pub(super) fn ranked<'a>(file_names: &'a [String], name: &str, suffix: &str) -> Vec<&'a str> {
    let mut versions: Vec<_> = file_names
        .iter()
        .filter_map(|file_name| Version::of(file_name, name, suffix))
        .collect();
    versions.sort_by(|a, b| b.cmp(a));
    versions.iter().map(|version| version.file_name).collect()
}

impl<'a> Version<'a> {
    /// None where the name is another one's, makes no sense, or is for machines of another architecture.
    fn of(file_name: &'a str, name: &str, suffix: &str) -> Option<Self> {
        let rest = file_name.strip_prefix(name)?.strip_prefix('_')?;
        let rest = rest.strip_suffix(suffix)?;
        let (rest, tries) = match rest.split_once('+') {
            Some((rest, tries)) => (rest, Some(Tries::of(tries)?)),
            None => (rest, None),
        };
        let (version, fit) = match rest.rsplit_once('_') {
            Some((version, word)) => (version, ArchitectureFit::of(word)),
            None => (rest, None),
        };
        let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"-.~^".contains(&byte);
        let usable = !version.is_empty() && version.bytes().all(valid);
        (usable && fit != Some(ArchitectureFit::Foreign)).then_some(Self {
            file_name,
            version,
            fit,
            tries,
        })
    }

    fn is_exhausted(&self) -> bool {
        self.tries.is_some_and(|tries| tries.left == 0)
    }

    /// Greater is better. What has proved itself is better than what is still tried, where all else is equal.
    fn cmp(&self, other: &Self) -> Ordering {
        let trust = |version: &Self| {
            let tries = version.tries;
            tries.map_or((true, 0, Reverse(0)), |tries| {
                (false, tries.left, Reverse(tries.done))
            })
        };
        let hope = other.is_exhausted().cmp(&self.is_exhausted());
        hope.then_with(|| compare_versions(self.version, other.version))
            .then_with(|| self.fit.cmp(&other.fit))
            .then_with(|| trust(self).cmp(&trust(other)))
            .then_with(|| self.file_name.cmp(other.file_name))
    }
}

impl Tries {
    fn of(text: &str) -> Option<Self> {
        let (left, done) = text.split_once('-').unwrap_or((text, "0"));
        let number = |digits: &str| {
            let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| digits.parse().ok())?
        };
        Some(Self {
            left: number(left)?,
            done: number(done)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The best of these versions of `p`, without name and suffix.
    fn best(versions: &[&str]) -> Option<String> {
        let files: Vec<_> = versions
            .iter()
            .map(|version| format!("p_{version}.raw"))
            .collect();
        let best = ranked(&files, "p", ".raw").first().copied()?;
        Some(best["p_".len()..best.len() - ".raw".len()].to_owned())
    }

    #[test]
    fn the_newest_version_is_picked_that_may_still_be_tried() {
        for (versions, expected) in [
            (&["7.5.13", "7.5.14", "7.6.0"][..], "7.6.0"),
            (&["2", "10", "1"], "10"),
            (&["1~rc1", "1"], "1"),
            (&["2+0", "1"], "1"),
            (&["2+0-5", "1+1-9"], "1+1-9"),
            (&["2+0", "1+0"], "2+0"),
            (&["2+3", "1"], "2+3"),
            (&["1+3", "1"], "1"),
            (&["1+2-1", "1+3-2"], "1+3-2"),
            (&["1+2-1", "1+2-2"], "1+2-1"),
            (&["1+2", "1+2-0"], "1+2"),
            (&["1_a", "1_b", "1_B"], "1_b"),
            (&["01", "1"], "1"),
            (&["1", "1."], "1."),
        ] {
            assert_eq!(best(versions).as_deref(), Some(expected), "{versions:?}");
        }
    }

    #[test]
    fn what_is_in_another_form_is_passed_over() {
        let strange = [
            "",
            "+3",
            "2+x",
            "2+1-",
            "2+",
            "2+1-2-3",
            "2+-1",
            "2+ 1",
            "2+1+2",
            "2+4294967296",
            "1 2",
            "1,2",
            "ü",
            "1_2_3",
            "_2",
        ];
        for version in strange {
            assert_eq!(best(&[version]), None, "{version}");
            assert_eq!(best(&[version, "1"]).as_deref(), Some("1"), "{version}");
        }
        let others = [
            "p.raw",
            "q_9.raw",
            "P_9.raw",
            "p_9",
            "p_9.raw.xz",
            "p_1.raw",
        ]
        .map(String::from);
        assert_eq!(ranked(&others, "p", ".raw"), ["p_1.raw"]);
        let of_class = ["p_2.raw", "p_1.sysext.raw"].map(String::from);
        assert_eq!(ranked(&of_class, "p", ".sysext.raw"), ["p_1.sysext.raw"]);
    }

    #[test]
    fn an_architecture_is_no_part_of_the_version() {
        let native = match std::env::consts::ARCH {
            "x86_64" => "x86-64",
            "aarch64" => "arm64",
            other => other,
        };
        let foreign = if native == "alpha" { "m68k" } else { "alpha" };
        let named = |text: &str| text.replace('N', native).replace('F', foreign);
        for (versions, expected) in [
            (["1_N", "1"], "1_N"),
            (["2", "1_N"], "2"),
            (["2_F", "1"], "1"),
            (["2_F+3", "1_N+3-1"], "1_N+3-1"),
            (["1_N+3", "1"], "1_N+3"),
            (["1_word", "1"], "1_word"),
            (["1_word", "1_N"], "1_N"),
        ] {
            let versions = versions.map(named);
            let versions: Vec<_> = versions.iter().map(String::as_str).collect();
            assert_eq!(best(&versions), Some(named(expected)), "{versions:?}");
        }
    }
}
