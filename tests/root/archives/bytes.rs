//! The bytes of an archive, put together by hand: nothing of the program under test is used.

use super::member::{Archive, Dialect, End, Kind, Member, Numbers, Oddity};

type Block = [u8; 512];

/// The archive as a file.
pub fn of(archive: &Archive) -> Vec<u8> {
    let mut bytes = Vec::new();
    for member in &archive.members {
        add(&mut bytes, member);
    }
    end(&mut bytes, archive.end);
    bytes
}

fn end(bytes: &mut Vec<u8>, end: End) {
    match end {
        End::TwoBlocks => bytes.extend([0; 1024]),
        End::WholeRecord => {
            bytes.extend([0; 1024]);
            bytes.resize(bytes.len().next_multiple_of(10240), 0);
        }
        End::OneBlock => bytes.extend([0; 512]),
        End::Nothing => {}
        End::Another => {
            let whole = bytes.clone();
            bytes.extend([0; 1024]);
            bytes.extend(whole);
            bytes.extend([0; 1024]);
        }
        End::Dangling => {
            let mut records = Vec::new();
            record(&mut records, "mtime", b"1");
            extension(bytes, b'x', &records);
            bytes.extend([0; 1024]);
        }
    }
}

/// A member's own header while it is filled, and what goes before it.
struct Draft<'a> {
    member: &'a Member,
    block: Block,
    records: Vec<u8>,
    /// GNU's long names, before the extended header.
    before: Vec<u8>,
    /// The same, behind it.
    behind: Vec<u8>,
}

fn add(bytes: &mut Vec<u8>, member: &Member) {
    let mut draft = Draft {
        member,
        block: [0; 512],
        records: Vec::new(),
        before: Vec::new(),
        behind: Vec::new(),
    };
    let (flag, data) = draft.contents();
    draft.block[156] = flag;
    draft.magic();
    draft.names();
    draft.numbers(data.len() as u64);
    draft.attributes();
    draft.odd_records();
    global(bytes, member);
    bytes.extend(&draft.before);
    if !draft.records.is_empty() {
        let flag = if member.is(Oddity::Solaris) {
            b'X'
        } else {
            b'x'
        };
        extension(bytes, flag, &draft.records);
        if member.is(Oddity::TwoHeaders) {
            extension(bytes, flag, &draft.records);
        }
    }
    bytes.extend(&draft.behind);
    checksum(&mut draft.block, member);
    bytes.extend(draft.block);
    bytes.extend(data);
    fill(bytes);
}

/// What goes before a member without being about it alone.
fn global(bytes: &mut Vec<u8>, member: &Member) {
    for (oddity, keyword, value) in [
        (Oddity::GlobalComment, "comment", "made by chance"),
        (Oddity::GlobalTime, "mtime", "86400.5"),
        (Oddity::GlobalOwner, "uid", "77"),
    ] {
        if member.is(oddity) {
            let mut records = Vec::new();
            record(&mut records, keyword, value.as_bytes());
            extension(bytes, b'g', &records);
        }
    }
    if member.is(Oddity::Label) {
        bytes.extend(auxiliary(b'V', b"a label", 0));
    }
}

