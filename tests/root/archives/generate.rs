//! Archives by chance: few names, so that members meet, and a bit of everything that archives have.

use super::member::{Archive, Dialect, End, Kind, Member, Numbers, Oddity, clean};
use crate::dice::Dice;

/// The archive of that seed.
pub fn archive(seed: u64) -> Archive {
    let mut dice = Dice::new(seed);
    let main = dice.pick(&[
        Dialect::V7,
        Dialect::Ustar,
        Dialect::Ustar,
        Dialect::Gnu,
        Dialect::Gnu,
        Dialect::Pax,
        Dialect::Pax,
        Dialect::Pax,
    ]);
    let mut maker = Maker {
        main,
        mixed: dice.percent(15),
        prefix: dice.pick(&[&b""[..], b"", b"", b"./", b"./", b"/"]),
        numbers: dice.pick(&[
            Numbers::Zeros,
            Numbers::Zeros,
            Numbers::Blanks,
            Numbers::BlankAndNul,
            Numbers::BlankAtEnd,
            Numbers::NoEnd,
            Numbers::Short,
            Numbers::Base256,
        ]),
        members: Vec::new(),
        dice,
    };
    if maker.prefix == b"./" && maker.dice.percent(60) {
        let top = maker.member(b"./".to_vec(), Kind::Directory);
        maker.members.push(top);
    }
    let count = 3 + maker.dice.below(14);
    for _ in 0..count {
        maker.add();
    }
    if maker.dice.percent(30) {
        maker.directories_last();
    }
    let end = match maker.dice.below(200) {
        0 => End::Nothing,
        1 => End::Another,
        2 => End::Dangling,
        3..20 => End::OneBlock,
        20..60 => End::WholeRecord,
        _ => End::TwoBlocks,
    };
    Archive {
        seed,
        members: maker.members,
        packed_by: None,
        end,
    }
}

struct Maker {
    dice: Dice,
    main: Dialect,
    mixed: bool,
    prefix: &'static [u8],
    numbers: Numbers,
    members: Vec<Member>,
}

const NAMES: &[&[u8]] = &[b"a", b"b", b"c", b"d", b"e", b"f", b"g", b"h"];
const ODD_NAMES: &[&[u8]] = &[
    "grün".as_bytes(),
    b"with blank",
    b"-dash",
    b"*?[x]",
    b"back\\slash",
    b"new\nline",
    b".hidden",
    b"...",
    b"a=b%25",
];

/// Of people without a name on any machine: GNU tar writes names without numbers, and looks them up.
const ACCESS: &[&str] = &[
    "user::rw-,user:3001000:r--,group::r--,mask::r--,other::---",
    "user::rwx,group::r-x,group:3000042:rwx,mask::rwx,other::r-x",
    "user::rwx\nuser:3000007:-wx\nuser:3070000:r--\ngroup::---\nmask::rwx\nother::--x\n",
    "user::r--,group::r--,other::r--",
];
const DEFAULT: &[&str] = &[
    "user::rwx,user:3001000:r-x,group::r-x,mask::r-x,other::---",
    "user::rwx,group::r-x,other::---",
];

/// A capability that anyone may carry: version 2, one bit.
const CAPABILITY: &[u8] = b"\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

impl Maker {
    fn add(&mut self) {
        let path = self.path();
        let kind = self.kind(&path);
        let mut member = self.member(path, kind);
        self.make_odd(&mut member);
        self.members.push(member);
    }

    /// Mostly new and beneath a directory that is there; sometimes an earlier one, beneath a link, or through a file.
    fn path(&mut self) -> Vec<u8> {
        for _ in 0..20 {
            let path = self.any_path();
            let cleaned = clean(&path);
            let below = [&cleaned[..], b"/"].concat();
            let (mut meets, mut through, mut full) = (false, false, false);
            for member in &self.members {
                let other = member.clean_path();
                let above = [&other[..], b"/"].concat();
                let leads = match &member.kind {
                    Kind::Directory => true,
                    Kind::Symlink(target) => self.is_directory(target),
                    _ => false,
                };
                meets |= other == cleaned;
                full |= other.starts_with(&below);
                through |= cleaned.starts_with(&above) && !leads;
            }
            let bad = through && self.dice.below(100) > 0
                || full && self.dice.below(100) > 2
                || meets && self.dice.percent(70);
            if !bad {
                return path;
            }
        }
        let number = self.members.len();
        self.prefixed(format!("new-{number}").into_bytes())
    }

