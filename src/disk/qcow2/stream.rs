//! A stream, converted while it arrives.
//!
//! Every byte that passes by is either placed, which is remembered, or set aside. So at the end all of the image is there,
//! and is walked through like a file. That makes what happens before it a matter of speed alone: whatever is not known in
//! time, not worth its memory, or known twice, waits for that walk.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;

use super::bytes::Image;
use super::output::Output;
use super::unpacker::Unpacker;
use super::walk::Walk;
use super::window::Window;
use super::{Conversion, Converted, Error, PIECE_BYTES};
use crate::disk::sparse::write_data;
use crate::format::qcow2::{Extent, HEADER_BYTES, Header, L2Tables, Part};

/// How much is remembered. What goes beyond makes a conversion slower, and nothing else.
pub(super) struct Limits {
    /// Stretches that are waited for, with some 90 bytes each.
    pub(super) wanted: usize,
    /// Stretches that have passed and were placed, with 32 bytes each.
    pub(super) placed: usize,
}

pub(super) const LIMITS: Limits = Limits {
    wanted: 1 << 19,
    placed: 1 << 20,
};

pub(super) fn convert(
    source: impl Read,
    aside: &File,
    limits: &Limits,
    how: &mut Conversion,
) -> Result<Converted, Error> {
    let mut window = Window::new(source);
    let header = Header::parse(window.look(HEADER_BYTES, how)?, how.limit_bytes)?;
    // 2 MiB at most.
    header.check_extensions(window.look(header.cluster_bytes() as usize, how)?)?;
    let mut stream = Stream {
        header: &header,
        window,
        image: Image::new(aside, limits.placed, Error::Write),
        output: Output::new(how.target, how.to_disk),
        unpacker: Unpacker::new(&header),
        tables: None,
        tables_learned: 0,
        wanted: BTreeMap::new(),
        wanted_limit: limits.wanted,
        aside_bytes: 0,
    };
    stream.run(how)?;
    let Stream {
        image,
        mut output,
        tables,
        aside_bytes,
        ..
    } = stream;
    let tables = match tables {
        Some(tables) => tables,
        None => image.l2_tables(&header, how)?,
    };
    Walk::new(&header, &image, &tables, &mut output).run(how)?;
    Ok(Converted {
        size_bytes: header.size_bytes(),
        aside_bytes,
        shared_bytes: output.shared_bytes,
    })
}

struct Stream<'a, R> {
    header: &'a Header,
    window: Window<R>,
    image: Image<'a>,
    output: Output<'a>,
    unpacker: Unpacker,
    /// Where the L2 tables are; none until the L1 table has passed.
    tables: Option<L2Tables>,
    /// How many of them have passed.
    tables_learned: usize,
    /// What is known to be wanted, by where it begins in the stream.
    wanted: BTreeMap<u64, Extent>,
    wanted_limit: usize,
    aside_bytes: u64,
}

