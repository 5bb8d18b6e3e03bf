//! Who may name whom. Rooms that are yet to be built stand here too, so that they start out right.

const GROUND: &str = "terms stream codec format openpgp wire report term usage sys";
const FACE: &str =
    "terms stream codec format openpgp wire report term usage sys store transfer world multicall";

/// Every room and the rooms it may import beside its own.
pub(super) const ROOMS: &[(&str, &[&str])] = &[
    ("terms", &[]),
    ("sys", &[]),
    ("stream", &["terms"]),
    ("codec", &["terms stream"]),
    ("format", &["terms stream"]),
    ("openpgp", &["terms stream"]),
    ("wire", &["terms stream"]),
    ("report", &["terms stream"]),
    ("term", &["terms stream"]),
    ("usage", &["terms term"]),
    ("fetch", &[GROUND]),
    ("disk", &[GROUND]),
    ("tree", &[GROUND, "disk"]),
    ("store", &[GROUND, "disk tree"]),
    (
        "transfer",
        &[
            "terms stream codec format openpgp report sys",
            "fetch disk tree store",
        ],
    ),
    ("world", &["terms stream report term sys"]),
    ("multicall", &["terms stream report term sys world"]),
    ("daemon", &[FACE]),
    ("ctl", &[FACE]),
    ("helper", &[FACE]),
    ("generator", &[FACE]),
];

/// What the table forbids and is let in all the same, and why.
const LET_IN: &[(&str, &str, &str)] = &[
    (
        "report",
        "sys",
        "a log line's local time is for the C library alone to tell",
    ),
    ("term", "sys", "so is a table's"),
    (
        "multicall",
        "store",
        "the binary's own `--sweep` outlives the transfer that asks for it",
    ),
    (
        "term",
        "report",
        "the bar makes room for log lines, and their control characters are escaped alike",
    ),
];

/// The faces, none of which may import another.
pub(super) const FACES: [&str; 4] = ["daemon", "ctl", "helper", "generator"];

/// Whether that room may import that other one; `None` if the table does not know it.
pub(super) fn may_import(room: &str, other: &str) -> Option<bool> {
    let (_, allowed) = ROOMS.iter().find(|(name, _)| *name == room)?;
    ROOMS.iter().find(|(name, _)| *name == other)?;
    let mut allowed = allowed.iter().flat_map(|names| names.split(' '));
    let mut let_in = LET_IN.iter().map(|(guest, host, _)| (*guest, *host));
    Some(
        room == other
            || allowed.any(|name| name == other)
            || let_in.any(|pair| pair == (room, other)),
    )
}

/// Every dependency and the rooms that name it: one, or more for a reason.
pub(super) const CRATES: &[(&str, &str)] = &[
    // System calls are needed wherever a descriptor is.
    (
        "rustix",
        "sys stream report term fetch disk tree store transfer world daemon ctl helper generator",
    ),
    ("libc", "sys"),
    // Each room has its enum of errors.
    ("thiserror", "*"),
    ("ureq", "fetch"),
    ("rustls", "fetch"),
    ("webpki_roots", "fetch"),
    ("pgp", "openpgp"),
    ("sha2", "stream"),
    ("flate2", "codec"),
    ("lzma_rust2", "codec"),
    ("crc64fast", "codec"),
    ("twox_hash", "codec"),
    ("zrip", "codec"),
    ("bzip2", "codec"),
    ("lz4_flex", "codec"),
    // Messages, documents and tables are JSON alike.
    ("serde_json", "wire format term"),
    ("lexopt", "usage"),
    // For its feature alone; report has a file of that name.
    ("log", "report"),
    // The daemon serves the bus and asks polkit on it, importctl calls.
    ("zbus", "wire daemon ctl"),
    ("futures_core", "wire"),
    ("serde", "wire daemon ctl"),
];

/// Where an absolute path may stand beside `src/world.rs`, and why.
pub(super) const PATHS: &[(&str, &str)] = &[
    (
        "src/generator/expression.rs",
        "what stands in units is of the system that boots, wherever they are written",
    ),
    (
        "src/generator/now.rs",
        "loop devices are the kernel's, wherever images lie",
    ),
    (
        "src/fetch/roots.rs",
        "where distributions keep their CA bundles",
    ),
    (
        "src/fetch/config.rs",
        "the C library's own files, read from the host even under --root",
    ),
    (
        "src/tree/attributes.rs",
        "a link's attributes are set by a path, and only this one begins at a descriptor",
    ),
    (
        "src/sys/memory.rs",
        "how much memory can be had is the kernel's to tell",
    ),
    (
        "src/sys/path.rs",
        "where a link has led to is the kernel's to tell, by descriptor",
    ),
    (
        "src/sys/peer.rs",
        "when another process was started is the kernel's to tell, by number",
    ),
    (
        "src/report/settings.rs",
        "the journal's socket and the kernel's log, which tests replace",
    ),
];
