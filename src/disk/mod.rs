//! One raw file: written with holes where there is nothing, copied without losing them.

mod copy;
mod sparse;

pub use copy::{Copied, clone_or_copy};
pub use sparse::SparseWriter;
