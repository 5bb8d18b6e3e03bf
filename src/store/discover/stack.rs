//! Mount stacks: directories that say of what a tree is to be put together (`systemd.mstack(7)`).

use std::ffi::CStr;
use std::os::fd::AsFd;

use rustix::fs::{Dir, FileType};

/// Whether a tree that is put together so could be written to: it has a layer for that, or no layers but an empty root.
/// One that cannot be put together at all could not.
///
/// `kind_of` tells what an entry is, or what a link leads to.
pub(super) fn is_writable(stack: impl AsFd, kind_of: impl Fn(&CStr) -> Option<FileType>) -> bool {
    let Ok(entries) = Dir::read_from(&stack) else {
        return false;
    };
    let (mut layered, mut writable) = (false, false);
    for entry in entries {
        let Ok(entry) = entry else { return false };
        let name = entry.file_name();
        if name.to_bytes().starts_with(b".") {
            continue;
        }
        let part = name
            .to_str()
            .ok()
            .zip(kind_of(name))
            .and_then(|(name, kind)| Part::of(name, kind));
        match part {
            None => return false,
            Some(Part::Layer) => layered = true,
            Some(Part::Writable) => writable = true,
            Some(Part::ReadOnly) => {}
        }
    }
    writable || !layered
}

/// What an entry is to a stack.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    Layer,
    /// Something else that is only read.
    ReadOnly,
    Writable,
}

impl Part {
    /// None where it has no place in a stack.
    fn of(name: &str, kind: FileType) -> Option<Self> {
        let is_image = kind == FileType::RegularFile && name.ends_with(".raw");
        if !is_image && kind != FileType::Directory {
            return None;
        }
        // A directory may hold versions of either.
        let stem = name.strip_suffix(".v").unwrap_or(name);
        match stem.strip_suffix(".raw").unwrap_or(stem).split_once('@') {
            Some((_, "")) => None,
            Some(("layer", _)) => Some(Self::Layer),
            Some(("robind", _)) => Some(Self::ReadOnly),
            Some(("bind", _)) => Some(Self::Writable),
            None if matches!(name, "rw" | "root") => Some(Self::Writable),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_stack_are_told_by_name_and_type() {
        use FileType::{Directory, RegularFile};
        for (name, kind, part) in [
            ("layer@1", Directory, Some(Part::Layer)),
            ("layer@1.raw", RegularFile, Some(Part::Layer)),
            ("layer@1.raw.v", Directory, Some(Part::Layer)),
            ("layer@1.v", Directory, Some(Part::Layer)),
            ("layer@1", RegularFile, None),
            ("layer@", Directory, None),
            ("layer", Directory, None),
            ("bind@var", Directory, Some(Part::Writable)),
            ("robind@var.raw", RegularFile, Some(Part::ReadOnly)),
            ("rw", Directory, Some(Part::Writable)),
            ("rw", RegularFile, None),
            ("root", Directory, Some(Part::Writable)),
            ("data", Directory, None),
            ("README", RegularFile, None),
        ] {
            assert_eq!(Part::of(name, kind), part, "{name}");
        }
    }
}
