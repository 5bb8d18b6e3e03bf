//! Headers and tables made by hand, right and wrong.

use super::map::{OFFSET, PACKED, ZERO};
use super::{CompressionType, Error, Extent, Header, L2Tables, Part, is_qcow2};

const LIMIT: u64 = 1 << 40;
const CLUSTER: u64 = 1 << 16;

/// A header of version 3 for a disk of 10 clusters of 64 KiB and a bit.
fn header() -> Vec<u8> {
    let mut bytes = vec![0; 112];
    bytes[..4].copy_from_slice(b"QFI\xfb");
    for (at, value) in [(4, 3), (20, 16), (36, 1), (96, 4), (100, 112)] {
        put(&mut bytes, at, u32::to_be_bytes(value));
    }
    put(&mut bytes, 24, (10 * CLUSTER + 100).to_be_bytes());
    put(&mut bytes, 40, CLUSTER.to_be_bytes());
    bytes
}

fn put<const N: usize>(bytes: &mut [u8], at: usize, value: [u8; N]) {
    bytes[at..at + N].copy_from_slice(&value);
}

fn parsed(bytes: &[u8]) -> Header {
    Header::parse(bytes, LIMIT).unwrap()
}

#[test]
fn a_header_says_where_things_are() {
    assert!(is_qcow2(&header()) && !is_qcow2(b"QFI"));
    let parsed = parsed(&header());
    assert_eq!(parsed.size_bytes(), 10 * CLUSTER + 100);
    assert_eq!(parsed.cluster_bytes(), CLUSTER);
    assert_eq!(parsed.l1_table(), CLUSTER..CLUSTER + 8);
    assert_eq!(parsed.table_coverage(), 8192 * CLUSTER);
    assert_eq!(parsed.compression(), CompressionType::Deflate);
}

#[test]
fn headers_that_ask_for_too_much_or_make_no_sense_are_refused() {
    let small = |at, value: u32| (at, value.to_be_bytes().to_vec());
    let large = |at, value: u64| (at, value.to_be_bytes().to_vec());
    for ((at, value), error) in [
        (small(4, 1), Error::Version(1)),
        (small(4, 4), Error::Version(4)),
        // Where its name is, and how long.
        ((8, [0, 0, 0, 1].repeat(3)), Error::BackingFile),
        (small(20, 8), Error::ClusterBits(8)),
        (small(20, 22), Error::ClusterBits(22)),
        (small(20, u32::MAX), Error::ClusterBits(u32::MAX)),
        (small(32, 1), Error::Encrypted(1)),
        (small(32, 2), Error::Encrypted(2)),
        (
            small(36, 0),
            Error::L1TooSmall {
                entries: 0,
                needed: 1,
            },
        ),
        (
            small(36, 4_194_305),
            Error::L1TooLarge {
                entries: 4_194_305,
                limit: 4 << 20,
            },
        ),
        (
            large(24, LIMIT + 1),
            Error::TooLarge {
                size: LIMIT + 1,
                limit: LIMIT,
            },
        ),
        (
            large(24, LIMIT),
            Error::L1TooSmall {
                entries: 1,
                needed: 2048,
            },
        ),
        (large(40, 0), Error::OverHeader(Part::L1Table, 0)),
        (
            large(40, 0x1_0200),
            Error::Unaligned(Part::L1Table, 0x1_0200),
        ),
        (large(72, 1 << 0), Error::Dirty),
        (large(72, 1 << 1), Error::Corrupt),
        (large(72, 1 << 2), Error::DataFile),
        (large(72, 1 << 3), Error::CompressionBit),
        (large(72, 1 << 5), Error::UnknownFeature(5)),
        (large(72, 1 << 63), Error::UnknownFeature(63)),
        (small(100, 96), Error::HeaderLength(96)),
        (small(100, 108), Error::HeaderLength(108)),
        (small(100, 1 << 17), Error::HeaderLength(1 << 17)),
        ((104, vec![1]), Error::CompressionBit),
    ] {
        let mut bytes = header();
        bytes[at..at + value.len()].copy_from_slice(&value);
        assert_eq!(Header::parse(&bytes, LIMIT), Err(error), "{at}: {value:?}");
    }
}

