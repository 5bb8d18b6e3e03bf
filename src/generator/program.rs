//! The program: reads what a boot asks for, and writes the plan down.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;

use super::expression::Boot;
use super::now;
use super::plan::{Inputs, Note, Plan};
use crate::multicall::VERSION;
use crate::report::Reporter;
use crate::term::Screen;
use crate::world::{INPUT_LIMIT_BYTES, World, read_limited};

const NAME: &str = "systemd-import-generator";
const CREDENTIAL: &str = "import.pull";
/// The target whose units the boot waits for.
const TARGET: &str = "imports.target";

const HELP: &str = "\
systemd-import-generator NORMAL-DIR [EARLY-DIR LATE-DIR]
systemd-import-generator --now

Writes units for the images that the kernel command line (systemd.pull=) and the
credential import.pull ask for. The service manager calls it at boot; where there
is none, --now does at once what the units would. See systemd-import-generator(8).
";

/// Why something could not be written.
#[derive(Debug, thiserror::Error)]
#[error("failed to write `{}`: {cause}", .path.display())]
struct Error {
    path: PathBuf,
    cause: io::Error,
}

/// systemd-import-generator.
pub fn main(world: &World) -> ExitCode {
    let words: Vec<_> = world.args.iter().map(|it| it.to_string_lossy()).collect();
    let print = |text: &str| match world.print(text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    };
    match words.first().map(AsRef::as_ref) {
        Some("--help" | "-h") => return print(HELP),
        Some("--version") => return print(&format!("importd {VERSION}\n")),
        _ => {}
    }
    let at_once = words == ["--now"];
    if !at_once && (!matches!(words.len(), 1 | 3) || words[0].starts_with('-')) {
        world.complain(&format!(
            "{NAME}: the service manager calls this, with three directories (without one use --now): see {NAME}(8)\n"
        ));
        return ExitCode::FAILURE;
    }
    // At that time there is mostly no journal yet, and nobody who reads standard error.
    let variable = |name: &str| {
        let fallback = (name == "SYSTEMD_LOG_TARGET" && !at_once && !world.errors_are_terminal())
            .then(|| "journal-or-kmsg".to_owned());
        world.variable(name).or(fallback)
    };
    let (screen, warnings) = Screen::of_stderr(NAME, (false, world.errors_are_journal()), variable);
    let reporter = Reporter::new(Arc::new(screen));
    for warning in warnings {
        reporter.warning(warning);
    }
    let inputs = inputs(world, &reporter);
    let plan = Plan::of(&inputs);
    for note in &plan.notes {
        match note {
            Note::Warning(what) => reporter.warning(what),
            Note::Info(what) => reporter.info(what),
        }
    }
    let failed = match at_once {
        true => now::fetch(&plan, Path::new(&inputs.program), &reporter),
        false => write(&plan, Path::new(&world.args[0]), &reporter),
    };
    match failed {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn inputs(world: &World, reporter: &Reporter) -> Inputs {
    let program = world.program().ok();
    let command_line = world.kernel_command_line().unwrap_or_else(|error| {
        reporter.warning(format_args!(
            "failed to read the kernel's command line, ignoring: {error}"
        ));
        Vec::new()
    });
    Inputs {
        boot: Boot {
            in_initrd: world.in_initrd(),
            origin: world.boot_origin(),
        },
        command_line,
        credential: credential(world, reporter),
        // Where nobody can tell, it is looked for by its name.
        program: program
            .and_then(|it| it.to_str().map(str::to_owned))
            .unwrap_or_else(|| "importd".to_owned()),
    }
}

/// The credential's text; empty if there is none.
fn credential(world: &World, reporter: &Reporter) -> Vec<u8> {
    let path = |variable| {
        let directory = world.variable_os(variable)?;
        Some(Path::new(&directory).join(CREDENTIAL))
    };
    let plain = path("CREDENTIALS_DIRECTORY").map(|path| (read_limited(&path), path));
    let (read, path) = match plain {
        Some((Err(error), path)) if error.kind() != io::ErrorKind::NotFound => (Err(error), path),
        Some((Ok(text), _)) => return text,
        _ => {
            let path = path("ENCRYPTED_CREDENTIALS_DIRECTORY").filter(|it| it.exists());
            let Some(path) = path else {
                return Vec::new();
            };
            (decrypted(&path), path)
        }
    };
    read.unwrap_or_else(|error| {
        let path = path.display();
        reporter.warning(format_args!(
            "failed to read credential `{path}`, ignoring: {error}"
        ));
        Vec::new()
    })
}

/// What systemd-creds makes of it.
fn decrypted(path: &Path) -> io::Result<Vec<u8>> {
    let mut child = Command::new("systemd-creds")
        .args(["decrypt", "--newline=no"])
        .arg(format!("--name={CREDENTIAL}"))
        .args([path.as_os_str(), "-".as_ref()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut text = Vec::new();
    if let Some(output) = child.stdout.take() {
        output.take(INPUT_LIMIT_BYTES).read_to_end(&mut text)?;
    }
    match child.wait()? {
        status if status.success() => Ok(text),
        status => Err(io::Error::other(format!(
            "systemd-creds ended with {status}"
        ))),
    }
}

/// Writes units and links. What fails costs nothing else; returns how many did.
fn write(plan: &Plan, directory: &Path, reporter: &Reporter) -> usize {
    let units = plan
        .units
        .iter()
        .map(|(name, text)| write_unit(&directory.join(name), text));
    let wants = directory.join(format!("{TARGET}.wants"));
    let links = plan.wanted.iter().map(|name| {
        let path = wants.join(name);
        fs::create_dir_all(&wants)
            .and_then(|()| symlink(format!("../{name}"), &path))
            .map_err(|cause| Error { path, cause })
    });
    let failed = units.chain(links).filter_map(Result::err);
    failed.inspect(|error| reporter.error(error)).count()
}

fn write_unit(path: &Path, text: &str) -> Result<(), Error> {
    File::create_new(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|cause| Error {
            path: path.to_owned(),
            cause,
        })
}
