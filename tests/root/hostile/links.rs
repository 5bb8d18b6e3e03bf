//! Links, and what comes after them: each archive by its members, in the words of
//! [`members`](super::archive::members). `@` is what is outside, absolute; `^` is the same, climbing from the top.

use super::Outcome::{self, Makes, Refused};
use super::Row;
use super::archive::{members, whole};

const OUTSIDE: Outcome = Refused("lies below a link that leads out of the tree");
const NOTHING: Outcome = Refused("No such file or directory");
const NO_DIRECTORY: Outcome = Refused("Not a directory");
const LOOP: Outcome = Refused("Too many levels of symbolic links");
const OCCUPIED: Outcome = Refused("which is not empty");

const ARCHIVES: &[(&str, Outcome)] = &[
    // Through a link, by any kind of member.
    ("l a @/dir; f a/victim", OUTSIDE),
    ("l a @; d0777 a/dir", OUTSIDE),
    ("l a @; l a/new @", OUTSIDE),
    ("l a @; p a/new", OUTSIDE),
    ("l a @; c a/new", OUTSIDE),
    ("l a @; b a/new", OUTSIDE),
    ("f b; l a @; h a/new b", OUTSIDE),
    ("l a @; f a/new/deeper/x", OUTSIDE),
    ("l a /; f a/victim", OUTSIDE),
    ("l a ^/dir; f a/victim", OUTSIDE),
    ("l a ..; f a/new", OUTSIDE),
    ("l a ../..; f a/other/victim", OUTSIDE),
    ("l a ../../other; f a/victim", OUTSIDE),
    ("d b; l b/a ../..; f b/a/new", OUTSIDE),
    ("l a b/../../../..; d b; f a/victim", OUTSIDE),
    ("l a ./.././../../victim; f a/x", OUTSIDE),
    ("l a /proc/self/cwd; f a/x", OUTSIDE),
    ("l a @; d a/dir/..; f a/x", Refused("`..` leads out")),
    // Through links that lead to links.
    ("l a b; l b @; f a/new", OUTSIDE),
    ("l a b; l b c; l c d; l d ^; f a/new", OUTSIDE),
    ("d d; l d/a ..; l d/b a/..; f d/b/new", OUTSIDE),
    ("d d; l a d/up; l d/up ../..; f a/new", OUTSIDE),
    ("l a @; h b a; f b/new", OUTSIDE),
    ("l a @; h b a; f a; f b/new", OUTSIDE),
    ("d d; l d/a @; h b d/a; h c b; f c/new", OUTSIDE),
    // In circles and to nothing.
    ("l a a; f a/x", LOOP),
    ("l a b; l b a; f a/x", LOOP),
    ("l a b; l b c/x; l c a; f b/x", LOOP),
    ("d a; l a/l l/x; f a/l/x", LOOP),
    ("l a missing; f a/x", NOTHING),
    ("l a missing/..; f a/x", NOTHING),
    ("l a missing; d a/x", NOTHING),
    // What is no directory.
    ("f a; f a/x", NO_DIRECTORY),
    ("p a; d a/x", NO_DIRECTORY),
    ("c a; f a/x", NO_DIRECTORY),
    ("f a; l l a; f l/x", NO_DIRECTORY),
    ("f a; h b a/x", NO_DIRECTORY),
    // Swapped between two members.
    ("d a; l a @/dir; f a/victim", OUTSIDE),
    ("d a; f a/x; l a @/dir", OCCUPIED),
    ("f a/x; l a @/dir", OCCUPIED),
    ("l a b; d b; f a/x; l a @; f a/y", OUTSIDE),
    ("l a b; d b; f a/x; d c; l c @; l a c; f a/y", OUTSIDE),
    ("d b; l a b; f a/x; h a2 a; l a @; f a2/y; f a/z", OUTSIDE),
    ("d a/b; l l a/b; f l/x; f a/b/x; l l ^; f l/x", OUTSIDE),
    ("d d/e; l d/e @; f d/e/victim", OUTSIDE),
    ("f a; f a; l a @/dir; l a @/dir; f a/victim", OUTSIDE),
    (
        "d a; l a @; d a; f a/victim",
        Makes("d0755 a, f0644 a/victim"),
    ),
    (
        "d a; d b; l l a; f l/x; l l b; f l/x",
        Makes("d0755 a, f0644 a/x=l/x, d0755 b, f0644 b/x=l/x, l l b"),
    ),
    // Permissions and times of a directory that waited for the end, which a link or another one has replaced.
    ("d0777 a; l a @/dir", Makes("l a /outside/dir")),
    (
        "d0777 a; l a ^/closed",
        Makes("l a ../../../outside/closed"),
    ),
    (
        "d0777 d/a; l d/a @/closed",
        Makes("d0755 d, l d/a /outside/closed"),
    ),
    ("d0700 d; d0777 a; l a d", Makes("l a d, d0700 d")),
    ("d0777 a; h x @/victim; l a @", NOTHING),
    (
        "d d; l l d; d0777 l/a; l d/a @/closed",
        Makes("d0755 d, l d/a /outside/closed, l l d"),
    ),
    (
        "d d; l l d; d0777 d/a; l l/a @/closed",
        Makes("d0755 d, l d/a /outside/closed, l l d"),
    ),
    (
        "d0777 a; d0777 b; l a b; l b @/closed",
        Makes("l a b, l b /outside/closed"),
    ),
    (
        "d0777 a; f a; f0600 b; l a @/victim",
        Makes("l a /outside/victim, f0600 b"),
    ),
    ("d0777 a; f a; d a", Makes("d0755 a")),
    // A directory, or a file, over a link.
    ("l a @/closed; d0777 a", Makes("d0777 a")),
    (
        "l a ^/closed; d0777 a; f a/victim",
        Makes("d0777 a, f0644 a/victim"),
    ),
    ("l a @/victim; d0777 a", Makes("d0777 a")),
    ("l a @/victim; f0777 a", Makes("f0777 a")),
    ("l a @/new; f a", Makes("f0644 a")),
    ("l a @/victim; p0777 a", Makes("p0777 a")),
    (
        "l a @/set-id; f4755 a; h b a",
        Makes("f4755 a *2, f4755 b=a *2"),
    ),
    ("l a @/fifo; f a", Makes("f0644 a")),
    ("l a @/device; c0666 a", Makes("c0666 a 1:3")),
    ("l a @/dir; h b a; f b; d0777 a", Makes("d0777 a, f0644 b")),
    (
        "l a @; l a b; d b; f a/x",
        Makes("l a b, d0755 b, f0644 b/x=a/x"),
    ),
    // Hard links.
    ("h a @/victim", NOTHING),
    ("h a @", NOTHING),
    ("h a ^/victim", Refused("`..` leads out")),
    ("l l @; h a l/victim", OUTSIDE),
    ("l l ^; h a l/victim", OUTSIDE),
    (
        "l l @/victim; h a l",
        Makes("l a /outside/victim *2, l l /outside/victim *2"),
    ),
    (
        "l l @/victim; h a l; f0777 a",
        Makes("f0777 a, l l /outside/victim"),
    ),
    (
        "l l @/set-id; h a l; f0777 l; f0777 a",
        Makes("f0777 a, f0777 l"),
    ),
    ("h a l/victim; l l @", NOTHING),
    ("h a b; f b", NOTHING),
    ("h a a", NOTHING),
    ("f a; h a a; h ./a /a", Makes("f0644 a")),
    ("d a; h b a", Refused("a directory has one name only")),
    ("d a; h . a", Refused("root entry that is no directory")),
    ("d a; f a/x; f b; h a b", OCCUPIED),
    ("d a; f b; h a b", Makes("f0644 a=b *2, f0644 b *2")),
    ("l a a; h b a; f b/x", LOOP),
    // The top itself.
    ("l . @", Refused("root entry that is no directory")),
    ("p ./", Refused("root entry that is no directory")),
    ("d0700 .; f a", Makes("d0700 ., f0644 a")),
    ("d6777 /; f a", Makes("d6777 ., f0644 a")),
    // One directory at the top, an operating system's.
    (
        "f os/etc/os-release; l os/os @; l os/tree @",
        Makes("d0755 etc, f0644 etc/os-release=os/etc/os-release, l os /outside, l tree /outside"),
    ),
    (
        "d0711 os; d0700 os/os; f os/usr/lib/os-release",
        Makes(
            "d0711 ., d0700 os, d0755 usr, d0755 usr/lib, f0644 usr/lib/os-release=os/usr/lib/os-release",
        ),
    ),
    ("l os/etc @; d0755 os", Makes("d0755 os, l os/etc /outside")),
    (
        "l os ^; l etc @",
        Makes("l etc /outside, l os ../../../outside"),
    ),
    (
        "d os; l os/etc ../../../../images; l os/usr @",
        Makes("d0755 os, l os/etc ../../../../images, l os/usr /outside"),
    ),
    (
        "d os/etc; l os/etc/os-release ../../../../../victim",
        Makes("d0755 os, d0755 os/etc, l os/etc/os-release ../../../../../victim"),
    ),
];

