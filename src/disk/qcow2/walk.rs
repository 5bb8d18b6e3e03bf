//! Through the tables in the order of the disk, when all of an image is there: each stretch goes to its place, unless it is
//! there already.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::bytes::Image;
use super::output::Output;
use super::unpacker::Unpacker;
use super::{Conversion, Error, PIECE_BYTES};
use crate::format::qcow2::{self, Extent, Header, L2Tables, Part};

pub(super) struct Walk<'a, 'b> {
    header: &'a Header,
    image: &'a Image<'a>,
    tables: &'a L2Tables,
    output: &'a mut Output<'b>,
    unpacker: Unpacker,
    piece: Vec<u8>,
    packed: Vec<u8>,
}

impl<'a, 'b> Walk<'a, 'b> {
    pub(super) fn new(
        header: &'a Header,
        image: &'a Image<'a>,
        tables: &'a L2Tables,
        output: &'a mut Output<'b>,
    ) -> Self {
        Self {
            header,
            image,
            tables,
            output,
            unpacker: Unpacker::new(header),
            piece: vec![0; PIECE_BYTES],
            packed: Vec::new(),
        }
    }

    pub(super) fn run(mut self, how: &mut Conversion) -> Result<(), Error> {
        let Self { header, image, .. } = self;
        self.output
            .file
            .set_len(header.size_bytes())
            .map_err(Error::Write)?;
        // A table is a cluster, which is 2 MiB at most.
        let mut table = vec![0; header.cluster_bytes() as usize];
        image.each_table(header, how, |how, index, offset| {
            how.pause()?;
            image.read_table(Part::L2Table, &mut table, offset)?;
            for extent in header.extents(index, &table) {
                self.place(&extent?, how)?;
            }
            Ok(())
        })
    }

    fn place(&mut self, extent: &Extent, how: &mut Conversion) -> Result<(), Error> {
        self.tables.check(extent)?;
        self.image.check_extent(extent)?;
        match extent.packed {
            None => self.place_plain(extent, how),
            Some(length) => {
                how.pause()?;
                self.place_packed(extent, length, how)
            }
        }
    }

    fn place_plain(&mut self, extent: &Extent, how: &mut Conversion) -> Result<(), Error> {
        let Extent {
            mut guest,
            mut host,
            mut length,
            ..
        } = *extent;
        while length > 0 {
            let (found, count) = self.image.placed.find(host, length)?;
            match found {
                Some(there) if there == guest => {}
                Some(there) => self.copy_within(there, guest, count, how)?,
                None => self.fetch(host, guest, count, how)?,
            }
            (guest, host, length) = (guest + count, host + count, length - count);
        }
        Ok(())
    }

    fn place_packed(
        &mut self,
        extent: &Extent,
        length: u64,
        how: &mut Conversion,
    ) -> Result<(), Error> {
        let image = self.image;
        match image.placed.find_packed(extent.host) {
            Some(there) if there == extent.guest => return Ok(()),
            Some(there) => return self.copy_within(there, extent.guest, extent.length, how),
            None => {}
        }
        // Two clusters at most.
        let length = length.min(image.end - extent.host);
        self.packed.resize(length as usize, 0);
        image.read(&mut self.packed, extent.host)?;
        let (taken, cluster) = self.unpacker.unpack(extent, &self.packed)?;
        if image.placed.has_any_of(extent.host, taken as u64) {
            return Err(qcow2::Error::OverCluster(Part::PackedCluster, extent.host).into());
        }
        self.output.put(cluster, extent.guest).map_err(Error::Write)
    }

    /// Brings bytes from the image to their place.
    fn fetch(
        &mut self,
        host: u64,
        guest: u64,
        length: u64,
        how: &mut Conversion,
    ) -> Result<(), Error> {
        let image = self.image;
        let mut done = 0;
        while done < length {
            how.pause()?;
            let (from, to) = (host + done, guest + done);
            // Of an image that was made for its disk to grow into, most is a hole.
            if length - done > PIECE_BYTES as u64 {
                let start = image.next_data(from, host + length)?;
                if start > from {
                    done = start - host;
                    continue;
                }
            }
            let shared = self.output.share(image.file, from, length - done, to);
            done += match shared {
                0 => {
                    let piece = first_of(&mut self.piece, length - done);
                    image.read(piece, from)?;
                    self.output.put(piece, to).map_err(Error::Write)?;
                    piece.len() as u64
                }
                shared => shared,
            };
        }
        Ok(())
    }

    /// Copies what is on the disk already to where it is wanted too.
    fn copy_within(
        &mut self,
        from: u64,
        to: u64,
        length: u64,
        how: &mut Conversion,
    ) -> Result<(), Error> {
        let mut done = 0;
        while done < length {
            how.pause()?;
            let piece = first_of(&mut self.piece, length - done);
            let copied = copy_piece(self.output, piece, from + done, to + done);
            copied.map_err(Error::Write)?;
            done += piece.len() as u64;
        }
        Ok(())
    }
}

/// As much of the buffer as may be filled.
fn first_of(buffer: &mut [u8], length: u64) -> &mut [u8] {
    let count = usize::try_from(length).map_or(buffer.len(), |length| length.min(buffer.len()));
    &mut buffer[..count]
}

fn copy_piece(output: &mut Output, piece: &mut [u8], from: u64, to: u64) -> io::Result<()> {
    let file: &File = output.file;
    file.read_exact_at(piece, from)?;
    output.put(piece, to)
}
