//! One name twice, in all pairs of kinds, as GNU tar has it: the later wins.

use super::kit::Case;

#[test]
fn whatever_comes_later_replaces_what_was_there() {
    // Beside what they point to; each as a member and as it is listed.
    let kinds = [
        ("d0711 a", "d0711 a, d0700 b, f0644 t"),
        ("l a b", "l a b, d0700 b, f0644 t"),
        ("l a t", "l a t, d0700 b, f0644 t"),
        ("f0640 a", "f0640 a, d0700 b, f0644 t"),
        ("p0600 a", "p0600 a, d0700 b, f0644 t"),
        ("h a t", "f0644 a *2, d0700 b, f0644 t *2"),
    ];
    for (earlier, _) in kinds {
        for (later, expected) in kinds {
            let case = Case::new();
            let members = format!("d0700 b; f t; {earlier}; {later}");
            case.extract(&members).unwrap();
            assert_eq!(case.listing(), expected, "{members}");
            assert_eq!(std::fs::read(case.top().join("t")).unwrap(), b"t");
        }
    }
}

#[test]
fn a_file_that_replaces_a_hard_link_leaves_the_other_name_alone() {
    let case = Case::new();
    case.extract("f t; h a t; f a; l l t; f l").unwrap();
    assert_eq!(case.listing(), "f0644 a, f0644 l, f0644 t");
    assert_eq!(std::fs::read(case.top().join("t")).unwrap(), b"t");
}

#[test]
fn a_directory_that_comes_twice_keeps_what_is_in_it_and_has_the_later_attributes() {
    let case = Case::new();
    case.extract("d0700 a; f a/x; d0751 a; f a/y; f b/z; d0500 b")
        .unwrap();
    assert_eq!(
        case.listing(),
        "d0751 a, f0644 a/x, f0644 a/y, d0500 b, f0644 b/z"
    );
}

#[test]
fn a_tree_may_be_taken_out_over_one_that_is_there() {
    let case = Case::new();
    case.extract("d0711 a; d0711 a/b; f a/b/x; f a/y; l l a")
        .unwrap();
    case.extract("f a/b/x; d0750 a; p a/y; f l/z").unwrap();
    assert_eq!(
        case.listing(),
        "d0750 a, d0711 a/b, f0644 a/b/x, p0644 a/y, f0644 a/z, l l a"
    );
}
