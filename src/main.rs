//! Asks "who was I called as?", calls that face and exits with its code.
fn main() {}
