//! The tests that need root: devices, ownership, mounts, full disks, name spaces. One at a time, since they share the
//! machine: `cargo test --test root -- --test-threads=1`. Without root each is skipped and says so.
#![allow(unreachable_pub)] // the kit's items are public to the tests

/// What the tests stand on.
#[path = "../kit/mod.rs"]
mod kit;

/// Generated archives, and what others make of them.
mod archives;
/// Block devices as targets.
mod devices;
/// Numbers by lot.
mod dice;
/// What each file system makes of an image.
mod file_systems;
/// Images at boot without a service manager.
mod generator;
/// Archives from strangers.
mod hostile;
/// What is told of subvolumes and devices.
mod images;
/// Disk images that are written to in place.
mod in_place;
/// Transfers that are killed, and what the next ones find.
mod killed;
/// Images in use, between processes.
mod locks;
/// Lines that go elsewhere than to the console.
mod log;
/// Names, in a network of the test's own.
mod lookup;
/// How much memory transfers take at most.
mod memory;
/// File systems of the test's own.
mod mount;
/// Networks of the test's own.
mod network;
/// Read-only file systems and other odd places.
mod places;
/// qcow2 images on file systems that share, and on full ones.
mod qcow2;
/// What trees take, where that is counted.
mod quota;
/// File systems without enough room.
mod space;
/// The static binary in empty and in full roots.
mod static_binary;
/// The helpers above do what they say.
mod the_helpers;
/// Trees on btrfs, with mounts in them, immutable.
mod trees;
/// What strangers may do by Varlink.
mod varlink;
