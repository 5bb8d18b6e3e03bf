//! systemd-import-generator: the kernel command line and a credential become units that fetch images at boot.
//!
//! [`plan`](plan::Plan) decides, without looking at anything but what it is given; [`program`] reads that and writes what
//! was decided, or does it [`now`].

mod expression;
mod now;
mod plan;
mod program;
mod unit;
mod words;

pub use program::main;
