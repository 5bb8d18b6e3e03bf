//! Maps of a file's holes: GNU tar's own (old sparse format, from the header's blocks), and as extended records in the
//! versions 0.0, 0.1 and 1.0 (GNU tar's manual, "Storing Sparse Files").

use super::Extent;
use super::attributes::{number, size};
use super::error::Fault;
use super::field::padding;

/// What the `GNU.sparse.` keywords say.
#[derive(Clone, Default)]
pub(super) struct Keywords {
    pub(super) name: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    major: Option<u64>,
    minor: Option<u64>,
    count: Option<u64>,
    /// An offset whose length is still to come.
    offset: Option<u64>,
    map: Option<Vec<Extent>>,
}

/// Where a file's map is.
pub(super) enum Map {
    /// Here, as it was found.
    Here(Vec<Extent>),
    /// In the header and the blocks behind it.
    InHeader,
    /// At the beginning of the data.
    InData,
}

impl Keywords {
    pub(super) fn take(&mut self, keyword: &[u8], value: &[u8]) -> Result<(), Fault> {
        match keyword {
            b"name" => self.name = Some(value.to_vec()),
            b"size" | b"realsize" => self.size = Some(size("GNU.sparse.size", value)?),
            b"major" => self.major = Some(number("GNU.sparse.major", value)?),
            b"minor" => self.minor = Some(number("GNU.sparse.minor", value)?),
            b"numblocks" => self.count = Some(number("GNU.sparse.numblocks", value)?),
            b"offset" => {
                let offset = size("GNU.sparse.offset", value)?;
                if self.offset.replace(offset).is_some() {
                    return Err(Fault::Map);
                }
            }
            b"numbytes" => {
                let offset = self.offset.take().ok_or(Fault::Map)?;
                let length = size("GNU.sparse.numbytes", value)?;
                let map = self.map.get_or_insert_default();
                map.push(Extent { offset, length });
            }
            b"map" => self.map = Some(map_of_text(value)?),
            _ => {}
        }
        Ok(())
    }

    /// Decides for one version, or that nothing but the name was said.
    pub(super) fn map(&mut self) -> Result<Option<Map>, Fault> {
        match (self.major, self.minor, self.map.take()) {
            (Some(1), Some(0), None) => Ok(Some(Map::InData)),
            (None | Some(0), None | Some(0 | 1), Some(map)) => {
                let counted = self.count.is_none_or(|count| count == map.len() as u64);
                let whole = counted && self.offset.is_none();
                whole.then_some(Some(Map::Here(map))).ok_or(Fault::Map)
            }
            (None, None, None) => {
                let nothing = self.size.is_none() && self.count.is_none() && self.offset.is_none();
                nothing.then_some(None).ok_or(Fault::Map)
            }
            _ => Err(Fault::MapVersion),
        }
    }
}

/// Version 0.1: offsets and lengths in turn, with commas between.
fn map_of_text(text: &[u8]) -> Result<Vec<Extent>, Fault> {
    let mut numbers = text.split(|byte| *byte == b',');
    let mut map = Vec::new();
    while let Some(offset) = numbers.next() {
        map.push(Extent {
            offset: size("GNU.sparse.map", offset)?,
            length: size("GNU.sparse.map", numbers.next().ok_or(Fault::Map)?)?,
        });
    }
    Ok(map)
}

/// Holds a map against the file's size and that of its data, and leaves out what is empty.
pub(super) fn checked(mut map: Vec<Extent>, size: u64, data: u64) -> Result<Vec<Extent>, Fault> {
    if stored(&map, size)? != data {
        return Err(Fault::MapData);
    }
    map.retain(|extent| extent.length > 0);
    Ok(map)
}

/// How many bytes of data a map speaks of, if it is one for a file of this size.
fn stored(map: &[Extent], size: u64) -> Result<u64, Fault> {
    let (mut end, mut total) = (0, 0);
    for extent in map {
        if extent.offset < end {
            return Err(Fault::MapOrder);
        }
        end = extent
            .offset
            .checked_add(extent.length)
            .filter(|end| *end <= size)
            .ok_or(Fault::MapBeyond)?;
        // No more than `end`, since they do not overlap.
        total += extent.length;
    }
    Ok(total)
}

/// The same of a map that is to be written. GNU tar begins every extent at a block of the archive, others do not; where
/// all but the last are whole blocks there is no difference.
pub(super) fn to_write(map: &[Extent], size: u64) -> Result<u64, Fault> {
    let before_last = map.split_last().map_or(&[][..], |(_, before)| before);
    if before_last.iter().any(|extent| padding(extent.length) > 0) {
        return Err(Fault::MapUnaligned);
    }
    stored(map, size)
}

/// A map of version 1.0 as it stands before the data, not padded. Like GNU tar's it ends in an empty extent where the
/// file ends in a hole, because that tool makes the file no longer than its last extent says.
pub(super) fn text(map: &[Extent], size: u64) -> Vec<u8> {
    let ends_in_data = map
        .last()
        .is_some_and(|last| last.offset + last.length == size);
    let end = (!ends_in_data).then_some(Extent {
        offset: size,
        length: 0,
    });
    let mut text = format!("{}\n", map.len() + usize::from(end.is_some())).into_bytes();
    for Extent { offset, length } in map.iter().copied().chain(end) {
        text.extend_from_slice(format!("{offset}\n{length}\n").as_bytes());
    }
    text
}
