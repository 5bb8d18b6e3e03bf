//! Files with several names: which of them was met first.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use rustix::fs::Statx;

use super::Error;
use super::names::shown;
use super::walk::{FileId, id};

/// How many files may wait for further names of theirs at a time: some 100 MB.
const LIMIT: usize = 1 << 20;

/// The first names of files of which more names are yet to be met.
#[derive(Default)]
pub(super) struct Links(HashMap<FileId, First>);

struct First {
    path: Vec<u8>,
    names_left: u32,
}

impl Links {
    /// The first name of this file, if it was met before under another; else this is the first.
    pub(super) fn first_name(
        &mut self,
        status: &Statx,
        path: &[u8],
    ) -> Result<Option<Vec<u8>>, Error> {
        if status.stx_nlink < 2 {
            return Ok(None);
        }
        let count = self.0.len();
        match self.0.entry(id(status)) {
            Entry::Occupied(entry) if entry.get().names_left <= 1 => Ok(Some(entry.remove().path)),
            Entry::Occupied(mut entry) => {
                let first = entry.get_mut();
                first.names_left -= 1;
                Ok(Some(first.path.clone()))
            }
            Entry::Vacant(_) if count >= LIMIT => Err(Error::TooManyLinks {
                path: shown(path),
                limit: LIMIT,
            }),
            Entry::Vacant(entry) => {
                entry.insert(First {
                    path: path.to_owned(),
                    names_left: status.stx_nlink - 1,
                });
                Ok(None)
            }
        }
    }
}
