//! Documents and tables of bytes: parsing only, nothing is opened here.

mod manifest;
mod qcow2;

pub use manifest::{Manifest, ManifestError};
pub use qcow2::is_qcow2;
