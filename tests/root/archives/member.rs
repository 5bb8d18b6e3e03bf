//! What a generated archive is made of, and how it is told when a test fails.

use std::fmt;

/// Members in order, and how they end.
#[derive(Clone)]
pub struct Archive {
    pub seed: u64,
    pub members: Vec<Member>,
    pub end: End,
    /// The command that packed it again, from the tree that GNU tar had made of it.
    pub packed_by: Option<String>,
}

/// What stands behind the last member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    TwoBlocks,
    /// Twenty blocks at a time, as GNU tar writes by itself.
    WholeRecord,
    OneBlock,
    Nothing,
    /// An archive behind the end mark.
    Another,
    /// An extended header for nobody before the mark.
    Dangling,
}

#[derive(Clone)]
pub struct Member {
    pub path: Vec<u8>,
    pub kind: Kind,
    pub mode: u32,
    pub owner: (u32, u32),
    /// Seconds and nanoseconds.
    pub modified: (i64, u32),
    pub xattrs: Vec<(String, Vec<u8>)>,
    pub access_acl: Option<&'static str>,
    pub default_acl: Option<&'static str>,
    pub dialect: Dialect,
    pub numbers: Numbers,
    pub oddities: Vec<Oddity>,
}

#[derive(Clone, PartialEq, Eq)]
pub enum Kind {
    File(Vec<u8>),
    /// Its size, and what is stored where.
    Sparse(u64, Vec<(u64, Vec<u8>)>),
    HardLink(Vec<u8>),
    Symlink(Vec<u8>),
    Directory,
    Character(u32, u32),
    Block(u32, u32),
    Fifo,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    V7,
    Ustar,
    Gnu,
    Pax,
}

/// How numbers fill their fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    Zeros,
    Blanks,
    BlankAndNul,
    BlankAtEnd,
    NoEnd,
    Short,
    Base256,
}

/// What an ordinary program would not write, or seldom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oddity {
    /// Type `7`.
    Contiguous,
    /// Type NUL.
    OldFile,
    /// Type `0` and a slash at the end.
    DirectoryByName,
    /// Type `5` without a slash at the end.
    NoSlash,
    /// Type `D`, with a listing as data.
    Dump,
    /// A type that nobody knows.
    UnknownType,
    /// The checksum's bytes have signs.
    SignedSum,
    /// Seven digits.
    LongSum,
    /// Leading blanks.
    BlankSum,
    /// Permissions with the bits of the file's type.
    FullMode,
    /// A size where there are no data.
    SizeOfNothing,
    /// GNU's long name, however short it is.
    LongName,
    /// GNU's long name and an extended record that says something else.
    TwoNames,
    /// Everything stands in extended records, and nonsense in the header.
    AllRecords,
    /// The first of two records is nonsense.
    RecordTwice,
    /// Keywords of nobody.
    UnknownRecords,
    /// libarchive's attributes beside star's.
    BothXattrs,
    /// libarchive's attributes alone.
    LibarchiveXattrs,
    /// Extended headers as Solaris types them.
    Solaris,
    /// A second extended header.
    TwoHeaders,
    /// A global header before it, with a comment.
    GlobalComment,
    /// A global header before it, with a time.
    GlobalTime,
    /// A global header before it, with an owner.
    GlobalOwner,
    /// A volume's label before it.
    Label,
    /// Names of users and groups that this machine has under other numbers.
    OwnerNames,
    /// The map of holes ends before the last hole.
    OpenEnd,
    /// An empty record, which takes back what was said before.
    EmptyRecord,
}

impl Member {
    pub fn is(&self, oddity: Oddity) -> bool {
        self.oddities.contains(&oddity)
    }

    /// The path as one that can be compared with that of a file.
    pub fn clean_path(&self) -> Vec<u8> {
        clean(&self.path)
    }
}

/// Without slashes and dots that say nothing; empty for the top.
pub fn clean(path: &[u8]) -> Vec<u8> {
    let parts = path.split(|byte| *byte == b'/');
    let parts: Vec<_> = parts
        .filter(|part| !part.is_empty() && *part != b".")
        .collect();
    parts.join(&b'/')
}

impl fmt::Display for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}, ends with {:?}", self.seed, self.end)?;
        if let Some(command) = &self.packed_by {
            writeln!(f, "  packed again by {command}, of")?;
        }
        self.members
            .iter()
            .try_for_each(|member| writeln!(f, "  {member}"))
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |path: &[u8]| match path.len() {
            0..60 => path.escape_ascii().to_string(),
            length => format!("{}…({length} bytes)", path[..40].escape_ascii()),
        };
        write!(f, "{:?} {} ", self.dialect, shown(&self.path))?;
        match &self.kind {
            Kind::File(data) => write!(f, "file of {}", data.len())?,
            Kind::Sparse(size, extents) => {
                write!(f, "sparse of {size} with {} extents", extents.len())?;
                for (at, data) in extents.iter().take(5) {
                    write!(f, " {at}+{}", data.len())?;
                }
            }
            Kind::HardLink(target) => write!(f, "hard link to {}", shown(target))?,
            Kind::Symlink(target) => write!(f, "-> {}", shown(target))?,
            Kind::Directory => f.write_str("directory")?,
            Kind::Character(major, minor) => write!(f, "character device {major}:{minor}")?,
            Kind::Block(major, minor) => write!(f, "block device {major}:{minor}")?,
            Kind::Fifo => f.write_str("fifo")?,
        }
        let (seconds, nanoseconds) = self.modified;
        write!(f, " {:04o} {:?} ", self.mode, self.owner)?;
        write!(f, "{seconds}+{nanoseconds} {:?}", self.numbers)?;
        for (name, value) in &self.xattrs {
            write!(f, " {name}={}", value.escape_ascii())?;
        }
        let acls = [("access", self.access_acl), ("default", self.default_acl)];
        for (name, acl) in acls {
            acl.map_or(Ok(()), |acl| write!(f, " {name} {acl}"))?;
        }
        match self.oddities[..] {
            [] => Ok(()),
            ref oddities => write!(f, " {oddities:?}"),
        }
    }
}
