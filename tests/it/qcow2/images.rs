//! qcow2 images made by qemu-img and qemu-io, changed by hand, and both ways to convert them.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

use importd::disk::qcow2::{Conversion, Converted, Error, from_file, from_stream};
use importd::stream::Cancel;

use crate::kit::{TempDir, need, tool};

pub(super) const LIMIT: u64 = 1 << 40;

/// Options for images of every kind, for whoever changes them by hand.
pub(super) const PLAIN: &str = "-o cluster_size=4k";
pub(super) const DEFLATE: &str = "-c -o cluster_size=64k";
pub(super) const ZSTD: &str = "-c -o cluster_size=64k,compression_type=zstd";
pub(super) const PARTS: &str = "-o cluster_size=16k,extended_l2=on";
pub(super) const OLD: &str = "-o compat=0.10";

/// Text, a hole, noise and an end on no cluster's edge.
pub(super) fn content() -> Vec<u8> {
    let mut bytes = super::super::kit::image();
    bytes.resize(700 << 10, 0);
    bytes.extend_from_within(..300 << 10);
    bytes.resize(bytes.len() + (90 << 10), 0);
    bytes.extend_from_within(256 << 10..(270 << 10) + 512);
    bytes
}

/// A place to make images in.
pub(super) struct Workshop(TempDir);

impl Workshop {
    /// None without its tools, which the test then is skipped for.
    pub(super) fn open() -> Option<Self> {
        if !need("qemu-img") || !need("qemu-io") {
            return None;
        }
        let workshop = Self(TempDir::new());
        fs::write(workshop.path("content"), content()).unwrap();
        Some(workshop)
    }

    pub(super) fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    /// Runs `qemu-img` or `qemu-io` with these words, in which `@NAME` is a path in here.
    pub(super) fn run(&self, line: &str) {
        let words = line
            .split_ascii_whitespace()
            .map(|word| match word.strip_prefix('@') {
                Some(name) => self.path(name),
                None => word.to_owned(),
            });
        let words: Vec<_> = words.collect();
        tool(&words[0], &words[1..]);
    }

    /// Runs the commands, separated by commas, of `qemu-io` on the image `image`.
    pub(super) fn change(&self, commands: &str) {
        let image = self.path("image");
        let commands = commands.split(", ").flat_map(|command| ["-c", command]);
        tool("qemu-io", commands.chain([&*image]));
    }

    /// The image `image` made of the content with these options of `qemu-img convert`.
    pub(super) fn convert(&self, options: &str) -> Vec<u8> {
        self.run(&format!(
            "qemu-img convert -f raw {options} -O qcow2 @content @image"
        ));
        self.image()
    }

    pub(super) fn image(&self) -> Vec<u8> {
        fs::read(self.path("image")).unwrap()
    }

    /// What `qemu-img convert` makes of an image.
    pub(super) fn expected(&self, image: &[u8]) -> Vec<u8> {
        fs::write(self.path("asked"), image).unwrap();
        self.run("qemu-img convert -f qcow2 -O raw @asked @answer");
        fs::read(self.path("answer")).unwrap()
    }
}

/// What came of a conversion: the figures, and the raw image.
pub(super) type Outcome = Result<(Converted, Vec<u8>), Error>;

/// An unnamed file where there are holes.
pub(super) fn unnamed() -> File {
    let directory = File::open(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let flags = rustix::fs::OFlags::TMPFILE | rustix::fs::OFlags::RDWR;
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    File::from(rustix::fs::openat(&directory, c".", flags, mode).unwrap())
}

fn converting(
    limit_bytes: u64,
    convert: impl FnOnce(&mut Conversion) -> Result<Converted, Error>,
) -> Outcome {
    let target = unnamed();
    let converted = convert(&mut Conversion {
        target: &target,
        limit_bytes,
        to_disk: false,
        cancel: &Cancel::new().unwrap(),
        tick: &mut || {},
    })?;
    let mut raw = vec![0; usize::try_from(target.metadata().unwrap().len()).unwrap()];
    target.read_exact_at(&mut raw, 0).unwrap();
    assert_eq!(raw.len() as u64, converted.size_bytes);
    Ok((converted, raw))
}

pub(super) fn by_file(image: &[u8], limit_bytes: u64) -> Outcome {
    let source = unnamed();
    source.write_all_at(image, 0).unwrap();
    converting(limit_bytes, |how| from_file(&source, how))
}

/// `steps` are the sizes in which the bytes arrive, again and again.
pub(super) fn by_stream(image: &[u8], limit_bytes: u64, steps: &[usize]) -> Outcome {
    let aside = unnamed();
    let source = Steps(image, steps.iter().copied().cycle());
    let outcome = converting(limit_bytes, |how| from_stream(source, &aside, how));
    if let Ok((converted, _)) = &outcome {
        assert!(converted.aside_bytes <= image.len() as u64);
    }
    outcome
}

struct Steps<'a, I>(&'a [u8], I);

