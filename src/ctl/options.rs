//! The one table of verbs and options. Parsing, `--help`, the completions and the manual page are all made from it.
//!
//! It names nothing of the crate but the form of tables, since the build script reads it too.

use crate::usage::{Completes, OptionSpec, Usage, VerbSpec};

/// What may be said to importctl.
pub(super) const USAGE: Usage<VerbId, OptionId> = Usage {
    program: "importctl",
    about: "Download, import, export and list disk images.",
    page: "importctl(1)",
    verbs: &VERBS,
    options: &OPTIONS,
};

/// An option's identity, for whoever acts on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OptionId {
    Class,
    ClassMachine,
    ClassPortable,
    ClassSysext,
    ClassConfext,
    Verify,
    Format,
    Force,
    ReadOnly,
    KeepDownload,
    NoKeepDownload,
    RetryTimeout,
    ImageRoot,
    Root,
    NoDaemon,
    Host,
    Machine,
    System,
    User,
    Quiet,
    Json,
    JsonByTerminal,
    NoLegend,
    NoPager,
    NoAskPassword,
    Completion,
    Help,
    Version,
}

/// A verb's identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VerbId {
    PullTar,
    PullRaw,
    ImportTar,
    ImportRaw,
    ImportFs,
    ExportTar,
    ExportRaw,
    ListTransfers,
    CancelTransfer,
    ListImages,
    Help,
}

const BOOLEANS: Completes = Completes::Words(&["yes", "no"]);

