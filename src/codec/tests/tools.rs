//! The real tools, where there are any.

use std::env;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::process::{Command, Stdio};
use std::thread;

use super::*;

/// What the tool makes of `input`; nothing, but noted, where there is no such tool.
pub(super) fn tool(words: &str, input: &[u8]) -> Option<Vec<u8>> {
    let mut words = words.split(' ');
    let program = words.next().unwrap();
    let mut command = Command::new(program);
    command
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            note_skipped(program);
            return None;
        }
        Err(error) => panic!("{program}: {error}"),
    };
    let mut stdin = child.stdin.take().unwrap();
    let output = thread::scope(|threads| {
        threads.spawn(move || stdin.write_all(input).unwrap());
        child.wait_with_output().unwrap()
    });
    assert!(output.status.success(), "{command:?}");
    Some(output.stdout)
}

fn note_skipped(program: &str) {
    let test = thread::current();
    let name = test.name().unwrap_or("?");
    let line = format!("skipped: {name}: {program} is not installed\n");
    eprint!("{line}");
    if let Some(path) = env::var_os("IMPORTD_SKIPS_FILE") {
        let file = File::options().append(true).create(true).open(path);
        file.unwrap().write_all(line.as_bytes()).unwrap();
    }
}

/// More than a block of any format: noise, the same again from far away, a hole, and text.
pub(super) fn large() -> Vec<u8> {
    let mut state = 0x2545_f491_u32;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_be_bytes()[0]
    };
    let noise: Vec<u8> = (0..200_000).map(|_| noise()).collect();
    let mut bytes = noise.clone();
    bytes.extend(fixture("payload.bin").repeat(3));
    bytes.extend(&noise);
    bytes.resize((4 << 20) + 12345, 0);
    bytes.extend(&noise);
    bytes.extend(b"The end is far from here.\n".repeat(5000));
    bytes
}

#[test]
fn whatever_options_lz4_was_given_its_frames_are_decoded() {
    let large = large();
    for size in 4..=7 {
        for links in ["", " -BD"] {
            for checks in ["", " -BX", " --no-frame-crc", " -BX --no-frame-crc"] {
                let words = format!("lz4 -qc -B{size}{links}{checks}");
                let Some(packed) = tool(&words, &large) else {
                    return;
                };
                assert!(decode(&packed, 1 << 16).unwrap() == large, "{words}");
                let mark = packed.len() - if words.contains("--no") { 4 } else { 8 };
                assert!(decode(&packed[..mark], 1 << 16).is_err(), "{words}");
            }
        }
    }
}

/// Literals of every kind and sequences of every size: words, runs, few letters, noise, and things again from near and far.
fn varied() -> Vec<u8> {
    let mut bytes = large();
    for number in 0..60_000_u32 {
        bytes.extend(format!("{number} {} ", number.wrapping_mul(number) % 977).bytes());
        if number % 50 == 0 {
            let run = (number % 400) as usize;
            bytes.resize(bytes.len() + run, b'a' + (number % 7) as u8);
        }
        if number % 1000 == 0 {
            let far = (number as usize * 37) % bytes.len();
            let again = bytes[far..].iter().take(3000).copied().collect::<Vec<_>>();
            bytes.extend(again);
        }
    }
    bytes.extend(
        (0..100_000_u32).map(|number| b"ACGT"[(number.wrapping_mul(2_654_435_761) >> 30) as usize]),
    );
    bytes
}

#[test]
fn whatever_options_zstd_was_given_its_frames_are_decoded() {
    let varied = varied();
    for options in [
        "--fast=5",
        "-1",
        "-3",
        "-3 --no-check",
        "-3 -B100000 -T2",
        "-5 --no-compress-literals",
        "-3 --compress-literals",
        "-9",
        "-19",
        "-19 --zstd=wlog=10",
        "-1 --zstd=wlog=14,mml=3",
        "--ultra -22",
        "-3 --long=27",
    ] {
        let words = format!("zstd -qc {options}");
        let Some(packed) = tool(&words, &varied) else {
            return;
        };
        for step in [1000, 1 << 16] {
            assert!(decode(&packed, step).unwrap() == varied, "{words}");
        }
        assert!(
            decode(&packed[..packed.len() - 1], 1 << 16).is_err(),
            "{words}"
        );
        let twice = [packed.as_slice(), &packed].concat();
        assert!(
            decode(&twice, 1 << 16).unwrap() == varied.repeat(2),
            "{words}"
        );
    }
    for length in (0..80).chain(1000..1020).chain(131_060..131_080) {
        let short = &varied[5_000_000..][..length];
        let packed = tool("zstd -qc", short).unwrap();
        assert!(decode(&packed, 1 << 16).unwrap() == short, "{length} bytes");
    }
}

#[test]
fn whatever_level_bzip2_was_given_its_streams_are_decoded() {
    let large = large();
    for level in [1, 5, 9] {
        let Some(packed) = tool(&format!("bzip2 -c{level}"), &large) else {
            return;
        };
        assert!(decode(&packed, 1 << 16).unwrap() == large, "level {level}");
    }
}

#[test]
fn members_that_bgzip_wrote_are_taken_out_and_their_sizes_are_believed_only_if_they_fit() {
    let large = large();
    let Some(packed) = tool("bgzip -c", &large) else {
        return;
    };
    let pieces = taken_out(&packed);
    assert!(pieces > 1);
    let plain = tool("gzip -c", &large).unwrap();
    let all = [&packed[..], &plain, &packed].concat();
    assert_eq!(taken_out(&all), pieces);
    for step in [1, 1000, 1 << 16] {
        assert!(decode(&packed, step).unwrap() == large);
        assert!(decode(&all, step).unwrap() == large.repeat(3));
    }
    let padded = [&packed[..], &[0; 100]].concat();
    assert!(decode(&padded, 1 << 16).unwrap() == large);
    let followed = decode(&[&packed[..], b"x"].concat(), 1 << 16).unwrap_err();
    assert!(matches!(
        complaint(&followed),
        Some(Error::TrailingGarbage(_))
    ));
    // Without its last member, which is empty, it is another whole file; cut anywhere else it is none.
    for cut in [1, 27, 29, 1000, 200_000] {
        let cut = decode(&packed[..packed.len() - cut], 1 << 16).unwrap_err();
        assert!(matches!(complaint(&cut), Some(Error::Truncated(_))));
    }
    // What a size says changes nothing, whether it is too small or too large.
    for (at, value) in [(16, 0), (16, 0xff), (17, 0), (17, 0xff)] {
        let mut lying = packed.clone();
        lying[at] = value;
        assert!(decode(&lying, 1 << 16).unwrap() == large, "{at}: {value}");
    }
}
