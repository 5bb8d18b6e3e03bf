//! Images that are right and that no qemu-img writes so: what is needed first comes last, and is needed twice.

use super::images::{Edited, OFFSET, PACKED, Workshop, both_become, content};

/// The same image with its L2 tables and then its L1 table behind everything else.
fn with_tables_last(image: &[u8]) -> Vec<u8> {
    let mut image = Edited(image.to_vec());
    let cluster = image.cluster();
    let pad = |image: &mut Edited| {
        let length = image.0.len().next_multiple_of(cluster);
        image.0.resize(length, 0);
    };
    pad(&mut image);
    let mut old_tables = Vec::new();
    for entry in image.l1_entries() {
        let (old, new) = (image.l2(entry), image.0.len());
        image.0.extend_from_within(old..old + cluster);
        image.put64(entry, new as u64 | 1 << 63);
        old_tables.push(old);
    }
    for old in old_tables {
        image.0[old..old + cluster].fill(0xee);
    }
    let (old, new) = (image.l1(), image.0.len());
    let length = 8 * image.be32(36) as usize;
    image.0.extend_from_within(old..old + length);
    image.0[old..old + length].fill(0xee);
    image.put64(40, new as u64);
    pad(&mut image);
    image.0
}

/// The same image with its clusters in the order that `reorder` gives their numbers, the header's aside.
fn reordered(image: &[u8], reorder: impl FnOnce(&mut [usize])) -> Vec<u8> {
    let mut image = Edited(image.to_vec());
    let cluster = image.cluster();
    let count = image.0.len().div_ceil(cluster);
    image.0.resize(count * cluster, 0);
    let mut order: Vec<_> = (0..count).collect();
    reorder(&mut order[1..]);
    let moved = |offset: u64| {
        let number = (offset & OFFSET) as usize / cluster;
        let place = order.iter().position(|old| *old == number).unwrap();
        offset & !OFFSET | (place * cluster) as u64
    };
    let l1_entries = image.l1_entries();
    let references = image.be64(48) as usize;
    let places = [l1_entries, image.l2_entries(), vec![40, 48, references]].concat();
    for at in places {
        let old = image.be64(at);
        assert_eq!(old & PACKED, 0);
        image.put64(at, moved(old));
    }
    let cluster_of = |number: &usize| &image.0[number * cluster..(number + 1) * cluster];
    order.iter().flat_map(cluster_of).copied().collect()
}

fn shuffle(order: &mut [usize], seed: u64) {
    let mut dice = super::damage::Dice(seed << 32 | 0x9e37);
    for last in (1..order.len()).rev() {
        order.swap(last, dice.roll(last + 1));
    }
}

#[test]
fn tables_behind_the_data_have_all_data_set_aside() {
    let Some(workshop) = Workshop::open() else {
        return;
    };
    for options in [
        "",
        "-c",
        "-o cluster_size=512",
        "-c -o cluster_size=4k",
        "-c -o cluster_size=32k,compression_type=zstd",
        "-o extended_l2=on",
    ] {
        let image = workshop.convert(options);
        let late = with_tables_last(&image);
        assert!(workshop.expected(&late) == content());
        let early = both_become(&image, &content(), options);
        let aside = both_become(&late, &content(), options);
        // The content has some 400 KiB, of which noise alone has 60.
        assert!(
            aside > early + (64 << 10),
            "{options}: {aside} where it was {early}"
        );
    }
}

#[test]
fn clusters_in_any_order_are_converted() {
    let Some(workshop) = Workshop::open() else {
        return;
    };
    for options in [
        "",
        "-o compat=0.10,cluster_size=4k",
        "-o extended_l2=on",
        "-o cluster_size=2M",
    ] {
        let image = workshop.convert(options);
        let opposite = reordered(&image, <[usize]>::reverse);
        assert!(workshop.expected(&opposite) == content());
        let most = both_become(&opposite, &content(), options);
        assert!(most > 150 << 10, "{options}: {most}");
        for seed in 1..20 {
            let mixed = reordered(&image, |order| shuffle(order, seed));
            let aside = both_become(&mixed, &content(), options);
            assert!(
                aside <= most + (64 << 10),
                "{options}, seed {seed}: {aside}"
            );
        }
    }
}

#[test]
fn clusters_and_tables_that_are_named_twice_are_there_twice() {
    let Some(workshop) = Workshop::open() else {
        return;
    };
    for options in [
        "-o cluster_size=512",
        "-c -o cluster_size=512",
        "-c -o cluster_size=1k,compression_type=zstd",
    ] {
        let mut image = Edited(workshop.convert(options));
        let data = image.l2_entries();
        let data: Vec<_> = data.into_iter().filter(|at| image.be64(*at) > 1).collect();
        // The same again at once, in a table that passes by later, and one of those in an earlier table.
        let (first, last) = (data[0], data[data.len() - 1]);
        let middle = data[data.len() / 2];
        image.put64(data[1], image.be64(first) & !(1 << 63));
        image.put64(last, image.be64(data[2]) & !(1 << 63));
        image.put64(data[3], image.be64(middle) & !(1 << 63));
        // A whole table.
        let tables = image.l1_entries();
        image.put64(tables[1], image.be64(tables[0]) & !(1 << 63));
        let raw = workshop.expected(&image.0);
        assert!(raw != content());
        both_become(&image.0, &raw, options);
        both_become(&with_tables_last(&image.0), &raw, options);
    }
}

#[test]
fn what_lies_behind_the_end_of_the_disk_for_a_saved_machine_is_left_out() {
    let Some(workshop) = Workshop::open() else {
        return;
    };
    let mut image = Edited(workshop.convert("-o cluster_size=4k"));
    // One more L1 entry, and what it names is no table.
    let (entries, end) = (image.be32(36), image.l1() + 8 * image.be32(36) as usize);
    image.put32(36, entries + 1);
    image.put64(end, 1 << 40);
    both_become(&image.0, &content(), "a longer L1 table");
}
