//! The integration tests: no root rights, no network, in parallel. One module per file of this directory.
#![allow(unreachable_pub)] // the kit's items are public to the tests

/// What the tests stand on.
#[path = "../kit/mod.rs"]
mod kit;

/// Settings and hashes that lie beside an image.
mod beside;
/// Signals end a transfer at once and leave nothing behind.
mod cancel;
/// importctl on the same bus.
mod client;
/// systemd-importd on a bus.
mod daemon;
/// Every variable of the page.
mod environment;
/// Exporting to files, pipes and nowhere else.
mod export;
/// Packed images, whole and broken, and the holes in what comes of them.
mod formats;
/// Units for what a boot asks for.
mod generator;
/// systemd-pull and its like, as other programs start them.
mod helper;
/// A daemon that has nothing to do.
mod idle;
/// Importing from files and pipes.
mod import;
/// What is installed, and where.
mod install;
/// Kept copies: when one is used instead of another download.
mod kept;
/// What is found, and how it is shown.
mod list_images;
/// Images in use are not replaced.
mod locks;
/// One binary, several names.
mod multicall;
/// Names of images, derived and given.
mod names;
/// What TLS and broken servers are told apart by.
mod network;
/// Log lines, the bar and the help.
mod output;
/// Proxies, by the variables that name them.
mod proxy;
/// Pulling over each scheme.
mod pull;
/// Disk images in qcow2 become raw ones.
mod qcow2;
/// What passes is tried again, for a time.
mod retry;
/// The kit itself: its servers misbehave as told.
mod the_kit;
/// The house's rules, held over the source as text.
mod tidy;
/// Archives and directories become trees.
mod trees;
/// systemd-importd by Varlink.
mod varlink;
/// Checksums, signatures and keyrings.
mod verify;
