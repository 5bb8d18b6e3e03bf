//! Listing and looking up: all image roots of a class in their order, and in each the spellings of a name in theirs.

use std::collections::HashSet;
use std::ffi::CString;
use std::path::Path;

use rustix::fs::{Dir, OFlags};
use rustix::io::Errno;

use super::inspect::Seen;
use super::spelling::Spelling;
use super::{Found, Image, Listing};
use crate::store::{Error, ImageRoot, Roots};
use crate::terms::{ImageClass, ImageName};

impl Roots {
    /// All images of a class, by name; where a name occurs in several places the first is the image.
    pub fn images(&self, class: ImageClass) -> Listing {
        let mut listing = Listing::default();
        let mut names = HashSet::new();
        for root in self.search(class) {
            let found = root.and_then(|root| root.images(class, &mut listing.unreadable));
            match found {
                Ok(mut images) => {
                    images.retain(|image| names.insert(image.name.clone()));
                    listing.images.append(&mut images);
                }
                Err(error) => listing.unreadable.push(error),
            }
        }
        if class == ImageClass::Machine && !self.is_one_directory() {
            match self.host() {
                Ok(host) => listing.images.extend(host),
                Err(error) => listing.unreadable.push(error),
            }
        }
        listing.images.sort_by(|a, b| a.name.cmp(&b.name));
        listing
    }

    /// The image of this name: the one that is found first, where there are several. Beyond `last` it is not looked for,
    /// and where nobody can look there is none.
    pub fn find(
        &self,
        class: ImageClass,
        name: &ImageName,
        last: Option<&ImageRoot>,
    ) -> Option<Image> {
        for root in self.search(class).into_iter().flatten() {
            let seen = root.find(class, name).ok().flatten();
            if seen.is_some() || last.is_some_and(|last| last.path() == root.path()) {
                return seen.map(|seen| seen.image);
            }
        }
        None
    }

    /// The image of this name, opened for reading. Where it may be and nobody can look is told only if it is nowhere else.
    pub fn open_image(&self, class: ImageClass, name: &ImageName) -> Result<Option<Found>, Error> {
        let mut unreadable = None;
        for root in self.search(class) {
            let seen = root.and_then(|root| Ok((root.find(class, name)?, root)));
            match seen {
                Ok((Some(seen), root)) => return root.open_seen(seen).map(Some),
                Ok((None, _)) => {}
                Err(error) => unreadable = unreadable.or(Some(error)),
            }
        }
        unreadable.map_or(Ok(None), Err)
    }

    /// Something of the host's that is no image by any rule, opened for reading as if it were one.
    pub fn open_path(&self, path: &Path) -> Result<Found, Error> {
        let (root, entry) = self.home_of(path)?;
        let failed = |cause: Errno| Error::Inspect {
            path: path.to_owned(),
            cause: cause.into(),
        };
        let name = ".path".parse().map_err(|_| failed(Errno::INVAL))?;
        let seen = root.take_as_image(name, &entry)?;
        let mut found = root.open_seen(seen.ok_or_else(|| failed(Errno::NOENT))?)?;
        found.image.path = path.to_owned();
        Ok(found)
    }

    /// The running system itself, which is always listed.
    fn host(&self) -> Result<Option<Image>, Error> {
        let Ok(name) = ".host".parse() else {
            return Ok(None);
        };
        let seen = ImageRoot::whole(self)?.take_as_image(name, ".")?;
        Ok(seen.map(|seen| Image {
            path: self.base_path().to_owned(),
            entry_path: self.base_path().to_owned(),
            ..seen.image
        }))
    }
}

impl ImageRoot {
    /// What cannot be looked at is told of, and hides nothing else.
    fn images(&self, class: ImageClass, unreadable: &mut Vec<Error>) -> Result<Vec<Image>, Error> {
        let failed = |cause: Errno| Error::List {
            path: self.path().to_owned(),
            cause: cause.into(),
        };
        let mut found = Vec::new();
        for entry in Dir::read_from(self).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let Ok(file_name) = entry.file_name().to_str() else {
                continue;
            };
            if matches!(file_name, "." | "..") || file_name.starts_with(".sysupdate.") {
                continue;
            }
            match self.inspect(class, file_name) {
                Ok(Some((spelling, seen))) => found.push((spelling, seen.image)),
                Ok(None) => {}
                Err(error) => unreadable.push(error),
            }
        }
        // As they would be found.
        let order = |spelling: &Spelling| Spelling::all(class).position(|other| other == *spelling);
        found.sort_by_key(|(spelling, _)| order(spelling));
        Ok(found.into_iter().map(|(_, image)| image).collect())
    }

    fn open_seen(self, Seen { image, inside }: Seen) -> Result<Found, Error> {
        let file = self.open_following(&inside, OFlags::RDONLY | OFlags::NONBLOCK);
        let file = file.map_err(|cause| Error::Inspect {
            path: image.path.clone(),
            cause: cause.into(),
        })?;
        Ok(Found {
            image,
            root: self,
            file: file.into(),
        })
    }

    fn find(&self, class: ImageClass, name: &ImageName) -> Result<Option<Seen>, Error> {
        for spelling in Spelling::all(class) {
            let file_name = spelling.file_name(name);
            if CString::new(file_name.as_str()).is_err() {
                continue;
            }
            // What is there may be another image's: a directory `NAME.raw` is the image `NAME.raw`.
            match self.inspect(class, &file_name)? {
                Some((_, seen)) if seen.image.name == *name => return Ok(Some(seen)),
                _ => {}
            }
        }
        Ok(None)
    }
}
