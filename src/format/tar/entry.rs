//! One member of an archive, whatever dialect described it.

/// What an archive says of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// As stored, without a NUL byte and without the slashes that end a directory's; not judged in any other way.
    pub path: Vec<u8>,
    pub kind: Kind,
    /// Permissions with the set-id and sticky bits, 0 to 0o7777.
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub modified: Timestamp,
    /// Extended attributes, in the order of the archive; ACLs are not among them.
    pub xattrs: Vec<Xattr>,
    /// The access ACL as text (`acl_to_text(3)`, `setfacl(1)`), if there is one.
    pub access_acl: Option<Vec<u8>>,
    /// A directory's default ACL as text.
    pub default_acl: Option<Vec<u8>>,
}

/// What kind of file a member is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    File {
        /// With its holes.
        size: u64,
        /// Where the stored data belong, in ascending order and without overlap; everywhere, if none.
        extents: Option<Vec<Extent>>,
    },
    /// Another name of a member that came earlier; its attributes are that one's.
    HardLink {
        target: Vec<u8>,
    },
    Symlink {
        target: Vec<u8>,
    },
    Directory,
    Character(Device),
    Block(Device),
    Fifo,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    pub major: u32,
    pub minor: u32,
}

/// A stretch of a file that is no hole, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    pub offset: u64,
    pub length: u64,
}

/// A time since 1970, before which the seconds are negative and the nanoseconds still count forward.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp {
    pub seconds: i64,
    /// 0 to 999,999,999.
    pub nanoseconds: u32,
}

/// One extended attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Xattr {
    /// With its namespace, without a NUL byte.
    pub name: Vec<u8>,
    pub value: Vec<u8>,
}
