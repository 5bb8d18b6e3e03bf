//! importctl: words in, requests and tables out. It decides nothing about images.

mod args;
mod bus;
#[cfg(test)] // the build script renders them
mod completions;
mod error;
mod help;
mod list_images;
#[allow(
    dead_code,
    reason = "scripts and page need more of it than the program"
)]
mod options;
mod output;
mod program;
mod settings;
mod transfer;
mod transfers;

pub use program::main;
