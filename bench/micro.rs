//! What takes the time of a transfer, each by itself, as it is built for a release: `cargo bench`.
//!
//! The bytes are this program's own: machine code, tables and words, and as many zeros.

use std::env;
use std::fs::{self, File};
use std::hint::black_box;
use std::io::{self, Read, Write};
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use importd::codec::{decoder, encoder};
use importd::disk::SparseWriter;
use importd::format::tar::{Entry, Kind, Reader, Timestamp, Writer};
use importd::stream::{Cancel, Hasher};
use importd::terms::Compression;
use rustix::fs::{MemfdFlags, memfd_create};

/// How much of each, in bytes.
const HALF: usize = 4 << 20;

/// How many files an archive holds, and how large they are, in bytes.
const FILES: usize = 2000;
const FILE_SIZE: usize = 10_000;

fn bytes() -> Vec<u8> {
    let own = env::current_exe().and_then(fs::read);
    let mut bytes: Vec<u8> = own
        .expect("the program can be read")
        .into_iter()
        .cycle()
        .take(HALF)
        .collect();
    bytes.resize(2 * HALF, 0);
    bytes
}

fn group<'a>(
    criterion: &'a mut Criterion,
    name: &str,
    size: usize,
) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Bytes(size as u64));
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(3));
    group
}

/// Each format, unpacked on one thread.
fn decoders(criterion: &mut Criterion) {
    let bytes = bytes();
    let cancel = Cancel::new().expect("there is a descriptor left");
    let mut group = group(criterion, "decode", bytes.len());
    for compression in [
        Compression::Gzip,
        Compression::Xz,
        Compression::Zstd,
        Compression::Bzip2,
        Compression::Lz4,
    ] {
        let mut packer = encoder(compression, Vec::new(), &cancel);
        let packed = packer.write_all(&bytes).and_then(|()| packer.finish());
        let packed = packed.expect("memory takes everything");
        group.bench_function(compression.to_string(), |bencher| {
            bencher.iter(|| io::copy(&mut decoder(compression, &packed[..]), &mut io::sink()))
        });
    }
}

fn hash(criterion: &mut Criterion) {
    let bytes = bytes();
    group(criterion, "hash", bytes.len()).bench_function("sha256", |bencher| {
        bencher.iter(|| {
            let mut hasher = Hasher::default();
            hasher.update(&bytes);
            hasher.finish()
        });
    });
}

fn sparse_writer(criterion: &mut Criterion) {
    let bytes = bytes();
    let file = memfd_create(c"image", MemfdFlags::CLOEXEC).map(File::from);
    let file = file.expect("there is memory for a file");
    let mut buffer = SparseWriter::buffer();
    group(criterion, "write", bytes.len()).bench_function("half of it zeros", |bencher| {
        bencher.iter(|| {
            let mut writer = SparseWriter::new(&file, false, &mut buffer);
            writer.write(&bytes)?;
            writer.finish()
        });
    });
}

fn archive() -> io::Result<Vec<u8>> {
    let data = vec![b'x'; FILE_SIZE];
    let mut writer = Writer::new(Vec::new());
    for number in 0..FILES {
        writer.append(&Entry {
            path: format!("usr/share/doc/package-{number}/copyright").into_bytes(),
            kind: Kind::File {
                size: FILE_SIZE as u64,
                extents: None,
            },
            mode: 0o644,
            uid: 0,
            gid: 0,
            modified: Timestamp {
                seconds: 1_700_000_000,
                nanoseconds: 123,
            },
            xattrs: Vec::new(),
            access_acl: None,
            default_acl: None,
        })?;
        writer.write_all(&data)?;
    }
    writer.finish()
}

fn tar(criterion: &mut Criterion) {
    let bytes = archive().expect("memory takes everything");
    let mut group = group(criterion, "tar", bytes.len());
    group.bench_function(format!("read {FILES} files"), |bencher| {
        bencher.iter(|| {
            let mut reader = Reader::new(&bytes[..]);
            let mut data = Vec::with_capacity(FILE_SIZE);
            while let Some(entry) = reader.next_entry().expect("it is an archive") {
                black_box(entry);
                data.clear();
                reader.read_to_end(&mut data).expect("it is whole");
            }
        });
    });
    group.bench_function(format!("write {FILES} files"), |bencher| {
        bencher.iter(archive)
    });
}

criterion_group!(benches, decoders, hash, sparse_writer, tar);
criterion_main!(benches);
