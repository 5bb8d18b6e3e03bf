//! Sequences that want out, or want to know how much can be borne. The kit watches what lies beside the tree.

use super::kit::{Case, directory, member};
use crate::format::tar::Kind;
use crate::tree::Error;

/// What is refused, and by which words.
const REFUSED: &[(&str, &str)] = &[
    // Names that climb.
    ("f ../victim", "no name"),
    ("f a/../../victim", "no name"),
    ("d a; f a/..", "no name"),
    ("d0777 ..", "no name"),
    ("l ../new x", "no name"),
    ("p ../new", "no name"),
    ("h a ../victim", "no name"),
    ("h a x/../../victim", "no name"),
    ("h ../new a", "no name"),
    // Below links that lead out.
    ("l a @; f a/victim", "leads out"),
    ("l a @; f a/dir/new", "leads out"),
    ("l a @; d0777 a/dir", "leads out"),
    ("l a @; l a/new x", "leads out"),
    ("l a @; p a/new", "leads out"),
    ("l a ../outside; f a/victim", "leads out"),
    ("l a ../outside; f a/new", "leads out"),
    ("l a ..; f a/outside/victim", "leads out"),
    ("l a ..; d0777 a/outside", "leads out"),
    ("l a /; f a/new", "leads out"),
    ("l a ../top; f a/new", "leads out"),
    ("d d; l d/a ../..; f d/a/victim", "leads out"),
    ("d d; l d/a ../../outside; l b d/a; f b/victim", "leads out"),
    ("l a b; l b @; f a/victim", "leads out"),
    ("l a b/dir; l b @; f a/victim", "leads out"),
    (
        "d d; l a d/b/dir; l d/b ../../outside; f a/victim",
        "leads out",
    ),
    ("l .. x; f ../victim", "no name"),
    ("l a @; f ./a//./victim", "leads out"),
    ("l a @; f /a/victim", "leads out"),
    // Swapped under our hands.
    (
        "d a; f a/x; d b; h b/x a/x; f a/y; d c; l c/l ../..; f c/l/victim",
        "leads out",
    ),
    ("d a; d a/dir; l l a; f l/x; l l @; f l/victim", "leads out"),
    ("d a; l a @; f a/victim", "leads out"),
    ("f a; l a @; f a/victim", "leads out"),
    ("p a; l a @; d0777 a/dir", "leads out"),
    ("l a dir; d dir; d a/dir; l a @; d0777 a/dir", "leads out"),
    // Hard links to what is outside, or through later links.
    ("l a @; h b a/victim", "leads out"),
    ("l a ../outside; h b a/victim", "leads out"),
    (
        "d a; f a/victim; h b a/victim; f a2; l l @; h c l/victim",
        "leads out",
    ),
    ("h a /victim", "No such file"),
    ("h a @/victim", "No such file"),
    ("h a missing/x", "No such file"),
    ("d a; h b a", "one name only"),
    ("h b .", "one name only"),
    ("h b", "one name only"),
    // Links that lead nowhere.
    ("l a a; f a/x", "Too many levels"),
    ("l a b; l b a; f a/x", "Too many levels"),
    ("l a a/a; f a/x", "Too many levels"),
    ("l a b/b; l b c/c; l c ./a; f a/x", "Too many levels"),
    ("l a missing; f a/x", "No such file"),
    ("l a missing/deeper; f a/b/x", "No such file"),
    ("l a missing/..; f a/x", "No such file"),
    ("l a ", "Invalid argument"),
    // What is no directory.
    ("f a; f a/x", "Not a directory"),
    ("p a; f a/x", "Not a directory"),
    ("f a; l l a; f l/x", "Not a directory"),
    ("f a; h b a/x", "Not a directory"),
    // What does not give way.
    ("d a; f a/x; f a", "not empty"),
    ("d a; f a/x; l a @", "not empty"),
    ("d a; f a/x; f b; h a b", "not empty"),
    ("d a; f a/x; p a", "not empty"),
    ("f .", "root entry"),
    ("l . @", "root entry"),
    ("h . a", "root entry"),
    ("p ./", "root entry"),
];

#[test]
fn sequences_that_lead_outside_or_nowhere_are_refused_by_name() {
    for (members, words) in REFUSED {
        let case = Case::new();
        let error = match case.extract(members) {
            Err(error) => error.to_string(),
            Ok(done) => panic!("`{members}` made {done:?}: {}", case.listing()),
        };
        assert!(error.contains(words), "`{members}`: {error}");
    }
}

