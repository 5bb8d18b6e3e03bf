//! Packed images, whole and broken, over the network and from a file, and the holes in what comes of them.

use super::kit::{Case, Outcome, Reply, allocated_bytes, fixture, image};

const FORMATS: [(&str, &str); 5] = [
    ("gzip", "gz"),
    ("xz", "xz"),
    ("zstd", "zst"),
    ("bzip2", "bz2"),
    ("lz4", "lz4"),
];

/// One of the packed fixtures.
fn packed(format: &str, kind: &str, end: &str) -> Vec<u8> {
    fixture(&format!("codec/{format}.{kind}.{end}"))
}

/// Pulls and imports these bytes as `pulled` and `imported`.
#[track_caller]
fn both(bytes: Vec<u8>) -> (Case, [Outcome; 2]) {
    let case = Case::new()
        .file("img", &bytes)
        .serve_as("img", Reply::body(bytes));
    let pull = ["-mN", "--verify=no", "pull-raw", "{url}/img", "pulled"];
    let import = ["-m", "import-raw", "{dir}/img", "imported"];
    let outcomes = [case.importctl(pull), case.importctl(import)];
    (case, outcomes)
}

/// They become an image of that content.
#[track_caller]
fn becomes(bytes: Vec<u8>, content: &[u8]) {
    let (case, outcomes) = both(bytes);
    for outcome in outcomes {
        outcome.ok();
    }
    let images = case.images("machine");
    assert_eq!(images.names(), ["imported.raw", "pulled.raw"]);
    let digest = importd::stream::sha256(content).to_string();
    for entry in images.0.values() {
        assert_eq!(entry.content, digest);
    }
}

/// They are refused, and nothing is left.
#[track_caller]
fn refused(bytes: Vec<u8>, message: &str) {
    let (case, outcomes) = both(bytes);
    for outcome in outcomes {
        outcome.code(1).stderr_has(message);
    }
    assert!(case.images("machine").0.is_empty());
}

#[test]
fn whole_images_are_unpacked_however_they_are_called() {
    let payload = fixture("codec/payload.bin");
    becomes(payload.clone(), &payload);
    for (format, end) in FORMATS {
        becomes(packed(format, "true", end), &payload);
        becomes(packed(format, "twice", end), &payload.repeat(2));
    }
}

#[test]
fn broken_images_are_refused_and_the_damage_is_named() {
    for (format, end) in FORMATS {
        // What follows a stream of xz or zstd can only be another one, and this is a broken one.
        let after = match format {
            "gzip" | "bzip2" | "lz4" => "data are followed by something else",
            _ => "data",
        };
        for (kind, message) in [
            ("cut", "data end too early"),
            ("half", "data end too early"),
            ("forged", "data are corrupt"),
            ("trailing", after),
        ] {
            refused(packed(format, kind, end), &format!("{format} {message}"));
        }
    }
}

#[test]
fn windows_that_would_eat_the_memory_are_refused() {
    for file in ["xz.huge-dictionary.xz", "zstd.huge-window.zst"] {
        refused(fixture(&format!("codec/{file}")), "beyond the limit of");
    }
}

#[test]
fn empty_images_and_images_of_one_byte_are_images_too() {
    becomes(Vec::new(), b"");
    becomes(b"x".to_vec(), b"x");
    becomes(vec![0], &[0]);
    for (format, end) in FORMATS {
        becomes(packed(format, "empty", end), b"");
        becomes(packed(format, "one", end), b"x");
    }
}

#[test]
fn a_packed_image_inside_a_packed_image_is_left_as_it_is() {
    let inner = packed("xz", "true", "xz");
    becomes(super::kit::pack("a.gz", &inner), &inner);
}

/// Four megabytes of nothing with a little data in the middle and an odd end.
fn hollow() -> Vec<u8> {
    let mut bytes = vec![0; 2 << 20];
    bytes.extend(b"something");
    bytes.resize((4 << 20) + 5, 0);
    bytes
}

#[track_caller]
fn is_hollow(case: &Case, name: &str) {
    let images = case.images("machine");
    let expected = importd::stream::sha256(&hollow()).to_string();
    assert_eq!(images.entry(name).content, expected);
    let allocated = allocated_bytes(&case.image_dir("machine").join(name));
    assert!(allocated <= 64 << 10, "{allocated} bytes on the disk");
}

#[test]
fn zeros_become_holes_whatever_the_packing() {
    for name in [
        "img.raw",
        "img.raw.gz",
        "img.raw.xz",
        "img.raw.zst",
        "img.raw.bz2",
        "img.raw.lz4",
    ] {
        let (case, outcomes) = both(super::kit::pack(name, &hollow()));
        for outcome in outcomes {
            outcome.ok();
        }
        // The tool that wrote a plain file wrote every zero of it, and a copy of a file is a copy of its holes.
        is_hollow(&case, "pulled.raw");
        if name != "img.raw" {
            is_hollow(&case, "imported.raw");
        }
    }
}

#[test]
fn zeros_become_holes_in_whatever_portions_they_arrive() {
    let slowly = |portion: u64| Reply::body(hollow()).trickle(20 * portion);
    // No portion ends on a block's edge.
    for reply in [slowly(300_007), slowly(150_001).chunked()] {
        let case = Case::new().serve_as("img.raw", reply);
        let words = ["-mN", "--verify=no", "pull-raw", "{url}/img.raw"];
        case.importctl(words).ok();
        is_hollow(&case, "img.raw");
    }
}

#[test]
fn holes_survive_in_the_local_copy_and_in_the_kept_one() {
    let case = Case::new().serve_as("img.raw", Reply::body(hollow()).etag("\"first\""));
    for name in ["one", "two"] {
        let words = ["-m", "--verify=no", "pull-raw", "{url}/img.raw", name];
        case.importctl(words).ok();
    }
    let images = case.images("machine");
    assert_eq!(images.names().len(), 3);
    for name in images.names() {
        is_hollow(&case, name);
    }
}

#[test]
fn an_image_that_arrives_byte_by_byte_is_whole() {
    let case = Case::new().serve_as("img.raw", Reply::body("image").chunked().trickle(20));
    let words = ["-mN", "--verify=no", "pull-raw", "{url}/img.raw"];
    case.importctl(words).ok();
    assert_eq!(case.images("machine").entry("img.raw").size, 5);
    // Magic is told from the first bytes together, not from the first to arrive.
    let gzip = super::kit::pack("a.gz", &image()[..1000]);
    let case = Case::new().serve_as("img.raw", Reply::body(gzip).chunked().trickle(20 * 7));
    case.importctl(words).ok();
    assert_eq!(case.images("machine").entry("img.raw").size, 1000);
}
