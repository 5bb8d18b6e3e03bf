//! What a command line may hold, as data: verbs and options with all that is to be said of them.
//!
//! It names nothing of the crate, since the build script reads it too.

/// What an argument may be completed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completes {
    Nothing,
    File,
    Directory,
    /// One of these, which `help` lists instead.
    Words(&'static [&'static str]),
}

/// The words that options of several programs take.
impl Completes {
    pub const CLASSES: Self = Self::Words(&["machine", "portable", "sysext", "confext"]);
    pub const FORMATS: Self = Self::Words(&["uncompressed", "gzip", "xz", "zstd", "bzip2", "lz4"]);
    /// Beside a digest.
    pub const VERIFY_MODES: Self = Self::Words(&["no", "checksum", "signature"]);
}

/// One option.
#[derive(Debug)]
pub struct OptionSpec<O> {
    pub id: O,
    pub short: Option<char>,
    pub long: Option<&'static str>,
    /// What the option's value is called, if it takes one.
    pub value: Option<&'static str>,
    pub completes: Completes,
    /// One line for `--help`, without a full stop.
    pub help: &'static str,
    /// Paragraphs for the manual page; empty where the help says it all.
    pub manual: &'static [&'static str],
}

/// One verb.
#[derive(Debug)]
pub struct VerbSpec<V> {
    pub id: V,
    pub name: &'static str,
    /// The arguments as they are shown; those in brackets may be left out.
    pub arguments: &'static [&'static str],
    pub completes: Completes,
    pub help: &'static str,
    pub manual: &'static [&'static str],
}

impl<V> VerbSpec<V> {
    /// How many arguments there must be at least.
    pub fn required(&self) -> usize {
        self.arguments
            .iter()
            .filter(|argument| !argument.starts_with('['))
            .count()
    }
}

/// Everything that may be said to a program.
#[derive(Debug)]
pub struct Usage<V: 'static, O: 'static> {
    /// What it is called.
    pub program: &'static str,
    /// What it does, in one sentence.
    pub about: &'static str,
    /// The manual page and its section, such as `importctl(1)`.
    pub page: &'static str,
    pub verbs: &'static [VerbSpec<V>],
    pub options: &'static [OptionSpec<O>],
}
