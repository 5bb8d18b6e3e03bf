//! The tables of verbs and options of all four programs, which have most options in common.

use crate::usage::{Completes, OptionSpec, Usage, VerbSpec};

/// An option's identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OptionId {
    Force,
    ImageRoot,
    Verify,
    Settings,
    RootHash,
    RootHashSignature,
    Verity,
    ReadOnly,
    Direct,
    BtrfsSubvolume,
    BtrfsQuota,
    ConvertQcow2,
    Sync,
    ZeroFill,
    Offset,
    SizeMax,
    Class,
    KeepDownload,
    Daemon,
    Wait,
    Format,
    System,
    User,
    Help,
    Version,
}

/// A verb's identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VerbId {
    PullTar,
    PullRaw,
    PullOci,
    ImportTar,
    ImportRaw,
    ImportFs,
    ExportTar,
    ExportRaw,
}

type Spec = OptionSpec<OptionId>;

pub(super) const PULL: Usage<VerbId, OptionId> = Usage {
    program: "systemd-pull",
    about: "Download an image, verify it and put it in place.",
    page: "systemd-pull(8)",
    verbs: &[
        verb(
            VerbId::PullTar,
            "tar",
            &["URL", "[NAME]"],
            "Download an archive of a directory tree",
        ),
        verb(
            VerbId::PullRaw,
            "raw",
            &["URL", "[NAME]"],
            "Download a disk image",
        ),
        verb(
            VerbId::PullOci,
            "oci",
            &["REF", "[NAME]"],
            "Refused: images of registries cannot be downloaded yet",
        ),
    ],
    options: &[
        FORCE,
        IMAGE_ROOT,
        VERIFY,
        SETTINGS,
        ROOT_HASH,
        ROOT_HASH_SIGNATURE,
        VERITY,
        READ_ONLY,
        DIRECT,
        BTRFS_SUBVOLUME,
        BTRFS_QUOTA,
        CONVERT_QCOW2,
        SYNC,
        ZERO_FILL,
        OFFSET,
        SIZE_MAX,
        CLASS,
        KEEP_DOWNLOAD,
        DAEMON,
        WAIT,
        SYSTEM,
        USER,
        HELP,
        VERSION,
    ],
};

pub(super) const IMPORT: Usage<VerbId, OptionId> = Usage {
    program: "systemd-import",
    about: "Import an image from a file or a pipe.",
    page: "systemd-pull(8)",
    verbs: &[
        verb(
            VerbId::ImportTar,
            "tar",
            &["FILE", "[NAME]"],
            "Import an archive of a directory tree",
        ),
        verb(
            VerbId::ImportRaw,
            "raw",
            &["FILE", "[NAME]"],
            "Import a disk image",
        ),
    ],
    options: &[
        FORCE,
        IMAGE_ROOT,
        READ_ONLY,
        DIRECT,
        BTRFS_SUBVOLUME,
        BTRFS_QUOTA,
        CONVERT_QCOW2,
        SYNC,
        ZERO_FILL,
        OFFSET,
        SIZE_MAX,
        CLASS,
        SYSTEM,
        USER,
        HELP,
        VERSION,
    ],
};

pub(super) const IMPORT_FS: Usage<VerbId, OptionId> = Usage {
    program: "systemd-import-fs",
    about: "Import an image from a directory.",
    page: "systemd-pull(8)",
    verbs: &[verb(
        VerbId::ImportFs,
        "run",
        &["DIRECTORY", "[NAME]"],
        "Import a directory tree",
    )],
    options: &[
        FORCE,
        IMAGE_ROOT,
        READ_ONLY,
        DIRECT,
        BTRFS_SUBVOLUME,
        BTRFS_QUOTA,
        SYNC,
        CLASS,
        SYSTEM,
        USER,
        HELP,
        VERSION,
    ],
};

