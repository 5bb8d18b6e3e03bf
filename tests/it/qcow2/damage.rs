//! Small images with random damage: whatever it is, there is an error, or a disk of the size that the header says, and the
//! same one whichever way the image came.

use super::images::{Edited, Workshop, by_file, by_stream};

const ROUNDS: usize = 1500;
const LIMIT: u64 = 4 << 20;

/// Xorshift; the state is never zero.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }
}

/// Changes a few bytes, most of them where they matter.
fn damage(image: &mut Edited, dice: &mut Dice, entries: &[usize]) {
    for _ in 0..=dice.roll(3) {
        let length = image.0.len();
        match dice.roll(6) {
            0 => {
                let at = 4 + dice.roll(108);
                image.0[at] ^= 1 << dice.roll(8);
            }
            1 | 2 => {
                let at = entries[dice.roll(entries.len())];
                image.put64(at, image.be64(at) ^ 1 << dice.roll(64));
            }
            3 => {
                let at = entries[dice.roll(entries.len())];
                let other = entries[dice.roll(entries.len())];
                image.put64(at, image.be64(other));
            }
            4 => {
                let at = dice.roll(length);
                image.0[at] = dice.roll(256) as u8;
            }
            _ if dice.roll(4) == 0 => {
                image.0.truncate(dice.roll(length).max(512));
                return;
            }
            _ => {}
        }
    }
}

#[test]
fn damage_of_any_kind_is_an_error_or_a_whole_disk() {
    let Some(workshop) = Workshop::open() else {
        return;
    };
    std::fs::write(workshop.path("content"), &super::content()[..90_000]).unwrap();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let (mut refused, mut converted) = (0, 0);
    for options in [
        "-o cluster_size=512,compat=0.10",
        "-c -o cluster_size=1k",
        "-c -o cluster_size=4k,compression_type=zstd",
        "-o cluster_size=16k,extended_l2=on",
    ] {
        let whole = Edited(workshop.convert(options));
        let mut entries = [whole.l1_entries(), whole.l2_entries()].concat();
        entries.retain(|at| whole.be64(*at) != 0);
        for round in 0..ROUNDS {
            let mut image = whole.clone();
            damage(&mut image, &mut dice, &entries);
            let size = image.be64(24);
            let file = by_file(&image.0, LIMIT);
            let stream = by_stream(
                &image.0,
                LIMIT,
                &[1 + dice.roll(5000), 1 + dice.roll(100_000)],
            );
            for (figures, _) in [&file, &stream].into_iter().flatten() {
                assert_eq!(figures.size_bytes, size, "{options}, round {round}");
            }
            match (file, stream) {
                (Ok((_, one)), Ok((_, other))) => {
                    assert!(one == other, "{options}, round {round}");
                    converted += 1;
                }
                // Only then it is known what was there.
                (Ok(_), Err(error)) => {
                    let message = error.to_string();
                    assert!(
                        message.contains("another cluster of another kind"),
                        "{options}, round {round}: {message}"
                    );
                }
                (Err(error), Ok(_)) => panic!("{options}, round {round}: {error}"),
                (Err(_), Err(_)) => refused += 1,
            }
        }
    }
    assert!(
        refused > ROUNDS && converted > ROUNDS / 2,
        "{refused} and {converted}"
    );
}
