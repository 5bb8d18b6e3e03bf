//! Kept copies: pristine downloads under hidden names made of their URL and ETag, and which of them may be used again.

use std::fmt::Write as _;
use std::fs::{File, Metadata};
use std::hash::Hasher as _;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

use rustix::fs::{Dir, OFlags};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::attributes::read_trust;
use super::{Error, ImageRoot, Source};
use crate::sys::btrfs;
use crate::terms::{AuxiliaryKind, Etag, ImageForm, Trust, Url};

/// A path of this many bytes or more names its URL by a hash.
const PATH_LIMIT: usize = 240;
/// The longest file name.
const NAME_LIMIT: usize = 255;

/// A kept copy of one URL.
pub struct Kept {
    pub name: KeptName,
    pub file: File,
    pub etag: Option<Etag>,
    /// How far it was verified when it came.
    pub trust: Trust,
}

impl Kept {
    /// Where it came from, for the record of a copy.
    pub fn source(&self, url: &Url) -> Source {
        Source {
            etag: self.etag.clone(),
            ..Source::recorded(&self.file, url.clone())
        }
    }
}

/// What the kept copy of a URL is called, and what lies beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptName {
    stem: String,
    form: ImageForm,
}

impl KeptName {
    /// An ETag that makes the name longer than a file system takes is left out: the copy is kept, but not asked for again.
    pub fn new(root: &ImageRoot, form: ImageForm, url: &Url, etag: Option<&Etag>) -> Self {
        let tag = etag.map(|etag| format!(".{}", escape(etag.as_str())));
        let stem = stem(root, form, url, &tag.unwrap_or_default());
        if stem.len() + AuxiliaryKind::LONGEST_SUFFIX > NAME_LIMIT {
            return Self::new(root, form, url, None);
        }
        Self { stem, form }
    }

    /// Of what was found, it must be the name of a copy of this form.
    fn of(file_name: &str, form: ImageForm) -> Self {
        let stem = file_name.strip_suffix(form.suffix()).unwrap_or(file_name);
        Self {
            stem: stem.to_owned(),
            form,
        }
    }

    /// The image's.
    pub fn image(&self) -> String {
        format!("{}{}", self.stem, self.form.suffix())
    }

    /// That of a file beside it.
    pub fn beside(&self, kind: AuxiliaryKind) -> String {
        format!("{}{}", self.stem, kind.suffix())
    }
}

/// The name up to the suffix, with the URL escaped, or hashed where the path would be too long.
fn stem(root: &ImageRoot, form: ImageForm, url: &Url, tag: &str) -> String {
    let escaped = format!(".{}-{}{tag}", form.word(), escape(&url.to_string()));
    let path_len = root.path().as_os_str().len() + 1 + escaped.len() + form.suffix().len();
    if path_len < PATH_LIMIT {
        escaped
    } else {
        format!(".{}-{:x}{tag}", form.word(), hash(url))
    }
}

/// SipHash-2-4 of the URL, under the key that every implementation of these names uses.
fn hash(url: &Url) -> u64 {
    // The standard library calls its only SipHash-2-4 deprecated, in favour of one that may change; this one may not.
    #[expect(deprecated)]
    let mut hasher =
        std::hash::SipHasher::new_with_keys(0x3042_cc01_8716_89df, 0x4f63_a5a6_194a_ab98);
    hasher.write(url.to_string().as_bytes());
    hasher.finish()
}

/// Escapes what a file name may not hold, or what separates its parts, as `\xHH`.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 32);
    for byte in text.bytes() {
        match byte {
            b'/' | b'.' | b'#' | b'"' | b'\'' | b'\\' | ..0x20 | 0x7f.. => {
                // Writing to a String cannot fail.
                let _ = write!(escaped, "\\x{byte:02x}");
            }
            _ => escaped.push(char::from(byte)),
        }
    }
    escaped
}

/// The text that [`escape`] was given, if it can have been given any.
fn unescape(escaped: &str) -> Option<String> {
    let mut text = String::with_capacity(escaped.len());
    let mut parts = escaped.split("\\x");
    text.push_str(parts.next()?);
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        text.push(char::from(u8::from_str_radix(digits, 16).ok()?));
        text.push_str(rest);
    }
    Some(text)
}

impl ImageRoot {
    /// The kept copies of this URL, under escaped and hashed names alike.
    pub fn kept(&self, form: ImageForm, url: &Url) -> Result<Vec<Kept>, Error> {
        let failed = |cause: Errno| Error::List {
            path: self.path().to_owned(),
            cause: cause.into(),
        };
        let stems = [
            format!(".{}-{}", form.word(), escape(&url.to_string())),
            format!(".{}-{:x}", form.word(), hash(url)),
        ];
        let mut found = Vec::new();
        for entry in Dir::read_from(self).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let Ok(name) = entry.file_name().to_str() else {
                continue;
            };
            let Some(etag) = stems.iter().find_map(|stem| etag_in(name, stem, form)) else {
                continue;
            };
            let Ok(file) = self.open_entry(name, OFlags::RDONLY | OFlags::NONBLOCK) else {
                continue;
            };
            let ours = file.metadata().is_ok_and(|it| is_ours(&it, form));
            let closed = form == ImageForm::Raw || is_read_only(&file) || self.is_private();
            if ours && closed && Source::matches(&file, url, etag.as_ref()) {
                found.push(Kept {
                    name: KeptName::of(name, form),
                    trust: read_trust(&file).unwrap_or(Trust::NONE),
                    file,
                    etag,
                });
            }
        }
        Ok(found)
    }
}

