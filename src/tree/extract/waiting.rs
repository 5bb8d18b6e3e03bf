//! Directories whose attributes wait for the end: what is yet to be put into them would change their times, and may
//! not be allowed by their permissions.

use std::collections::BTreeMap;

use crate::tree::Error;
use crate::tree::attributes::{Attributes, Made};

/// How much may be remembered: more than half a million directories, several times what large systems have.
const LIMIT_BYTES: usize = 128 << 20;

/// Directories by their names without links.
#[derive(Default)]
pub(super) struct Waiting {
    directories: BTreeMap<Vec<u8>, (Attributes, Made)>,
    bytes: usize,
}

impl Waiting {
    /// What is said last of a directory counts; extended attributes that are not named again stay.
    pub(super) fn add(
        &mut self,
        path: Vec<u8>,
        mut attributes: Attributes,
        made: Made,
    ) -> Result<(), Error> {
        if let Some(earlier) = self.forget(&path) {
            attributes.keep(earlier.xattrs);
        }
        self.bytes += weight(&path, &attributes);
        self.directories.insert(path, (attributes, made));
        if self.bytes > LIMIT_BYTES {
            let limit = self.directories.len() as u64;
            let of = "directories";
            return Err(Error::TooMany { limit, of });
        }
        Ok(())
    }

    /// A directory that is no more, perhaps.
    pub(super) fn forget(&mut self, path: &[u8]) -> Option<Attributes> {
        let (attributes, _) = self.directories.remove(path)?;
        self.bytes -= weight(path, &attributes);
        Some(attributes)
    }

    /// Each below before what it is in: a name comes behind that of every directory it lies in.
    pub(super) fn deepest_first(self) -> impl Iterator<Item = (Vec<u8>, (Attributes, Made))> {
        self.directories.into_iter().rev()
    }
}

/// What it takes, with the room beside it: nodes are half full where names come in order.
fn weight(path: &[u8], attributes: &Attributes) -> usize {
    let entry = size_of::<(Vec<u8>, (Attributes, Made))>();
    path.len() + entry + attributes.weight() + size_of::<(Vec<u8>, Made)>()
}
