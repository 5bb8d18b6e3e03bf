//! The bytes of an image by where they are in it: in a file, or, of a stream, what was set aside of it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::output::is_shareable;
use super::placed::Placed;
use super::{Conversion, Error, PIECE_BYTES};
use crate::disk::copy::next_data;
use crate::format::qcow2::{self, Extent, Header, L2Tables, Part};

/// An image, or as much of it as has come.
pub(super) struct Image<'a> {
    pub(super) file: &'a File,
    /// Where it ends, so far.
    pub(super) end: u64,
    /// What is not in the file.
    pub(super) placed: Placed,
    /// Whose fault it is if the file cannot be read.
    blame: fn(io::Error) -> Error,
}

impl<'a> Image<'a> {
    /// Of which at most so many stretches will not be in the file.
    pub(super) fn new(file: &'a File, placed_limit: usize, blame: fn(io::Error) -> Error) -> Self {
        Self {
            file,
            end: 0,
            placed: Placed::new(placed_limit),
            blame,
        }
    }

    /// Reads bytes that are in the file.
    pub(super) fn read(&self, buffer: &mut [u8], offset: u64) -> Result<(), Error> {
        self.file.read_exact_at(buffer, offset).map_err(self.blame)
    }

    /// Where the hole ends that is there, if it is one, at `end` at the latest.
    pub(super) fn next_data(&self, offset: u64, end: u64) -> Result<u64, Error> {
        let data = next_data(self.file, offset, end).map_err(self.blame)?;
        Ok(data.map_or(end, |(start, _)| start))
    }

    /// Reads a table, or a part of one.
    pub(super) fn read_table(
        &self,
        part: Part,
        buffer: &mut [u8],
        offset: u64,
    ) -> Result<(), Error> {
        let length = buffer.len() as u64;
        self.check_within(part, offset, length)?;
        if self.placed.has_any_of(offset, length) {
            return Err(qcow2::Error::OverCluster(part, offset).into());
        }
        self.read(buffer, offset)
    }

    /// Refuses what is not within the file.
    fn check_within(&self, part: Part, offset: u64, length: u64) -> Result<(), qcow2::Error> {
        let end = self.end;
        match offset.checked_add(length) {
            Some(needed) if needed <= end => Ok(()),
            _ => Err(qcow2::Error::BeyondFile { part, offset, end }),
        }
    }

    /// Refuses a stretch that the file does not have. Of a packed cluster only the beginning is known: its last sector need
    /// not be whole.
    pub(super) fn check_extent(&self, extent: &Extent) -> Result<(), qcow2::Error> {
        let length = if extent.packed.is_some() {
            1
        } else {
            extent.length
        };
        self.check_within(extent.part(), extent.host, length)
    }

    /// Calls `each` with the index of every L1 entry that names an L2 table, and where that table is.
    pub(super) fn each_table(
        &self,
        header: &Header,
        how: &mut Conversion,
        mut each: impl FnMut(&mut Conversion, u32, u64) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let l1 = header.l1_table();
        let (mut offset, mut index) = (l1.start, 0);
        let mut buffer = vec![0; PIECE_BYTES];
        while offset < l1.end {
            how.pause()?;
            let piece = buffer
                .len()
                .min(usize::try_from(l1.end - offset).unwrap_or(PIECE_BYTES));
            let piece = &mut buffer[..piece];
            self.read_table(Part::L1Table, piece, offset)?;
            offset += piece.len() as u64;
            for entry in piece.as_chunks().0 {
                if let Some(table) = header.l2_table(u64::from_be_bytes(*entry))? {
                    each(how, index, table)?;
                }
                index += 1;
            }
        }
        Ok(())
    }

    /// Where all L2 tables are.
    pub(super) fn l2_tables(
        &self,
        header: &Header,
        how: &mut Conversion,
    ) -> Result<L2Tables, Error> {
        let l1 = header.l1_table();
        if !l1.is_empty() {
            self.check_within(Part::L1Table, l1.start, l1.end - l1.start)?;
        }
        let mut tables = L2Tables::new(header);
        self.each_table(header, how, |_, index, offset| {
            tables.push(index, offset);
            Ok(())
        })?;
        tables.sort();
        Ok(tables)
    }

    /// Whether a file system can share anything of the disk with the file; the tables are read up to the first such stretch.
    pub(super) fn has_shareable(
        &self,
        header: &Header,
        tables: &L2Tables,
        how: &mut Conversion,
    ) -> Result<bool, Error> {
        // 2 MiB at most.
        let mut table = vec![0; header.cluster_bytes() as usize];
        for (offset, index) in (0..).map_while(|number| tables.get(number)) {
            how.pause()?;
            self.read_table(Part::L2Table, &mut table, offset)?;
            for extent in header.extents(index, &table) {
                if is_shareable(&extent?) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}