impl Draft<'_> {
    /// The type and what is stored behind the header. Where there are holes, the map is told as well.
    fn contents(&mut self) -> (u8, Vec<u8>) {
        let member = self.member;
        match &member.kind {
            Kind::File(data) => {
                let flag = match () {
                    () if member.is(Oddity::Contiguous) => b'7',
                    () if member.is(Oddity::OldFile) => 0,
                    () if member.is(Oddity::UnknownType) => b'Q',
                    () => b'0',
                };
                (flag, data.clone())
            }
            Kind::Sparse(size, extents) => self.sparse(*size, extents),
            Kind::HardLink(_) => (b'1', Vec::new()),
            Kind::Symlink(_) => (b'2', Vec::new()),
            Kind::Character(..) => (b'3', Vec::new()),
            Kind::Block(..) => (b'4', Vec::new()),
            Kind::Directory if member.is(Oddity::Dump) => (b'D', b"Yone\0Ntwo\0\0".to_vec()),
            Kind::Directory if member.is(Oddity::DirectoryByName) => (b'0', Vec::new()),
            Kind::Directory => (b'5', Vec::new()),
            Kind::Fifo => (b'6', Vec::new()),
        }
    }

    fn sparse(&mut self, size: u64, extents: &[(u64, Vec<u8>)]) -> (u8, Vec<u8>) {
        let mut map: Vec<_> = extents
            .iter()
            .map(|(at, data)| (*at, data.len() as u64))
            .collect();
        if map.last().is_none_or(|(at, length)| at + length < size)
            && !self.member.is(Oddity::OpenEnd)
        {
            map.push((size, 0));
        }
        let data = extents.iter().flat_map(|(_, data)| data).copied().collect();
        match self.member.dialect {
            Dialect::Gnu => (b'S', [self.old_map(size, &map), data].concat()),
            Dialect::Pax => (b'0', [self.pax_map(size, &map), data].concat()),
            Dialect::V7 | Dialect::Ustar => {
                let mut whole = vec![0; size as usize];
                for (at, data) in extents {
                    whole[*at as usize..][..data.len()].copy_from_slice(data);
                }
                (b'0', whole)
            }
        }
    }

    /// GNU's: four extents in the header, the others in blocks behind it.
    fn old_map(&mut self, size: u64, map: &[(u64, u64)]) -> Vec<u8> {
        let put = |block: &mut [u8], at: usize, (offset, length): &(u64, u64)| {
            block[at..at + 12].copy_from_slice(format!("{offset:011o}\0").as_bytes());
            block[at + 12..at + 24].copy_from_slice(format!("{length:011o}\0").as_bytes());
        };
        let (here, there) = map.split_at(map.len().min(4));
        for (index, extent) in here.iter().enumerate() {
            put(&mut self.block, 386 + 24 * index, extent);
        }
        self.block[482] = u8::from(!there.is_empty());
        self.block[483..495].copy_from_slice(format!("{size:011o}\0").as_bytes());
        let mut blocks = Vec::new();
        let chunks = there.chunks(21);
        let count = chunks.len();
        for (number, chunk) in chunks.enumerate() {
            let mut block = [0; 512];
            for (index, extent) in chunk.iter().enumerate() {
                put(&mut block, 24 * index, extent);
            }
            block[504] = u8::from(number + 1 < count);
            blocks.extend(block);
        }
        blocks
    }

    /// The three versions by turns, as the seconds of the member have it.
    fn pax_map(&mut self, size: u64, map: &[(u64, u64)]) -> Vec<u8> {
        let (size, count) = (size.to_string(), map.len().to_string());
        let mut say = |keyword: &str, value: &str| {
            record(
                &mut self.records,
                &format!("GNU.sparse.{keyword}"),
                value.as_bytes(),
            );
        };
        match self.member.modified.0.rem_euclid(3) {
            0 => {
                say("size", &size);
                say("numblocks", &count);
                for (offset, length) in map {
                    say("offset", &offset.to_string());
                    say("numbytes", &length.to_string());
                }
                Vec::new()
            }
            1 => {
                say("size", &size);
                say("numblocks", &count);
                let numbers: Vec<_> = map.iter().map(|(at, of)| format!("{at},{of}")).collect();
                say("map", &numbers.join(","));
                Vec::new()
            }
            _ => {
                say("major", "1");
                say("minor", "0");
                let path = self.member.path.clone();
                record(&mut self.records, "GNU.sparse.name", &path);
                record(&mut self.records, "GNU.sparse.realsize", size.as_bytes());
                let lines: String = map.iter().map(|(at, of)| format!("{at}\n{of}\n")).collect();
                let mut text = format!("{count}\n{lines}").into_bytes();
                fill(&mut text);
                text
            }
        }
    }

    fn magic(&mut self) {
        let magic: &[u8] = match self.member.dialect {
            Dialect::V7 => b"",
            Dialect::Ustar | Dialect::Pax => b"ustar\x0000",
            Dialect::Gnu => b"ustar  \0",
        };
        self.block[257..257 + magic.len()].copy_from_slice(magic);
        if self.member.is(Oddity::OwnerNames) && !magic.is_empty() {
            self.block[265..269].copy_from_slice(b"root");
            self.block[297..301].copy_from_slice(b"root");
        }
    }

    fn names(&mut self) {
        let member = self.member;
        let mut path = member.path.clone();
        if member.kind == Kind::Directory && !member.is(Oddity::NoSlash) && !path.ends_with(b"/") {
            path.push(b'/');
        }
        if member.is(Oddity::TwoNames) {
            self.behind.extend(long(b'L', b"not-this"));
            record(&mut self.records, "path", &path);
        } else if path.len() > 100 || member.is(Oddity::LongName) {
            self.long_path(&path);
        } else if member.is(Oddity::AllRecords) {
            record(&mut self.records, "path", &path);
            path = b"nonsense".to_vec();
        }
        let short = &path[..path.len().min(100)];
        if self.block[..100] == [0; 100] {
            self.block[..short.len()].copy_from_slice(short);
        }
        if let Kind::HardLink(target) | Kind::Symlink(target) = &member.kind {
            let short = &target[..target.len().min(100)];
            self.block[157..157 + short.len()].copy_from_slice(short);
            if target.len() > 100 || member.is(Oddity::LongName) {
                match member.dialect {
                    Dialect::Gnu => self.before.extend(long(b'K', target)),
                    _ => record(&mut self.records, "linkpath", target),
                }
            }
        }
    }

    fn long_path(&mut self, path: &[u8]) {
        let dialect = self.member.dialect;
        match dialect {
            Dialect::Gnu => self.before.extend(long(b'L', path)),
            Dialect::Ustar if !self.member.is(Oddity::LongName) && self.prefix(path) => {}
            _ => record(&mut self.records, "path", path),
        }
    }

    /// Puts a path into both of ustar's fields, if there is a slash in the right place.
    fn prefix(&mut self, path: &[u8]) -> bool {
        let fits = |at: &usize| *at <= 155 && (1..=100).contains(&(path.len() - at - 1));
        let slashes = (1..path.len()).filter(|at| path[*at] == b'/');
        let Some(at) = slashes.filter(fits).max() else {
            return false;
        };
        let rest = &path[at + 1..];
        self.block[345..345 + at].copy_from_slice(&path[..at]);
        self.block[..rest.len()].copy_from_slice(rest);
        true
    }

    fn numbers(&mut self, stored: u64) {
        let member = self.member;
        let data = match member.kind {
            Kind::File(_) | Kind::Sparse(..) => stored,
            Kind::Directory if member.is(Oddity::Dump) => stored,
            _ if member.is(Oddity::SizeOfNothing) => 1234,
            _ => 0,
        };
        // The blocks of an old map are not counted.
        let data = match (&member.kind, member.dialect) {
            (Kind::Sparse(_, extents), Dialect::Gnu) => {
                extents.iter().map(|(_, data)| data.len() as u64).sum()
            }
            _ => data,
        };
        let (seconds, nanoseconds) = member.modified;
        let mode = match member.is(Oddity::FullMode) {
            true => member.mode | 0o100_000,
            false => member.mode,
        };
        let all = member.is(Oddity::AllRecords);
        self.number((100, 8), "mode", mode.into(), false);
        self.number((108, 8), "uid", member.owner.0.into(), all);
        self.number((116, 8), "gid", member.owner.1.into(), all);
        self.number((124, 12), "size", data as i64, all);
        if member.dialect == Dialect::Pax && nanoseconds > 0 {
            record(
                &mut self.records,
                "mtime",
                time(seconds, nanoseconds).as_bytes(),
            );
            self.number((136, 12), "", seconds.max(0), false);
        } else {
            self.number((136, 12), "mtime", seconds, all);
        }
        if let Kind::Character(major, minor) | Kind::Block(major, minor) = member.kind {
            self.number((329, 8), "SCHILY.devmajor", major.into(), false);
            self.number((337, 8), "SCHILY.devminor", minor.into(), false);
        }
    }

    /// Puts a number into a field of so many bytes; into a record as well if it does not fit, or alone there.
    fn number(&mut self, (at, width): (usize, usize), keyword: &str, value: i64, in_record: bool) {
        let octal = octal(value, width, self.member.numbers);
        let base_256 = self.member.dialect == Dialect::Gnu;
        if in_record || octal.is_none() && !base_256 {
            if !keyword.is_empty() {
                record(&mut self.records, keyword, value.to_string().as_bytes());
            }
            let zeros = format!("{:0width$o}\0", 0, width = width - 1);
            self.block[at..at + width].copy_from_slice(zeros.as_bytes());
            return;
        }
        let wanted = base_256 && self.member.numbers == Numbers::Base256;
        match octal.filter(|_| !wanted) {
            Some(digits) => self.block[at..at + width].copy_from_slice(&digits),
            None => {
                let bytes = i128::from(value).to_be_bytes();
                self.block[at..at + width].copy_from_slice(&bytes[16 - width..]);
                self.block[at] = if value < 0 { 0xff } else { 0x80 };
            }
        }
    }

    fn attributes(&mut self) {
        let member = self.member;
        for (name, value) in &member.xattrs {
            if !member.is(Oddity::LibarchiveXattrs) {
                record(&mut self.records, &format!("SCHILY.xattr.{name}"), value);
            }
            if member.is(Oddity::LibarchiveXattrs) || member.is(Oddity::BothXattrs) {
                let keyword = format!("LIBARCHIVE.xattr.{name}");
                record(&mut self.records, &keyword, base64(value).as_bytes());
            }
        }
        let acls = [
            ("access", member.access_acl),
            ("default", member.default_acl),
        ];
        for (name, acl) in acls {
            if let Some(acl) = acl {
                let keyword = format!("SCHILY.acl.{name}");
                record(&mut self.records, &keyword, acl.as_bytes());
            }
        }
    }

    fn odd_records(&mut self) {
        if self.member.is(Oddity::RecordTwice) {
            let mut first = Vec::new();
            record(&mut first, "mtime", b"12345");
            record(&mut first, "gid", b"54321");
            record(&mut self.records, "mtime", b"23456.25");
            record(&mut self.records, "gid", b"1");
            self.records.splice(..0, first);
        }
        if self.member.is(Oddity::UnknownRecords) {
            record(&mut self.records, "IMPORTD.unknown", b"a=b\nc\0d");
            record(&mut self.records, "atime", b"1.5");
            record(&mut self.records, "comment", b"");
        }
        if self.member.is(Oddity::EmptyRecord) {
            record(&mut self.records, "uname", b"");
        }
    }
}

