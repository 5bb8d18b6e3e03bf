//! Frames that lz4(1) would not make, put together by hand.

use std::io::{self, Read};

use super::xxh32::Xxh32;
use super::{Decoder, MAGIC};
use crate::codec::Error;
use crate::codec::tests::complaint;

/// Four literals, then ten bytes from four bytes back: the text `abcdabcdabcdab`, then `xxxxx`.
const BLOCK: &[u8] = b"\x46abcd\x04\0\x50xxxxx";
const TEXT: &[u8] = b"abcdabcdabcdabxxxxx";

/// A frame with this descriptor, whose checksum is added.
fn frame(descriptor: &[u8], rest: &[&[u8]]) -> Vec<u8> {
    let [_, check, ..] = Xxh32::of(descriptor).to_le_bytes();
    [&MAGIC, descriptor, &[check], &rest.concat()].concat()
}

fn block(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_le_bytes(), bytes].concat()
}

fn stored(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32 | (1 << 31)).to_le_bytes(), bytes].concat()
}

fn decode(packed: &[u8]) -> io::Result<Vec<u8>> {
    let mut decoded = Vec::new();
    Decoder::new(packed).read_to_end(&mut decoded)?;
    Ok(decoded)
}

fn is_refused(packed: &[u8], message: &str) {
    let error = decode(packed).unwrap_err().to_string();
    assert!(error.contains(message), "{error}");
}

#[test]
fn blocks_that_are_stored_packed_or_empty_are_decoded() {
    let whole = frame(
        b"\x60\x40",
        &[
            &stored(b""),
            &block(BLOCK),
            &block(b"\0"),
            &stored(b"end"),
            &[0; 4],
        ],
    );
    assert_eq!(decode(&whole).unwrap(), [TEXT, b"end"].concat());
}

#[test]
fn linked_blocks_refer_to_those_before_and_independent_ones_do_not() {
    // Four bytes from 22 back, then five literals.
    let back = |distance: u16| {
        let [low, high] = distance.to_le_bytes();
        block(&[0, low, high, 0x50, b'.', b'.', b'.', b'.', b'.'])
    };
    let both = |flags: u8, distance: u16| {
        let first = [stored(b"abcd"), block(BLOCK)].concat();
        frame(&[flags, 0x40], &[&first, &back(distance), &[0; 4]])
    };
    assert_eq!(
        decode(&both(0x40, 23)).unwrap(),
        [b"abcd", TEXT, b"abcd....."].concat()
    );
    assert!(decode(&both(0x40, 24)).is_err());
    assert!(decode(&both(0x60, 23)).is_err());
    // A frame has no history before it.
    let two = [both(0x40, 23), frame(b"\x40\x40", &[&back(4), &[0; 4]])].concat();
    assert!(decode(&two).is_err());
}

#[test]
fn what_nobody_has_defined_is_refused() {
    for flags in [0x00, 0x20, 0xa0, 0xe0, 0x62] {
        is_refused(&frame(&[flags, 0x40], &[&[0; 4]]), "version");
    }
    for sizes in [0x00, 0x10, 0x30, 0x41, 0x48, 0xc0, 0xf0] {
        is_refused(&frame(&[0x60, sizes], &[&[0; 4]]), "of a size that nobody");
    }
}

#[test]
fn a_dictionary_is_refused_by_name() {
    let error = decode(&frame(b"\x61\x40\x01\0\0\0", &[&[0; 4]])).unwrap_err();
    assert!(matches!(complaint(&error), Some(Error::Unsupported(..))));
    assert!(error.to_string().contains("need a dictionary"), "{error}");
}

#[test]
fn a_header_whose_checksum_is_wrong_is_refused() {
    let mut packed = frame(b"\x60\x40", &[&[0; 4]]);
    assert_eq!(decode(&packed).unwrap(), b"");
    packed[6] ^= 1;
    is_refused(&packed, "the checksum of a frame's header");
}

#[test]
fn content_that_is_not_of_the_size_it_says_is_refused() {
    let sized = |size: u64| {
        let descriptor = [&[0x68, 0x40][..], &size.to_le_bytes()].concat();
        frame(&descriptor, &[&block(BLOCK), &[0; 4]])
    };
    let size = TEXT.len() as u64;
    assert_eq!(decode(&sized(size)).unwrap(), TEXT);
    for wrong in [0, size - 1, size + 1, u64::MAX] {
        is_refused(&sized(wrong), "not of the size it says");
    }
}

#[test]
fn blocks_larger_than_the_frame_allows_are_refused_packed_or_not() {
    let limit = 64 << 10;
    let most = vec![7; limit];
    let whole = frame(b"\x60\x40", &[&stored(&most), &[0; 4]]);
    assert_eq!(decode(&whole).unwrap(), most);
    for head in [
        limit as u32 + 1,
        (limit as u32 + 1) | (1 << 31),
        u32::MAX,
        u32::MAX >> 1,
    ] {
        let packed = frame(b"\x60\x40", &[&head.to_le_bytes(), &[0; 100]]);
        is_refused(&packed, "larger than its frame allows");
    }
    // One literal, then more than a block of it.
    let mut bomb = b"\x1fa\x01\0".to_vec();
    bomb.extend([255; 300]);
    bomb.extend(b"\0\x50.....");
    assert!(decode(&frame(b"\x60\x40", &[&block(&bomb), &[0; 4]])).is_err());
}

#[test]
fn nonsense_in_a_block_is_refused() {
    for bytes in [
        // No token, literals and lengths that are not there, no way back, half a way back, and none before the beginning.
        &b""[..],
        b"\x40abc",
        b"\xf0",
        b"\x40abcd\0\0\x50.....",
        b"\x40abcd\x01",
        b"\x40abcd\x05\0\x50.....",
    ] {
        let packed = frame(b"\x60\x40", &[&block(bytes), &[0; 4]]);
        // A block of no bytes is the mark of the end, and what follows it is not a frame.
        assert!(decode(&packed).is_err(), "{bytes:?}");
    }
}

#[test]
fn an_input_without_a_frame_is_truncated() {
    let error = decode(b"").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}
