//! Archives by hand: headers field by field, right or wrong, and harmless members in a few letters.

/// What marks a header of POSIX, and one of GNU tar.
const USTAR: &[u8] = b"ustar\x0000";
const GNU: &[u8] = b"ustar  \0";

/// Where the fields of a header begin.
const MODE: usize = 100;
const SIZE: usize = 124;
const CHECKSUM: usize = 148;
const LINK: usize = 157;
const MAGIC: usize = 257;
const DEVICE: usize = 329;
const PREFIX: usize = 345;

/// A header under way. Its time is one that nothing else has.
#[derive(Clone)]
pub struct Header([u8; 512]);

impl Header {
    pub fn new(name: impl AsRef<[u8]>, kind: u8) -> Self {
        let mode: &[u8] = if kind == b'5' { b"0000755" } else { b"0000644" };
        Self([0; 512])
            .with(0, name.as_ref())
            .with(MODE, mode)
            .with(108, b"0000000\x000000000\x0000000000000\x0007346545000\x00")
            .with(156, &[kind])
            .with(MAGIC, USTAR)
    }

    /// Puts bytes anywhere.
    pub fn with(mut self, start: usize, bytes: &[u8]) -> Self {
        self.0[start..start + bytes.len()].copy_from_slice(bytes);
        self
    }

    pub fn gnu(self) -> Self {
        self.with(MAGIC, GNU)
    }

    pub fn mode(self, mode: u32) -> Self {
        self.with(MODE, format!("{mode:07o}").as_bytes())
    }

    pub fn link(self, target: &str) -> Self {
        self.with(LINK, target.as_bytes())
    }

    pub fn prefix(self, prefix: &str) -> Self {
        self.with(PREFIX, prefix.as_bytes())
    }

    pub fn device(self, major: u32, minor: u32) -> Self {
        let numbers = format!("{major:07o}\0{minor:07o}");
        self.with(DEVICE, numbers.as_bytes())
    }

    /// The field of the size as it stands, all twelve bytes.
    pub fn size_field(self, bytes: &[u8; 12]) -> Self {
        self.with(SIZE, bytes)
    }

    pub fn size(self, size: u64) -> Self {
        let mut field = [0x80; 12];
        field[1..4].fill(0);
        field[4..].copy_from_slice(&size.to_be_bytes());
        self.size_field(&field)
    }

    /// The block, with the checksum that it has.
    pub fn block(self) -> Vec<u8> {
        let blank = self.with(CHECKSUM, b"        ");
        let sum: u32 = blank.0.iter().map(|byte| u32::from(*byte)).sum();
        let sum = format!("{sum:06o}\0 ");
        blank.with(CHECKSUM, sum.as_bytes()).0.to_vec()
    }

    /// The block, the size and the data.
    pub fn data(self, data: &[u8]) -> Vec<u8> {
        [self.size(data.len() as u64).block(), padded(data)].concat()
    }
}

pub fn padded(data: &[u8]) -> Vec<u8> {
    let mut padded = data.to_vec();
    padded.resize(data.len().next_multiple_of(512), 0);
    padded
}

/// These blocks and the end of an archive.
pub fn whole(parts: &[Vec<u8>]) -> Vec<u8> {
    [parts.concat(), vec![0; 1024]].concat()
}

/// Members apart by `; `, each a letter as `find -type` (and `h` for a hard link) with octal permissions or none, the
/// name, and what a link points to. A file holds its own name.
pub fn members(text: &str) -> Vec<u8> {
    let members = text.split("; ").filter(|member| !member.is_empty());
    members.flat_map(member).collect()
}

fn member(text: &str) -> Vec<u8> {
    let words: Vec<_> = text.splitn(3, ' ').collect();
    let (letter, mode) = words[0].split_at(1);
    let name = words[1];
    let kind = match letter {
        "f" => b'0',
        "h" => b'1',
        "l" => b'2',
        "c" => b'3',
        "b" => b'4',
        "d" => b'5',
        "p" => b'6',
        _ => panic!("`{text}` is no member"),
    };
    let mut header = Header::new(name, kind).device(1, 3);
    if !mode.is_empty() {
        header = header.mode(u32::from_str_radix(mode, 8).unwrap());
    }
    match letter {
        "f" => header.data(name.as_bytes()),
        "h" | "l" => header.link(words[2]).block(),
        _ => header.block(),
    }
}

/// An extended header for the next member.
pub fn pax<V: AsRef<[u8]>>(records: &[(&str, V)]) -> Vec<u8> {
    Header::new("PaxHeaders/x", b'x').data(&self::records(records))
}

/// An extended header for all that follow.
pub fn global<V: AsRef<[u8]>>(records: &[(&str, V)]) -> Vec<u8> {
    Header::new("GlobalHead", b'g').data(&self::records(records))
}

fn records<V: AsRef<[u8]>>(records: &[(&str, V)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (keyword, value) in records {
        record(&mut bytes, keyword, value.as_ref());
    }
    bytes
}

/// Adds a record, whose length counts its own digits.
pub fn record(bytes: &mut Vec<u8>, keyword: &str, value: &[u8]) {
    let body = keyword.len() + value.len() + 3;
    let length = (1..9).map(|digits| body + digits);
    let length = length
        .zip(1..)
        .find(|(length, digits)| length.to_string().len() == *digits);
    bytes.extend(format!("{} {keyword}=", length.unwrap().0).as_bytes());
    bytes.extend(value);
    bytes.push(b'\n');
}

/// GNU tar's long name (`L`) or target (`K`) for the next member.
pub fn long(kind: u8, name: &str) -> Vec<u8> {
    let header = Header::new("././@LongLink", kind).gnu();
    header.data(format!("{name}\0").as_bytes())
}
