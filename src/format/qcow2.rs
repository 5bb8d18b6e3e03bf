//! qcow2, so far only recognised so that it can be refused by name.

/// Whether an image that begins with `head` is a qcow2 image ("QFI\xfb").
pub fn is_qcow2(head: &[u8]) -> bool {
    head.starts_with(b"QFI\xfb")
}
