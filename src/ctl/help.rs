//! What the program says about itself beside its help: completion scripts, made from the options table.

use crate::usage::Error;

/// The completion script for a shell.
pub(super) fn completion(shell: &str) -> Result<&'static str, Error> {
    match shell {
        "bash" => Ok(include_str!(concat!(env!("OUT_DIR"), "/bash"))),
        "zsh" => Ok(include_str!(concat!(env!("OUT_DIR"), "/zsh"))),
        "fish" => Ok(include_str!(concat!(env!("OUT_DIR"), "/fish"))),
        _ => Err(Error::Value {
            option: "--completion=".to_owned(),
            reason: format!("`{}` is none of bash, zsh and fish", shell.escape_debug()),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ctl::options::{USAGE, VERBS};
    use crate::term::{Terminal, width};
    use crate::usage::help;

    fn terminal(columns: &'static str) -> Terminal {
        Terminal::new(
            true,
            || None,
            move |name| match name {
                "TERM" => Some("xterm".to_owned()),
                "COLUMNS" => Some(columns.to_owned()),
                _ => None,
            },
        )
    }

    #[test]
    fn help_names_everything_and_a_pipe_gets_plain_text_of_80_columns() {
        let help = help(&USAGE, &Terminal::PIPE);
        assert!(help.starts_with("importctl [OPTION…] COMMAND …\n\n"));
        assert!(help.contains("\n  pull-raw URL [NAME]     Download a raw disk image\n"));
        assert!(help.contains("\n  -q --quiet              "));
        assert!(help.contains("\n     --class=CLASS        "));
        assert!(VERBS.iter().all(|verb| help.contains(verb.help)));
        assert!(help.lines().all(|line| width(line) <= 80) && !help.contains('\x1b'));
    }

    #[test]
    fn help_fits_narrow_terminals() {
        for columns in ["50", "40"] {
            let plain = Terminal::new(
                false,
                || None,
                |name| (name == "COLUMNS").then(|| columns.to_owned()),
            );
            let limit: usize = columns.parse().unwrap();
            let help = help(&USAGE, &plain);
            assert!(help.lines().all(|line| width(line) <= limit), "{help}");
        }
    }

    #[test]
    fn a_terminal_gets_bold_headings_and_a_link_to_the_page() {
        let help = help(&USAGE, &terminal("80"));
        assert!(help.contains("\x1b[1mCommands:\x1b[0m"));
        assert!(help.contains("\x1b]8;;man:importctl(1)\x1b\\importctl(1)\x1b]8;;\x1b\\"));
    }

    #[test]
    fn there_is_a_script_for_each_shell_of_the_table_and_for_no_other() {
        for shell in ["bash", "zsh", "fish"] {
            assert!(completion(shell).unwrap().contains("importctl"));
        }
        assert!(
            completion("tcsh\x1b")
                .unwrap_err()
                .to_string()
                .contains("`tcsh\\u{1b}` is none of")
        );
    }
}