    fn is_directory(&self, path: &[u8]) -> bool {
        let mut members = self.members.iter();
        members.any(|member| member.kind == Kind::Directory && member.clean_path() == path)
    }

    fn any_path(&mut self) -> Vec<u8> {
        let mut path = match self.dice.below(100) {
            0..55 => self.earlier(|kind| *kind == Kind::Directory),
            55..64 => self.earlier(|kind| matches!(kind, Kind::Symlink(_))),
            _ => Vec::new(),
        };
        // Parents that nobody names.
        let more = self.dice.pick(&[0, 0, 0, 0, 0, 1, 2]);
        for _ in 0..=more {
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend(self.name());
        }
        self.prefixed(path)
    }

    fn prefixed(&mut self, path: Vec<u8>) -> Vec<u8> {
        let prefix = match self.dice.below(100) {
            0 => &b"/"[..],
            1 => b".//",
            2 => b"./././",
            _ => self.prefix,
        };
        let mut path = [prefix, &path].concat();
        if self.dice.percent(3) {
            path = doubled(&path);
        }
        path
    }

    fn name(&mut self) -> Vec<u8> {
        match self.dice.below(100) {
            0..4 => self.dice.pick(ODD_NAMES).to_vec(),
            4..8 => {
                let length = self.dice.pick(&[90, 99, 100, 101, 130, 155, 200, 254, 255]);
                let letter = self.dice.pick(b"xyz");
                vec![letter; length]
            }
            _ => self.dice.pick(NAMES).to_vec(),
        }
    }

    /// The clean path of an earlier member of that kind, or none.
    fn earlier(&mut self, wanted: fn(&Kind) -> bool) -> Vec<u8> {
        let members = self.members.iter().filter(|member| wanted(&member.kind));
        let paths: Vec<_> = members.map(Member::clean_path).collect();
        match paths.len() {
            0 => Vec::new(),
            count => paths[self.dice.below(count)].clone(),
        }
    }

    fn kind(&mut self, path: &[u8]) -> Kind {
        match self.dice.below(100) {
            0..32 => Kind::File(self.data()),
            32..56 => Kind::Directory,
            56..70 => Kind::Symlink(self.link_target(path)),
            70..82 => match self.earlier(|kind| *kind != Kind::Directory) {
                target if target.is_empty() || target == clean(path) => Kind::File(self.data()),
                target if self.dice.percent(3) => {
                    Kind::HardLink([target, b"-not".to_vec()].concat())
                }
                target => Kind::HardLink(self.prefixed(target)),
            },
            82..90 => self.sparse(),
            90..93 => Kind::Character(self.dice.below(512) as u32, self.dice.below(300) as u32),
            93..95 => Kind::Block(
                self.dice.below(4096) as u32,
                self.dice.below(1 << 20) as u32,
            ),
            _ => Kind::Fifo,
        }
    }

    fn data(&mut self) -> Vec<u8> {
        let length = match self.dice.below(10) {
            0..3 => 0,
            3..7 => self.dice.below(600),
            7 => self.dice.pick(&[511, 512, 513, 4096]),
            _ => self.dice.below(20_000),
        };
        let zeros = self.dice.percent(10);
        let first = self.dice.next();
        let byte = |at: usize| ((first >> (at % 57)) as u8).wrapping_add(at as u8);
        (0..length)
            .map(|at| if zeros { 0 } else { byte(at) })
            .collect()
    }