impl ImageRoot {
    /// The file of that kind beside a kept copy, if there is one that nobody else can have written, and what is known of
    /// it.
    pub fn kept_beside(&self, name: &KeptName, kind: AuxiliaryKind) -> Option<(File, Trust)> {
        let file = self.open_entry(&name.beside(kind), OFlags::RDONLY | OFlags::NONBLOCK);
        let file = file.ok()?;
        let ours = file.metadata().is_ok_and(|it| is_ours(&it, ImageForm::Raw));
        let trust = read_trust(&file).filter(|_| ours)?;
        Some((file, trust))
    }
}

/// Whether nobody else can have written it: in a directory that others may write to, a record proves nothing by itself.
///
/// In a tree there are places where anybody may write, so that counts only where nobody gets at it, or it is a subvolume
/// that nobody can write to.
fn is_ours(metadata: &Metadata, form: ImageForm) -> bool {
    let owner = metadata.uid();
    let ours = owner == 0 || owner == geteuid().as_raw();
    let of_form = match form {
        ImageForm::Raw => metadata.is_file(),
        ImageForm::Tree => metadata.is_dir(),
    };
    of_form && ours && metadata.mode() & 0o022 == 0
}

/// Whether the tree is a read-only subvolume.
fn is_read_only(tree: &File) -> bool {
    btrfs::is_subvolume(tree.as_fd()).unwrap_or(false)
        && btrfs::is_read_only(tree.as_fd()).unwrap_or(false)
}

/// Whether the name is `STEM.raw` (no ETag) or `STEM.ETAG.raw` (that ETag); a tree's has no suffix.
fn etag_in(name: &str, stem: &str, form: ImageForm) -> Option<Option<Etag>> {
    let tag = name.strip_prefix(stem)?.strip_suffix(form.suffix())?;
    if tag.is_empty() {
        return Some(None);
    }
    let etag = unescape(tag.strip_prefix('.')?)?;
    Etag::parse(&etag).map(Some)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::ImageForm::{Raw, Tree};
    use super::*;
    use crate::store::Roots;

    #[test]
    fn names_escape_the_url_and_the_etag() {
        let roots = Roots::open(Path::new("/"), Some(Path::new("/tmp"))).unwrap();
        let root = roots.target(crate::terms::ImageClass::Machine).unwrap();
        let url: Url = "http://127.0.0.1:8000/f/disk.raw.xz?a=b".parse().unwrap();
        let etag = Etag::parse("W/\"a0\"").unwrap();
        let expected = r".raw-http:\x2f\x2f127\x2e0\x2e0\x2e1:8000\x2ff\x2fdisk\x2eraw\x2exz?a=b.W\x2f\x22a0\x22.raw";
        assert_eq!(
            KeptName::new(&root, Raw, &url, Some(&etag)).image(),
            expected
        );
        assert_eq!(
            etag_in(expected, expected.split(".W").next().unwrap(), Raw),
            Some(Some(etag))
        );
        assert_eq!(
            KeptName::new(&root, Tree, &url, None).image(),
            r".tar-http:\x2f\x2f127\x2e0\x2e0\x2e1:8000\x2ff\x2fdisk\x2eraw\x2exz?a=b"
        );
        let long: Url = format!("http://h/{}", "x".repeat(300)).parse().unwrap();
        assert_eq!(
            KeptName::new(&root, Raw, &long, None).image(),
            format!(".raw-{:x}.raw", hash(&long))
        );
        let huge = Etag::parse(&format!("\"{}\"", "e".repeat(300))).unwrap();
        assert_eq!(
            KeptName::new(&root, Raw, &long, Some(&huge)).image(),
            format!(".raw-{:x}.raw", hash(&long))
        );
    }

    #[test]
    fn the_hash_of_a_long_url_is_the_one_that_others_give_it() {
        // As systemd-pull 262 names its kept copy.
        let url: Url = format!("file:///data/{}/img.raw", "x".repeat(200))
            .parse()
            .unwrap();
        assert_eq!(hash(&url), 0x7ef3_6834_4693_8ded);
    }

    #[test]
    fn what_was_escaped_is_unescaped_and_junk_is_not() {
        let text = "\"a/b.c\\'#\x01\"";
        assert_eq!(unescape(&escape(text)).as_deref(), Some(text));
        for junk in ["\\x", "\\x1", "\\xzz", "a\\x+1"] {
            assert!(
                unescape(junk).is_none_or(|text| text.len() < junk.len()),
                "{junk}"
            );
        }
        assert_eq!(etag_in(".raw-x.raw", ".raw-x", Raw), Some(None));
        assert_eq!(etag_in(".raw-xy.raw", ".raw-x", Raw), None);
        assert_eq!(etag_in(".raw-x.junk.raw", ".raw-x", Raw), None);
    }
}
