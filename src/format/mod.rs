//! Documents and tables of bytes: parsing only, nothing is opened here.

mod manifest;
mod qcow2;
pub mod tar;

pub use manifest::{Manifest, ManifestError};
pub use qcow2::is_qcow2;
