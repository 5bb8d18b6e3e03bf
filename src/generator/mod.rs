//! systemd-import-generator: the kernel command line and a credential become units that fetch images at boot.
//!
//! [`plan`](plan::Plan) decides, without looking at anything but what it is given; [`program`] reads that and writes what
//! was decided.

mod expression;
mod plan;
mod program;
mod unit;
mod words;

pub use program::main;
