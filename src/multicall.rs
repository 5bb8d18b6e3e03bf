//! One binary, several names: which face a name means, and the links that give the binary its names.

use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::store::{SWEEPER_OPTION, sweep};
use crate::sys::give_back_what_is_freed;
use crate::world::World;

/// The version, and the commit it was built from.
pub const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("IMPORTD_COMMIT"), ")");

/// A program that this binary is when it is called by that name.
pub struct Face {
    pub name: &'static str,
    pub main: fn(&World) -> ExitCode,
}

/// Why the links could not be made.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("failed to find out where this program lies: {0}")]
    Myself(io::Error),
    #[error("failed to create link `{}`: {cause}", .path.display())]
    Link { path: PathBuf, cause: io::Error },
    #[error("`{}` exists already and is no link: move it away first", .0.display())]
    NoLink(PathBuf),
}

/// Becomes the face that the program was called as, or says what faces there are, and of those `left_out` that they are.
pub fn main(world: World, faces: &[Face], left_out: &[&str]) -> ExitCode {
    give_back_what_is_freed();
    if let Some(face) = find(faces, &world.name) {
        return (face.main)(&world);
    }
    if left_out.contains(&world.name.as_str()) {
        return refuse(&world, &world.name, left_out);
    }
    let first = world
        .args
        .first()
        .and_then(|arg| arg.to_str())
        .map(str::to_owned);
    match first.as_deref() {
        Some("--list") => print(
            &world,
            &faces
                .iter()
                .map(|face| format!("{}\n", face.name))
                .collect::<String>(),
        ),
        Some("--version") => print(&world, &format!("importd {}\n", VERSION)),
        Some("--install") => install(&world, faces),
        Some(SWEEPER_OPTION) => match sweep(io::stdin().as_fd()) {
            Ok(_) => ExitCode::SUCCESS,
            Err(error) => {
                world.complain(&format!(
                    "importd: failed to sweep the directory on standard input: {error}\n"
                ));
                ExitCode::FAILURE
            }
        },
        None | Some("--help" | "-h") => print(&world, HELP),
        Some(name) => match find(faces, name) {
            Some(face) => (face.main)(&world.shifted()),
            None => refuse(&world, name, left_out),
        },
    }
}

const HELP: &str = "\
importd NAME [ARGUMENT…]   Be the program NAME
importd --list             List the programs in this binary
importd --install DIR      Link them into a directory
importd --sweep <DIR       Remove what crashed transfers left in an image directory
importd --version          Print the version

Called by the name of one of its programs, through a link, the binary is that program.
";

fn find<'a>(faces: &'a [Face], name: &str) -> Option<&'a Face> {
    faces.iter().find(|face| face.name == name)
}

/// Says that there is no such program, or none in this build.
fn refuse(world: &World, name: &str, left_out: &[&str]) -> ExitCode {
    let why = match left_out.contains(&name) {
        true => format!("this build of importd has no `{name}`"),
        false => format!("there is no program `{name}` in here"),
    };
    world.complain(&format!("importd: {why}: see `importd --list`\n"));
    ExitCode::FAILURE
}

fn print(world: &World, text: &str) -> ExitCode {
    if world.print(text).is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn install(world: &World, faces: &[Face]) -> ExitCode {
    let Some(directory) = world.args.get(1).filter(|_| world.args.len() == 2) else {
        world.complain("importd: --install takes one directory\n");
        return ExitCode::FAILURE;
    };
    for face in faces {
        let path = Path::new(directory).join(face.name);
        let linked = world
            .program()
            .map_err(Error::Myself)
            .and_then(|program| link(&program, &path));
        if let Err(error) = linked {
            world.complain(&format!("importd: {error}\n"));
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Makes a link to this binary, in place of an earlier one if need be, never in place of anything else.
fn link(program: &Path, path: &Path) -> Result<(), Error> {
    let failed = |cause| Error::Link {
        path: path.to_owned(),
        cause,
    };
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_symlink() => fs::remove_file(path).map_err(failed)?,
        Ok(_) => return Err(Error::NoLink(path.to_owned())),
        Err(_) => {}
    }
    symlink(program, path).map_err(failed)
}
