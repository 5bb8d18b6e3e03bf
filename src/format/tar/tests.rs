//! The room as its neighbours use it: archives of real programs, hand-made and hostile ones, and our own.

/// What is taken, and how, of all that a header may say.
mod dialects;
/// Archives made by GNU tar and bsdtar.
mod fixtures;
/// Archives that lie.
mod hostile;
mod kit;
/// What is written is read again.
mod round_trips;
