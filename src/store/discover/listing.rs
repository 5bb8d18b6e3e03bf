//! Listing and looking up: all image roots of a class in their order, and in each the spellings of a name in theirs.

use std::collections::HashSet;
use std::ffi::CString;
use std::fs::File;
use std::path::Path;

use rustix::fs::{Dir, OFlags};
use rustix::io::Errno;

use super::inspect::Seen;
use super::spelling::Spelling;
use super::{Found, Image};
use crate::store::{Error, ImageRoot, Roots};
use crate::terms::{ImageClass, ImageName};

impl Roots {
    /// All images of a class, by name; where a name occurs in several places the first is the image.
    pub fn images(&self, class: ImageClass) -> Result<Vec<Image>, Error> {
        let mut images = Vec::new();
        let mut names = HashSet::new();
        for root in self.search(class)? {
            for image in root.images(class)? {
                if names.insert(image.name.clone()) {
                    images.push(image);
                }
            }
        }
        if class == ImageClass::Machine
            && !self.is_one_directory()
            && let Some(host) = self.host()?
        {
            images.push(host);
        }
        images.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(images)
    }

    /// The image of this name: the one that is found first, where there are several. Beyond `last` it is not looked for.
    pub fn find(
        &self,
        class: ImageClass,
        name: &ImageName,
        last: Option<&ImageRoot>,
    ) -> Result<Option<Image>, Error> {
        for root in self.search(class)? {
            let seen = root.find(class, name)?;
            if seen.is_some() || last.is_some_and(|last| last.path() == root.path()) {
                return Ok(seen.map(|seen| seen.image));
            }
        }
        Ok(None)
    }

    /// The image of this name, opened for reading.
    pub fn open_image(&self, class: ImageClass, name: &ImageName) -> Result<Option<Found>, Error> {
        for root in self.search(class)? {
            let Some(Seen { image, inside }) = root.find(class, name)? else {
                continue;
            };
            let file = root.open_following(&inside, OFlags::RDONLY | OFlags::NONBLOCK);
            let file = file.map_err(|cause| Error::Inspect {
                path: image.path.clone(),
                cause: cause.into(),
            })?;
            let file = File::from(file);
            return Ok(Some(Found { image, root, file }));
        }
        Ok(None)
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
        let Seen { image, inside } = seen.ok_or_else(|| failed(Errno::NOENT))?;
        let file = root.open_following(&inside, OFlags::RDONLY | OFlags::NONBLOCK);
        let file = File::from(file.map_err(failed)?);
        let path = path.to_owned();
        let image = Image { path, ..image };
        Ok(Found { image, root, file })
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
    fn images(&self, class: ImageClass) -> Result<Vec<Image>, Error> {
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
            if let Some((spelling, seen)) = self.inspect(class, file_name)? {
                found.push((spelling, seen.image));
            }
        }
        // As they would be found.
        let order = |spelling: &Spelling| Spelling::all(class).position(|other| other == *spelling);
        found.sort_by_key(|(spelling, _)| order(spelling));
        Ok(found.into_iter().map(|(_, image)| image).collect())
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