/// Every verb, in the order in which they are shown.
pub(super) const VERBS: [VerbSpec<VerbId>; 12] = [
    VerbSpec {
        id: VerbId::PullTar,
        name: "pull-tar",
        arguments: &["URL", "[NAME]"],
        completes: Completes::Nothing,
        help: "Download an archive of a directory tree",
        manual: &[
            "Downloads a tar archive from an http, https or file URL, verifies it, and makes its tree available as the \
             directory NAME in the image directory of the class. The archive may be packed with gzip, xz, zstd, bzip2 or \
             lz4, which its first bytes tell. On btrfs the directory is a subvolume.",
            "Without NAME, the last component of the URL without its suffix (.tar, .tgz, .tar.xz, .tar.gz, .tar.bz2, \
             .tar.zst, .tar.lz4) is the name. With - or an empty NAME only the pristine copy is kept.",
            "Nobody but root gets at the tree before it is verified and whole. No member of an archive is ever written \
             outside of it. If the archive holds a single directory that is an operating system's tree, that one becomes \
             the image.",
        ],
    },
    VerbSpec {
        id: VerbId::PullRaw,
        name: "pull-raw",
        arguments: &["URL", "[NAME]"],
        completes: Completes::Nothing,
        help: "Download a raw disk image",
        manual: &[
            "Downloads a raw disk image from an http, https or file URL, verifies it, and makes it available under NAME in the \
             image directory of the class. The image may be packed with gzip, xz, zstd, bzip2 or lz4, which its first bytes \
             tell; zeros in it become holes. An image in qcow2 becomes a raw one, if it needs no other file and no key.",
            "Without NAME, the last component of the URL without its suffixes (.raw, .img, .bin, .qcow2, .xz, .gz, .zst, \
             .bz2) is the name. With - or an empty NAME only the pristine copy is kept.",
            "A name that is taken is refused before anything is downloaded, unless --force is given. An interrupted \
             download leaves nothing behind.",
        ],
    },
    VerbSpec {
        id: VerbId::ImportTar,
        name: "import-tar",
        arguments: &["FILE", "[NAME]"],
        completes: Completes::File,
        help: "Import an archive of a directory tree",
        manual: &[
            "Imports a tar archive, which may be packed like a downloaded one, from FILE, or from standard input if that is -. \
             Without NAME the file's name without its suffix is taken; standard input has none, so there NAME is needed. \
             Nothing is verified.",
        ],
    },
    VerbSpec {
        id: VerbId::ImportRaw,
        name: "import-raw",
        arguments: &["FILE", "[NAME]"],
        completes: Completes::File,
        help: "Import a raw disk image from a file",
        manual: &[
            "Imports a raw disk image, which may be packed like a downloaded one, from FILE, or from standard input if that is \
             -. Without NAME the file's name without its suffixes is taken; standard input has none, so there NAME is needed.",
            "An image in qcow2 becomes a raw one, which shares its data with FILE where the file system can.",
            "Nothing is verified. Times and extended attributes of the file are kept, except those that record where a \
             download came from and how far it was verified.",
        ],
    },
    VerbSpec {
        id: VerbId::ImportFs,
        name: "import-fs",
        arguments: &["DIRECTORY", "[NAME]"],
        completes: Completes::Directory,
        help: "Import a directory tree",
        manual: &[
            "Copies the tree in DIRECTORY, or in the directory that is standard input if that is -, with owners, modes, times, \
             hard links, holes, ACLs and extended attributes. What is mounted in it is left out. On btrfs a subvolume is \
             shared, not copied.",
        ],
    },
    VerbSpec {
        id: VerbId::ExportTar,
        name: "export-tar",
        arguments: &["NAME", "[FILE]"],
        completes: Completes::File,
        help: "Export a directory tree as an archive",
        manual: &[
            "Writes the tree of image NAME as a tar archive to FILE, or to standard output without one or if that is -. It is \
             packed as --format= says, else as the suffix of FILE. Two exports of a tree that has not changed are the same \
             to the byte.",
            "FILE stays as it is until the export is whole. Nothing is written to a terminal.",
        ],
    },
    VerbSpec {
        id: VerbId::ExportRaw,
        name: "export-raw",
        arguments: &["NAME", "[FILE]"],
        completes: Completes::File,
        help: "Export a raw disk image to a file",
        manual: &[
            "Writes the disk image NAME to FILE, or to standard output, as export-tar does with a tree. Not packed, and in a \
             file, it keeps its holes, and shares its storage with the image where the file system can.",
        ],
    },
    VerbSpec {
        id: VerbId::ListTransfers,
        name: "list-transfers",
        arguments: &[],
        completes: Completes::Nothing,
        help: "List the transfers that the daemon has under way",
        manual: &[
            "Lists downloads, imports and exports that are under way, whoever has started them: number, progress, type, class, \
             local name, and what is read or written. This is also what happens where no command is given.",
        ],
    },
    VerbSpec {
        id: VerbId::ListTransfers,
        name: "list-transfer",
        arguments: &[],
        completes: Completes::Nothing,
        help: "The same",
        manual: &[],
    },
    VerbSpec {
        id: VerbId::CancelTransfer,
        name: "cancel-transfer",
        arguments: &["ID…"],
        completes: Completes::Nothing,
        help: "Stop transfers",
        manual: &[
            "Stops the transfers of these numbers, one after the other. What they have written so far vanishes.",
        ],
    },
    VerbSpec {
        id: VerbId::ListImages,
        name: "list-images",
        arguments: &[],
        completes: Completes::Nothing,
        help: "List the images there are",
        manual: &[
            "Lists the images of all classes, or of the one that --class= names: those in the image directory and \
             everywhere else where an image would be found. These are files NAME.raw, directories, subvolumes, block devices, \
             mount stacks NAME.mstack/ (see systemd.mstack(7)), links to any of these, and directories of versions NAME.v/, \
             NAME.raw.v/ and NAME.mstack.v/, of which the newest is the image (see systemd.v(7)).",
            "Sizes that no other image shares are shown in JSON only. Of trees they are known where btrfs counts them.",
        ],
    },
    VerbSpec {
        id: VerbId::Help,
        name: "help",
        arguments: &[],
        completes: Completes::Nothing,
        help: "Show this help",
        manual: &[],
    },
];

