//! The field's words as types. Each has one constructor, its parser, so that a value that exists is a value that holds.
//!
//! Nothing here reads a file, opens a socket or allocates beyond its input. Deliberately absent: anything that knows
//! where an image lies (that is `store`) or how it arrives (that is `fetch`).

mod architecture;
mod auxiliary;
mod class;
mod compression;
mod digest;
mod etag;
mod form;
mod name;
mod transfer;
mod trust;
mod units;
mod url;
mod verify;
mod version;

pub use architecture::ArchitectureFit;
pub use auxiliary::{AuxiliaryKind, BOUND_TO_CONTENT};
pub use class::{ImageClass, UnknownClass};
pub use compression::{Compression, UnknownFormat};
pub use digest::{InvalidDigest, Sha256Digest};
pub use etag::Etag;
pub use form::ImageForm;
pub use name::{
    ImageName, InvalidName, LocalName, auxiliary_file_name, name_from_directory, name_from_file,
    name_from_url,
};
pub use transfer::TransferType;
pub use trust::{Fingerprint, SigningKey, Trust, TrustLevel, is_record_attribute};
pub use units::{Bytes, InvalidValue, Percent, parse_boolean, parse_bytes, parse_time_span};
pub use url::{InvalidUrl, Scheme, Url};
pub use verify::{InvalidVerifyMode, VerifyMode};
pub use version::compare_versions;
