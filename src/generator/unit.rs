//! The unit that fetches one image.

use std::fmt::Write;

use super::expression::{Boot, Download};
use super::plan::Actions;
use crate::terms::{ImageClass, Scheme};
use crate::wire::varlink::SOCKET_PATH;

/// The longest name of a unit (`systemd.unit(5)`).
const NAME_MAX: usize = 255;

/// A unit's name that has a path as its instance; none if that would be too long.
pub(super) fn instance(template: &str, path: &str) -> Option<String> {
    let name = format!("{template}@{}.service", escape_path(path));
    (name.len() <= NAME_MAX).then_some(name)
}

/// A path as a part of a unit's name (`systemd.unit(5)`, "String Escaping for Inclusion in Unit Names"). It has no slashes
/// that mean nothing.
fn escape_path(path: &str) -> String {
    let mut escaped = String::new();
    for (at, byte) in path.trim_matches('/').bytes().enumerate() {
        match byte {
            b'/' => escaped.push('-'),
            b'.' if at > 0 => escaped.push('.'),
            b':' | b'_' => escaped.push(byte.into()),
            _ if byte.is_ascii_alphanumeric() => escaped.push(byte.into()),
            _ => {
                let _ = write!(escaped, "\\x{byte:02x}");
            }
        }
    }
    escaped
}

/// A setting's value in which nothing means anything to systemd but itself.
fn plain(value: &str) -> String {
    value.replace('%', "%%")
}

/// One word of a command line (`systemd.service(5)`, "Command lines"; with `:` before the program nothing is a variable).
fn word(value: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./=:,@+~".contains(&byte);
    if !value.is_empty() && value.bytes().all(bare) {
        return value.to_owned();
    }
    let mut quoted = String::from("\"");
    for character in value.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '%' => quoted.push_str("%%"),
            _ => quoted.push(character),
        }
    }
    quoted + "\""
}

/// The unit's text. `program` is ours, by its path.
pub(super) fn text(download: &Download, boot: &Boot, actions: &Actions, program: &str) -> String {
    let mut lines = vec![
        "# Written by systemd-import-generator; gone with the next boot.".to_owned(),
        String::new(),
        "[Unit]".to_owned(),
        format!(
            "Description=Download of {}",
            plain(&download.url.to_string())
        ),
        "Documentation=man:systemd-import-generator(8)".to_owned(),
        "SourcePath=/proc/cmdline".to_owned(),
        // Not required: where there is no daemon it is done without.
        "Wants=systemd-importd.socket".to_owned(),
        "After=imports-pre.target systemd-importd.socket".to_owned(),
        "Conflicts=shutdown.target".to_owned(),
        "Before=imports.target shutdown.target".to_owned(),
        "DefaultDependencies=no".to_owned(),
    ];
    let action = |key: &str, value: &Option<String>| value.as_ref().map(|it| format!("{key}={it}"));
    lines.extend(action("SuccessAction", &actions.success));
    lines.extend(action("FailureAction", &actions.failure));
    let reader = match download.class {
        ImageClass::Sysext => Some("systemd-sysext"),
        ImageClass::Confext => Some("systemd-confext"),
        ImageClass::Machine | ImageClass::Portable => None,
    };
    let command: Vec<_> = [program.to_owned()]
        .into_iter()
        .chain(arguments(download))
        .map(|it| word(&it))
        .collect();
    let place = if boot.in_initrd { "-initrd" } else { "" };
    lines.extend(reader.map(|it| format!("Before={it}{place}.service")));
    if download.url.scheme() != Scheme::File {
        lines.push("Wants=network-online.target".to_owned());
        lines.push("After=network-online.target".to_owned());
    }
    lines.extend(loop_unit(download).map(|it| format!("Before={it}")));
    lines.extend([
        String::new(),
        "[Service]".to_owned(),
        "Type=oneshot".to_owned(),
        "NotifyAccess=main".to_owned(),
        // Whoever waits for the boot wants to know for what; what is told to the journal itself is on no console.
        "StandardError=journal+console".to_owned(),
        "Environment=SYSTEMD_LOG_TARGET=console".to_owned(),
        "SyslogIdentifier=systemd-pull".to_owned(),
        // By that name it is that program, wherever it lies and whatever it is called there.
        format!("ExecStart=:@{}", command.join(" ")),
    ]);
    lines.join("\n") + "\n"
}

/// What makes a block device of it.
pub(super) fn loop_unit(download: &Download) -> Option<String> {
    let wanted = download.block_device;
    wanted.then(|| instance("systemd-loop", &download.path()))?
}

/// What fetches it: the name that our program is called by, and what it is told.
pub(super) fn arguments(download: &Download) -> Vec<String> {
    let mut words = vec![
        "systemd-pull".to_owned(),
        "--wait".to_owned(),
        format!("--daemon=/{SOCKET_PATH}"),
        format!("--class={}", download.class),
        format!("--verify={}", download.verify),
        format!("--image-root={}", download.directory()),
        // There is no second time for which it could be of use.
        "--keep-download=no".to_owned(),
    ];
    if download.read_only {
        words.push("--read-only".to_owned());
    }
    words.extend([
        download.form.word().to_owned(),
        "--".to_owned(),
        download.url.as_str().to_owned(),
        download.name.as_str().to_owned(),
    ]);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_escaped_as_systemd_escape_does() {
        for (path, expected) in [
            ("/var/lib/machines/a.raw", "var-lib-machines-a.raw"),
            ("/run/machines/a-b c", r"run-machines-a\x2db\x20c"),
            ("/.a/é", r"\x2ea-\xc3\xa9"),
            ("/a_b:c@d", r"a_b:c\x40d"),
        ] {
            assert_eq!(escape_path(path), expected);
        }
        assert_eq!(
            instance("a", &"b".repeat(245)).map(|it| it.len()),
            Some(255)
        );
        assert_eq!(instance("a", &"b".repeat(246)), None);
    }

    #[test]
    fn words_mean_nothing_but_themselves() {
        for (value, expected) in [
            ("--class=machine", "--class=machine"),
            ("", "\"\""),
            ("a b", "\"a b\""),
            ("a%n$HOME'", "\"a%%n$HOME'\""),
            (r#"a\"b"#, r#""a\\\"b""#),
            (";", "\";\""),
        ] {
            assert_eq!(word(value), expected);
        }
    }
}
