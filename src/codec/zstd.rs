//! Zstandard (RFC 8878): any number of frames and skippable frames, content checksums and sizes compared.
//!
//! Windows up to 128 MiB (`zstd --long=27`); no dictionaries, since an image has nowhere to bring one from.

use std::io::{self, BufRead, Read, Write};

use zrip::frame::header::parse_frame_header;
use zrip::{DecompressError, FrameDecoder, FrameEncoder};

use crate::terms::Bytes;

/// The largest window taken, which is the library's own limit.
pub(super) const WINDOW_LIMIT: Bytes = Bytes(128 << 20);

/// A reader of all frames one after the other. The image's size is bounded by whoever writes it.
pub(super) fn decoder(source: impl BufRead + Send) -> impl Read + Send {
    FrameDecoder::with_limit(source, usize::MAX)
}

/// What the frame that `head` begins with says of its size, if it is all there.
pub(super) fn declared_size(head: &[u8]) -> Option<u64> {
    parse_frame_header(head).ok()?.frame_content_size
}

/// Whether this is the library's refusal of a frame's window.
pub(super) fn is_window_too_large(error: &io::Error) -> bool {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
    matches!(cause, Some(DecompressError::WindowTooLarge { .. }))
}

/// A writer of one frame with a content checksum, of the level that zstd(1) has when not told.
pub(super) fn encoder<W: Write>(target: W) -> io::Result<FrameEncoder<W>> {
    FrameEncoder::new(target, 3).map_err(io::Error::other)
}
