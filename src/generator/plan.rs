//! What is to be fetched at boot, decided: from words to units, and nothing is looked at.

use std::collections::BTreeMap;

use super::expression::{Boot, Download, Refused};
use super::unit::{instance, loop_unit, text};
use super::words::words;

/// Everything that is decided by.
pub(super) struct Inputs {
    pub(super) boot: Boot,
    /// As the kernel has it: words, quoted where they hold blanks.
    pub(super) command_line: Vec<u8>,
    /// `import.pull`, an expression on each line.
    pub(super) credential: Vec<u8>,
    /// The path of this program.
    pub(super) program: String,
}

/// What is to happen after a download.
#[derive(Debug, Default)]
pub(super) struct Actions {
    pub(super) success: Option<String>,
    pub(super) failure: Option<String>,
}

/// What to write, and what to say.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// What is fetched, each by a unit.
    pub(super) downloads: Vec<Download>,
    pub(super) actions: Actions,
    /// Units by name.
    pub(super) units: BTreeMap<String, String>,
    /// Units that the boot waits for, of ours or others.
    pub(super) wanted: Vec<String>,
    /// In their order.
    pub(super) notes: Vec<Note>,
}

/// Something that somebody who asked for an image wants to know.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Note {
    Warning(String),
    Info(String),
}

impl Plan {
    pub(super) fn of(inputs: &Inputs) -> Self {
        let mut plan = Self::default();
        let (expressions, actions) = plan.asked_for(inputs);
        for expression in expressions {
            plan.add(&expression, inputs, &actions);
        }
        plan.actions = actions;
        plan
    }

    /// The expressions, and what is to happen after each. In an initrd those count that begin with `rd.`, elsewhere those
    /// that do not.
    fn asked_for(&mut self, inputs: &Inputs) -> (Vec<Vec<u8>>, Actions) {
        let prefix: &[u8] = if inputs.boot.in_initrd { b"rd." } else { b"" };
        let mut expressions = Vec::new();
        let mut actions = Actions::default();
        for word in words(&inputs.command_line) {
            let mut parts = word.splitn(2, |byte| *byte == b'=');
            let key = parts.next().unwrap_or_default();
            let Some(key) = key.strip_prefix(prefix) else {
                continue;
            };
            let key: Vec<u8> = key
                .iter()
                .map(|byte| if *byte == b'-' { b'_' } else { *byte })
                .collect();
            let value = parts.next().map(<[u8]>::to_vec);
            match (key.as_slice(), value) {
                (b"systemd.pull", Some(value)) => expressions.push(value),
                (b"systemd.pull.success_action", Some(value)) => {
                    actions.success = self.action("success", &value).or(actions.success);
                }
                (b"systemd.pull.failure_action", Some(value)) => {
                    actions.failure = self.action("failure", &value).or(actions.failure);
                }
                (
                    b"systemd.pull"
                    | b"systemd.pull.success_action"
                    | b"systemd.pull.failure_action",
                    None,
                ) => self.warn(format!("`{}` says nothing, ignoring", shown(&word))),
                _ => {}
            }
        }
        let lines = inputs.credential.split(|byte| *byte == b'\n');
        let lines = lines.map(<[u8]>::trim_ascii);
        let meant = |line: &&[u8]| !line.is_empty() && !line.starts_with(b"#");
        expressions.extend(lines.filter(meant).map(<[u8]>::to_vec));
        (expressions, actions)
    }

    /// A word that a unit may hold as an action. Which there are, systemd knows.
    fn action(&mut self, of: &str, value: &[u8]) -> Option<String> {
        let may_be = |byte: &u8| byte.is_ascii_lowercase() || *byte == b'-';
        if value.is_empty() || !value.iter().all(may_be) {
            let value = shown(value);
            self.warn(format!("`{value}` is no {of} action, ignoring"));
            return None;
        }
        Some(String::from_utf8_lossy(value).into_owned())
    }

