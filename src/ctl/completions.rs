//! Completion scripts for three shells, rendered from the options table. It names nothing of the crate but that, since
//! the build script is who renders; the program prints what was rendered (`help.rs`).

use super::options::{OPTIONS, OptionId, VERBS};
use crate::usage::{Completes, OptionSpec};

/// The options as they are typed: `-q`, `--quiet`, `--class=`.
fn names(option: &OptionSpec<OptionId>) -> impl Iterator<Item = String> {
    let end = if option.value.is_some() { "=" } else { "" };
    let short = option.short.map(|letter| format!("-{letter}"));
    let long = option.long.map(|name| format!("--{name}{end}"));
    short.into_iter().chain(long)
}

/// For bash 4 and later, without the help of the bash-completion package.
pub(super) fn bash() -> String {
    let verbs = VERBS.map(|verb| verb.name).join(" ");
    let options: Vec<_> = OPTIONS.iter().flat_map(names).collect();
    let takes = |completes: fn(&Completes) -> bool| {
        let found = OPTIONS
            .iter()
            .filter(|option| option.value.is_some() && completes(&option.completes));
        let found: Vec<_> = found
            .filter_map(|option| option.long)
            .map(|name| format!("--{name}"))
            .collect();
        found.join("|")
    };
    let with_value = takes(|_| true);
    let directory = takes(|completes| *completes == Completes::Directory);
    let words = OPTIONS.iter().filter_map(|option| match option.completes {
        Completes::Words(words) => Some(format!(
            "    --{}) mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$current\"); return ;;\n",
            option.long?,
            words.join(" ")
        )),
        _ => None,
    });
    let words: String = words.collect();
    let files = VERBS
        .iter()
        .filter(|verb| verb.completes == Completes::File);
    let files: Vec<_> = files.map(|verb| format!("{}:1", verb.name)).collect();
    BASH.replace("@words@", &words)
        .replace("@directory@", &directory)
        .replace("@with_value@", &with_value)
        .replace("@options@", &options.join(" "))
        .replace("@verbs@", &verbs)
        .replace("@files@", &files.join("|"))
}

/// The script for bash but for what the table knows.
const BASH: &str = r#"# Completion of importctl for bash.

_importctl() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} option= verb= count=0 index
    COMPREPLY=()

    # bash hands over --class=machine as three words, --class machine as two.
    if [[ $current == = ]]; then
        option=$previous current=
    elif [[ $previous == = ]]; then
        option=${COMP_WORDS[COMP_CWORD-2]}
    else
        option=$previous
    fi
    case $option in
@words@    @directory@) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$current"); return ;;
    @with_value@) return ;;
    esac

    for ((index = 1; index < COMP_CWORD; index++)); do
        case ${COMP_WORDS[index]} in
        @with_value@) [[ ${COMP_WORDS[index+1]} != = ]] || ((index++)); ((index++)) ;;
        -?*) ;;
        *) [[ $verb ]] && ((count++)); verb=${verb:-${COMP_WORDS[index]}} ;;
        esac
    done

    if [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W '@options@' -- "$current")
        [[ ${COMPREPLY[0]} != *= ]] || compopt -o nospace
    elif [[ ! $verb ]]; then
        mapfile -t COMPREPLY < <(compgen -W '@verbs@' -- "$current")
    else
        case $verb:$((count + 1)) in
        @files@) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
        esac
    fi
}

complete -F _importctl importctl
"#;

/// For zsh, as the function file `_importctl`.
pub(super) fn zsh() -> String {
    // What `_arguments` would take for its own, and then the shell.
    let plain = |text: &str| {
        let text = text
            .replace('[', "\\[")
            .replace(']', "\\]")
            .replace(':', "\\:");
        text.replace('\'', "'\\''")
    };
    let mut script = "#compdef importctl\n# Completion of importctl for zsh.\n\n".to_owned();
    script += "local state line\ntypeset -A opt_args\n\n_arguments -s -S \\\n";
    for option in &OPTIONS {
        let names: Vec<_> = names(option).collect();
        let value = option.value.map(|value| match option.completes {
            Completes::Nothing => format!(":{value}: "),
            Completes::File => format!(":{value}:_files"),
            Completes::Directory => format!(":{value}:_files -/"),
            Completes::Words(words) => format!(":{value}:({})", words.join(" ")),
        });
        let rest = format!("[{}]{}", plain(option.help), value.unwrap_or_default());
        script += &match names.as_slice() {
            [one] => format!("    '{one}{rest}' \\\n"),
            several => format!(
                "    '({})'{{{}}}'{rest}' \\\n",
                several.join(" "),
                several.join(",")
            ),
        };
    }
    let verbs = VERBS.map(|verb| format!("{}\\:\"{}\"", verb.name, plain(verb.help)));
    script += &format!(
        "    '1:command:(({}))' \\\n    '2: :->argument'\n\n",
        verbs.join(" ")
    );
    script += "if [[ $state == argument ]]; then\n    case $line[1] in\n";
    for verb in VERBS
        .iter()
        .filter(|verb| verb.completes == Completes::File)
    {
        script += &format!("    ({}) _files ;;\n", verb.name);
    }
    script + "    esac\nfi\n"
}