#[test]
fn features_that_are_known_are_taken() {
    let mut bytes = header();
    bytes[79] = 1 << 3;
    bytes[104] = 1;
    assert_eq!(parsed(&bytes).compression(), CompressionType::Zstd);
    bytes[104] = 2;
    assert_eq!(Header::parse(&bytes, LIMIT), Err(Error::CompressionType(2)));
    bytes[79] = 1 << 4;
    bytes[104] = 0;
    assert_eq!(parsed(&bytes).table_coverage(), 4096 * CLUSTER);
    bytes[23] = 13;
    assert_eq!(Header::parse(&bytes, LIMIT), Err(Error::SubclusterBits(13)));
}

#[test]
fn a_header_that_is_cut_is_refused_wherever() {
    for length in 0..104 {
        let error = Error::TruncatedHeader(length);
        assert_eq!(Header::parse(&header()[..length], LIMIT), Err(error));
    }
    let mut old = header();
    old[7] = 2;
    for length in 0..72 {
        assert!(Header::parse(&old[..length], LIMIT).is_err());
    }
    assert_eq!(parsed(&old[..72]).size_bytes(), 10 * CLUSTER + 100);
}

#[test]
fn extensions_end_within_the_first_cluster() {
    let with = |length: u32| {
        let mut first = header();
        first.resize(1 << 16, 0);
        put(&mut first, 112, 0x6803_f857_u32.to_be_bytes());
        put(&mut first, 116, length.to_be_bytes());
        parsed(&first).check_extensions(&first)
    };
    assert_eq!(with(0), Ok(()));
    assert_eq!(with((1 << 16) - 120), Ok(()));
    assert_eq!(with((1 << 16) - 119), Err(Error::Extension(112)));
    assert_eq!(with(u32::MAX), Err(Error::Extension(112)));
}

/// What entries at the beginning of the first L2 table map.
fn map(header: &Header, entries: &[u64]) -> Result<Vec<Extent>, Error> {
    let mut table: Vec<u8> = entries
        .iter()
        .flat_map(|entry| entry.to_be_bytes())
        .collect();
    table.resize(1 << 16, 0);
    header.extents(0, &table).collect()
}

fn plain(guest: u64, length: u64, host: u64) -> Extent {
    Extent {
        guest,
        length,
        host,
        packed: None,
    }
}

#[test]
fn stretches_are_joined_and_end_with_the_disk() {
    let copied = 1 << 63;
    let at = |number: u64| (number * CLUSTER) | copied;
    let entries = [
        at(3),
        at(4),
        0,
        at(5),
        at(7),
        1,
        at(8) | 1,
        at(9),
        0,
        0,
        at(20),
    ];
    assert_eq!(
        map(&parsed(&header()), &entries).unwrap(),
        [
            plain(0, 2 * CLUSTER, 3 * CLUSTER),
            plain(3 * CLUSTER, CLUSTER, 5 * CLUSTER),
            plain(4 * CLUSTER, CLUSTER, 7 * CLUSTER),
            plain(7 * CLUSTER, CLUSTER, 9 * CLUSTER),
            plain(10 * CLUSTER, 100, 20 * CLUSTER),
        ]
    );
}

#[test]
fn a_packed_cluster_is_known_by_its_sectors() {
    let entry = 1 << 62 | 2 << 54 | (3 * CLUSTER + 700);
    let packed = Extent {
        guest: 0,
        length: CLUSTER,
        host: 3 * CLUSTER + 700,
        packed: Some(3 * 512 - 188),
    };
    assert_eq!(map(&parsed(&header()), &[entry]).unwrap(), [packed]);
}

#[test]
fn entries_that_make_no_sense_are_refused() {
    let cluster = CLUSTER;
    for (number, entry, error) in [
        (
            0,
            cluster * 3 + 512,
            Error::Unaligned(Part::Cluster, cluster * 3 + 512),
        ),
        (0, 512, Error::OverHeader(Part::Cluster, 512)),
        (0, cluster, Error::OverL1(Part::Cluster, cluster)),
        (
            0,
            1 << 62 | 512,
            Error::OverHeader(Part::PackedCluster, 512),
        ),
        (
            0,
            1 << 62 | cluster,
            Error::OverL1(Part::PackedCluster, cluster),
        ),
    ] {
        let mut entries = [0; 3];
        entries[number] = entry;
        assert_eq!(map(&parsed(&header()), &entries), Err(error), "{entry:x}");
    }
    let mut old = header();
    old[7] = 2;
    assert_eq!(
        map(&parsed(&old), &[0, 1]),
        Err(Error::ZeroCluster(cluster))
    );
}

