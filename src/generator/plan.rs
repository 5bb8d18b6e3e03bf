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
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(ENOUGH)]);
    let dots = if bytes.len() > ENOUGH { "…" } else { "" };
    let text: String = text.escape_debug().collect();
    // A user's name and password stand between slashes and `@`.
    match (text.find("://"), text.rfind('@')) {
        (Some(start), Some(end)) if start < end => {
            format!("{}://…{}{dots}", &text[..start], &text[end..])
        }
        _ => text + dots,
    }
}
