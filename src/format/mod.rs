//! Documents and tables of bytes: parsing only, nothing is opened here.

mod manifest;
pub mod qcow2;
pub mod tar;

pub use manifest::{Manifest, ManifestError};
