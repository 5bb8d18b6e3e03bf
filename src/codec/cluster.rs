//! Single clusters of a disk image (qcow2), each packed by itself: raw deflate (RFC 1951), or frames of Zstandard (RFC 8878)
//! with windows up to 128 MiB, of which no more is held than there are data.
//!
//! What follows a cluster's data is nobody's business here: mostly that is the next cluster.

use std::io;

use flate2::{Decompress, FlushDecompress};
use zrip::DecompressContext;
use zrip::DecompressError::{OutputTooSmall, WindowTooLarge};

use super::fields::corrupt;
use super::zstd::WINDOW_LIMIT;
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
    Zstd(Box<DecompressContext>),
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
    decoder: &mut DecompressContext,
    packed: &[u8],
    cluster: &mut Vec<u8>,
    size: usize,
) -> Result<usize, ClusterError> {
    let mut taken = 0;
    while cluster.len() < size && taken < packed.len() {
        let rest = packed.get(taken..).unwrap_or_default();
        let frame = frame_length(rest).and_then(|length| rest.get(..length));
        let frame = frame.ok_or_else(|| ClusterError::Corrupt(corrupt("no whole frame")))?;
        let left = size - cluster.len();
        let unpacked = decoder.decompress_into_with_limit(frame, cluster, left);
        unpacked.map_err(|error| match error {
            WindowTooLarge { .. } => ClusterError::WindowTooLarge(WINDOW_LIMIT),
            OutputTooSmall => ClusterError::Long(size),
            other => ClusterError::Corrupt(io::Error::other(other)),
        })?;
        taken += frame.len();
    }
    Ok(taken)
}

/// How long the frame is that begins here; none if it does not end, or is no frame. (RFC 8878, sections 3.1.1 and 3.1.2)
fn frame_length(bytes: &[u8]) -> Option<usize> {
    let magic = u32::from_le_bytes(*bytes.first_chunk()?);
    if magic & 0xffff_fff0 == 0x184d_2a50 {
        let length = u32::from_le_bytes(*bytes.get(4..)?.first_chunk()?);
        return usize::try_from(length).ok()?.checked_add(8);
    }
    if magic != 0xfd2f_b528 {
        return None;
    }
    let descriptor = *bytes.get(4)?;
    let is_single_segment = descriptor & 0x20 != 0;
    let window = usize::from(!is_single_segment);
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let content_size = match descriptor >> 6 {
        0 => usize::from(is_single_segment),
        flag => 1 << flag,
    };
    let mut at = 5 + window + dictionary + content_size;
    loop {
        let header = bytes.get(at..)?.first_chunk::<3>()?;
        let header = u32::from_le_bytes([header[0], header[1], header[2], 0]);
        let is_last = header & 1 != 0;
        let length = match header >> 1 & 3 {
            1 => 1,
            _ => (header >> 3) as usize,
        };
        at += 3 + length;
        if is_last {
            let checksum = if descriptor & 4 != 0 { 4 } else { 0 };
            return Some(at + checksum);
        }
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
