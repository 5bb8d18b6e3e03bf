//! Archives of a million members: as much memory as for any other, and an end.

use std::fs;
use std::io::{BufWriter, Write};
use std::process::{Output, Stdio};

use super::archive::{Header, record};
use super::world::{DATA_BYTES, World};
use crate::kit::{need, need_root};
use crate::mount::Mount;
use crate::static_binary::binary;

const MILLION: u32 = 1_000_000;

/// A root with nothing in its way but memory.
fn with_world(test: impl FnOnce(&World)) {
    let Some(binary) = binary().filter(|_| need_root() && need("prlimit")) else {
        return;
    };
    let mount = Mount::tmpfs(64 << 20);
    test(&World::new(mount.path(), &binary));
}

/// Headers that differ only in their names, quickly made.
struct Stamp {
    block: Vec<u8>,
    sum: u32,
}

impl Stamp {
    fn new(kind: u8) -> Self {
        let block = Header::new("", kind).block();
        let sum = std::str::from_utf8(&block[148..154]).unwrap();
        let sum = u32::from_str_radix(sum, 8).unwrap();
        Self { block, sum }
    }

    fn named(&self, name: &str) -> Vec<u8> {
        let mut block = self.block.clone();
        block[..name.len()].copy_from_slice(name.as_bytes());
        let sum = self.sum + name.bytes().map(u32::from).sum::<u32>();
        block[148..154].copy_from_slice(format!("{sum:06o}").as_bytes());
        block
    }
}

/// Imports many members, one after the other as they are asked for, with so much memory.
fn import(
    world: &World,
    (members, data_bytes): (u32, u64),
    member: impl Fn(u32) -> Vec<u8>,
) -> Output {
    let mut command = world.import(data_bytes);
    let command = command.stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut archive = BufWriter::with_capacity(64 << 10, child.stdin.take().unwrap());
    // It may have enough before the end.
    let written = (0..members).try_for_each(|number| archive.write_all(&member(number)));
    let _ = written.and_then(|()| archive.write_all(&[0; 1024]));
    drop(archive);
    child.wait_with_output().unwrap()
}

#[test]
fn a_million_files_need_no_more_memory_than_one() {
    with_world(|world| {
        let files = Stamp::new(b'0');
        let file = |number| files.named(&format!("d{}/f{number}", number / 1000));
        let output = import(world, (MILLION, DATA_BYTES), file);
        assert!(output.status.success(), "{output:?}");
        let x = world.images().join("x");
        assert_eq!(fs::read_dir(&x).unwrap().count(), 1000);
        assert_eq!(fs::read_dir(x.join("d999")).unwrap().count(), 1000);
        fs::remove_dir_all(x).unwrap();
        world.assert_untouched("a million files");
    });
}

#[test]
fn many_names_are_moved_up_a_few_at_a_time() {
    with_world(|world| {
        let files = Stamp::new(b'0');
        let long = "n".repeat(80);
        let file = |number| match number {
            0 => files.named("os/etc/os-release"),
            number => files.named(&format!("os/{number}{long}")),
        };
        let output = import(world, (MILLION / 4, DATA_BYTES / 2), file);
        assert!(output.status.success(), "{output:?}");
        let x = world.images().join("x");
        assert_eq!(fs::read_dir(&x).unwrap().count(), 250_000);
        fs::remove_dir_all(x).unwrap();
        world.assert_untouched("many names to be moved up");
    });
}

#[test]
fn many_members_of_one_name_leave_the_last() {
    with_world(|world| {
        let kinds = [b'0', b'5', b'6'].map(Stamp::new);
        let member = |number| kinds[number as usize % 3].named("a");
        let output = import(world, (MILLION / 4, DATA_BYTES), member);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(world.take(), "f0644 a=");
        world.assert_untouched("many of one name");
    });
}

#[test]
fn attributes_of_directories_are_kept_in_mind_up_to_a_limit() {
    with_world(|world| {
        let mut records = Vec::new();
        for number in 0..2500 {
            record(&mut records, &format!("SCHILY.xattr.u.{number}"), b"v");
        }
        let attributes = Header::new("GlobalHead", b'g').data(&records);
        let directories = Stamp::new(b'5');
        let directory = |number| match number {
            0 => attributes.clone(),
            number => directories.named(&format!("d{number}")),
        };
        let output = import(world, (MILLION, 3 * DATA_BYTES), directory);
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains("directories: refusing to go on"), "{text}");
        assert_eq!(output.status.code(), Some(1));
        world.assert_untouched("directories with many attributes");
    });
}

#[test]
fn a_million_directories_are_more_than_is_kept_in_mind() {
    with_world(|world| {
        let directories = Stamp::new(b'5');
        let directory = |number| directories.named(&format!("d{}/{number}", number / 1000));
        let output = import(world, (MILLION, 3 * DATA_BYTES), directory);
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains("directories: refusing to go on"), "{text}");
        assert_eq!(output.status.code(), Some(1));
        world.assert_untouched("a million directories");
    });
}
