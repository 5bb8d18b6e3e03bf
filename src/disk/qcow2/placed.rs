//! What became of the bytes of a stream that were not set aside: where on the disk they are.

use crate::format::qcow2::{Error, Part};

/// Stretches of a stream that went to their places as they passed by.
pub(super) struct Placed {
    limit: usize,
    /// Invariant: in the stream's order, and none lies over another.
    stretches: Vec<Stretch>,
}

struct Stretch {
    host: u64,
    length: u64,
    guest: u64,
    packed: bool,
}

impl Stretch {
    fn end(&self) -> u64 {
        self.host + self.length
    }
}

impl Placed {
    /// Remembers so many stretches, with 32 bytes each.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            stretches: Vec::new(),
        }
    }

    /// Whether no more can be remembered, so that no more may be placed.
    pub(super) fn is_full(&self) -> bool {
        self.stretches.len() >= self.limit
    }

    /// Remembers a stretch behind all others.
    pub(super) fn push(&mut self, host: u64, length: u64, guest: u64) {
        match self.stretches.last_mut() {
            Some(last)
                if !last.packed && last.end() == host && last.guest + last.length == guest =>
            {
                last.length += length;
            }
            _ => self.stretches.push(Stretch {
                host,
                length,
                guest,
                packed: false,
            }),
        }
    }

    /// The same of a packed cluster, which is unpacked on the disk.
    pub(super) fn push_packed(&mut self, host: u64, length: u64, guest: u64) {
        self.stretches.push(Stretch {
            host,
            length,
            guest,
            packed: true,
        });
    }

    /// The first stretch that does not end before.
    fn at(&self, host: u64) -> Option<&Stretch> {
        let index = self
            .stretches
            .partition_point(|stretch| stretch.end() <= host);
        self.stretches.get(index)
    }

    /// Of a stretch of plain bytes: where on the disk they are, none if they were set aside, and for how many this holds.
    pub(super) fn find(&self, host: u64, length: u64) -> Result<(Option<u64>, u64), Error> {
        match self.at(host) {
            Some(stretch) if stretch.host <= host && stretch.packed => {
                Err(Error::OverCluster(Part::Cluster, host))
            }
            Some(stretch) if stretch.host <= host => Ok((
                Some(stretch.guest + (host - stretch.host)),
                length.min(stretch.end() - host),
            )),
            Some(stretch) => Ok((None, length.min(stretch.host - host))),
            None => Ok((None, length)),
        }
    }

    /// Where on the disk the packed cluster is that begins there.
    pub(super) fn find_packed(&self, host: u64) -> Option<u64> {
        let stretch = self.at(host)?;
        (stretch.packed && stretch.host == host).then_some(stretch.guest)
    }

    /// Whether any of these bytes were placed.
    pub(super) fn has_any_of(&self, host: u64, length: u64) -> bool {
        self.at(host)
            .is_some_and(|stretch| stretch.host < host.saturating_add(length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_that_go_on_are_one() {
        let mut placed = Placed::new(100);
        placed.push(100, 10, 1000);
        placed.push(110, 10, 1010);
        placed.push(120, 10, 5000);
        placed.push_packed(140, 5, 6000);
        assert_eq!(placed.stretches.len(), 3);
        assert_eq!(placed.find(90, 5), Ok((None, 5)));
        assert_eq!(placed.find(90, 50), Ok((None, 10)));
        assert_eq!(placed.find(105, 50), Ok((Some(1005), 15)));
        assert_eq!(placed.find(125, 50), Ok((Some(5005), 5)));
        assert_eq!(placed.find(130, 50), Ok((None, 10)));
        assert_eq!(placed.find(145, 50), Ok((None, 50)));
        assert!(placed.find(141, 1).is_err());
        assert_eq!(placed.find_packed(140), Some(6000));
        assert_eq!(
            (placed.find_packed(141), placed.find_packed(120)),
            (None, None)
        );
        assert!(placed.has_any_of(130, 11) && placed.has_any_of(144, u64::MAX));
        assert!(!placed.has_any_of(130, 10) && !placed.has_any_of(145, 10));
    }
}
