//! What a person sees: tables, progress, colours and links, on a terminal, in a pager or in a pipe.
//!
//! Deliberately absent: what is shown (that is the faces'), and any state outside the values here.

mod bar;
mod cell;
mod meter;
mod pager;
mod screen;
mod table;
mod terminal;
mod width;

pub use bar::{Bar, taskbar, taskbar_clear};
pub use cell::Cell;
pub use meter::Meter;
pub use pager::Pager;
pub use screen::Screen;
pub use table::{Align, Column, JsonLayout, Table};
pub use terminal::{Colours, Paint, Terminal};
pub use width::{ellipsize, ellipsize_middle, width};
