//! Images that say what none should and that qemu-img reads all the same: they become what it makes of them.

use super::images::{Edited, OLD, PLAIN, Workshop, both_become, need_qemu};

/// What an image says, what it is made of, and what is done to it.
type Row = (&'static str, &'static str, fn(&mut Edited));

const HEADERS: &[Row] = &[
    ("a backing file without a name", PLAIN, |it| {
        it.put64(8, 600)
    }),
    ("the same in version 2", OLD, |it| it.put64(8, 600)),
    ("a name without a place", PLAIN, |it| it.put32(16, 5)),
];

#[test]
fn what_qemu_img_reads_all_the_same_is_read_as_it_does() {
    if !need_qemu() {
        return;
    }
    let workshop = Workshop::new();
    for (what, options, change) in HEADERS {
        let mut image = Edited(workshop.convert(options));
        change(&mut image);
        let raw = workshop.expected(&image.0);
        both_become(&image.0, &raw, what);
    }
}
