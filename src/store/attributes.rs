//! Extended attributes of images: where they came from and how far they were verified.
//!
//! A record counts only because nobody but us could have written it: `user.source_*` and `user.importd.*` are never
//! copied from a file somebody brought, and are written last.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{XattrFlags, fgetxattr, flistxattr, fremovexattr, fsetxattr};
use rustix::io::Errno;

use crate::terms::{Etag, Fingerprint, SigningKey, Trust, Url, is_record_attribute};

const SOURCE_URL: &CStr = c"user.source_url";
const SOURCE_ETAG: &CStr = c"user.source_etag";
const CREATED: &CStr = c"user.crtime_usec";
/// Ours: `1 LEVEL DIGEST [PRIMARY-KEY SIGNING-KEY]`, the two alike where a primary key signed.
const TRUST: &CStr = c"user.importd.trust";
const RECORD_VERSION: &str = "1";

/// The longest value read: an attribute of ours is shorter, and no file system stores more.
const VALUE_LIMIT: usize = 64 << 10;

/// Where an image came from.
#[derive(Clone, Debug)]
pub struct Source {
    pub url: Url,
    pub etag: Option<Etag>,
    pub last_modified: Option<SystemTime>,
}

impl Source {
    /// The record of a file that is known to have come from there.
    pub fn recorded(file: &File, url: Url) -> Self {
        let etag = get(file, SOURCE_ETAG).and_then(|tag| Etag::parse(str::from_utf8(&tag).ok()?));
        let created = read_created_us(file).map(Duration::from_micros);
        Self {
            url,
            etag,
            last_modified: created.and_then(|since| UNIX_EPOCH.checked_add(since)),
        }
    }

    /// Writes the record of origin. Returns whether the file system keeps such attributes at all.
    pub(super) fn write(&self, file: &File) -> io::Result<bool> {
        let mut kept = set(file, SOURCE_URL, self.url.to_string().as_bytes())?;
        if let Some(etag) = &self.etag {
            kept &= set(file, SOURCE_ETAG, etag.as_str().as_bytes())?;
        }
        if let Some(time) = self.last_modified {
            kept &= write_created(file, time)?;
        }
        Ok(kept)
    }

    /// Whether the recorded origin is this URL, and its tag this one, if one is given.
    pub(super) fn matches(file: &File, url: &Url, etag: Option<&Etag>) -> bool {
        let is = |name, value: &str| get(file, name).is_some_and(|it| it == value.as_bytes());
        is(SOURCE_URL, &url.to_string()) && etag.is_none_or(|tag| is(SOURCE_ETAG, tag.as_str()))
    }
}

/// Whether it is recorded where the file came from.
pub(super) fn has_source(file: &File) -> bool {
    get(file, SOURCE_URL).is_some()
}

/// Records how far the image was verified. Returns whether the file system keeps such attributes at all.
pub(super) fn write_trust(file: &File, trust: &Trust) -> io::Result<bool> {
    let Some(digest) = trust.digest else {
        return Ok(false);
    };
    let key = trust
        .key
        .as_ref()
        .map(|key| format!(" {} {}", key.primary, key.signing))
        .unwrap_or_default();
    let record = format!("{RECORD_VERSION} {} {}{key}", trust.level.as_str(), digest);
    set(file, TRUST, record.as_bytes())
}

/// The record of verification. Anything that is not exactly what [`write_trust`] writes is no record.
pub(super) fn read_trust(file: &File) -> Option<Trust> {
    let value = get(file, TRUST)?;
    let mut words = std::str::from_utf8(&value).ok()?.split(' ');
    if words.next() != Some(RECORD_VERSION) {
        return None;
    }
    let level = words.next()?.parse().ok()?;
    let digest = Some(words.next()?.parse().ok()?);
    let key = match words.next() {
        Some(primary) => Some(SigningKey {
            primary: Fingerprint::parse(primary)?,
            signing: Fingerprint::parse(words.next()?)?,
        }),
        None => None,
    };
    words
        .next()
        .is_none()
        .then_some(Trust { level, digest, key })
}

/// Records a time of creation, 8 bytes of little-endian microseconds.
pub(super) fn write_created(file: &File, time: SystemTime) -> io::Result<bool> {
    let since = time
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_micros();
    set(
        file,
        CREATED,
        &u64::try_from(since).unwrap_or(0).to_le_bytes(),
    )
}

/// The recorded time of creation, in microseconds since 1970.
pub(super) fn read_created_us(file: &File) -> Option<u64> {
    let value: [u8; 8] = get(file, CREATED)?.try_into().ok()?;
    Some(u64::from_le_bytes(value)).filter(|us| !matches!(*us, 0 | u64::MAX))
}

/// Copies the `user.` attributes of a file that somebody brought, except those that only we may write.
pub fn copy_user_attributes(source: &File, target: &File) -> io::Result<()> {
    for name in names(source)? {
        let bytes = name.to_bytes();
        if bytes.starts_with(b"user.")
            && !is_record_attribute(bytes)
            && let Some(value) = get(source, &name)
        {
            set(target, &name, &value)?;
        }
    }
    Ok(())
}

/// Removes the attributes that only we may write.
pub(super) fn remove_records(file: &File) -> Result<(), Errno> {
    for name in names(file)? {
        if is_record_attribute(name.to_bytes()) {
            fremovexattr(file, &name)?;
        }
    }
    Ok(())
}

/// When a file that somebody brought was created, as well as can be told: its recorded time, else its modification.
pub(super) fn created(file: &File) -> Option<SystemTime> {
    match read_created_us(file) {
        Some(us) => UNIX_EPOCH.checked_add(Duration::from_micros(us)),
        None => file
            .metadata()
            .and_then(|metadata| metadata.modified())
            .ok(),
    }
}

/// The names of a file's attributes; none where the file system has no such thing.
fn names(file: &File) -> Result<Vec<CString>, Errno> {
    let mut names = vec![0; VALUE_LIMIT];
    let length = match flistxattr(file, &mut names) {
        Err(Errno::OPNOTSUPP) => 0,
        length => length?,
    };
    let names = names[..length].split_inclusive(|byte| *byte == 0);
    let name = |name| CStr::from_bytes_with_nul(name).ok().map(CStr::to_owned);
    Ok(names.filter_map(name).collect())
}

fn get(file: &File, name: &CStr) -> Option<Vec<u8>> {
    let mut value = vec![0; VALUE_LIMIT];
    let length = fgetxattr(file, name, &mut value).ok()?;
    value.truncate(length);
    Some(value)
}

/// Sets an attribute; false where the file system has no room or no place for such.
fn set(file: &File, name: &CStr, value: &[u8]) -> io::Result<bool> {
    match fsetxattr(file, name, value, XattrFlags::empty()) {
        Ok(()) => Ok(true),
        Err(Errno::OPNOTSUPP | Errno::NOSPC | Errno::TOOBIG | Errno::RANGE) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
