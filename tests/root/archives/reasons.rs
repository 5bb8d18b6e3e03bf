//! Who is right where they differ, and why: where GNU tar and bsdtar agree, both; else GNU tar, but for what stands in the
//! tables.

use super::facts::{Aspect, NOW};
use super::member::{Kind, Member, Oddity, clean};
use super::places::{Placed, Places};

/// What a program is alone with: a name, the reason why ours is not so, and where.
type Row = (&'static str, &'static str, fn(&Question<'_>) -> bool);

/// Ours is bsdtar's, unless that one is alone as well.
const GNU_TAR_ALONE: &[Row] = &[
    (
        "held-back link",
        "GNU tar makes links that are absolute or climb at the very end, over whatever came later to their place",
        |question| question.aliases().any(is_held_back),
    ),
    (
        "held-back link's directory",
        "and the directories above may have the times and permissions that they had without a member of their own",
        |question| {
            let members = question.places.0.iter();
            let held_back = members.filter(|placed| is_held_back(placed.member));
            let mut places = held_back.flat_map(|placed| question.places.names(&placed.path));
            let below = [question.path, b"/"].concat();
            let above = |place: Vec<u8>| question.path.is_empty() || place.starts_with(&below);
            let said = match question.aspect {
                Aspect::Modified | Aspect::Mode => true,
                Aspect::Xattr(name) => name.starts_with("system."),
                _ => false,
            };
            said && places.any(above)
        },
    ),
    (
        "libarchive's attributes",
        "GNU tar does not know `LIBARCHIVE.xattr`",
        |question| {
            let written = |member: &Member| {
                member.is(Oddity::LibarchiveXattrs) || member.is(Oddity::BothXattrs)
            };
            matches!(question.aspect, Aspect::Xattr(_)) && question.aliases().any(written)
        },
    ),
    (
        "hole at the end",
        "GNU tar makes a file no longer than its last extent, whatever its size is said to be",
        |question| {
            matches!(
                question.aspect,
                Aspect::Size | Aspect::Content | Aspect::Data
            ) && question.aliases().any(|member| member.is(Oddity::OpenEnd))
        },
    ),
    (
        "inherited group",
        "with GNU tar what lies in a directory with the set-group-id bit may keep that, and the group, \
         though the archive says nothing of it",
        |question| {
            let above = |placed: &Placed<'_>| {
                placed.member.kind == Kind::Directory
                    && placed.member.mode & 0o2000 != 0
                    && question
                        .path
                        .starts_with(&[&placed.path[..], b"/"].concat())
            };
            let inherits = match (question.aspect, question.gnu) {
                (Aspect::Mode, Some(mode)) => mode.starts_with(['2', '3', '6', '7']),
                (Aspect::Owner, _) => question.packed || question.aliases().next().is_none(),
                _ => false,
            };
            inherits && question.places.0.iter().any(above)
        },
    ),
    (
        "link to where it is",
        "GNU tar takes it away for what is to replace it, and finds that its directory is gone",
        |question| {
            let mut members = question.places.0.iter();
            members.any(|placed| match &placed.member.kind {
                Kind::Symlink(target) => {
                    clean(target).is_empty() && question.path.starts_with(&placed.path)
                }
                _ => false,
            })
        },
    ),
    (
        "time of a directory told twice",
        "GNU tar gives a directory its time when it leaves it, and what comes later takes that away",
        |question| question.gnu == Some(NOW) && question.is_told_twice(),
    ),
];

/// Where GNU tar is alone, or refuses, ours need not be bsdtar's.
const BSDTAR_ALONE: &[Row] = &[
    (
        "global header",
        "bsdtar passes over what is said for all members",
        |question| {
            let of = |member: &Member| match question.aspect {
                Aspect::Modified => member.is(Oddity::GlobalTime),
                Aspect::Owner => member.is(Oddity::GlobalOwner),
                _ => false,
            };
            question.any(of)
        },
    ),
    (
        "directory told twice",
        "bsdtar gives a directory the times and permissions that it is told first, and the last owner",
        |question| {
            !matches!(question.aspect, Aspect::Kind | Aspect::Owner) && question.is_told_twice()
        },
    ),
    (
        "time before 1970",
        "bsdtar counts the nanoseconds of a negative time forward",
        |question| {
            let negative = |member: &Member| member.modified.0 < 0 && member.modified.1 > 0;
            question.aspect == &Aspect::Modified && question.aliases().any(negative)
        },
    ),
    (
        "size of nothing",
        "bsdtar takes the size in a link's record for that of data, and skips members",
        |question| question.any(|member| member.is(Oddity::SizeOfNothing)),
    ),
    (
        "lost time",
        "bsdtar puts something into a directory after the directory had its time",
        |question| question.aspect == &Aspect::Modified && question.bsd == Some(NOW),
    ),
];

/// What ours refuses though others make something of it: a part of the message, and why.
pub const REFUSALS: &[(&str, &str)] = &[
    (
        "without an end mark",
        "nobody can tell it from one that was cut",
    ),
    (
        "goes on behind its end mark",
        "it is damaged, or two archives of which others see one",
    ),
    ("its type `", "what it means is anybody's guess"),
    (
        "a second extended header",
        "which of them counts is anybody's guess",
    ),
    ("no member follows", "it was cut, or a header is damaged"),
    (
        "its map of holes is malformed",
        "a map without any extent, which nobody writes and behind which GNU tar goes astray",
    ),
];

fn is_held_back(member: &Member) -> bool {
    let Kind::Symlink(target) = &member.kind else {
        return false;
    };
    target.starts_with(b"/") || target.split(|byte| *byte == b'/').any(|part| part == b"..")
}

/// One fact of one path.
pub struct Question<'a> {
    pub places: &'a Places<'a>,
    pub path: &'a [u8],
    /// Whether the members were packed again, and may be others.
    pub packed: bool,
    pub aspect: &'a Aspect,
    pub gnu: Option<&'a str>,
    pub bsd: Option<&'a str>,
}

/// What GNU tar, bsdtar and ours say: none if that one refuses the archive, nothing if the tree has no such thing.
pub type Said<'a> = [Option<Option<&'a str>>; 3];

impl<'a> Question<'a> {
    /// The rows that excuse ours, if it is right.
    pub fn judge(&self, [gnu, bsd, ours]: Said<'_>) -> Option<Vec<&'static str>> {
        // Two that gave no time agree on none.
        if gnu == bsd && gnu != ours && gnu != Some(Some(NOW)) {
            return None;
        }
        let mut rows = Vec::new();
        for (theirs, table) in [(gnu, GNU_TAR_ALONE), (bsd, BSDTAR_ALONE)] {
            if theirs == ours {
                break;
            }
            if theirs.is_some() {
                rows.push(table.iter().find(|(.., fits)| fits(self))?.0);
            }
        }
        Some(rows)
    }

    pub fn difference(&self, said: Said<'_>) -> String {
        let [gnu, bsd, ours] = said.map(|fact| fact.unwrap_or(Some("-")).unwrap_or("nothing"));
        let path = self.path.escape_ascii();
        format!(
            "  {} of `{path}`: GNU tar {gnu}, bsdtar {bsd}, ours {ours}\n",
            self.aspect
        )
    }

    fn aliases(&self) -> impl Iterator<Item = &'a Member> {
        self.places.of_any_name(self.path)
    }

    fn is_told_twice(&self) -> bool {
        self.places.is_told_twice(self.path)
    }

    /// Whether any member, wherever it is, is such a one.
    fn any(&self, is: impl Fn(&Member) -> bool) -> bool {
        self.places.0.iter().any(|placed| is(placed.member))
    }
}