    fn add(&mut self, expression: &[u8], inputs: &Inputs, actions: &Actions) {
        let mut warnings = Vec::new();
        let parsed = Download::parse(expression, &inputs.boot, |warning| warnings.push(warning));
        self.notes.extend(warnings.into_iter().map(Note::Warning));
        let download = match parsed {
            Ok(download) => download,
            Err(error @ Refused::NoOrigin) => {
                let what = format!("Nothing is fetched for `{}`: {error}", shown(expression));
                return self.notes.push(Note::Info(what));
            }
            Err(error) => return self.refuse(expression, error),
        };
        let block_device = loop_unit(&download);
        let name = instance("systemd-import", &download.path());
        let Some(name) = name.filter(|_| block_device.is_some() == download.block_device) else {
            return self.refuse(expression, "the name of its unit would be too long");
        };
        if self.units.contains_key(&name) {
            return self.refuse(expression, "another comes before it that has the same name");
        }
        let text = text(&download, &inputs.boot, actions, &inputs.program);
        self.units.insert(name.clone(), text);
        self.wanted.push(name);
        self.wanted.extend(block_device);
        self.downloads.push(download);
    }

    fn refuse(&mut self, expression: &[u8], why: impl std::fmt::Display) {
        let expression = shown(expression);
        self.warn(format!("Nothing is fetched for `{expression}`: {why}"));
    }

    fn warn(&mut self, what: String) {
        self.notes.push(Note::Warning(what));
    }
}

/// As much as a line of the log takes, without what a URL would keep to itself.
fn shown(bytes: &[u8]) -> String {
    const ENOUGH: usize = 200;
    let text = String::from_utf8_lossy(bytes);
    // A user's name and password stand between slashes and `@`; nothing is cut off before that is known.
    let text = match (text.find("://"), text.rfind('@')) {
        (Some(start), Some(end)) if start < end => {
            format!("{}://…{}", &text[..start], &text[end..])
        }
        _ => text.into_owned(),
    };
    let mut shown: String = text.chars().take(ENOUGH).collect();
    let dots = if shown.len() < text.len() { "…" } else { "" };
    shown = shown.escape_debug().to_string();
    shown + dots
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(line: &str, origin: Option<&str>) -> Plan {
        Plan::of(&Inputs {
            boot: Boot {
                in_initrd: false,
                origin: origin.map(str::to_owned),
            },
            command_line: line.into(),
            credential: Vec::new(),
            program: "/usr/bin/importd".to_owned(),
        })
    }

    #[test]
    fn what_lies_beside_the_boot_loader_is_fetched_from_there() {
        let asked = "systemd.pull=raw,machine,bootorigin:a:x.raw";
        let unit = "systemd-import@var-lib-machines-a.raw.service";
        for (origin, url) in [
            (
                "http://boot.example/dir/uki.efi?x=1",
                "http://boot.example/dir/x.raw",
            ),
            ("https://h:8443/uki.efi", "https://h:8443/x.raw"),
        ] {
            let plan = planned(asked, Some(origin));
            assert!(plan.units[unit].contains(&format!("Download of {url}\n")));
        }
        // Neither from elsewhere nor from a boot loader that says nothing.
        for origin in [
            Some("file:///x.efi"),
            Some("tftp://h/x.efi"),
            Some("\n"),
            None,
        ] {
            let plan = planned(asked, origin);
            assert!(plan.units.is_empty() && plan.notes.len() == 1, "{origin:?}");
            let told = matches!(plan.notes[0], Note::Info(_));
            assert_eq!(told, origin.is_none());
        }
        // No name leads out of the line that it stands in.
        let hostile = planned(
            "systemd.pull=\"raw,machine,bootorigin:a:x y\"",
            Some("http://h/u"),
        );
        assert!(hostile.units.is_empty());
    }

    #[test]
    fn a_password_is_not_told_however_long_it_is() {
        let secret = "s3cret".repeat(60);
        let plan = planned(&format!("systemd.pull=raw:a:https://u:{secret}@h/x"), None);
        assert_eq!(plan.notes.len(), 1);
        let told = format!("{:?}", plan.notes[0]);
        assert!(
            told.contains("https://…@h/x") && !told.contains("s3cret"),
            "{told}"
        );
    }

    #[test]
    fn a_thousand_expressions_are_a_thousand_units() {
        let one =
            |number| format!("systemd.pull=raw,machine:n{number}:http://h/{number}.raw bogus ");
        let line: String = (0..1000).map(one).collect();
        let plan = planned(&line, None);
        assert_eq!((plan.units.len(), plan.wanted.len()), (1000, 1000));
        assert!(plan.notes.is_empty());
    }
}
