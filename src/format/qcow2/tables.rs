//! Where the L2 tables are, so that nothing else is.

use super::error::Error;
use super::{Extent, Header};

/// All L2 tables of an image, in the file's order: 16 bytes for each, 64 MiB for as many as there may be.
pub struct L2Tables {
    /// Where each lies, and which L1 entry says so.
    tables: Vec<(u64, u32)>,
    cluster_bytes: u64,
}

impl L2Tables {
    pub fn new(header: &Header) -> Self {
        Self {
            tables: Vec::new(),
            cluster_bytes: header.cluster_bytes(),
        }
    }

    /// Takes in the table that the L1 entry of that index names.
    pub fn push(&mut self, index: u32, offset: u64) {
        self.tables.push((offset, index));
    }

    /// Brings them into the file's order, to be called once all are there.
    pub fn sort(&mut self) {
        self.tables.sort_unstable();
    }

    /// A table by its number in the file's order: where it lies, and the index of the L1 entry that says so.
    pub fn get(&self, number: usize) -> Option<(u64, u32)> {
        self.tables.get(number).copied()
    }

    /// Refuses a cluster that lies over a table.
    pub fn check(&self, extent: &Extent) -> Result<(), Error> {
        let end = extent.host.saturating_add(extent.host_length());
        let before_end = self.tables.partition_point(|(offset, _)| *offset < end);
        let last = before_end.checked_sub(1).and_then(|last| self.get(last));
        match last {
            // No offset has more than 56 bits.
            Some((offset, _)) if offset + self.cluster_bytes > extent.host => {
                Err(Error::OverL2(extent.part(), offset.max(extent.host)))
            }
            _ => Ok(()),
        }
    }
}