/// For fish.
pub(super) fn fish() -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"));
    let mut script = "# Completion of importctl for fish.\n\ncomplete -c importctl -f\n".to_owned();
    for verb in &VERBS {
        let help = quoted(verb.help);
        script += &format!(
            "complete -c importctl -n __fish_use_subcommand -a {} -d {help}\n",
            verb.name
        );
        if verb.completes == Completes::File {
            script += &format!(
                "complete -c importctl -n '__fish_seen_subcommand_from {}' -F\n",
                verb.name
            );
        }
    }
    for option in &OPTIONS {
        let short = option.short.map(|letter| format!(" -s {letter}"));
        let long = option.long.map(|name| format!(" -l {name}"));
        let value = option.value.map(|_| match option.completes {
            Completes::Nothing => " -x".to_owned(),
            Completes::File => " -r -F".to_owned(),
            Completes::Directory => " -x -a '(__fish_complete_directories)'".to_owned(),
            Completes::Words(words) => format!(" -x -a {}", quoted(&words.join(" "))),
        });
        let [short, long, value] = [short, long, value].map(Option::unwrap_or_default);
        script += &format!(
            "complete -c importctl{short}{long}{value} -d {}\n",
            quoted(option.help)
        );
    }
    script
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{self, Write};
    use std::process::{Command, Stdio};
    use std::{env, thread};

    use super::*;

    #[test]
    fn every_script_knows_every_option_and_verb() {
        for script in [bash(), zsh(), fish()] {
            for verb in &VERBS {
                assert!(script.contains(verb.name), "{}", verb.name);
            }
            for option in OPTIONS.iter().filter_map(|option| option.long) {
                assert!(script.contains(option), "{option}");
            }
        }
        assert!(fish().contains("complete -c importctl -s q -l quiet -d "));
        assert!(zsh().contains("    '(-q --quiet)'{-q,--quiet}'["));
    }

    /// What the script prints when that shell runs it, and nothing, but noted, where there is no such shell.
    fn run(shell: &str, arguments: &[&str], script: &str) -> Option<String> {
        let mut child = Command::new(shell);
        child.args(arguments).arg("-c").arg(script);
        match child.stderr(Stdio::inherit()).output() {
            Ok(output) => {
                assert!(output.status.success(), "{shell}: {script}");
                Some(String::from_utf8(output.stdout).unwrap())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let test = thread::current();
                let line = format!("skipped: {}: no {shell}\n", test.name().unwrap_or("?"));
                eprint!("{line}");
                if let Some(path) = env::var_os("IMPORTD_SKIPS_FILE") {
                    let mut file = File::options()
                        .append(true)
                        .create(true)
                        .open(path)
                        .unwrap();
                    file.write_all(line.as_bytes()).unwrap();
                }
                None
            }
            Err(error) => panic!("{shell}: {error}"),
        }
    }

    #[test]
    fn zsh_accepts_its_script() {
        run("zsh", &["-n"], &zsh());
    }

    #[test]
    fn bash_completes_verbs_options_values_and_files() {
        for (words, expected) in [
            (&["pull"][..], "pull-tar pull-raw"),
            (&["--cl"], "--class="),
            (&["--class", "=", "po"], "portable"),
            (&["--class", "="], "machine portable sysext confext"),
            (&["--class", "conf"], "confext"),
            (&["-m", "--verify", "=", "no", "list-i"], "list-images"),
            (&["--verify", "no", "-N", "import-r"], "import-raw"),
            (&["import-raw", "-m", "build."], "build.rs"),
            (&["import-raw", "build.rs", "build."], ""),
            (&["--root", "=", "sr"], "src"),
            (&["--retry-timeout", "=", ""], ""),
            (&["list-images", ""], ""),
        ] {
            let script = format!(
                "compopt() {{ :; }}\n{}\nCOMP_WORDS=(importctl {})\nCOMP_CWORD={}\n_importctl\necho -n \"${{COMPREPLY[*]}}\"",
                bash(),
                words
                    .iter()
                    .map(|word| format!("'{word}' "))
                    .collect::<String>(),
                words.len(),
            );
            assert_eq!(
                run("bash", &[], &script).as_deref(),
                Some(expected),
                "{words:?}"
            );
        }
    }

    #[test]
    fn fish_completes_verbs_options_and_values() {
        for (line, expected) in [
            ("importctl pull-r", "pull-raw"),
            ("importctl --class=port", "--class=portable"),
            ("importctl --verify no", "no"),
            ("importctl import-raw build.", "build.rs"),
            ("importctl list-images Carg", ""),
        ] {
            let script = format!("{}\ncomplete -C '{line}' | cut -f1", fish());
            let Some(completed) = run("fish", &["--no-config"], &script) else {
                return;
            };
            assert_eq!(completed.trim_end(), expected, "{line}");
        }
    }
}
