//! Command lines: tables of verbs and options, how words are understood by them, and what is said about them.
//!
//! Deliberately absent: what any verb or option means. Each face has a table of its own, and acts on it.

mod help;
#[cfg(test)] // a test renders pages
mod manual;
mod parse;
mod similar;
mod table;
#[cfg(test)]
pub mod tests;

pub use help::help;
pub use parse::{Error, Parsed, parse, parse_alone};
pub use table::{Completes, OptionSpec, Usage, VerbSpec};