#[test]
fn bits_that_mean_nothing_say_nothing() {
    // All but those that say that a cluster is packed or zero.
    let idle = !(OFFSET | PACKED | ZERO);
    let first = [plain(0, CLUSTER, 3 * CLUSTER)];
    let mut bytes = header();
    assert_eq!(
        map(&parsed(&bytes), &[(3 * CLUSTER) | idle, idle]).unwrap(),
        first
    );
    // Parts of a cluster are told zero elsewhere.
    bytes[79] = 1 << 4;
    let entries = [
        (3 * CLUSTER) | idle | ZERO,
        u64::from(u32::MAX),
        idle | ZERO,
        0,
    ];
    assert_eq!(map(&parsed(&bytes), &entries).unwrap(), first);
}

#[test]
fn what_lies_behind_the_disk_is_not_looked_at() {
    let mut entries = [0; 8192];
    entries[10] = 3 * CLUSTER;
    entries[11..].fill(u64::MAX);
    let last = plain(10 * CLUSTER, 100, 3 * CLUSTER);
    assert_eq!(map(&parsed(&header()), &entries).unwrap(), [last]);
    // Behind the disk is all of this table.
    let table = vec![0xff; 1 << 16];
    assert_eq!(parsed(&header()).extents(1, &table).count(), 0);
}

#[test]
fn parts_of_clusters_are_told_apart() {
    let mut bytes = header();
    bytes[79] = 1 << 4;
    let header = parsed(&bytes);
    let sub = CLUSTER / 32;
    let host = 3 * CLUSTER;
    assert_eq!(
        map(
            &header,
            &[
                host,
                0b1011 | 1 << 34,
                0,
                1 << 35,
                host + CLUSTER,
                u64::from(u32::MAX)
            ]
        )
        .unwrap(),
        [
            plain(0, 2 * sub, host),
            plain(3 * sub, sub, host + 3 * sub),
            plain(2 * CLUSTER, CLUSTER, host + CLUSTER),
        ]
    );
    for entries in [[host, 1 | 1 << 32], [0, 1]] {
        assert_eq!(map(&header, &entries), Err(Error::Subclusters(0)));
    }
    // Of the last cluster the disk has 100 bytes.
    let last: Vec<u64> = [[0; 2]; 10]
        .concat()
        .into_iter()
        .chain([host, u64::from(u32::MAX)])
        .collect();
    assert_eq!(
        map(&header, &last).unwrap(),
        [plain(10 * CLUSTER, 100, host)]
    );
}

#[test]
fn l1_entries_name_tables_that_are_beside_everything_else() {
    let header = parsed(&header());
    assert_eq!(header.l2_table(0), Ok(None));
    assert_eq!(
        header.l2_table((2 * CLUSTER) | (1 << 63)),
        Ok(Some(2 * CLUSTER))
    );
    assert_eq!(
        header.l2_table((2 * CLUSTER) | !OFFSET),
        Ok(Some(2 * CLUSTER))
    );
    for (entry, error) in [
        (512, Error::OverHeader(Part::L2Table, 512)),
        (
            2 * CLUSTER + 512,
            Error::Unaligned(Part::L2Table, 2 * CLUSTER + 512),
        ),
        (CLUSTER, Error::OverL1(Part::L2Table, CLUSTER)),
    ] {
        assert_eq!(header.l2_table(entry), Err(error));
    }
}

#[test]
fn clusters_do_not_lie_over_tables() {
    let header = parsed(&header());
    let mut tables = L2Tables::new(&header);
    tables.push(0, 9 * CLUSTER);
    tables.push(1, 4 * CLUSTER);
    tables.sort();
    assert_eq!(tables.get(0), Some((4 * CLUSTER, 1)));
    for (first, count, over) in [
        (3, 1, false),
        (4, 1, true),
        (5, 4, false),
        (2, 4, true),
        (8, 5, true),
        (10, 9, false),
    ] {
        let extent = plain(0, count * CLUSTER, first * CLUSTER);
        assert_eq!(tables.check(&extent).is_err(), over, "{first} and {count}");
    }
}
