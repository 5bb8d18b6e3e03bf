//! Where the members of an archive lie, and under which names.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::member::{Archive, Kind, Member, clean};

/// A member and where it lies when links that stay inside are followed.
pub struct Placed<'a> {
    pub member: &'a Member,
    pub path: Vec<u8>,
    /// Of a hard link.
    target: Option<Vec<u8>>,
}

/// All members, in their order.
pub struct Places<'a>(pub Vec<Placed<'a>>);

impl<'a> Places<'a> {
    pub fn of(archive: &'a Archive) -> Self {
        let mut links = Links::default();
        let mut places = Vec::new();
        for member in &archive.members {
            let path = links.follow(member.clean_path());
            let target = match &member.kind {
                Kind::HardLink(target) => Some(links.follow(clean(target))),
                _ => None,
            };
            links.0.retain(|(link, _)| *link != path);
            if let Kind::Symlink(target) = &member.kind {
                links.0.push((path.clone(), target.clone()));
            }
            places.push(Placed {
                member,
                path,
                target,
            });
        }
        Self(places)
    }

    /// The names that a path has by hard links.
    pub fn names(&self, path: &[u8]) -> BTreeSet<Vec<u8>> {
        let mut names = BTreeSet::from([path.to_owned()]);
        loop {
            let count = names.len();
            for Placed { path, target, .. } in &self.0 {
                let Some(target) = target else {
                    continue;
                };
                if names.contains(target) || names.contains(path) {
                    names.extend([target.clone(), path.clone()]);
                }
            }
            if names.len() == count {
                return names;
            }
        }
    }

    /// Members that were ever under one of the path's names.
    pub fn of_any_name(&self, path: &[u8]) -> impl Iterator<Item = &'a Member> {
        let names = self.names(path);
        let members = self.0.iter();
        members
            .filter(move |placed| names.contains(&placed.path))
            .map(|placed| placed.member)
    }

    /// Whether more than one member is that directory.
    pub fn is_told_twice(&self, path: &[u8]) -> bool {
        let said =
            |placed: &&Placed<'_>| placed.path == path && placed.member.kind == Kind::Directory;
        self.0.iter().filter(said).count() > 1
    }

    /// All directories that more than one member is.
    pub fn told_twice(&self) -> BTreeSet<PathBuf> {
        let paths = self.0.iter().map(|placed| &placed.path[..]);
        paths
            .filter(|path| self.is_told_twice(path))
            .map(|path| OsStr::from_bytes(path).into())
            .collect()
    }
}

/// Symbolic links so far: where they are, and their targets.
#[derive(Default)]
struct Links(Vec<(Vec<u8>, Vec<u8>)>);

impl Links {
    fn follow(&self, mut path: Vec<u8>) -> Vec<u8> {
        for _ in 0..8 {
            let through = self.0.iter().rev().find_map(|(link, target)| {
                let rest = path.strip_prefix(&[&link[..], b"/"].concat()[..])?;
                Some(clean(&[parent(link), target, rest].join(&b'/')))
            });
            path = through.unwrap_or(path);
        }
        path
    }
}

fn parent(path: &[u8]) -> &[u8] {
    let slash = path.iter().rposition(|byte| *byte == b'/');
    &path[..slash.unwrap_or(0)]
}
