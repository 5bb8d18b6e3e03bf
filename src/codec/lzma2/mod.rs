//! LZMA2 (chapter 5.3.1 of the .xz file format 1.2; the chunks are those that xz writes): decoded chunk by chunk into a window
//! that slides, without `unsafe`.
//!
//! A chunk's size is known before and after, 64 KiB and 2 MiB at most, and everything is built on that: what is packed lies in
//! one array whose length is a constant, so that nothing has to be checked where a bit is decoded, and what comes of it is
//! written to one stretch of memory. A chunk that lies is found out when it ends, and none of it is given out.

mod chunks;
mod model;
mod range;

pub(in crate::codec) use chunks::Lzma2Reader;

#[cfg(test)]
mod tests;