/// What looks bad and does no harm, and what becomes of it.
const HARMLESS: &[(&str, &str)] = &[
    // Links are only links until something lies below them.
    ("l a @", "l a @"),
    ("l a @/victim; f a", "f0644 a"),
    ("l a @/victim; f0777 a; h b a", "f0777 a *2, f0777 b *2"),
    ("l a @/victim; h b a; f b", "l a @/victim, f0644 b"),
    (
        "l a @/victim; h b a; h a b",
        "l a @/victim *2, l b @/victim *2",
    ),
    ("l a @/victim; p a", "p0644 a"),
    ("l a @/new; f a", "f0644 a"),
    ("l a @/dir; l a/ x", "l a x"),
    // A directory over a link replaces the link, and never gives its permissions to what the link meant.
    ("l a @/dir; d0777 a; f a/victim", "d0777 a, f0644 a/victim"),
    ("l a ../outside/dir; d0777 a", "d0777 a"),
    ("d0700 d; l a d; d0777 a", "d0777 a, d0700 d"),
    // Directories that are replaced after their permissions were remembered.
    ("d0777 a; l a @/dir", "l a @/dir"),
    ("d0777 a; l a ../outside/dir", "l a ../outside/dir"),
    ("d0777 a; f0600 a", "f0600 a"),
    ("d0700 d; d0777 a; l a d", "l a d, d0700 d"),
    (
        "d d; l l d; d0777 l/a; d d2; l d/a ../d2",
        "d0755 d, l d/a ../d2, d0755 d2, l l d",
    ),
    ("d d; d0711 d/a; l l d; l l/a @", "d0755 d, l d/a @, l l d"),
    ("d0777 a; f a; d a", "d0755 a"),
    ("d0777 a; f a; f0600 b; l a b", "l a b, f0600 b"),
    // A link that meant one directory now means another.
    (
        "d a; d b; l l a; f l/x; l l b; f l/y",
        "d0755 a, f0644 a/x, d0755 b, f0644 b/y, l l b",
    ),
    (
        "d a; d b; l l a; d0711 l/d; l l b",
        "d0755 a, d0711 a/d, d0755 b, l l b",
    ),
    (
        "d a; l l a; f l/x; d l; f l/x",
        "d0755 a, f0644 a/x, d0755 l, f0644 l/x",
    ),
    // A link within itself.
    (
        "d a; l a/l .; f a/l/l/l/x; f a/l/l",
        "d0755 a, f0644 a/l, f0644 a/x",
    ),
    ("f a; h a a; h ./a /a", "f0644 a"),
    ("d a; h a a; f a/x", "d0755 a, f0644 a/x"),
    ("l a a; h b a; h a b", "l a a *2, l b a *2"),
];

#[test]
fn what_only_looks_bad_is_made_and_does_no_harm() {
    for (members, expected) in HARMLESS {
        let case = Case::new();
        let done = case.extract(members);
        assert!(done.is_ok(), "`{members}`: {done:?}");
        let outside = case.outside();
        let expected = expected.replace('@', outside.to_str().unwrap());
        assert_eq!(case.listing(), expected, "{members}");
    }
}

#[test]
fn names_components_depths_and_targets_have_limits() {
    let long = "x".repeat(255);
    let whole = [long.as_str(); 16].join("/");
    let deep = ["d"; 128].join("/");
    let case = Case::new();
    case.extract(&format!("f {deep}; f {whole}; l l {whole}"))
        .unwrap();
    for members in [
        format!("f {long}x"),
        format!("f {deep}/x"),
        format!("f {}", [&long[..240]; 17].join("/")),
        format!("l l {whole}x"),
        format!("h h {deep}/x"),
    ] {
        assert!(Case::new().extract(&members).is_err(), "{members}");
    }
    let zero = member(
        "l",
        Kind::Symlink {
            target: b"a\0b".into(),
        },
    );
    assert!(Case::new().run(&[(zero, b"")]).is_err());
    let done = Case::new().run(&[(directory("a\0b"), b"")]);
    assert!(matches!(done, Err(Error::Name { .. })));
}

#[test]
fn links_do_not_make_a_tree_deeper_or_its_names_longer() {
    let deep = ["d"; 100].join("/");
    let members = format!("d {deep}; l l {deep}; f l/{deep}/x");
    let error = Case::new().extract(&members).unwrap_err();
    assert!(error.to_string().contains("128 levels"), "{error}");
    let long = ["x".repeat(200).as_str(); 15].join("/");
    let members = format!("d {long}; l l {long}; f l/{long}/x");
    let error = Case::new().extract(&members).unwrap_err();
    assert!(error.to_string().contains("too long"), "{error}");
}

#[test]
fn chains_of_links_are_followed_as_far_as_the_kernel_does() {
    let chain = |length: usize| {
        let links: Vec<_> = (0..length)
            .map(|number| format!("l l{number} l{}", number + 1))
            .collect();
        format!("d l{length}; {}; f l0/x", links.join("; "))
    };
    Case::new().extract(&chain(40)).unwrap();
    let error = Case::new().extract(&chain(41)).unwrap_err();
    assert!(error.to_string().contains("Too many levels"), "{error}");
}

#[test]
fn links_that_multiply_cost_a_bounded_number_of_steps() {
    let wide = ["a/.."; 100].join("/");
    let members = format!("d a; l l {wide}; l m {}; f m/x", ["l"; 2000].join("/"));
    let error = Case::new().extract(&members).unwrap_err();
    assert!(error.to_string().contains("Too many levels"), "{error}");
}
