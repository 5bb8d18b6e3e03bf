//! An archive's members, one after the other: which blocks belong together, and where the data lie.

use std::io::{self, Read};

use super::attributes::Attributes;
use super::blocks::Blocks;
use super::error::{Error, Fault};
use super::field::{BLOCK, padding, until_nul};
use super::header::Header;
use super::member::{self, NAME_LIMIT, Names};
use super::sparse::{self, Map};
use super::{Entry, Kind, maps, pax};

/// Reads an archive of any dialect, never further ahead than a buffer. What headers mean is as GNU tar takes them.
///
/// Refused though that tool takes or skips them: an archive without an end mark or with anything but zeros behind it,
/// types that nobody knows, two extended headers for one member or one for none, a NUL within a recorded name, the
/// owner 2³²-1, and maps of holes that do not agree with the data.
pub struct Reader<R> {
    blocks: Blocks<R>,
    global: Attributes,
    /// The current file's data that were not read.
    left: u64,
    /// What is to be passed over behind them.
    behind: u64,
    ended: bool,
}

/// What was said of the next member before its own header came.
#[derive(Default)]
struct Pending {
    names: Names,
    /// The records and where their header began.
    extended: Option<(Vec<u8>, u64)>,
    /// Where the first header began that said something.
    since: Option<u64>,
}

impl<R: Read> Reader<R> {
    pub fn new(source: R) -> Self {
        Self {
            blocks: Blocks::new(source),
            global: Attributes::default(),
            left: 0,
            behind: 0,
            ended: false,
        }
    }

    /// The next member; none at the end, which is the end of the source as well. What is left of the previous member's
    /// data is passed over.
    ///
    /// Faults of the archive are [`Error`]s; after one of them nothing useful can be read. The source's own errors are
    /// passed on as they are.
    pub fn next_entry(&mut self) -> io::Result<Option<Entry>> {
        let mut pending = Pending::default();
        while let Some(header) = self.header()? {
            match header.flag() {
                b'x' | b'X' => {
                    let records = self.extension(&header, "extended header", pax::LIMIT)?;
                    let extended = (records, header.offset);
                    if pending.extended.replace(extended).is_some() {
                        return Err(Fault::Repeated.at(header.offset).into());
                    }
                }
                b'g' => {
                    let records = self.extension(&header, "global header", pax::GLOBAL_LIMIT)?;
                    self.global = Attributes::default();
                    let taken = self.global.take(&records);
                    taken.map_err(|fault| fault.at(header.offset))?;
                    continue;
                }
                b'L' => pending.names.path = Some(self.long_name(&header)?),
                b'K' => pending.names.link = Some(self.long_name(&header)?),
                // A volume's label is nobody's file.
                b'V' => {
                    let size = header.size().map_err(|fault| fault.at(header.offset))?;
                    self.behind = size + padding(size);
                    pending = Pending::default();
                    continue;
                }
                _ => return self.member(&header, pending).map(Some),
            }
            pending.since.get_or_insert(header.offset);
        }
        match pending.since {
            Some(offset) => Err(Fault::Dangling.at(offset).into()),
            None => Ok(None),
        }
    }

    /// The next header, or none at the end mark.
    fn header(&mut self) -> io::Result<Option<Header>> {
        if self.ended {
            return Ok(None);
        }
        self.blocks.skip(self.left + self.behind)?;
        (self.left, self.behind) = (0, 0);
        let offset = self.blocks.offset();
        if offset == 0 {
            let head = self.blocks.ahead()?;
            if head.is_empty() {
                return Err(Error::Empty.into());
            }
            if [b"070701", b"070702", b"070707"]
                .iter()
                .any(|magic| head.starts_with(*magic))
            {
                return Err(Error::Cpio.into());
            }
        }
        let block = self.blocks.block()?;
        if block == [0; BLOCK] {
            self.blocks.only_zeros()?;
            self.ended = true;
            return Ok(None);
        }
        let header = Header::new(block, offset).map_err(|fault| match offset {
            0 => Error::NotTar,
            _ => fault.at(offset),
        })?;
        Ok(Some(header))
    }

    /// The data of a header that is about another one.
    fn extension(
        &mut self,
        header: &Header,
        what: &'static str,
        limit: u64,
    ) -> io::Result<Vec<u8>> {
        let size = header.size();
        let size = size.and_then(|size| match size {
            size if size > limit => Err(Fault::TooLong(what, limit)),
            size => Ok(size),
        });
        self.blocks
            .padded(size.map_err(|fault| fault.at(header.offset))?)
    }

    /// GNU tar's long name, with its NUL or without.
    fn long_name(&mut self, header: &Header) -> io::Result<Vec<u8>> {
        let mut name = self.extension(header, "name", NAME_LIMIT + 1)?;
        name.truncate(until_nul(&name).len());
        Ok(name)
    }

    fn member(&mut self, header: &Header, pending: Pending) -> io::Result<Entry> {
        let mut attributes = self.global.clone();
        if let Some((records, offset)) = pending.extended {
            let taken = attributes.take(&records);
            taken.map_err(|fault| fault.at(offset))?;
        }
        let at = |fault: Fault| fault.at(header.offset);
        let holes = attributes.holes(header).map_err(at)?;
        let (mut entry, mut stored) =
            member::entry(header, pending.names, attributes).map_err(at)?;
        if let Some((map, size)) = holes {
            if !matches!(entry.kind, Kind::File { .. }) {
                return Err(at(Fault::MapWithoutFile).into());
            }
            let map = match map {
                Map::Here(map) => map,
                Map::InHeader => maps::in_header(&mut self.blocks, header)?,
                Map::InData => maps::in_data(&mut self.blocks, header, &mut stored)?,
            };
            let extents = Some(sparse::checked(map, size, stored).map_err(at)?);
            entry.kind = Kind::File { size, extents };
        }
        self.behind = stored + padding(stored);
        if matches!(entry.kind, Kind::File { .. }) {
            self.left = stored;
            self.behind -= stored;
        }
        Ok(entry)
    }
}

/// The current file's stored data, its extents one after the other; nothing at their end, and where there are none.
impl<R: Read> Read for Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let count = self
            .blocks
            .read(buffer.get_mut(..most).unwrap_or_default())?;
        self.left -= count as u64;
        Ok(count)
    }
}
