//! One stream of many blocks, whose headers say where they end, as `xz -T2` writes it.

use std::io::{self, Write};

use lzma_rust2::{Lzma2Options, Lzma2Writer};

use super::check::{Check, CheckKind};
use super::container::{FOOTER_MAGIC, HEADER_MAGIC};
use super::fields::{crc32, write_integer};
use super::records::Record;
use crate::codec::blocks::{Packed, Sum};
use crate::stream::Cancel;

/// Of the preset that xz has when not told. A dictionary of 8 MiB, which the byte of its size stands for.
const PRESET: u32 = 6;
const DICTIONARY: u8 = 0x16;

/// How deep a match is looked for in the tree, and with what length one is good enough: a quarter and three quarters of what
/// the preset has. The search waits for memory, on every processor at once: this takes a fifth less time, for about 1 % more
/// bytes.
const DEPTH: i32 = 12;
const NICE: u32 = 48;

/// Three times the dictionary, as the tool has it.
pub(in crate::codec) const BLOCK_BYTES: usize = 24 << 20;

/// What packing a block takes of memory, the block and what comes of it included.
pub(in crate::codec) const WORKER_BYTES: u64 = 180 << 20;

/// How much is packed between two looks at the wish to stop.
const STEP: usize = 64 << 10;

/// CRC-64.
const FLAGS: [u8; 2] = [0, 4];

pub(in crate::codec) fn pack(block: &[u8], cancel: &Cancel) -> io::Result<Packed> {
    let mut options = Lzma2Options::with_preset(PRESET);
    options.lzma_options.depth_limit = DEPTH;
    options.lzma_options.nice_len = NICE;
    let mut encoder = Lzma2Writer::new(Vec::new(), options);
    for piece in block.chunks(STEP) {
        cancel.check()?;
        encoder.write_all(piece)?;
    }
    let mut data = encoder.finish()?;
    let mut check = Check::new(CheckKind::Crc64);
    check.update(block);
    let check = check.finish();
    let mut bytes = header(data.len() as u64, block.len() as u64);
    let record = Record {
        unpadded: (bytes.len() + data.len() + check.len()) as u64,
        uncompressed: block.len() as u64,
    };
    data.resize(data.len().next_multiple_of(4), 0);
    bytes.append(&mut data);
    bytes.extend(check);
    Ok(Packed {
        bytes,
        sum: Sum::Xz(record),
    })
}

/// A block's header (3.1): both sizes, and LZMA2 as the only filter.
fn header(compressed: u64, uncompressed: u64) -> Vec<u8> {
    let mut fields = vec![0, 0xc0];
    write_integer(&mut fields, compressed);
    write_integer(&mut fields, uncompressed);
    fields.extend([0x21, 1, DICTIONARY]);
    fields.resize(fields.len().next_multiple_of(4), 0);
    // With the checksum it has a word more, which is what the size is less than that of the whole.
    fields[0] = (fields.len() / 4) as u8;
    let sum = crc32(&fields);
    fields.extend(sum.to_le_bytes());
    fields
}

/// Joins blocks to a stream.
#[derive(Default)]
pub struct Joiner {
    begun: bool,
    records: Vec<Record>,
}

impl Joiner {
    pub(in crate::codec) fn join(&mut self, mut bytes: Vec<u8>, record: Record) -> Vec<u8> {
        self.records.push(record);
        match std::mem::replace(&mut self.begun, true) {
            true => bytes,
            false => {
                let mut begun = stream_header();
                begun.append(&mut bytes);
                begun
            }
        }
    }

    /// The index (4) and the footer (2.1.2).
    pub(in crate::codec) fn finish(self) -> Vec<u8> {
        let mut index = vec![0];
        write_integer(&mut index, self.records.len() as u64);
        for record in &self.records {
            write_integer(&mut index, record.unpadded);
            write_integer(&mut index, record.uncompressed);
        }
        index.resize(index.len().next_multiple_of(4), 0);
        let sum = crc32(&index);
        index.extend(sum.to_le_bytes());
        let size = (index.len() / 4 - 1) as u32;
        let fields = [&size.to_le_bytes()[..], &FLAGS].concat();
        let mut end = if self.begun {
            Vec::new()
        } else {
            stream_header()
        };
        end.append(&mut index);
        end.extend(crc32(&fields).to_le_bytes());
        end.extend(fields);
        end.extend(FOOTER_MAGIC);
        end
    }
}

/// A stream's header (2.1.1).
fn stream_header() -> Vec<u8> {
    [&HEADER_MAGIC[..], &FLAGS, &crc32(&FLAGS).to_le_bytes()].concat()
}
