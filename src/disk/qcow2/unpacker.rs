//! Packed clusters, one after the other.

use super::Error;
use crate::codec::ClusterDecoder;
use crate::format::qcow2::{CompressionType, Extent, Header};

pub(super) struct Unpacker {
    decoder: ClusterDecoder,
    cluster: Vec<u8>,
    size: usize,
}

impl Unpacker {
    pub(super) fn new(header: &Header) -> Self {
        Self {
            decoder: match header.compression() {
                CompressionType::Deflate => ClusterDecoder::deflate(),
                CompressionType::Zstd => ClusterDecoder::zstd(),
            },
            cluster: Vec::new(),
            // 2 MiB at most.
            size: header.cluster_bytes() as usize,
        }
    }

    /// Unpacks a cluster: how many bytes it takes of what is given, and as much of it as the disk has.
    pub(super) fn unpack(
        &mut self,
        extent: &Extent,
        packed: &[u8],
    ) -> Result<(usize, &[u8]), Error> {
        let guest = extent.guest;
        let taken = self.decoder.decode(packed, &mut self.cluster, self.size);
        let taken = taken.map_err(|cause| Error::Cluster { guest, cause })?;
        let wanted = usize::try_from(extent.length).unwrap_or(self.size);
        Ok((taken, &self.cluster[..wanted.min(self.cluster.len())]))
    }
}
