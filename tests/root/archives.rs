//! What comes of generated archives is what GNU tar makes of them, and bsdtar.
//!
//! `$IMPORTD_SEEDS=FROM-TO` tries other seeds than the usual ones.

mod bytes;
/// Trees as facts.
mod facts;
mod generate;
/// What became of all archives.
mod judge;
mod member;
/// Other programs' archives.
mod packers;
/// Where members lie.
mod places;
/// Who is right where they differ.
mod reasons;

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use importd::format::tar::Reader;
use importd::stream::Cancel;
use importd::tree::{self, Working};

use self::facts::Facts;
use self::judge::{Tally, Trial};
use self::member::Archive;
use self::places::Places;
use crate::kit::{Case, need, need_root};
use crate::mount::Mount;

const SEEDS: Range<u64> = 1..801;

/// One in so many archives is imported by the binary as well, and what GNU tar made of it is packed again.
const OFTEN: u64 = 6;

const GNU_TAR: &[&str] = &[
    "--numeric-owner",
    "--xattrs",
    "--xattrs-include=*",
    "--acls",
    "-xpf",
];

/// What an extraction came to: a tree, or why there is none.
pub type Made = Result<Facts, String>;

#[test]
fn generated_archives_become_the_trees_that_other_programs_make_of_them() {
    let tools = ["mkfs.ext4", "tar", "bsdtar", "python3"];
    if !need_root() || !tools.into_iter().all(need) {
        return;
    }
    let start = Instant::now();
    let room = Mount::formatted(512 << 20, "mkfs.ext4", &["-q", "-I", "256"]);
    let mut tally = Tally::default();
    for seed in seeds() {
        let archive = generate::archive(seed);
        let case = Extraction::new(&room.path(), &format!("{seed}"));
        fs::write(case.file(), bytes::of(&archive)).unwrap();
        let trial = case.try_all(&archive);
        tally.add(&trial);
        if seed % OFTEN != 0 {
            continue;
        }
        case.try_binary(&trial);
        let again = Extraction::new(&room.path(), &format!("{seed}-again"));
        let packed_by = packers::pack((seed / OFTEN) as usize, &case.top("gnu"), &again.file());
        if trial.gnu.is_ok() && packed_by.is_some() {
            let archive = Archive {
                packed_by,
                ..archive
            };
            tally.add(&again.try_all(&archive));
        }
    }
    eprintln!("{tally}in {} s", start.elapsed().as_secs());
    tally.holds();
}

fn seeds() -> Range<u64> {
    let Some(text) = std::env::var_os("IMPORTD_SEEDS") else {
        return SEEDS;
    };
    let text = text.into_string().unwrap();
    let (from, to) = text.split_once('-').expect("IMPORTD_SEEDS=FROM-TO");
    from.parse().unwrap()..to.parse::<u64>().unwrap() + 1
}

/// A directory with an archive in it and what becomes of that. Gone on drop.
struct Extraction(PathBuf);

impl Drop for Extraction {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

impl Extraction {
    fn new(room: &Path, name: &str) -> Self {
        let place = room.join(name);
        fs::create_dir(&place).unwrap();
        Self(place)
    }

    fn file(&self) -> PathBuf {
        self.0.join("archive.tar")
    }

    /// Where the program of that name extracts to.
    fn top(&self, name: &str) -> PathBuf {
        self.0.join(name).join("top")
    }

    /// The whole program makes the same of it, its top aside.
    #[track_caller]
    fn try_binary(&self, trial: &Trial<'_>) {
        let case = Case::new().without_root();
        let [file, root] = [self.file(), self.0.join("binary")];
        fs::create_dir(&root).unwrap();
        let root = format!("--image-root={}", root.display());
        let import = ["-m", &root, "import-tar", file.to_str().unwrap(), "top"];
        let outcome = case.importctl(import);
        let ours = match &trial.ours {
            Ok(ours) => ours,
            Err(error) => {
                let cause = error.trim_start_matches("failed to read the archive: ");
                outcome.code(1).stderr_has(cause);
                return;
            }
        };
        outcome.ok();
        let mut binary = facts::of(&self.top("binary"));
        let mut ours = ours.clone();
        for facts in [&mut binary, &mut ours] {
            facts.retain(|key, _| key.0 != Path::new(""));
        }
        assert!(
            binary == ours,
            "the binary makes something else of\n{}",
            trial.archive
        );
    }

    fn try_all<'a>(&self, archive: &'a Archive) -> Trial<'a> {
        Trial {
            archive,
            gnu: self.by_gnu_tar(archive),
            bsd: self.made("bsd", |top| {
                self.run("bsdtar", &["--numeric-owner", "-xpf"], top)
            }),
            ours: self.made("ours", |top| self.extract(top)),
        }
    }

    /// GNU tar gives a directory its time when it leaves it, and whatever comes later takes that away. It has an option
    /// for such archives, which is worse at everything else: the times that were lost are taken from there.
    fn by_gnu_tar(&self, archive: &Archive) -> Made {
        let plain = self.made("gnu", |top| self.run("tar", GNU_TAR, top))?;
        if !plain.values().any(|fact| fact == facts::NOW) {
            return Ok(plain);
        }
        let delayed = self.made("delayed", |top| {
            let options = [&["--delay-directory-restore"], GNU_TAR].concat();
            self.run("tar", &options, top)
        })?;
        let told_twice = Places::of(archive).told_twice();
        let restored = |(key, fact): (facts::Key, String)| match delayed.get(&key) {
            Some(time) if fact == facts::NOW && !told_twice.contains(&key.0) => (key, time.clone()),
            _ => (key, fact),
        };
        Ok(plain.into_iter().map(restored).collect())
    }

    /// The facts of a fresh directory that something was extracted into.
    fn made(&self, name: &str, extract: impl Fn(&Path) -> Result<(), String>) -> Made {
        let top = self.top(name);
        fs::create_dir_all(&top).unwrap();
        extract(&top)?;
        Ok(facts::of(&top))
    }

    fn run(&self, program: &str, options: &[&str], top: &Path) -> Result<(), String> {
        let mut command = Command::new(program);
        command.args(options).arg(self.file()).arg("-C").arg(top);
        command.env("TZ", "UTC").env("LC_ALL", "C.UTF-8");
        let outcome = command.output().unwrap();
        match outcome.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&outcome.stderr).trim().to_owned()),
        }
    }

    fn extract(&self, top: &Path) -> Result<(), String> {
        let mut how = Working {
            cancel: &Cancel::new().unwrap(),
            selinux: false,
            to_disk: false,
            filler: Some("filler"),
            tick: &mut || (),
        };
        let top = fs::File::open(top).unwrap();
        let mut reader = Reader::new(fs::File::open(self.file()).unwrap());
        let extracted = tree::extract(&mut reader, std::os::fd::AsFd::as_fd(&top), &mut how);
        extracted.map(drop).map_err(|error| error.to_string())
    }
}