pub(super) const EXPORT: Usage<VerbId, OptionId> = Usage {
    program: "systemd-export",
    about: "Export an image to a file or a pipe.",
    page: "systemd-pull(8)",
    verbs: &[
        verb(
            VerbId::ExportTar,
            "tar",
            &["NAME", "[FILE]"],
            "Export a directory tree as an archive",
        ),
        verb(
            VerbId::ExportRaw,
            "raw",
            &["NAME", "[FILE]"],
            "Export a disk image",
        ),
    ],
    options: &[FORMAT, CLASS, SYSTEM, USER, HELP, VERSION],
};

const fn verb(
    id: VerbId,
    name: &'static str,
    arguments: &'static [&'static str],
    help: &'static str,
) -> VerbSpec<VerbId> {
    VerbSpec {
        id,
        name,
        arguments,
        completes: Completes::Nothing,
        help,
        manual: &[],
    }
}

const fn switch(id: OptionId, long: &'static str, help: &'static str) -> Spec {
    OptionSpec {
        id,
        short: None,
        long: Some(long),
        value: None,
        completes: Completes::Nothing,
        help,
        manual: &[],
    }
}

const fn valued(
    id: OptionId,
    (long, value): (&'static str, &'static str),
    help: &'static str,
    manual: &'static [&'static str],
) -> Spec {
    OptionSpec {
        value: Some(value),
        manual,
        ..switch(id, long, help)
    }
}

const fn boolean(
    id: OptionId,
    long: &'static str,
    help: &'static str,
    manual: &'static [&'static str],
) -> Spec {
    valued(id, (long, "BOOL"), help, manual)
}

const fn one_of(completes: Completes, spec: Spec) -> Spec {
    OptionSpec { completes, ..spec }
}

