//! One raw file: written with holes where there is nothing, copied without losing them, made of a qcow2 image, brought to
//! disk.

mod copy;
mod part;
pub mod qcow2;
mod replacement;
mod rights;
mod share;
mod sparse;
mod sync;

pub use copy::{CopyError, Copying, FileSize, clone_or_copy};
pub use part::PartWriter;
pub use replacement::{Replacement, directory_of};
pub use rights::Rights;
pub use share::{clone, write_in_place};
pub use sparse::SparseWriter;
pub use sync::{WRITEBACK_BYTES, sync};