    fn sparse(&mut self) -> Kind {
        let large = matches!(self.main, Dialect::Gnu | Dialect::Pax) && !self.mixed;
        let (mut at, mut extents) = (0, Vec::new());
        let count = self.dice.pick(&[0, 1, 2, 3, 4, 5, 6, 24, 26, 30, 60]);
        let unit = match large && count < 10 {
            true => self.dice.pick(&[4096, 65536, 1 << 20]),
            false => 4096,
        };
        for number in 0..count {
            at += self.dice.below(3) as u64 * unit;
            let last = number + 1 == count;
            let length = match last && self.dice.percent(50) {
                true => 1 + self.dice.below(1500),
                false => 512 * (1 + self.dice.below(12)),
            };
            extents.push((at, vec![1 + number as u8; length]));
            at = (at + length as u64).next_multiple_of(4096);
        }
        let end = extents
            .last()
            .map_or(0, |(at, data)| at + data.len() as u64);
        let hole = self.dice.pick(&[0, 0, 1, 4096, 100_000]);
        Kind::Sparse(end + hole, extents)
    }

    fn link_target(&mut self, path: &[u8]) -> Vec<u8> {
        let cleaned = clean(path);
        let climbs = cleaned.iter().filter(|byte| **byte == b'/').count();
        match self.dice.below(100) {
            // What is there, from the top or from where the link is.
            0..55 => {
                let target = self.earlier(|kind| *kind == Kind::Directory);
                let up = b"../".repeat(climbs);
                match target.is_empty() {
                    true => self.name(),
                    false => [up, target].concat(),
                }
            }
            55..70 => self.name(),
            70..75 => b".".to_vec(),
            75..80 => b"..".to_vec(),
            80..85 => [&b"../"[..], &self.name()].concat(),
            85..92 => [&b"/nowhere/importd/"[..], &self.name()].concat(),
            92..96 => vec![b'l'; self.dice.pick(&[99, 100, 101, 300])],
            _ => [&self.name()[..], b"/./", &self.name()].concat(),
        }
    }

    fn member(&mut self, path: Vec<u8>, kind: Kind) -> Member {
        let dialect = match self.mixed {
            true => self
                .dice
                .pick(&[Dialect::V7, Dialect::Ustar, Dialect::Gnu, Dialect::Pax]),
            false => self.main,
        };
        let mode = self.dice.pick(&[
            0o644, 0o755, 0o600, 0o444, 0o555, 0o000, 0o777, 0o4755, 0o2755, 0o1777, 0o6711,
            0o7777, 0o170,
        ]);
        let many = matches!(dialect, Dialect::Gnu | Dialect::Pax);
        let id = |dice: &mut Dice| match dice.below(10) {
            0..5 => 0,
            5..8 => dice.below(70_000) as u32,
            8 => 0o7_777_777,
            _ if many => dice.pick(&[0o10_000_000, 3_000_000_000, 4_294_967_294]),
            _ => 65534,
        };
        let owner = (id(&mut self.dice), id(&mut self.dice));
        Member {
            modified: self.time(dialect),
            numbers: if self.dice.percent(90) {
                self.numbers
            } else {
                Numbers::Zeros
            },
            xattrs: Vec::new(),
            access_acl: None,
            default_acl: None,
            oddities: Vec::new(),
            path,
            kind,
            mode,
            owner,
            dialect,
        }
    }

    fn time(&mut self, dialect: Dialect) -> (i64, u32) {
        let seconds = match self.dice.below(20) {
            0 => 0,
            1 if matches!(dialect, Dialect::Gnu | Dialect::Pax) => {
                -(self.dice.below(1 << 30) as i64) - 1
            }
            _ => self.dice.below(1_700_000_000) as i64,
        };
        let nanoseconds = match (dialect, self.dice.below(3)) {
            (Dialect::Pax, 0) => self.dice.below(1_000_000_000),
            (Dialect::Pax, 1) => self.dice.pick(&[1, 500_000_000, 999_999_999]),
            _ => 0,
        };
        (seconds, nanoseconds as u32)
    }

