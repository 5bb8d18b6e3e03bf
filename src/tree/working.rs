//! How work on a tree is done, whichever it is.

use crate::stream::Cancel;

/// How a tree is extracted, copied or packed.
pub struct Working<'a> {
    /// Looked at for each entry and each buffer.
    pub cancel: &'a Cancel,
    /// Whether labels of SELinux are taken along.
    pub selinux: bool,
    /// Begins to write files to disk early, for whoever will wait for that at the end.
    pub to_disk: bool,
    /// The name of a thread that fills files while the next ones are made; without one, all is done here. Packing makes none.
    pub filler: Option<&'a str>,
    /// Called for each entry and each buffer.
    pub tick: &'a mut dyn FnMut(),
}