/// Octal digits as wanted, or as can be; none if the field has no room for them.
fn octal(value: i64, width: usize, numbers: Numbers) -> Option<Vec<u8>> {
    let value = u64::try_from(value).ok()?;
    let text = match numbers {
        Numbers::Zeros | Numbers::Base256 => format!("{value:0width$o}\0", width = width - 1),
        Numbers::Blanks => format!("{value:width$o}\0", width = width - 1),
        Numbers::BlankAndNul => format!("{value:0width$o} \0", width = width - 2),
        Numbers::BlankAtEnd => format!("{value:0width$o} ", width = width - 1),
        Numbers::NoEnd => format!("{value:0width$o}"),
        Numbers::Short => format!("{value:o}\0"),
    };
    let mut bytes = text.into_bytes();
    if bytes.len() > width {
        bytes = format!("{value:0width$o}", width = width - 1).into_bytes();
    }
    (bytes.len() <= width).then(|| {
        bytes.resize(width, 0);
        bytes
    })
}

fn time(seconds: i64, nanoseconds: u32) -> String {
    let total = i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds);
    let sign = if total < 0 { "-" } else { "" };
    let total = total.unsigned_abs();
    format!(
        "{sign}{}.{:09}",
        total / 1_000_000_000,
        total % 1_000_000_000
    )
}