/// One name twice, in all pairs of kinds: the later counts, and neither touches what the other pointed to.
const KINDS: [(&str, &str); 9] = [
    ("d0711 a", "d0711 a, d0700 b, f0644 t"),
    ("l a b", "l a b, d0700 b, f0644 t"),
    ("l a t", "l a t, d0700 b, f0644 t"),
    ("l a @/closed", "l a /outside/closed, d0700 b, f0644 t"),
    (
        "l a ^/victim",
        "l a ../../../outside/victim, d0700 b, f0644 t",
    ),
    ("f4640 a", "f4640 a, d0700 b, f0644 t"),
    ("p0600 a", "p0600 a, d0700 b, f0644 t"),
    ("c0604 a", "c0604 a 1:3, d0700 b, f0644 t"),
    ("h a t", "f0644 a=t *2, d0700 b, f0644 t *2"),
];

pub fn rows() -> Vec<Row> {
    let archive = |text: &str| {
        let text = text
            .replace('@', "/outside")
            .replace('^', "../../../outside");
        whole(&[members(&text)])
    };
    let mut rows: Vec<Row> = ARCHIVES
        .iter()
        .map(|(text, outcome)| ((*text).to_owned(), archive(text), *outcome))
        .collect();
    for (earlier, _) in KINDS {
        for (later, expected) in KINDS {
            let text = format!("d0700 b; f t; {earlier}; {later}");
            rows.push((text.clone(), archive(&text), Makes(expected)));
        }
    }
    rows
}
