//! Which compression the first bytes of a file announce. A file's name has no say in it.

use crate::terms::Compression;

/// How many bytes [`sniff`] looks at; files may be shorter.
pub const MAGIC_LEN: usize = 6;

/// The compression whose magic `head` begins with.
pub fn sniff(head: &[u8]) -> Compression {
    match head {
        [0x1f, 0x8b, ..] => Compression::Gzip,
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Compression::Xz,
        // A zstd frame, or one of the skippable frames that may stand before it, or before one of lz4.
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Compression::Zstd,
        // A frame, or one of the legacy format.
        [0x04, 0x22, 0x4d, 0x18, ..] | [0x02, 0x21, 0x4c, 0x18, ..] => Compression::Lz4,
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => Compression::Bzip2,
        _ => Compression::Uncompressed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_magic_is_told_from_the_first_six_bytes() {
        for (head, compression) in [
            (&b"\x1f\x8b\x08\0\0\0"[..], Compression::Gzip),
            (b"\xfd7zXZ\0", Compression::Xz),
            (b"\x28\xb5\x2f\xfd\x04\0", Compression::Zstd),
            (b"\x5f\x2a\x4d\x18\0\0", Compression::Zstd),
            (b"\x04\x22\x4d\x18\x64\x40", Compression::Lz4),
            (b"\x02\x21\x4c\x18\x64\x40", Compression::Lz4),
            (b"BZh91A", Compression::Bzip2),
        ] {
            assert!(head.len() <= MAGIC_LEN);
            assert_eq!(sniff(head), compression);
        }
    }

    #[test]
    fn anything_else_and_anything_shorter_is_plain_bytes() {
        for head in [
            &b""[..],
            b"\x1f",
            b"\xfd7zXZ",
            b"BZh0",
            b"\x60\x2a\x4d\x18",
            b"QFI\xfb\0\0",
        ] {
            assert_eq!(sniff(head), Compression::Uncompressed);
        }
    }
}