impl<I: Iterator<Item = usize>> Read for Steps<'_, I> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let step = self.1.next().unwrap().min(buffer.len());
        self.0.read(&mut buffer[..step])
    }
}

/// Both ways come to that raw image. Returns how much was set aside.
#[track_caller]
pub(super) fn both_become(image: &[u8], raw: &[u8], what: &str) -> u64 {
    let (_, by_file) = by_file(image, LIMIT).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(by_file == raw, "{what}: another disk by file");
    let mut aside = None;
    for steps in [&[70_001, 513, 4095][..], &[usize::MAX]] {
        let (converted, by_stream) =
            by_stream(image, LIMIT, steps).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(by_stream == raw, "{what}: another disk by stream");
        let before = aside.replace(converted.aside_bytes);
        assert!(
            before.is_none_or(|before| before == converted.aside_bytes),
            "{what}"
        );
    }
    aside.unwrap()
}

/// An image to be changed by hand.
#[derive(Clone)]
pub(super) struct Edited(pub(super) Vec<u8>);

impl Edited {
    pub(super) fn be32(&self, at: usize) -> u32 {
        u32::from_be_bytes(self.0[at..at + 4].try_into().unwrap())
    }

    pub(super) fn be64(&self, at: usize) -> u64 {
        u64::from_be_bytes(self.0[at..at + 8].try_into().unwrap())
    }

    pub(super) fn put32(&mut self, at: usize, value: u32) {
        self.0[at..at + 4].copy_from_slice(&value.to_be_bytes());
    }

    pub(super) fn put64(&mut self, at: usize, value: u64) {
        self.0[at..at + 8].copy_from_slice(&value.to_be_bytes());
    }

    pub(super) fn cluster(&self) -> usize {
        1 << self.be32(20)
    }

    /// Where the L1 table is, and where its entries are that name tables.
    pub(super) fn l1(&self) -> usize {
        self.be64(40) as usize
    }

    pub(super) fn l1_entries(&self) -> Vec<usize> {
        let entries = (0..self.be32(36) as usize).map(|index| self.l1() + 8 * index);
        entries.filter(|at| self.be64(*at) != 0).collect()
    }

    /// Where an L2 table is, by the place of its L1 entry.
    pub(super) fn l2(&self, entry: usize) -> usize {
        (self.be64(entry) & OFFSET) as usize
    }

    /// Where the entries are of all L2 tables.
    pub(super) fn l2_entries(&self) -> Vec<usize> {
        let size = if self.be64(72) & 16 != 0 { 16 } else { 8 };
        let table = |entry: usize| (self.l2(entry)..self.l2(entry) + self.cluster()).step_by(size);
        self.l1_entries().into_iter().flat_map(table).collect()
    }

    /// Where the first L2 entry is whose packed bit is as told.
    pub(super) fn first_entry(&self, packed: bool) -> usize {
        let mut entries = self.l2_entries().into_iter();
        let is_it = |at: &usize| self.be64(*at) > 1 && (self.be64(*at) & PACKED != 0) == packed;
        entries.find(is_it).unwrap()
    }

    /// Gives the first packed cluster other data, which come to the file's end.
    pub(super) fn repack(&mut self, packed: &[u8]) {
        let whole_sectors = |length: usize| length.next_multiple_of(512);
        let at = whole_sectors(self.0.len());
        self.0.resize(at, 0);
        self.0.extend_from_slice(packed);
        self.0.resize(whole_sectors(self.0.len()), 0);
        let more_sectors = (self.0.len() - at) / 512 - 1;
        let entry = more_sectors << (70 - self.be32(20)) | at;
        self.put64(self.first_entry(true), PACKED | entry as u64);
    }
}

/// A cluster of 64 KiB in deflate's blocks of bytes as they are, without the mark of the end.
pub(super) fn stored_cluster() -> Vec<u8> {
    let content = content();
    let halves = content[..64 << 10].chunks(32 << 10);
    let blocks = halves.flat_map(|half| [b"\0\0\x80\xff\x7f", half].concat());
    blocks.collect()
}

pub(super) const OFFSET: u64 = 0x00ff_ffff_ffff_fe00;
pub(super) const PACKED: u64 = 1 << 62;
pub(super) const ZERO: u64 = 1;
