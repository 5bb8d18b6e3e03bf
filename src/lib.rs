//! importd moves operating-system images onto machines. This is the map; `ARCHITECTURE.md` tells the story.

// GROUND: bytes and values in, values out.
/// One file per compression: told by magic, decoded to the last integrity field.
pub mod codec;
/// Documents and tables of bytes: checksum manifests, tar archives, qcow2.
pub mod format;
/// Just enough OpenPGP to check one detached signature, and the policy.
pub mod openpgp;
/// Log lines and progress, and where they go.
pub mod report;
/// Adapters around readers, one per file.
pub mod stream;
/// The only room with `unsafe`: what the safe crates lack.
pub mod sys;
/// What a person sees: tables, bar, colours.
pub mod term;
/// The field's words as types.
pub mod terms;
/// Command lines: tables of verbs and options, and how words are understood by them.
pub mod usage;
/// The words of the two buses.
pub mod wire;

// ENGINE: blocking.
/// One raw file: sparse writing, copying with holes, made of a qcow2 image.
pub mod disk;
/// A remote becomes a reader.
pub mod fetch;
/// Image roots, discovery, kept copies, staged images that commit or vanish.
pub mod store;
/// The Manager and its transfers, each a straight function on a thread of its own.
pub mod transfer;
/// One directory tree: extracted, packed, copied, removed, beneath descriptors.
pub mod tree;

// FACES: they translate and decide nothing.
/// importctl.
#[cfg(feature = "bus")]
pub mod ctl;
/// systemd-importd.
#[cfg(feature = "bus")]
pub mod daemon;
/// systemd-import-generator.
pub mod generator;
/// systemd-pull, systemd-import, systemd-import-fs and systemd-export.
pub mod helper;
/// One binary, several names.
pub mod multicall;
/// Arguments, environment, root directory and standard streams, in one value.
pub mod world;