    fn make_odd(&mut self, member: &mut Member) {
        let is_link = matches!(member.kind, Kind::Symlink(_) | Kind::HardLink(_));
        if member.dialect == Dialect::Pax && !is_link && self.dice.percent(30) {
            self.attributes(member);
        }
        let mut chances = vec![
            (Oddity::SignedSum, 2),
            (Oddity::LongSum, 3),
            (Oddity::BlankSum, 3),
            (Oddity::FullMode, 3),
            (Oddity::LongName, 3),
            (Oddity::OwnerNames, 5),
        ];
        if !member.is(Oddity::LibarchiveXattrs) {
            chances.push((Oddity::TwoNames, 2));
        }
        match member.kind {
            Kind::File(_) => chances.extend([(Oddity::Contiguous, 3), (Oddity::OldFile, 5)]),
            Kind::Directory => chances.extend([
                (Oddity::DirectoryByName, 10),
                (Oddity::NoSlash, 15),
                (Oddity::SizeOfNothing, 1),
            ]),
            Kind::Sparse(..) => chances.push((Oddity::OpenEnd, 10)),
            _ => chances.push((Oddity::SizeOfNothing, 1)),
        }
        if member.dialect == Dialect::Pax {
            chances.extend([
                (Oddity::AllRecords, 8),
                (Oddity::RecordTwice, 4),
                (Oddity::UnknownRecords, 6),
                (Oddity::Solaris, 2),
                (Oddity::EmptyRecord, 2),
                (Oddity::GlobalComment, 2),
                (Oddity::GlobalTime, 1),
                (Oddity::GlobalOwner, 1),
            ]);
        }
        if member.dialect == Dialect::Gnu {
            chances.push((Oddity::Label, 1));
            if member.kind == Kind::Directory {
                chances.push((Oddity::Dump, 3));
            }
        }
        for (oddity, chance) in chances {
            if self.dice.percent(chance) {
                member.oddities.push(oddity);
            }
        }
        // Rarer than one in a hundred.
        if self.dice.below(500) == 0 {
            member.oddities.push(match member.kind {
                Kind::File(_) => Oddity::UnknownType,
                _ => Oddity::TwoHeaders,
            });
        }
    }

    fn attributes(&mut self, member: &mut Member) {
        let on_file = matches!(
            member.kind,
            Kind::File(_) | Kind::Sparse(..) | Kind::Directory
        );
        if on_file {
            let value: Vec<u8> = (0..self.dice.below(40)).map(|at| (at * 37) as u8).collect();
            let name = self
                .dice
                .pick(&["user.key", "user.of.us", "user.other", "trusted.key"]);
            member.xattrs.push((name.to_owned(), value));
        }
        if matches!(member.kind, Kind::File(_)) && self.dice.percent(20) {
            let name = "security.capability".to_owned();
            member.xattrs.push((name, CAPABILITY.to_vec()));
        }
        if on_file && self.dice.percent(40) {
            member.access_acl = Some(self.dice.pick(ACCESS));
        }
        if member.kind == Kind::Directory && self.dice.percent(40) {
            member.default_acl = Some(self.dice.pick(DEFAULT));
        }
        match self.dice.below(20) {
            0 => member.oddities = vec![Oddity::LibarchiveXattrs],
            1..3 => member.oddities.push(Oddity::BothXattrs),
            _ => {}
        }
    }

    /// Directories behind what is in them, some of them closed.
    fn directories_last(&mut self) {
        let (mut last, first): (Vec<_>, Vec<_>) = (self.members.drain(..))
            .partition(|member| member.kind == Kind::Directory && member.clean_path() != b"");
        for directory in &mut last {
            if self.dice.percent(40) {
                directory.mode = 0o555;
            }
        }
        self.members = first;
        self.members.extend(last);
    }
}

/// Every slash twice.
fn doubled(path: &[u8]) -> Vec<u8> {
    let parts: Vec<_> = path.split(|byte| *byte == b'/').collect();
    parts.join(&b"//"[..])
}
