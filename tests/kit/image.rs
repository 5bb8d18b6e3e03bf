//! A small disk image, packed by the real tools, and the committed fixtures.

use std::fs;
use std::path::Path;

use super::run::tool_with_input;

/// 300 KiB and a bit that look like a disk: text, then a hole, then noise, and an end on no block's edge. Always the same.
pub fn image() -> Vec<u8> {
    let mut bytes = b"This is not an operating system.\n".repeat(1000);
    bytes.resize(256 * 1024, 0);
    let mut state = 0x2545_f491_u32;
    for _ in 0..50_000 {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        bytes.push(state.to_be_bytes()[0]);
    }
    bytes
}

/// `bytes` as the end of `name` says: `.gz`, `.xz`, `.zst`, `.bz2`, `.lz4` by the host's tool, anything else as they are.
pub fn pack(name: &str, bytes: &[u8]) -> Vec<u8> {
    let program = match Path::new(name).extension().and_then(|end| end.to_str()) {
        Some("gz") => "gzip",
        Some("xz") => "xz",
        Some("zst") => "zstd",
        Some("bz2") => "bzip2",
        Some("lz4") => "lz4",
        _ => return bytes.to_vec(),
    };
    tool_with_input(program, ["-c"], bytes.to_vec())
}

/// The bytes of `tests/fixtures/NAME`.
#[track_caller]
pub fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    fs::read(path.join(name)).unwrap_or_else(|error| panic!("fixture `{name}`: {error}"))
}