/// Every option, in the order in which they are shown.
pub(super) const OPTIONS: [OptionSpec<OptionId>; 28] = [
    OptionSpec {
        id: OptionId::Class,
        short: None,
        long: Some("class"),
        value: Some("CLASS"),
        completes: Completes::CLASSES,
        help: "What the image is: machine, portable, sysext or confext",
        manual: &[
            "Selects the class of the image and with it the directory: /var/lib/machines/ for machine, \
             /var/lib/portables/ for portable, /var/lib/extensions/ for sysext and /var/lib/confexts/ for confext. \
             Needed by every verb but list-images.",
        ],
    },
    OptionSpec {
        id: OptionId::ClassMachine,
        short: Some('m'),
        long: None,
        value: None,
        completes: Completes::Nothing,
        help: "The same as --class=machine",
        manual: &[],
    },
    OptionSpec {
        id: OptionId::ClassPortable,
        short: Some('P'),
        long: None,
        value: None,
        completes: Completes::Nothing,
        help: "The same as --class=portable",
        manual: &[],
    },
    OptionSpec {
        id: OptionId::ClassSysext,
        short: Some('S'),
        long: None,
        value: None,
        completes: Completes::Nothing,
        help: "The same as --class=sysext",
        manual: &[],
    },
    OptionSpec {
        id: OptionId::ClassConfext,
        short: Some('C'),
        long: None,
        value: None,
        completes: Completes::Nothing,
        help: "The same as --class=confext",
        manual: &[],
    },
    OptionSpec {
        id: OptionId::Verify,
        short: None,
        long: Some("verify"),
        value: Some("MODE"),
        completes: Completes::VERIFY_MODES,
        help: "How to verify a download: signature, checksum, no, or its SHA-256 digest",
        manual: &[
            "With signature, the default, the image's checksum must stand in a manifest that is signed by a key of \
             the keyrings. With checksum the manifest need not be signed. With no, nothing is checked. With 64 \
             hexadecimal digits the download must have that SHA-256 digest, and no manifest is asked for. See \
             VERIFICATION.",
        ],
    },
    OptionSpec {
        id: OptionId::Format,
        short: None,
        long: Some("format"),
        value: Some("FORMAT"),
        completes: Completes::FORMATS,
        help: "How an export is packed: uncompressed, gzip, xz, zstd, bzip2 or lz4",
        manual: &[
            "Packs an export. Defaults to what the suffix of its file says: .gz, .xz, .zst, .bz2 or .lz4; anything else \
             and standard output are not packed.",
        ],
    },
    OptionSpec {
        id: OptionId::Force,
        short: None,
        long: Some("force"),
        value: None,
        completes: Completes::Nothing,
        help: "Replace an image that has the name",
        manual: &[
            "Replaces an existing image of the same name. The old image stays until the new one is whole, and is then \
             replaced in one step. One that a container or a virtual machine runs from is refused.",
        ],
    },
    OptionSpec {
        id: OptionId::ReadOnly,
        short: None,
        long: Some("read-only"),
        value: None,
        completes: Completes::Nothing,
        help: "Make the image read-only",
        manual: &[
            "Takes every write permission from a new disk image; makes a new tree a read-only subvolume, or immutable.",
        ],
    },
    OptionSpec {
        id: OptionId::KeepDownload,
        short: None,
        long: Some("keep-download"),
        value: Some("BOOL"),
        completes: BOOLEANS,
        help: "Whether to keep a pristine copy of the download",
        manual: &[
            "Keeps the download as it came under a hidden name made of its URL and entity tag, and makes the local image \
             a copy of it, which shares its storage where the file system can. A later pull of the same URL uses it \
             again while the server says that the image has not changed. On by default for machine, off for other classes.",
        ],
    },
    OptionSpec {
        id: OptionId::NoKeepDownload,
        short: Some('N'),
        long: None,
        value: None,
        completes: Completes::Nothing,
        help: "The same as --keep-download=no",
        manual: &[],
    },
    OptionSpec {
        id: OptionId::RetryTimeout,
        short: None,
        long: Some("retry-timeout"),
        value: Some("TIME"),
        completes: Completes::Nothing,
        help: "How long to go on trying while the network fails",
        manual: &[
            "For how long failures that may pass are tried again, counted from the moment one is noticed, and begun anew \
             whenever the download gets further. Takes seconds, or a value such as 2min. 0 never tries again. Defaults to \
             one minute.",
        ],
    },
    OptionSpec {
        id: OptionId::ImageRoot,
        short: None,
        long: Some("image-root"),
        value: Some("DIR"),
        completes: Completes::Directory,
        help: "Put images into this directory",
        manual: &[
            "Puts images into this directory instead of the class's own. Implies --no-daemon; raw images then need no \
             privileges but that of writing there.",
        ],
    },
    OptionSpec {
        id: OptionId::Root,
        short: None,
        long: Some("root"),
        value: Some("DIR"),
        completes: Completes::Directory,
        help: "Work on the system below this directory",
        manual: &[
            "Image directories, search paths and keyrings all lie below this directory, as if it were the root of the \
             file system. Name look-up and TLS roots stay the running system's. Implies --no-daemon.",
        ],
    },
    OptionSpec {
        id: OptionId::NoDaemon,
        short: None,
        long: Some("no-daemon"),
        value: None,
        completes: Completes::Nothing,
        help: "Run the transfer in this process",
        manual: &[
            "Runs the transfer in this very process, where Control-C aborts it. So it is too where there is no daemon to talk \
             to, and with --root=, --image-root= and --retry-timeout=.",
        ],
    },
    OptionSpec {
        id: OptionId::Host,
        short: Some('H'),
        long: Some("host"),
        value: Some("HOST"),
        completes: Completes::Nothing,
        help: "Have the daemon of another machine do it",
        manual: &[
            "Talks by ssh to the daemon of another machine, USER@HOST:PORT/CONTAINER, of which only HOST is needed; a \
             CONTAINER is one of that machine. An IPv6 address stands in brackets if a port follows. That machine needs \
             systemd-stdio-bridge(1). Files are those of this machine all the same.",
        ],
    },
    OptionSpec {
        id: OptionId::Machine,
        short: Some('M'),
        long: Some("machine"),
        value: Some("CONTAINER"),
        completes: Completes::Nothing,
        help: "Have the daemon of a local container do it",
        manual: &["Talks to the daemon of a container that runs here."],
    },
    OptionSpec {
        id: OptionId::System,
        short: None,
        long: Some("system"),
        value: None,
        completes: Completes::Nothing,
        help: "Talk to the system's daemon, which is the default",
        manual: &[],
    },
    OptionSpec {
        id: OptionId::User,
        short: None,
        long: Some("user"),
        value: None,
        completes: Completes::Nothing,
        help: "Talk to the user's own daemon: not possible yet",
        manual: &[],
    },
    OptionSpec {
        id: OptionId::Quiet,
        short: Some('q'),
        long: Some("quiet"),
        value: None,
        completes: Completes::Nothing,
        help: "Say only what is wrong",
        manual: &["Leaves out progress and every message that is neither a warning nor an error."],
    },
    OptionSpec {
        id: OptionId::Json,
        short: None,
        long: Some("json"),
        value: Some("MODE"),
        completes: Completes::Words(&["short", "pretty", "off"]),
        help: "Show lists as JSON: short, pretty or off",
        manual: &[
            "Shows lists as JSON, on one line with short and indented with pretty. Implies --no-legend.",
        ],
    },
    OptionSpec {
        id: OptionId::JsonByTerminal,
        short: Some('j'),
        long: None,
        value: None,
        completes: Completes::Nothing,
        help: "The same as --json=pretty on a terminal, --json=short elsewhere",
        manual: &[],
    },
    OptionSpec {
        id: OptionId::NoLegend,
        short: None,
        long: Some("no-legend"),
        value: None,
        completes: Completes::Nothing,
        help: "Show lists without header and footer",
        manual: &[],
    },
    OptionSpec {
        id: OptionId::NoPager,
        short: None,
        long: Some("no-pager"),
        value: None,
        completes: Completes::Nothing,
        help: "Do not show output in a pager",
        manual: &[
            "Lists and help go straight to the terminal. See ENVIRONMENT for what pager is used otherwise.",
        ],
    },
    OptionSpec {
        id: OptionId::NoAskPassword,
        short: None,
        long: Some("no-ask-password"),
        value: None,
        completes: Completes::Nothing,
        help: "Do not ask for a password",
        manual: &[
            "Accepted for the sake of scripts: without a daemon there is nothing to authenticate to.",
        ],
    },
    OptionSpec {
        id: OptionId::Completion,
        short: None,
        long: Some("completion"),
        value: Some("SHELL"),
        completes: Completes::Words(&["bash", "zsh", "fish"]),
        help: "Print the completion script for bash, zsh or fish",
        manual: &[],
    },
    OptionSpec {
        id: OptionId::Help,
        short: Some('h'),
        long: Some("help"),
        value: None,
        completes: Completes::Nothing,
        help: "Show this help",
        manual: &[],
    },
    OptionSpec {
        id: OptionId::Version,
        short: None,
        long: Some("version"),
        value: None,
        completes: Completes::Nothing,
        help: "Show the version",
        manual: &[],
    },
];

#[cfg(test)]
mod tests {
    #[test]
    fn the_page_says_what_the_table_says() {
        crate::usage::tests::assert_page(&super::USAGE, "importctl.1");
    }

    #[test]
    fn the_table_names_nothing_twice() {
        crate::usage::tests::assert_names(&super::USAGE);
    }
}
