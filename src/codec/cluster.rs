//! Single clusters of a disk image (qcow2), each packed by itself: raw deflate (RFC 1951), or frames of Zstandard (RFC 8878)
//! with windows up to 128 MiB, of which no more is held than there are data.
//!
//! What follows a cluster's data is nobody's business here: mostly that is the next cluster.

use std::io;

use flate2::{Decompress, FlushDecompress};

use super::{Error, zstd};
use crate::terms::Bytes;

/// Why a cluster could not be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    #[error("its packed data are corrupt ({0})")]
    Corrupt(io::Error),
    #[error("its packed data are {0} bytes where a cluster has {1}")]
    Short(usize, usize),
    #[error("its packed data are more than the {0} bytes of a cluster")]
    Long(usize),
    #[error("its packed data need a window beyond the limit of {0}")]
    WindowTooLarge(Bytes),
}

/// Unpacks one cluster after the other.
pub struct ClusterDecoder(Decoder);

enum Decoder {
    Deflate(Box<Decompress>),
    Zstd(Box<zstd::Window>),
}

impl ClusterDecoder {
    pub fn deflate() -> Self {
        Self(Decoder::Deflate(Box::new(Decompress::new(false))))
    }

    pub fn zstd() -> Self {
        Self(Decoder::Zstd(Box::default()))
    }

    /// Fills `cluster` with what `packed` begins with, which must be exactly as much; only of deflate may there be more, and no
    /// mark of its end, as with qemu. Says how many bytes of `packed` that took.
    pub fn decode(
        &mut self,
        packed: &[u8],
        cluster: &mut Vec<u8>,
        size: usize,
    ) -> Result<usize, ClusterError> {
        cluster.clear();
        let taken = match &mut self.0 {
            Decoder::Deflate(decoder) => inflate(decoder, packed, cluster, size)?,
            Decoder::Zstd(decoder) => unpack_frames(decoder, packed, cluster, size)?,
        };
        match cluster.len() == size {
            true => Ok(taken),
            false => Err(ClusterError::Short(cluster.len(), size)),
        }
    }
}

fn inflate(
    decoder: &mut Decompress,
    packed: &[u8],
    cluster: &mut Vec<u8>,
    size: usize,
) -> Result<usize, ClusterError> {
    decoder.reset(false);
    cluster.resize(size, 0);
    let status = decoder.decompress(packed, cluster, FlushDecompress::Finish);
    status.map_err(|error| ClusterError::Corrupt(error.into()))?;
    // Both are at most as much as was given.
    cluster.truncate(decoder.total_out() as usize);
    Ok(decoder.total_in() as usize)
}

fn unpack_frames(
    window: &mut zstd::Window,
    packed: &[u8],
    cluster: &mut Vec<u8>,
    size: usize,
) -> Result<usize, ClusterError> {
    window.clear();
    let mut rest = packed;
    while window.bytes().len() < size && !rest.is_empty() {
        match zstd::unpack_frame(&mut rest, window, size) {
            Ok(true) => {}
            Ok(false) => return Err(ClusterError::Long(size)),
            Err(error) => return Err(unsound(error)),
        }
    }
    cluster.extend_from_slice(window.bytes());
    Ok(packed.len() - rest.len())
}

fn unsound(error: io::Error) -> ClusterError {
    match error.get_ref().and_then(|cause| cause.downcast_ref()) {
        Some(Error::WindowTooLarge { limit, .. }) => ClusterError::WindowTooLarge(*limit),
        _ => ClusterError::Corrupt(error),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const SIZE: usize = 4096;

    fn content() -> Vec<u8> {
        (0..SIZE)
            .map(|number| ((number * number) >> 7) as u8)
            .collect()
    }

    fn deflated(bytes: &[u8]) -> Vec<u8> {
        let level = flate2::Compression::new(6);
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), level);
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn both(bytes: &[u8]) -> [(ClusterDecoder, Vec<u8>); 2] {
        [
            (ClusterDecoder::deflate(), deflated(bytes)),
            (ClusterDecoder::zstd(), zrip::compress(bytes, 3).unwrap()),
        ]
    }

    #[test]
    fn a_cluster_is_unpacked_and_what_follows_is_left() {
        for (mut decoder, packed) in both(&content()) {
            for tail in [&[][..], &[0; 600], &[0xff; 600], &packed] {
                let mut cluster = vec![7; 10];
                let input = [&packed, tail].concat();
                let taken = decoder.decode(&input, &mut cluster, SIZE).unwrap();
                assert_eq!((taken, &cluster), (packed.len(), &content()));
            }
        }
    }

    #[test]
    fn frames_of_zstd_follow_each_other_within_a_cluster() {
        let [half, rest] = [&content()[..1000], &content()[1000..]];
        let pack = |bytes| zrip::compress(bytes, 3).unwrap();
        let skipped = b"\x5a\x2a\x4d\x18\x02\0\0\0xy".to_vec();
        let packed = [skipped, pack(half), pack(&[]), pack(rest)].concat();
        let mut cluster = Vec::new();
        let taken = ClusterDecoder::zstd().decode(&packed, &mut cluster, SIZE);
        assert_eq!((taken.unwrap(), cluster), (packed.len(), content()));
    }

    #[test]
    fn a_cluster_that_is_not_exactly_one_is_refused() {
        for (mut decoder, packed) in both(&content()) {
            let mut fails =
                |packed: &[u8], size| decoder.decode(packed, &mut Vec::new(), size).unwrap_err();
            assert!(matches!(
                fails(&packed, SIZE + 1),
                ClusterError::Short(SIZE, _)
            ));
            fails(&packed[..packed.len() / 2], SIZE);
            fails(&[], SIZE);
            fails(&[0xff; 100], SIZE);
        }
    }

    #[test]
    fn what_is_more_than_a_cluster_is_left_with_deflate_and_refused_with_zstd() {
        let [(mut deflate, deflated), (mut zstd, frame)] = both(&content());
        let mut bomb = zrip::compress(&vec![0; 1 << 20], 3).unwrap();
        bomb.resize(SIZE, 0);
        for (packed, size) in [(&frame, SIZE - 1), (&frame, 1), (&bomb, SIZE)] {
            let refused = zstd.decode(packed, &mut Vec::new(), size);
            assert!(matches!(refused, Err(ClusterError::Long(it)) if it == size));
        }
        for size in [SIZE - 1, 1000, 1] {
            let mut cluster = Vec::new();
            let taken = deflate.decode(&deflated, &mut cluster, size).unwrap();
            assert!(taken <= deflated.len());
            assert_eq!(cluster, content()[..size]);
        }
    }

    #[test]
    fn a_window_beyond_the_limit_is_refused_by_that() {
        let frame = b"\x28\xb5\x2f\xfd\x00\xa0\x01\x00\x00";
        let refused = ClusterDecoder::zstd().decode(frame, &mut Vec::new(), SIZE);
        assert!(
            matches!(refused, Err(ClusterError::WindowTooLarge(_))),
            "{refused:?}"
        );
    }
}
