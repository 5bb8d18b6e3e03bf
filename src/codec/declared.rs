//! What the first frame of a file says of its own size.

use super::fields::read_array;
use super::{lz4, skippable, sniff, zstd};
use crate::terms::Compression;

/// How many bytes the file unpacks to at least, if the first frame of a zstd or lz4 file says so in `head`, the file's first
/// bytes. That is all of it where there is one frame, as from zstd(1) and lz4(1); and a claim, until all is unpacked.
pub fn declared_size(mut head: &[u8]) -> Option<u64> {
    while let Some((magic, after)) = head.split_first_chunk::<4>()
        && skippable::is_magic(*magic)
    {
        head = after;
        let length = u32::from_le_bytes(read_array(&mut head).ok()?);
        head = head.get(usize::try_from(length).ok()?..)?;
    }
    match sniff(head) {
        Compression::Zstd => zstd::declared_size(head),
        Compression::Lz4 => lz4::declared_size(head),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame of nothing with a size of eight bytes: single segment, no checksum.
    fn zstd_frame(size: u64) -> Vec<u8> {
        [&[0x28, 0xb5, 0x2f, 0xfd, 0xe0][..], &size.to_le_bytes()].concat()
    }

    #[test]
    fn frames_that_say_their_size_are_believed_for_now() {
        let skipped = [&b"\x50\x2a\x4d\x18\x04\0\0\0"[..], b"abcd"].concat();
        for size in [0, 1, 1 << 40, u64::MAX] {
            let frame = zstd_frame(size);
            assert_eq!(declared_size(&frame), Some(size));
            let led = [&skipped[..], &skipped, &frame].concat();
            assert_eq!(declared_size(&led), Some(size));
            for length in 0..led.len() {
                assert_eq!(declared_size(&led[..length]), None, "{length}");
            }
        }
        // As lz4 --content-size writes it; the last byte is a checksum.
        let lz4 = b"\x04\x22\x4d\x18\x6c\x40\x05\0\0\0\0\0\0\0\x2c";
        assert_eq!(declared_size(lz4), Some(5));
        assert_eq!(declared_size(&lz4[..lz4.len() - 1]), None);
    }

    #[test]
    fn nothing_is_known_of_anything_else() {
        for head in [
            &b""[..],
            b"\x28\xb5\x2f\xfd\x04\x58", // as zstd(1) writes for a pipe
            b"\x28\xb5\x2f\xfd\x08\x58\0\0",
            b"\x04\x22\x4d\x18\x64\x40\xa7",
            b"\x04\x22\x4d\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\x50\x2a\x4d\x18\xff\xff\xff\xff\x28\xb5\x2f\xfd",
            b"\x1f\x8b\x08\0\0\0\0\0\0\x03",
            b"\xfd7zXZ\0\0\x04",
        ] {
            assert_eq!(declared_size(head), None, "{head:?}");
        }
    }
}