fn record(records: &mut Vec<u8>, keyword: &str, value: &[u8]) {
    let body = keyword.len() + value.len() + 3;
    let mut length = body;
    while length != body + length.to_string().len() {
        length = body + length.to_string().len();
    }
    records.extend(format!("{length} {keyword}=").as_bytes());
    records.extend(value);
    records.push(b'\n');
}

/// An extended header of this type.
fn extension(bytes: &mut Vec<u8>, flag: u8, records: &[u8]) {
    bytes.extend(auxiliary(flag, b"PaxHeaders/extended", records.len()));
    bytes.extend(records);
    fill(bytes);
}

/// GNU's long name or target.
fn long(flag: u8, name: &[u8]) -> Vec<u8> {
    let mut bytes = auxiliary(flag, b"././@LongLink", name.len() + 1).to_vec();
    bytes.extend(name);
    bytes.push(0);
    fill(&mut bytes);
    bytes
}

/// A header about others.
fn auxiliary(flag: u8, name: &[u8], size: usize) -> Block {
    let mut block = [0; 512];
    block[..name.len()].copy_from_slice(name);
    for at in [100, 108, 116] {
        block[at..at + 8].copy_from_slice(b"0000000\0");
    }
    block[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    block[136..148].copy_from_slice(b"00000000000\0");
    block[156] = flag;
    let magic = if b"LKV".contains(&flag) {
        b"ustar  \0"
    } else {
        b"ustar\x0000"
    };
    block[257..265].copy_from_slice(magic);
    let sum = sum(&block, false);
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

fn checksum(block: &mut Block, member: &Member) {
    let sum = sum(block, member.is(Oddity::SignedSum));
    let text = match () {
        () if member.is(Oddity::LongSum) => format!("{sum:07o}\0"),
        () if member.is(Oddity::BlankSum) => format!("{sum:6o}\0 "),
        () => format!("{sum:06o}\0 "),
    };
    block[148..156].copy_from_slice(text.as_bytes());
}

fn sum(block: &Block, signed: bool) -> i64 {
    let value = |byte: u8| match signed {
        true => i64::from(byte.cast_signed()),
        false => i64::from(byte),
    };
    let sum: i64 = block.iter().map(|byte| value(*byte)).sum();
    let own: i64 = block[148..156].iter().map(|byte| value(*byte)).sum();
    sum - own + 8 * i64::from(b' ')
}

/// To the end of the block.
fn fill(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(512), 0);
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut bits = [0; 4];
        bits[1..=chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes(bits);
        for digit in 0..=chunk.len() {
            text.push(DIGITS[(bits >> (18 - 6 * digit)) as usize & 63].into());
        }
    }
    text
}
