//! One directory tree: taken out of an archive, packed into one, copied, removed.
//!
//! **Architecture Invariant:** nothing an archive says is looked up outside the tree. Every directory is opened beneath
//! the top by the kernel's own rule and through no link; a link that stays inside is followed by us, name by name, and
//! what comes of it is opened by that same rule. Files are only ever made, never opened where something is.
//!
//! Deliberately absent: names of users and groups, clean-up after a failure (a staged tree is dropped as a whole), and
//! any state of the process: no current directory, no file mode mask, no change of identity.

mod acl;
mod attributes;
mod behind;
mod copy;
mod error;
mod extract;
mod likeness;
mod links;
mod names;
mod pack;
mod quota;
mod raise;
mod remove;
#[cfg(test)]
mod tests;
mod walk;
mod working;

pub use acl::{acl_from_text, acl_to_text};
pub use attributes::Refused;
pub use copy::{Copied, copy};
pub use error::Error;
pub use extract::{Extracted, extract};
pub use pack::{Packed, pack};
pub use quota::{count, usage};
pub use raise::raise_os_tree;
pub use remove::remove;
pub use working::Working;