const FORCE: Spec = switch(
    OptionId::Force,
    "force",
    "Replace an image that has the name",
);
const IMAGE_ROOT: Spec = valued(
    OptionId::ImageRoot,
    ("image-root", "PATH"),
    "Put images into this directory",
    &[
        "Puts images into this directory instead of that of the class. Then only what is in it takes a name.",
    ],
);
const VERIFY: Spec = one_of(
    Completes::VERIFY_MODES,
    valued(
        OptionId::Verify,
        ("verify", "MODE"),
        "How to verify: signature, checksum, no, or a SHA-256 digest",
        &[
            "Verifies the download as importctl does. A manifest itself (SHA256SUMS or a file that ends in .sha256) may be downloaded with \
             signature, which then is that of the manifest.",
        ],
    ),
);
const SETTINGS: Spec = boolean(
    OptionId::Settings,
    "settings",
    "Whether to download settings with the image",
    &[
        "Whether to download the settings of the image, too. This and the following three are about the files beside \
         it: its name with .nspawn, .roothash, .roothash.p7s or .verity. On by default for disk images, settings for trees as well but for machines alone; \
         then a file is taken only if a signed manifest lists it. With yes it is also taken if nobody vouches for it, \
         and a warning says so; a manifest that is there must list it all the same. Not with --direct or a digest.",
    ],
);
const ROOT_HASH: Spec = boolean(
    OptionId::RootHash,
    "roothash",
    "Whether to download a root hash with the image",
    &[
        "Whether to download the root hash of its verity data, too. With no, there is no signature of that either.",
    ],
);
const ROOT_HASH_SIGNATURE: Spec = boolean(
    OptionId::RootHashSignature,
    "roothash-signature",
    "Whether to download the root hash's signature",
    &[],
);
const VERITY: Spec = boolean(
    OptionId::Verity,
    "verity",
    "Whether to download verity data with the image",
    &[],
);
const READ_ONLY: Spec = switch(OptionId::ReadOnly, "read-only", "Make the image read-only");
const DIRECT: Spec = switch(
    OptionId::Direct,
    "direct",
    "NAME is a path to write to, and no image's name",
);
const BTRFS_SUBVOLUME: Spec = boolean(
    OptionId::BtrfsSubvolume,
    "btrfs-subvol",
    "Whether a tree becomes a subvolume where it can",
    &[
        "Whether a tree becomes a subvolume where the file system has such. On by default, or as \
         $SYSTEMD_IMPORT_BTRFS_SUBVOL says.",
    ],
);
const BTRFS_QUOTA: Spec = boolean(
    OptionId::BtrfsQuota,
    "btrfs-quota",
    "Whether a subvolume is counted in a quota group",
    &[
        "Whether a new subvolume is counted in a quota group. Off by default, or as $SYSTEMD_IMPORT_BTRFS_QUOTA says.",
    ],
);
const CONVERT_QCOW2: Spec = boolean(
    OptionId::ConvertQcow2,
    "convert-qcow2",
    "Whether qcow2 images become raw ones",
    &[
        "Whether an image in qcow2 becomes a raw one. On by default, but never done with --direct. With no, it is \
         kept as it is, byte for byte.",
    ],
);
const SYNC: Spec = boolean(
    OptionId::Sync,
    "sync",
    "Whether to wait until all is on disk",
    &[
        "Whether to wait until all is on disk before the image appears. On by default, or as $SYSTEMD_IMPORT_SYNC says.",
    ],
);
const ZERO_FILL: Spec = boolean(
    OptionId::ZeroFill,
    "zero-fill",
    "Whether to fill the rest of the part with zeros",
    &[
        "Whether what the image leaves of the part becomes zeros. The part is what --offset= and --size-max= say, so \
         both are needed.",
    ],
);
const OFFSET: Spec = valued(
    OptionId::Offset,
    ("offset", "BYTES"),
    "Where in the file or device to begin",
    &[
        "Where in the file or device to begin. With --direct, for disk images. What lies around the part that is \
         written stays as it is.",
    ],
);
const SIZE_MAX: Spec = valued(
    OptionId::SizeMax,
    ("size-max", "BYTES"),
    "Refuse an image that is larger, unpacked",
    &[
        "Refuses an image that is larger, unpacked. A number of bytes, or one with a suffix K, M, G, T, P or E, base 1024.",
    ],
);
const CLASS: Spec = one_of(
    Completes::CLASSES,
    valued(
        OptionId::Class,
        ("class", "CLASS"),
        "What the image is: machine, portable, sysext or confext",
        &["What the image is: machine, portable, sysext or confext. A machine by default."],
    ),
);
const KEEP_DOWNLOAD: Spec = boolean(
    OptionId::KeepDownload,
    "keep-download",
    "Whether to keep a pristine copy of the download",
    &[
        "Whether to keep a pristine copy of the download. On by default for machines, off for others.",
    ],
);
const DAEMON: Spec = valued(
    OptionId::Daemon,
    ("daemon", "SOCKET"),
    "Leave it to the daemon, if one listens there",
    &[
        "Leaves the download to the daemon that listens at this socket, /run/systemd/io.systemd.Import, and shows what that tells. Where nobody \
         listens it is done here. Only what the daemon can be told goes with it: no --direct, nothing about files beside the image or about file systems.",
    ],
);
const WAIT: Spec = OptionSpec {
    manual: &[
        "Tries again until the server answers, however long that takes, and tells of each try. What the server says is final. Downloads at boot \
         are made so.",
    ],
    ..switch(OptionId::Wait, "wait", "Try again until the server answers")
};
const FORMAT: Spec = one_of(
    Completes::FORMATS,
    valued(
        OptionId::Format,
        ("format", "FORMAT"),
        "How the export is packed",
        &[
            "How the export is packed: uncompressed, gzip, xz, zstd, bzip2 or lz4. By default as the suffix of FILE says.",
        ],
    ),
);
const SYSTEM: Spec = switch(
    OptionId::System,
    "system",
    "Work on the system's images, as is the default",
);
const USER: Spec = switch(
    OptionId::User,
    "user",
    "Refused: a user's own images are not managed yet",
);
const HELP: Spec = OptionSpec {
    short: Some('h'),
    ..switch(OptionId::Help, "help", "Show this help")
};
const VERSION: Spec = switch(OptionId::Version, "version", "Show the version");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usage::tests::{assert_names, assert_page};

    #[test]
    fn the_page_says_what_the_tables_say_and_nothing_has_two_meanings() {
        for usage in [&PULL, &IMPORT, &IMPORT_FS, &EXPORT] {
            assert_names(usage);
            assert_page(usage, "systemd-pull.8");
        }
    }
}
