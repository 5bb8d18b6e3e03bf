//! Why an archive is refused, and why one could not be written. All of them travel inside an [`io::Error`].

use std::io;

use crate::terms::Bytes;

/// Why bytes are no archive that could be read, or a member none that could be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the archive is empty, which not even an archive without members is: fetch it again")]
    Empty,
    #[error("this is not a tar archive: see what it is with file(1)")]
    NotTar,
    #[error("this is a cpio archive, not tar: unpack it and pack it again with tar")]
    Cpio,
    #[error(
        "the archive is truncated, it ends at byte {0} without an end mark: fetch it again, or ask whoever made it"
    )]
    Truncated(u64),
    #[error(
        "the archive goes on behind its end mark, at byte {0}: it is damaged, or several archives in one, which cannot be told apart"
    )]
    Trailing(u64),
    #[error(
        "the header at byte {offset} of the archive is refused: {fault}; fetch the archive again, or have it made anew by GNU tar"
    )]
    Header { offset: u64, fault: Fault },
    #[error("the member cannot be written to the archive: {0}")]
    Unwritable(Fault),
    #[error("the file changed while it was archived: {0} bytes of its data are missing")]
    TooFewData(u64),
    #[error("the file changed while it was archived: it has more data than its header says")]
    TooManyData,
}

/// What is wrong with a header, its extended records or its map of holes.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Fault {
    #[error("its checksum does not match")]
    Checksum,
    #[error("`{0}` is not a number")]
    Number(&'static str),
    #[error("`{0}` is out of range")]
    Range(&'static str),
    #[error("`{0}` is empty")]
    Empty(&'static str),
    #[error("`{0}` holds a NUL byte")]
    Nul(&'static str),
    #[error("`{0}` is larger than the limit of {limit}", limit = Bytes(*.1))]
    TooLong(&'static str, u64),
    #[error("an extended record is not of the form `LENGTH KEYWORD=VALUE`")]
    Record,
    #[error("`{0}` is not base64")]
    Base64(&'static str),
    #[error("it has more than {0} extended attributes")]
    TooManyXattrs(usize),
    #[error("a second extended header is meant for the same member")]
    Repeated,
    #[error("no member follows that it could describe")]
    Dangling,
    #[error("its type `{}` is unknown", .0.escape_ascii())]
    Type(u8),
    #[error("it is part of a multi-volume archive")]
    MultiVolume,
    #[error("its map of holes has more than {0} extents")]
    TooManyExtents(usize),
    #[error("its map of holes is malformed")]
    Map,
    #[error("the extents of its map of holes overlap or are not in order")]
    MapOrder,
    #[error("its map of holes goes beyond the size of the file")]
    MapBeyond,
    #[error("its map of holes does not agree with the size of the data")]
    MapData,
    #[error("an extent before the last is not a multiple of 512 bytes long")]
    MapUnaligned,
    #[error("its sparse format is unknown")]
    MapVersion,
    #[error("it has a map of holes without being a file")]
    MapWithoutFile,
}

impl Error {
    /// This room's error inside an I/O error that the reader or the writer returned, if it is one.
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        Self::other(error)
    }
}

impl Fault {
    /// The fault of the header that begins at this byte.
    pub(super) fn at(self, offset: u64) -> Error {
        Error::Header {
            offset,
            fault: self,
        }
    }
}
