//! From the parameters of Pull to a request.

use std::path::{Component, Path, PathBuf};

use super::fault::Fault;
use crate::terms::{ImageClass, ImageForm, LocalName, Url, VerifyMode, name_from_url};
use crate::transfer::{Place, Pull, Target, Wishes};
use crate::wire::varlink::{Fields, Parameters, Value, flag, text};

/// What Pull was asked for.
pub(super) struct PullAsked {
    pub(super) pull: Pull,
    /// As the system has it that is served.
    pub(super) image_root: Option<PathBuf>,
    /// Somebody may be asked to agree.
    pub(super) interactive: bool,
}

/// The parameters, each of its type, in the order in which they are looked at.
struct Given<'a> {
    remote: &'a str,
    local: Option<&'a str>,
    form: ImageForm,
    class: ImageClass,
    verify: Option<VerifyMode>,
    force: bool,
    read_only: bool,
    keep_download: bool,
    image_root: Option<PathBuf>,
    interactive: bool,
}

/// Understands the parameters: types first, then what URL and name say.
pub(super) fn parse(parameters: &Parameters) -> Result<PullAsked, Fault> {
    let given = given(parameters)?;
    let invalid = |name: &str| Fault::InvalidParameter(name.to_owned());
    let url: Url = given.remote.parse().map_err(|_| invalid("remote"))?;
    let place = place(&url, &given).ok_or_else(|| invalid("local"))?;
    let pull = Pull {
        keep_download: given.keep_download || matches!(place, Place::Kept),
        verify: given.verify.unwrap_or(VerifyMode::Signature),
        wishes: Wishes::usual(given.class, given.form),
        url,
        target: Target {
            class: given.class,
            form: given.form,
            place,
            force: given.force,
            read_only: given.read_only,
            convert_qcow2: true,
            limit_bytes: None,
        },
    };
    Ok(PullAsked {
        pull,
        image_root: given.image_root,
        interactive: given.interactive,
    })
}

fn given(parameters: &Parameters) -> Result<Given<'_>, Fault> {
    let mut fields = Fields::of(parameters);
    let mut given = Given {
        remote: fields.needed("remote", text)?,
        local: fields.optional("local", text)?,
        form: fields.needed("type", form)?,
        class: fields.needed("class", class)?,
        verify: fields.optional("verify", verify)?,
        force: fields.optional("force", flag)?.unwrap_or(false),
        read_only: fields.optional("readOnly", flag)?.unwrap_or(false),
        keep_download: fields.optional("keepDownload", flag)?.unwrap_or(false),
        image_root: fields.optional("imageRoot", image_root)?,
        interactive: fields
            .optional("allowInteractiveAuthentication", flag)?
            .unwrap_or(false),
    };
    // Whoever names the bytes needs nobody else's word.
    given.verify = fields.optional("checksum", checksum)?.or(given.verify);
    fields.finish()?;
    Ok(given)
}

/// Where the image goes. The helper to which the reference hands a name takes `-` for none.
fn place(url: &Url, given: &Given<'_>) -> Option<Place> {
    let named: Result<LocalName, _> = match given.local {
        Some("-") => return Some(Place::Kept),
        Some(name) => name.parse(),
        None => name_from_url(url, None, given.class, given.form),
    };
    named.ok().map(Place::Named)
}

/// Images of OCI are not done yet.
fn form(value: &Value) -> Option<ImageForm> {
    match value.as_str()? {
        "raw" => Some(ImageForm::Raw),
        "tar" => Some(ImageForm::Tree),
        _ => None,
    }
}

pub(super) fn class(value: &Value) -> Option<ImageClass> {
    value.as_str()?.parse().ok()
}

/// A digest has a parameter of its own.
fn verify(value: &Value) -> Option<VerifyMode> {
    let mode = value.as_str()?.parse().ok()?;
    (!matches!(mode, VerifyMode::Pinned(_))).then_some(mode)
}

fn checksum(value: &Value) -> Option<VerifyMode> {
    Some(VerifyMode::Pinned(value.as_str()?.parse().ok()?))
}

/// An absolute path in which no step is nothing or goes nowhere or back.
fn image_root(value: &Value) -> Option<PathBuf> {
    let text = value.as_str()?;
    let path = Path::new(text);
    let plain = |part: Component<'_>| matches!(part, Component::RootDir | Component::Normal(_));
    let straight = path.components().all(plain) && !text.contains("//") && !text.contains("/./");
    let fits = path.is_absolute() && straight && !text.ends_with("/.") && !text.contains('\0');
    fits.then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(name: &str, value: impl Into<Value>) -> Option<String> {
        let mut parameters = Parameters::new();
        for (known, usual) in [
            ("remote", "http://h/a.raw"),
            ("type", "raw"),
            ("class", "machine"),
        ] {
            if known != name {
                parameters = parameters.with(known, usual);
            }
        }
        match parse(&parameters.with(name, value)) {
            Ok(_) => None,
            Err(Fault::InvalidParameter(name)) => Some(name),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn image_roots_are_absolute_and_straight() {
        for path in ["/", "/a", "/a/b/", "/a b", "/a/..b"] {
            assert_eq!(refused("imageRoot", path), None, "{path}");
        }
        for path in [
            "", "a", "./a", "/a/../b", "/..", "/a//b", "//", "/./a", "/a/.", "/a\0b",
        ] {
            let refused = refused("imageRoot", path);
            assert_eq!(refused.as_deref(), Some("imageRoot"), "{path}");
        }
    }

    #[test]
    fn words_are_those_of_the_document() {
        for (name, good, bad) in [
            ("type", "tar", "oci"),
            ("class", "sysext", "vm"),
            ("verify", "checksum", &"a".repeat(64)),
            ("checksum", &*"A".repeat(64), "a"),
            ("remote", "file:///a.raw", "ftp://h/a.raw"),
            ("local", "a b", "a/b"),
            ("local", "-", ""),
        ] {
            assert_eq!(refused(name, good), None, "{name}");
            assert_eq!(refused(name, bad).as_deref(), Some(name));
        }
        assert_eq!(refused("remote", "http://h/").as_deref(), Some("local"));
    }

    #[test]
    fn a_digest_outdoes_a_mode() {
        let parameters = Parameters::new()
            .with("remote", "http://h/a.raw")
            .with("type", "raw")
            .with("class", "machine")
            .with("verify", "no")
            .with("checksum", "ab".repeat(32));
        let asked = parse(&parameters).ok().unwrap();
        assert!(matches!(asked.pull.verify, VerifyMode::Pinned(_)));
        assert!(!asked.pull.keep_download && !asked.interactive);
    }
}
