//! What takes the bytes of an image while it is not known to be whole.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::Error;
use super::outlet::Stream;
use crate::disk::PartWriter;
use crate::store::Staged;

/// Something to receive an image into, more than once if need be.
pub(super) trait Landing {
    fn sink(&mut self) -> Sink<'_>;

    /// Gets ready for another try. False where what was written cannot be taken back.
    fn begin_again(&mut self) -> Result<bool, Error>;
}

/// Where the bytes of one try go.
pub(super) enum Sink<'a> {
    Staged(&'a Staged),
    /// What is written to from its beginning to its end.
    Plain(PlainSink<'a>),
}

/// A [`Plain`], for the time of one try.
pub(super) struct PlainSink<'a> {
    pub(super) writer: &'a mut dyn Write,
    pub(super) path: &'a Path,
    /// How many bytes go into it, where that is known.
    pub(super) room: Option<u64>,
}

/// A file or tree beside its later place, and how to make another one.
pub(super) struct Staging<'a> {
    pub(super) staged: Staged,
    make: &'a dyn Fn() -> Result<Staged, Error>,
}

impl<'a> Staging<'a> {
    pub(super) fn new(make: &'a dyn Fn() -> Result<Staged, Error>) -> Result<Self, Error> {
        let staged = make()?;
        Ok(Self { staged, make })
    }
}

impl Landing for Staging<'_> {
    fn sink(&mut self) -> Sink<'_> {
        Sink::Staged(&self.staged)
    }

    fn begin_again(&mut self) -> Result<bool, Error> {
        self.staged = (self.make)()?;
        Ok(true)
    }
}

/// A part of a file or device, a pipe, or an open file.
pub(super) struct Plain<'j> {
    pub(super) to: To<'j>,
    path: PathBuf,
}

pub(super) enum To<'j> {
    Part(PartWriter),
    Stream(Stream<'j>),
}

impl<'j> Plain<'j> {
    pub(super) fn new(to: To<'j>, path: PathBuf) -> Self {
        Self { to, path }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Landing for Plain<'_> {
    fn sink(&mut self) -> Sink<'_> {
        let room = match &self.to {
            To::Part(part) => part.room(),
            To::Stream(_) => None,
        };
        Sink::Plain(PlainSink {
            writer: &mut self.to,
            path: &self.path,
            room,
        })
    }

    fn begin_again(&mut self) -> Result<bool, Error> {
        Ok(match &mut self.to {
            To::Part(part) => {
                part.rewind();
                true
            }
            To::Stream(stream) => !stream.begun(),
        })
    }
}

impl Write for To<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Part(part) => part.write(bytes),
            Self::Stream(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