impl<R: Read> Stream<'_, R> {
    /// Takes the stream to its end.
    fn run(&mut self, how: &mut Conversion) -> Result<(), Error> {
        while !self.window.look(1, how)?.is_empty() {
            self.learn(how)?;
            let at = self.window.at;
            match self.next_wanted() {
                Some(extent) if extent.host == at => self.place(extent, how)?,
                Some(extent) => self.set_aside(extent.host, how)?,
                None => self.set_aside(u64::MAX, how)?,
            }
        }
        self.keep_up()
    }

    /// Everything that has passed is in the file that is set aside, if it was not placed.
    fn keep_up(&mut self) -> Result<(), Error> {
        self.image.end = self.window.at;
        self.image
            .file
            .set_len(self.window.at)
            .map_err(Error::Write)
    }

    /// Where the next table ends: the bytes behind it may be the first that it makes wanted.
    fn next_lesson(&self) -> u64 {
        match &self.tables {
            None => self.header.l1_table().end,
            Some(tables) => tables
                .get(self.tables_learned)
                .map_or(u64::MAX, |(offset, _)| offset + self.header.cluster_bytes()),
        }
    }

    /// Reads the tables that have passed.
    fn learn(&mut self, how: &mut Conversion) -> Result<(), Error> {
        if self.next_lesson() > self.window.at || self.image.placed.is_full() {
            return Ok(());
        }
        self.keep_up()?;
        let tables = match self.tables.take() {
            Some(tables) => tables,
            None => self.image.l2_tables(self.header, how)?,
        };
        // 2 MiB at most.
        let mut table = vec![0; self.header.cluster_bytes() as usize];
        while let Some((offset, index)) = tables.get(self.tables_learned)
            && offset + self.header.cluster_bytes() <= self.window.at
        {
            how.pause()?;
            self.image.read_table(Part::L2Table, &mut table, offset)?;
            for extent in self.header.extents(index, &table) {
                let extent = extent?;
                tables.check(&extent)?;
                self.want(extent);
            }
            self.tables_learned += 1;
        }
        self.tables = Some(tables);
        Ok(())
    }

    /// Waits for a stretch, if it is yet to come and whole, and if there is room to remember it.
    fn want(&mut self, extent: Extent) {
        // The last cluster, of which the disk has only a part: another one may want all of it.
        let is_cut = extent.packed.is_some() && extent.length < self.header.cluster_bytes();
        if extent.host >= self.window.at && !is_cut && self.wanted.len() < self.wanted_limit {
            // What is wanted twice is copied at the end.
            self.wanted.entry(extent.host).or_insert(extent);
        }
    }

    /// The next stretch that is waited for. What has been passed, since it lies over another one, waits for the end.
    fn next_wanted(&mut self) -> Option<Extent> {
        let at = self.window.at;
        while let Some(next) = self.wanted.first_entry() {
            if *next.key() >= at {
                return Some(*next.get());
            }
            next.remove();
        }
        None
    }

    /// Puts the stretch that begins here to its place, or a part of it.
    fn place(&mut self, extent: Extent, how: &mut Conversion) -> Result<(), Error> {
        self.wanted.remove(&extent.host);
        if self.image.placed.is_full() {
            // Nothing more can be remembered, so everything waits for the end.
            self.wanted.clear();
            return Ok(());
        }
        let Extent {
            guest,
            length,
            host,
            packed,
        } = extent;
        if let Some(length) = packed {
            // Two clusters at most; at the end of the file there may be less.
            let packed = self.window.look(length as usize, how)?;
            let (taken, cluster) = self.unpacker.unpack(&extent, packed)?;
            self.output.put(cluster, guest).map_err(Error::Write)?;
            self.image.placed.push_packed(host, taken as u64, guest);
            self.window.pass(taken);
            return Ok(());
        }
        let piece = self.window.look(piece_of(length), how)?;
        self.output.put(piece, guest).map_err(Error::Write)?;
        let count = piece.len();
        let (done, left) = (count as u64, length - count as u64);
        self.image.placed.push(host, done, guest);
        self.window.pass(count);
        if left > 0 {
            self.want(Extent {
                guest: guest + done,
                length: left,
                host: host + done,
                packed: None,
            });
        }
        Ok(())
    }

    /// Sets aside what comes, up to there at most.
    fn set_aside(&mut self, until: u64, how: &mut Conversion) -> Result<(), Error> {
        let at = self.window.at;
        let lesson = match self.next_lesson() {
            // That one cannot be learned any more.
            lesson if lesson <= at => u64::MAX,
            lesson => lesson,
        };
        let piece = self.window.look(piece_of(until.min(lesson) - at), how)?;
        self.aside_bytes += write_data(self.image.file, piece, at).map_err(Error::Write)?;
        let count = piece.len();
        self.window.pass(count);
        Ok(())
    }
}

/// As much of a length as is taken at once.
fn piece_of(length: u64) -> usize {
    usize::try_from(length).map_or(PIECE_BYTES, |length| length.min(PIECE_BYTES))
}
