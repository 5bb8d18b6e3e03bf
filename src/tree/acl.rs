//! Access control lists, between the text that archives have and the attribute that the kernel has.
//!
//! The text is that of `acl_to_text(3)` and `setfacl(1)`, long or short, entries apart by commas or lines, with the
//! numeric id as a fourth field as star and libarchive write it. Nobody is asked for the id of a name: an image's users
//! are not ours. The attribute is `system.posix_acl_access` or `…_default`: a version, then entries of tag, permissions
//! and id, all little-endian.

const VERSION: u32 = 2;
const ENTRY_BYTES: usize = 8;

/// The id of an entry that is for nobody in particular.
const NOBODY: u32 = u32::MAX;

const USER_OBJ: u16 = 0x01;
const USER: u16 = 0x02;
const GROUP_OBJ: u16 = 0x04;
const GROUP: u16 = 0x08;
const MASK: u16 = 0x10;
const OTHER: u16 = 0x20;

/// The attribute's value for a text; none if it is malformed.
///
/// Entries that name somebody without a number are left out, and it is told how many. Without the rest of the list,
/// its mask would become what the owning group may.
pub fn acl_from_text(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    let text = std::str::from_utf8(text).ok()?;
    let (mut entries, mut unknown) = (Vec::new(), 0);
    for line in text.lines() {
        let (line, _comment) = line.split_once('#').unwrap_or((line, ""));
        let words = line.split(',').map(str::trim);
        for word in words.filter(|word| !word.is_empty()) {
            match parse(word)? {
                (tag, Some(id), permissions) => entries.push((tag, id, permissions)),
                (_, None, _) => unknown += 1,
            }
        }
    }
    entries.sort_unstable(); // as the kernel wants them: by tag, then by id
    let mut value = VERSION.to_le_bytes().to_vec();
    for (tag, id, permissions) in entries {
        value.extend(tag.to_le_bytes());
        value.extend(permissions.to_le_bytes());
        value.extend(id.to_le_bytes());
    }
    Some((value, unknown))
}

/// One entry as tag, id and permissions; the id is none if only a name is told.
fn parse(entry: &str) -> Option<(u16, Option<u32>, u16)> {
    let mut fields: Vec<_> = entry.splitn(6, ':').map(str::trim).collect();
    if matches!(fields.first(), Some(&("default" | "d"))) {
        fields.remove(0);
    }
    // `mask` and `other` are nobody's and may leave that field out.
    if let [tag @ ("mask" | "m" | "other" | "o"), permissions] = fields[..] {
        fields = vec![tag, "", permissions];
    }
    let (tag, who, permissions, number) = match fields[..] {
        [tag, who, permissions] => (tag, who, permissions, None),
        [tag, who, permissions, number] => (tag, who, permissions, Some(number)),
        _ => return None,
    };
    let tag = match (tag, who.is_empty()) {
        ("user" | "u", true) => USER_OBJ,
        ("user" | "u", false) => USER,
        ("group" | "g", true) => GROUP_OBJ,
        ("group" | "g", false) => GROUP,
        ("mask" | "m", true) => MASK,
        ("other" | "o", true) => OTHER,
        _ => return None,
    };
    let number = number.filter(|number| !number.is_empty()).unwrap_or(who);
    let id = match who {
        "" => Some(NOBODY),
        _ => number.parse().ok().filter(|id| *id != NOBODY),
    };
    Some((tag, id, parse_permissions(permissions)?))
}

/// Letters and dashes, or one octal digit.
fn parse_permissions(text: &str) -> Option<u16> {
    if let Some(digit @ 0..8) = text.parse().ok().filter(|_| text.len() == 1) {
        return Some(digit);
    }
    text.bytes().try_fold(0, |permissions, byte| match byte {
        b'r' => Some(permissions | 4),
        b'w' => Some(permissions | 2),
        b'x' => Some(permissions | 1),
        b'-' => Some(permissions),
        _ => None,
    })
}

