//! XXH32 with seed 0 (xxHash specification 0.1.1), the checksum of lz4. Ours: it is too little to depend on somebody for.

const PRIMES: [u32; 5] = [
    0x9e37_79b1,
    0x85eb_ca77,
    0xc2b2_ae3d,
    0x27d4_eb2f,
    0x1656_67b1,
];

/// A hash that is being computed.
pub(super) struct Xxh32 {
    lanes: [u32; 4],
    length: u64,
    /// Fewer than sixteen bytes that are not in the lanes yet.
    rest: Vec<u8>,
}

impl Default for Xxh32 {
    fn default() -> Self {
        Self {
            lanes: [
                PRIMES[0].wrapping_add(PRIMES[1]),
                PRIMES[1],
                0,
                PRIMES[0].wrapping_neg(),
            ],
            length: 0,
            rest: Vec::new(),
        }
    }
}

impl Xxh32 {
    /// The hash of these bytes.
    pub(super) fn of(bytes: &[u8]) -> u32 {
        let mut hash = Self::default();
        hash.update(bytes);
        hash.finish()
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        let missing = (16 - self.rest.len()) % 16;
        let (head, bytes) = bytes.split_at(missing.min(bytes.len()));
        self.rest.extend_from_slice(head);
        if let ([stripe], _) = self.rest.as_chunks() {
            mix(&mut self.lanes, stripe);
            self.rest.clear();
        }
        let (stripes, rest) = bytes.as_chunks();
        for stripe in stripes {
            mix(&mut self.lanes, stripe);
        }
        self.rest.extend_from_slice(rest);
    }

    pub(super) fn finish(&self) -> u32 {
        let [_, prime2, prime3, prime4, prime5] = PRIMES;
        let mut hash = match self.length {
            0..16 => prime5,
            _ => (self.lanes.iter().zip([1, 7, 12, 18])).fold(0u32, |sum, (lane, bits)| {
                sum.wrapping_add(lane.rotate_left(bits))
            }),
        };
        // The specification takes the length modulo 2^32.
        hash = hash.wrapping_add(self.length as u32);
        let (words, bytes) = self.rest.as_chunks();
        for word in words {
            let word = u32::from_le_bytes(*word).wrapping_mul(prime3);
            hash = hash.wrapping_add(word).rotate_left(17).wrapping_mul(prime4);
        }
        for byte in bytes {
            let byte = u32::from(*byte).wrapping_mul(prime5);
            hash = (hash.wrapping_add(byte).rotate_left(11)).wrapping_mul(PRIMES[0]);
        }
        hash = (hash ^ (hash >> 15)).wrapping_mul(prime2);
        hash = (hash ^ (hash >> 13)).wrapping_mul(prime3);
        hash ^ (hash >> 16)
    }
}

/// Takes sixteen bytes into the lanes.
fn mix(lanes: &mut [u32; 4], stripe: &[u8; 16]) {
    let (words, _) = stripe.as_chunks();
    for (lane, word) in lanes.iter_mut().zip(words) {
        let word = u32::from_le_bytes(*word).wrapping_mul(PRIMES[1]);
        *lane = (lane.wrapping_add(word).rotate_left(13)).wrapping_mul(PRIMES[0]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_one_the_specification_means_however_the_bytes_arrive() {
        assert_eq!(Xxh32::of(b""), 0x02cc_5d05);
        assert_eq!(Xxh32::of(b"a"), 0x550d_7456);
        assert_eq!(Xxh32::of(b"abc"), 0x32d1_53ff);
        let sentence = b"Nobody inspects the spammish repetition";
        assert_eq!(Xxh32::of(sentence), 0xe229_3b2f);
        for step in 1..=sentence.len() {
            let mut hash = Xxh32::default();
            sentence.chunks(step).for_each(|chunk| hash.update(chunk));
            assert_eq!(hash.finish(), 0xe229_3b2f, "in steps of {step}");
        }
    }
}
