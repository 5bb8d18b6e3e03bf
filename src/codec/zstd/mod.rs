//! Zstandard (RFC 8878): any number of frames and skippable frames, content checksums and sizes compared.
//!
//! Windows up to 128 MiB (`zstd --long=27`); no dictionaries, since an image has nowhere to bring one from.
//!
//! A frame is decoded in two stages. What takes longest, making literals and sequences of a block, needs nothing of the blocks
//! before but their tables, so several may do that at once; what is left, copying, is done in order into a window that slides.

mod bits;
mod block;
mod blocks;
mod frame;
mod fse;
mod huffman;
mod pieces;
mod sequences;
mod window;

use std::io::{self, BufRead, Read};

use crate::codec::fields::read_array;
use crate::terms::Bytes;

use frame::Header;
use pieces::Cutter;

pub(super) use blocks::{BLOCK_BYTES, BlockPacker, Joiner, WORKER_BYTES};
pub(super) use pieces::{PIECE_BYTES, Pieces, starts_with_frame};
pub(super) use window::Window;

/// The largest window taken, as with zstd(1) when it is not told to take more.
pub(super) const WINDOW_LIMIT: Bytes = Bytes(128 << 20);

/// A step of unpacking.
enum Step {
    Begin(Header),
    Block(block::Decoded),
    End(Option<u32>),
}

/// What a piece was unpacked to.
pub struct Steps(Vec<Step>);

/// A reader of all frames one after the other. The image's size is bounded by whoever writes it.
pub(super) struct Decoder<R> {
    cutter: Cutter<R>,
    window: Window,
}

impl<R: BufRead> Decoder<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            cutter: Cutter::new(source),
            window: Window::default(),
        }
    }
}

impl<R: BufRead> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.window.bytes().is_empty() {
            let Some(part) = self.cutter.next()? else {
                return Ok(0);
            };
            self.window.take(part.decode()?)?;
        }
        let count = self.window.bytes().read(buffer)?;
        self.window.consume(count);
        Ok(count)
    }
}

/// Unpacks the frame that `packed` begins with behind what the window holds, and takes it off; false if that is more than
/// `limit_bytes` then.
pub(super) fn unpack_frame(
    packed: &mut &[u8],
    window: &mut Window,
    limit_bytes: usize,
) -> io::Result<bool> {
    Cutter::new(packed).frame(window, limit_bytes)
}

/// What the frame that `head` begins with says of its size, if it is all there.
pub(super) fn declared_size(mut head: &[u8]) -> Option<u64> {
    let magic = read_array(&mut head).ok()?;
    let header = (magic == frame::MAGIC).then(|| Header::read(&mut head));
    header?.ok()?.size
}