/// The text of an attribute's value, in its order, entries apart by commas, ids as numbers; none if it is malformed.
pub fn acl_to_text(value: &[u8]) -> Option<Vec<u8>> {
    let (version, entries) = value.split_first_chunk()?;
    let (entries, rest) = entries.as_chunks::<ENTRY_BYTES>();
    if u32::from_le_bytes(*version) != VERSION || !rest.is_empty() {
        return None;
    }
    let texts: Option<Vec<_>> = entries.iter().map(render).collect();
    Some(texts?.join(",").into_bytes())
}

fn render(entry: &[u8; ENTRY_BYTES]) -> Option<String> {
    let [tag @ .., p0, p1, i0, i1, i2, i3] = *entry;
    let id = u32::from_le_bytes([i0, i1, i2, i3]);
    let who = match u16::from_le_bytes(tag) {
        USER_OBJ => "user:".to_owned(),
        USER => format!("user:{id}"),
        GROUP_OBJ => "group:".to_owned(),
        GROUP => format!("group:{id}"),
        MASK => "mask:".to_owned(),
        OTHER => "other:".to_owned(),
        _ => return None,
    };
    let permissions = u16::from_le_bytes([p0, p1]);
    let letter = |bit, letter| if permissions & bit == 0 { '-' } else { letter };
    let (r, w, x) = (letter(4, 'r'), letter(2, 'w'), letter(1, 'x'));
    (permissions < 8).then(|| format!("{who}:{r}{w}{x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "user::rwx,user:7:r--,user:1000:rw-,group::r-x,group:5:--x,mask::rwx,other::---";

    #[test]
    fn every_spelling_of_a_list_is_the_same_list() {
        let (value, unknown) = acl_from_text(TEXT.as_bytes()).unwrap();
        assert_eq!(unknown, 0);
        assert_eq!(value.len(), 4 + 7 * ENTRY_BYTES);
        assert_eq!(value[..12], [2, 0, 0, 0, 1, 0, 7, 0, 255, 255, 255, 255]);
        assert_eq!(value[12..20], [2, 0, 4, 0, 7, 0, 0, 0]);
        assert_eq!(acl_to_text(&value).unwrap(), TEXT.as_bytes());
        for text in [
            "u::rwx\ng::rx\no:-\nm:rwx\nu:1000:rw\nu:7:r\ng:5:x\n",
            "# file: x\n\nother::---\nuser::rwx\nuser:lisa:rw-:1000\t#effective:r--\nuser:bob:r--:7\n\
             group::r-x\ngroup:tty:--x:5\nmask::rwx",
            "default:user::rwx, d:u:7:4,d:u:1000:6,d:g::5,d:g:5:1,d:m::7,d:o::0",
        ] {
            let same = acl_from_text(text.as_bytes()).unwrap();
            assert_eq!(same, (value.clone(), 0), "{text}");
        }
    }

    #[test]
    fn entries_that_name_somebody_without_a_number_are_left_out_and_counted() {
        let text = "u::6,u:lisa:6,u:bob:rw-:,u:4294967295:7,u:1:r--:eve,g::4,g:5:4,m::6,o::-";
        let (value, unknown) = acl_from_text(text.as_bytes()).unwrap();
        assert_eq!(unknown, 4);
        let left = "user::rw-,group::r--,group:5:r--,mask::rw-,other::---";
        assert_eq!(acl_to_text(&value).unwrap(), left.as_bytes());
    }

    #[test]
    fn what_is_malformed_is_none() {
        for text in [
            "user:lisa:rwq",
            "user:1",
            "user",
            "user::rwq",
            "user::8",
            "mask:5:rwx",
            "nobody::rwx",
            "a:b:c:d:e:f:g",
            "default:",
            "d",
            "\u{fffd}",
        ] {
            assert_eq!(acl_from_text(text.as_bytes()), None, "{text}");
        }
        assert_eq!(acl_from_text(b"user:\xff:rwx"), None);
        for value in [
            &b""[..],
            &[2, 0, 0],
            &[1, 0, 0, 0],
            &[2, 0, 0, 0, 1],
            &[2, 0, 0, 0, 3, 0, 7, 0, 0, 0, 0, 0],
            &[2, 0, 0, 0, 1, 0, 8, 0, 0, 0, 0, 0],
        ] {
            assert_eq!(acl_to_text(value), None);
        }
    }
}
