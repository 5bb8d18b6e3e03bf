//! One thing to fetch, as it is asked for: `OPTION,…:NAME:URL`.

use super::words::field;
use crate::terms::{
    ImageClass, ImageForm, InvalidName, InvalidUrl, LocalName, Scheme, Url, VerifyMode,
    name_from_url, parse_boolean,
};

/// An image to be there after the boot.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Download {
    pub(super) url: Url,
    pub(super) name: LocalName,
    pub(super) class: ImageClass,
    pub(super) form: ImageForm,
    pub(super) verify: VerifyMode,
    pub(super) read_only: bool,
    /// To be a block device as well, by a loop device.
    pub(super) block_device: bool,
    /// Below `/run`, where it is gone after the boot, and not below `/var/lib`.
    pub(super) runtime: bool,
}

/// Where we are.
#[derive(Clone, Debug, Default)]
pub(super) struct Boot {
    pub(super) in_initrd: bool,
    /// What the kernel was downloaded from, if the boot loader says that it was.
    pub(super) origin: Option<String>,
}

/// Why nothing is fetched for an expression.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error("it is too long: the limit is {EXPRESSION_LIMIT_BYTES} bytes")]
    TooLong,
    #[error("it is no text in UTF-8")]
    NoText,
    #[error("it holds a control character")]
    Control,
    #[error("it is not of the form OPTION,…:NAME:URL")]
    NoTriplet,
    #[error("images of registries (oci) cannot be fetched yet")]
    Oci,
    #[error("it does not say what form the image has: give raw or tar")]
    NoForm,
    #[error("it does not say what the image is for: give machine, portable, sysext or confext")]
    NoClass,
    #[error("only a disk image can be a block device: give raw with blockdev, or leave that out")]
    NoDisk,
    #[error(
        "`-` is no name, and without one there would be nothing to boot with: leave it empty to have it derived"
    )]
    NoName,
    #[error(transparent)]
    Name(#[from] InvalidName),
    #[error(transparent)]
    Url(#[from] InvalidUrl),
    #[error("bootorigin wants an http:// or https:// URL of the boot loader, and that says `{0}`")]
    Origin(String),
    /// Nothing is wrong: it was asked for in case of a boot from the network.
    #[error("the boot loader does not say that it has booted from the network (bootorigin)")]
    NoOrigin,
}

/// The longest expression taken, in bytes: a URL's limit and room for the rest.
pub(super) const EXPRESSION_LIMIT_BYTES: usize = Url::MAX_LEN + 1024;

/// The options of an expression.
#[derive(Default)]
struct Options {
    form: Option<ImageForm>,
    class: Option<ImageClass>,
    verify: Option<VerifyMode>,
    read_only: bool,
    block_device: bool,
    by_origin: bool,
    runtime: Option<bool>,
    oci: bool,
}

impl Download {
    /// Understands an expression. Whatever in it is passed over is told to `warn`.
    pub(super) fn parse(
        bytes: &[u8],
        boot: &Boot,
        mut warn: impl FnMut(String),
    ) -> Result<Self, Refused> {
        if bytes.len() > EXPRESSION_LIMIT_BYTES {
            return Err(Refused::TooLong);
        }
        let text = str::from_utf8(bytes).map_err(|_| Refused::NoText)?;
        if text.chars().any(char::is_control) {
            return Err(Refused::Control);
        }
        let (options, rest) = field(text, ':').ok_or(Refused::NoTriplet)?;
        let (name, remote) = field(rest, ':').ok_or(Refused::NoTriplet)?;
        let options = Options::parse(&options, &mut warn);
        if options.oci {
            return Err(Refused::Oci);
        }
        let form = options.form.ok_or(Refused::NoForm)?;
        let class = options.class.ok_or(Refused::NoClass)?;
        if options.block_device && form != ImageForm::Raw {
            return Err(Refused::NoDisk);
        }
        let url = match options.by_origin {
            true => beside(boot.origin.as_deref().ok_or(Refused::NoOrigin)?, remote)?,
            false => remote.parse()?,
        };
        let name = match name.as_str() {
            "" => name_from_url(&url, None, class, form)?,
            "-" => return Err(Refused::NoName),
            name => name.parse()?,
        };
        Ok(Self {
            url,
            name,
            class,
            form,
            verify: options.verify.unwrap_or(VerifyMode::Signature),
            read_only: options.read_only,
            block_device: options.block_device,
            runtime: options.runtime.unwrap_or(boot.in_initrd),
        })
    }

    /// The directory that it goes to, absolute.
    pub(super) fn directory(&self) -> String {
        let parent = if self.runtime { "/run" } else { "/var/lib" };
        format!("{parent}/{}", self.class.directory())
    }

    /// Where it will lie, absolute.
    pub(super) fn path(&self) -> String {
        format!("{}/{}", self.directory(), self.form.file_name(&self.name))
    }
}

impl Options {
    /// Of several that say the same thing the last holds. What is unknown is passed over, so that a newer system's command
    /// line still boots; a demand for verification that is not understood is one for the strictest.
    fn parse(text: &str, warn: &mut impl FnMut(String)) -> Self {
        let mut options = Self::default();
        for word in text.split(',') {
            let ignoring = |what: &str| format!("{what} `{word}`, ignoring");
            match word {
                "ro" => options.read_only = true,
                "rw" => options.read_only = false,
                "raw" => options.form = Some(ImageForm::Raw),
                "tar" => options.form = Some(ImageForm::Tree),
                "oci" => options.oci = true,
                "blockdev" => options.block_device = true,
                "bootorigin" => options.by_origin = true,
                _ => match word.split_once('=') {
                    Some(("verify", mode)) => match mode.parse() {
                        Ok(mode) => options.verify = Some(mode),
                        Err(error) => {
                            options.verify = None;
                            warn(format!("{error}; a signature is asked for"));
                        }
                    },
                    Some(("runtime", value)) => match parse_boolean(value) {
                        Ok(runtime) => options.runtime = Some(runtime),
                        Err(error) => warn(format!("runtime= makes no sense, ignoring: {error}")),
                    },
                    _ => match word.parse() {
                        Ok(class) => options.class = Some(class),
                        Err(_) => warn(ignoring("Unknown option")),
                    },
                },
            }
        }
        options
    }
}

/// The file of that name on the server that the kernel came from, beside it.
fn beside(origin: &str, name: &str) -> Result<Url, Refused> {
    let wrong = || Refused::Origin(origin.escape_debug().to_string());
    let origin: Url = origin.parse().map_err(|_| wrong())?;
    if origin.scheme() == Scheme::File {
        return Err(wrong());
    }
    Ok(origin.sibling(name).as_str().parse()?)
}
