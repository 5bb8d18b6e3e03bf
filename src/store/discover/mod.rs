//! Discovery: which images there are, and what is to be known about each.
//!
//! Takes raw files, directories, subvolumes of btrfs, block devices, mount stacks (`systemd.mstack(7)`), each through
//! links too, and versioned directories (`systemd.v(7)`). Deliberately absent: what is inside of an image.

mod facts;
mod inspect;
mod listing;
mod pick;
mod spelling;
mod stack;

use std::fs::File;
use std::path::PathBuf;

use super::{Error, ImageRoot};
use crate::terms::{ImageClass, ImageName};

/// In what form an image lies there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageKind {
    Directory,
    Subvolume,
    Raw,
    Block,
    /// A directory that says of what a tree is to be put together.
    Stack,
}

impl ImageKind {
    /// The word in the TYPE column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Directory => "directory",
            Self::Subvolume => "subvolume",
            Self::Raw => "raw",
            Self::Block => "block",
            Self::Stack => "mstack",
        }
    }
}

/// What was found, and why not all of what there may be could be looked at.
#[derive(Debug, Default)]
pub struct Listing {
    pub images: Vec<Image>,
    pub unreadable: Vec<Error>,
}

/// An image that was found.
#[derive(Clone, Debug)]
pub struct Image {
    pub class: ImageClass,
    pub name: ImageName,
    pub kind: ImageKind,
    /// The image itself, wherever links and versions lead.
    pub path: PathBuf,
    /// The entry of the image root that leads there.
    pub entry_path: PathBuf,
    pub read_only: bool,
    /// Microseconds since 1970; 0 where unknown.
    pub created_us: u64,
    pub modified_us: u64,
    /// Bytes allocated, where that is known without counting.
    pub usage_bytes: Option<u64>,
    /// Those that no other image shares.
    pub usage_exclusive_bytes: Option<u64>,
    /// Bytes it may grow to.
    pub limit_bytes: Option<u64>,
    pub limit_exclusive_bytes: Option<u64>,
}

/// An image that was opened.
pub struct Found {
    pub image: Image,
    /// Where it lies.
    pub root: ImageRoot,
    /// The file, the device, or the top of the tree.
    pub file: File,
}
