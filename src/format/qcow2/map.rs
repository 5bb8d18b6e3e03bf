//! What an L2 table maps: stretches of the disk and where in the file their data are. What is unmapped or marked as zeros
//! does not appear.

use super::Header;
use super::error::{Error, Part};
use super::fields::be64;

/// Of an L1 entry, and of an L2 entry without the packed bit. What else they say only whoever writes has to know; bits that
/// should not be set say nothing, as with qemu.
pub(super) const OFFSET: u64 = 0x00ff_ffff_ffff_fe00;
pub(super) const PACKED: u64 = 1 << 62;
pub(super) const ZERO: u64 = 1;

/// A cluster is divided into so many, where it is.
const SUBCLUSTERS: u64 = 32;
const SECTOR: u64 = 512;

/// A stretch of the disk whose data are in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Where it begins on the disk, and how many bytes it has there: never beyond the disk's end.
    pub guest: u64,
    pub length: u64,
    /// Where it begins in the file.
    pub host: u64,
    /// How many bytes it has in the file at most, if it is a packed cluster. Invariant: such a one never is more than one.
    pub packed: Option<u64>,
}

impl Extent {
    /// How many bytes of the file it is about.
    pub fn host_length(&self) -> u64 {
        self.packed.unwrap_or(self.length)
    }

    pub fn part(&self) -> Part {
        match self.packed {
            None => Part::Cluster,
            Some(_) => Part::PackedCluster,
        }
    }

    /// Takes in a stretch that goes on where this one ends, on the disk and in the file.
    fn join(&mut self, next: &Self) -> bool {
        let follows = self.packed.is_none()
            && next.packed.is_none()
            && self.guest + self.length == next.guest
            && self.host + self.length == next.host;
        if follows {
            self.length += next.length;
        }
        follows
    }
}

impl Header {
    /// Where the L2 table of an L1 entry lies; none if nothing is mapped.
    pub fn l2_table(&self, entry: u64) -> Result<Option<u64>, Error> {
        match entry & OFFSET {
            0 => Ok(None),
            offset => {
                self.check_place(Part::L2Table, offset)?;
                self.check_beside_l1(Part::L2Table, offset, self.cluster_bytes())?;
                Ok(Some(offset))
            }
        }
    }

    /// What the L2 table of that L1 entry maps, in the disk's order and joined where one goes on where another ends.
    pub fn extents<'a>(&'a self, index: u32, table: &'a [u8]) -> Extents<'a> {
        let parts = if self.has_subclusters { SUBCLUSTERS } else { 1 };
        let start = self.start_of(index);
        // What entries say that are behind the disk's end is nobody's business.
        let length = self.size_bytes.saturating_sub(start);
        let length = length.min(self.table_coverage());
        Extents {
            header: self,
            table,
            start,
            parts,
            left: 0..length.div_ceil(self.cluster_bytes() / parts),
            ahead: None,
        }
    }

    /// Where on the disk an L2 table begins.
    fn start_of(&self, index: u32) -> u64 {
        u64::from(index) * self.table_coverage()
    }

    /// What an entry that is no packed one says of part `part` of `parts`.
    fn plain(
        &self,
        guest: u64,
        entry: u64,
        (part, bitmap): (u64, u64),
    ) -> Result<Option<Extent>, Error> {
        if self.version == 2 && entry & ZERO != 0 {
            return Err(Error::ZeroCluster(guest));
        }
        let (there, zeros) = (bitmap & 0xffff_ffff, bitmap >> 32);
        let host = entry & OFFSET;
        if there & zeros != 0 || host == 0 && there != 0 {
            return Err(Error::Subclusters(guest));
        }
        if host == 0 {
            return Ok(None);
        }
        self.check_place(Part::Cluster, host)?;
        self.check_beside_l1(Part::Cluster, host, self.cluster_bytes())?;
        let (is_there, bytes) = match self.has_subclusters {
            false => (entry & ZERO == 0, self.cluster_bytes()),
            true => (there >> part & 1 != 0, self.cluster_bytes() / SUBCLUSTERS),
        };
        if !is_there {
            return Ok(None);
        }
        let guest = guest + part * bytes;
        Ok(Some(Extent {
            guest,
            length: bytes.min(self.size_bytes - guest),
            host: host + part * bytes,
            packed: None,
        }))
    }

    /// What an entry with the packed bit says.
    fn packed(&self, guest: u64, entry: u64) -> Result<Extent, Error> {
        let sector_bits = self.cluster_bits - 8;
        let offset_bits = 62 - sector_bits;
        let host = entry & ((1 << offset_bits) - 1);
        let more_sectors = entry >> offset_bits & ((1 << sector_bits) - 1);
        if host < self.cluster_bytes() {
            return Err(Error::OverHeader(Part::PackedCluster, host));
        }
        let bytes = (more_sectors + 1) * SECTOR - host % SECTOR;
        self.check_beside_l1(Part::PackedCluster, host, bytes)?;
        Ok(Extent {
            guest,
            length: self.cluster_bytes().min(self.size_bytes - guest),
            host,
            packed: Some(bytes),
        })
    }
}

/// The stretches of one L2 table, see [`Header::extents`]. What follows an error means nothing.
pub struct Extents<'a> {
    header: &'a Header,
    table: &'a [u8],
    /// Where on the disk the table begins.
    start: u64,
    /// Into how many parts a cluster is divided.
    parts: u64,
    /// The parts not yet looked at. Invariant: each begins before the disk's end.
    left: std::ops::Range<u64>,
    ahead: Option<Extent>,
}

impl Extents<'_> {
    /// What is known of one part.
    fn look_at(&self, number: u64) -> Result<Option<Extent>, Error> {
        let (cluster, part) = (number / self.parts, number % self.parts);
        // A table is 2 MiB at most.
        let at = (cluster * self.header.entry_bytes()) as usize;
        let entry = be64(self.table, at);
        let bitmap = match self.header.has_subclusters {
            true => be64(self.table, at + 8),
            false => 0,
        };
        if entry | bitmap == 0 {
            return Ok(None);
        }
        let guest = self.start + cluster * self.header.cluster_bytes();
        match (entry & PACKED != 0, part) {
            (false, part) => self.header.plain(guest, entry, (part, bitmap)),
            (true, 0) => self.header.packed(guest, entry).map(Some),
            (true, _) => Ok(None),
        }
    }
}

impl Iterator for Extents<'_> {
    type Item = Result<Extent, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(number) = self.left.next() {
            let next = match self.look_at(number) {
                Ok(Some(next)) => next,
                Ok(None) => continue,
                Err(error) => return Some(Err(error)),
            };
            let Some(ahead) = &mut self.ahead else {
                self.ahead = Some(next);
                continue;
            };
            if !ahead.join(&next) {
                return Some(Ok(std::mem::replace(ahead, next)));
            }
        }
        self.ahead.take().map(Ok)
    }
}
