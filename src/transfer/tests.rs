//! Whole transfers without a network: `file:` URLs and files, below a root of the test's own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use super::job::{self, Job};
use super::{
    Error, Import, Local, Manager, NotStarted, Origin, Outcome, Place, Pull, Remote, Request,
    Settings, TRANSFERS_LIMIT, Target, Transfer, Untrusted, Watcher, Wishes,
};
use crate::fetch;
use crate::report::{Record, Reporter};
use crate::store::{self, Roots};
use crate::stream::{Cancel, sha256};
use crate::terms::{ImageClass, ImageForm, Url, VerifyMode};

mod packing;
mod workers;

/// On how many threads a transfer is worked on: as many as whoever runs the tests says.
fn threads() -> usize {
    let said = std::env::var("IMPORTD_THREADS");
    said.map_or(2, |count| count.parse().unwrap())
}

/// A directory of the test's own, removed at its end.
struct Home(PathBuf);

impl Home {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("importd-transfer-{}-{number}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        path
    }

    fn images(&self) -> PathBuf {
        self.0.join("root/var/lib/machines")
    }

    /// Everything below the image directory, hidden or not.
    fn names(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.images()) else {
            return Vec::new();
        };
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn settings(&self) -> Settings {
        fs::create_dir_all(self.0.join("root")).unwrap();
        Settings {
            roots: Roots::open(&self.0.join("root"), None).unwrap(),
            fetch: fetch::Config::new("test".into(), |_| None),
            keyring: None,
            sync: false,
            subvolumes: true,
            quota: false,
            lock_images: true,
            selinux: false,
            threads: threads(),
            memory: Arc::default(),
        }
    }

    fn job(&self) -> Job {
        Job {
            settings: Arc::new(self.settings()),
            cancel: Cancel::new().unwrap(),
            reporter: Reporter::silent(),
            name: "transfer".to_owned(),
        }
    }

    fn run(&self, request: Request) -> Result<(), Error> {
        job::start(self.job(), request, |_| {}).unwrap().join()
    }

    fn pull(&self, name: &str, verify: VerifyMode, force: bool) -> Result<(), Error> {
        let url: Url = format!("file://{}", self.0.join(name).display())
            .parse()
            .unwrap();
        self.run(Request::Pull(Pull {
            url,
            target: Target { force, ..target() },
            verify,
            keep_download: true,
            wishes: Wishes::NONE,
        }))
    }

    fn import(&self, path: &Path, read_only: bool) -> Result<(), Error> {
        self.run(Request::Import(Import {
            origin: Origin {
                file: fs::File::open(path).unwrap(),
                shown: path.display().to_string(),
            },
            target: Target {
                read_only,
                ..target()
            },
        }))
    }
}

fn target() -> Target {
    Target {
        class: ImageClass::Machine,
        form: ImageForm::Raw,
        place: Place::Named("image".parse().unwrap()),
        force: false,
        read_only: false,
        convert_qcow2: true,
        limit_bytes: None,
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_pull_keeps_a_pristine_copy_and_makes_a_local_one() {
    let home = Home::new();
    home.file("a.raw", b"content");
    home.pull("a.raw", VerifyMode::No, false).unwrap();
    let names = home.names();
    assert!(
        names[0].starts_with(".raw-file:") && names[1] == "image.raw" && names.len() == 2,
        "{names:?}"
    );
    for (name, mode) in names.iter().zip([0o444, 0o644]) {
        let path = home.images().join(name);
        assert_eq!(fs::read(&path).unwrap(), b"content");
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o7777,
            mode
        );
    }
}

#[test]
fn a_second_kept_pull_without_etag_replaces_the_first() {
    let home = Home::new();
    home.file("a.raw", b"one");
    home.pull("a.raw", VerifyMode::No, false).unwrap();
    home.file("a.raw", b"two");
    home.pull("a.raw", VerifyMode::No, true).unwrap();
    assert_eq!(home.names().len(), 2);
    for name in home.names() {
        assert_eq!(fs::read(home.images().join(name)).unwrap(), b"two");
    }
}

#[test]
fn a_taken_name_is_refused_and_the_image_stays_as_it_was() {
    let home = Home::new();
    home.file("a.raw", b"one");
    home.pull("a.raw", VerifyMode::No, false).unwrap();
    home.file("a.raw", b"two");
    let error = home.pull("a.raw", VerifyMode::No, false).unwrap_err();
    assert!(
        matches!(
            error,
            Error::Local(Local::Store(store::Error::Exists { .. }))
        ),
        "{error}"
    );
    assert_eq!(fs::read(home.images().join("image.raw")).unwrap(), b"one");
}

#[test]
fn checksums_are_compared_with_the_manifest_beside_the_image() {
    let home = Home::new();
    home.file("a.raw", b"content");
    let error = home.pull("a.raw", VerifyMode::Checksum, false).unwrap_err();
    assert!(
        matches!(error, Error::Untrusted(Untrusted::NoManifest { .. })),
        "{error}"
    );
    home.file(
        "SHA256SUMS",
        format!("{} *a.raw\n", sha256(b"other")).as_bytes(),
    );
    let error = home.pull("a.raw", VerifyMode::Checksum, false).unwrap_err();
    assert!(
        matches!(error, Error::Untrusted(Untrusted::Differs { .. })),
        "{error}"
    );
    assert!(home.names().is_empty());
    home.file(
        "SHA256SUMS",
        format!("{} *a.raw\n", sha256(b"content")).as_bytes(),
    );
    home.pull("a.raw", VerifyMode::Checksum, false).unwrap();
}

#[test]
fn a_pinned_digest_is_compared_and_needs_no_manifest() {
    let home = Home::new();
    home.file("a.raw", b"content");
    let error = home
        .pull("a.raw", VerifyMode::Pinned(sha256(b"other")), false)
        .unwrap_err();
    assert!(
        matches!(error, Error::Untrusted(Untrusted::DiffersFromPin { .. })),
        "{error}"
    );
    home.pull("a.raw", VerifyMode::Pinned(sha256(b"content")), false)
        .unwrap();
}

#[test]
fn without_any_keyring_a_signature_is_refused_before_anything_is_fetched() {
    let home = Home::new();
    let error = home
        .pull("missing.raw", VerifyMode::Signature, false)
        .unwrap_err();
    assert!(
        matches!(error, Error::Untrusted(Untrusted::NoKeyring(_))),
        "{error}"
    );
    assert!(home.names().is_empty());
}

#[test]
fn an_import_takes_plain_and_packed_files_of_any_size() {
    for content in [&b""[..], b"x", b"plain content", &[0; 100_000]] {
        let home = Home::new();
        home.import(&home.file("a.raw", content), true).unwrap();
        assert_eq!(fs::read(home.images().join("image.raw")).unwrap(), content);
        assert!(
            fs::metadata(home.images().join("image.raw"))
                .unwrap()
                .permissions()
                .readonly()
        );
    }
}

#[test]
fn a_qcow2_image_that_is_not_to_be_converted_is_kept_as_it_came() {
    let content = b"QFI\xfb, whatever follows";
    let home = Home::new();
    let path = home.file("a.qcow2", content);
    let (pipe, mut writer) = std::io::pipe().unwrap();
    std::io::Write::write_all(&mut writer, content).unwrap();
    drop(writer);
    let piped = fs::File::from(std::os::fd::OwnedFd::from(pipe));
    for (name, file) in [("file", fs::File::open(path).unwrap()), ("pipe", piped)] {
        let request = Request::Import(Import {
            origin: Origin {
                file,
                shown: name.to_owned(),
            },
            target: Target {
                place: Place::Named(name.parse().unwrap()),
                convert_qcow2: false,
                ..target()
            },
        });
        home.run(request).unwrap();
        let image = home.images().join(format!("{name}.raw"));
        assert_eq!(fs::read(image).unwrap(), content);
    }
}

#[test]
fn an_import_of_a_format_that_is_not_supported_leaves_nothing() {
    for content in [
        &b"QFI\xfb and more"[..],
        b"BZh91AY&SY",
        b"\x04\x22\x4d\x18\x64\x40\xa7",
    ] {
        let home = Home::new();
        let error = home
            .import(&home.file("a.raw", content), false)
            .unwrap_err();
        assert!(
            matches!(
                error,
                Error::Remote(Remote::Codec { .. } | Remote::Qcow2 { .. })
            ),
            "{error}"
        );
        assert!(home.names().is_empty());
    }
}

#[test]
fn what_a_crash_left_is_swept_and_what_is_held_is_not() {
    let home = Home::new();
    let source = home.file("a.raw", b"content");
    fs::create_dir_all(home.images()).unwrap();
    let left = home.images().join(".#importd.raw0123456789abcdef");
    let left_tree = home.images().join(".#importd.tar0123456789abcdef");
    fs::create_dir_all(left_tree.join("tree/etc")).unwrap();
    fs::set_permissions(&left_tree, fs::Permissions::from_mode(0o700)).unwrap();
    let foreign = home.images().join(".#raw0123456789abcdef");
    fs::write(&left, b"half").unwrap();
    fs::write(&foreign, b"not ours").unwrap();
    let roots = Roots::open(&home.0.join("root"), None).unwrap();
    let held = roots
        .target(ImageClass::Machine)
        .unwrap()
        .stage("raw")
        .unwrap();
    home.import(&source, false).unwrap();
    assert!(!left_tree.exists());
    assert!(!left.exists() && foreign.exists() && held.path().exists());
}

/// Passes on what it is told.
struct Heard(mpsc::Sender<(u32, String)>);

impl Heard {
    fn tell(&self, transfer: &Transfer, what: impl Into<String>) {
        let _ = self.0.send((transfer.id, what.into()));
    }
}

impl Watcher for Heard {
    fn begun(&self, transfer: &Transfer) {
        self.tell(transfer, "begun");
    }

    fn said(&self, transfer: &Transfer, record: &Record<'_>) {
        self.tell(transfer, record.message);
    }

    fn progress(&self, transfer: &Transfer) {
        self.tell(transfer, transfer.percent().unwrap().to_string());
    }

    fn ended(&self, transfer: &Transfer, outcome: Outcome) {
        self.tell(transfer, format!("{outcome:?}"));
    }
}

fn watched(home: &Home) -> (Manager, mpsc::Receiver<(u32, String)>) {
    let (sender, heard) = mpsc::channel();
    let manager = Manager::new(home.settings(), vec![Arc::new(Heard(sender))]);
    (manager, heard)
}

/// An import from a pipe, and the pipe: it goes on until that is closed.
fn endless(name: &str) -> (Request, std::io::PipeWriter) {
    let (reader, writer) = std::io::pipe().unwrap();
    let origin = Origin {
        file: std::os::fd::OwnedFd::from(reader).into(),
        shown: "pipe".to_owned(),
    };
    let target = Target {
        place: Place::Named(name.parse().unwrap()),
        ..target()
    };
    (Request::Import(Import { origin, target }), writer)
}

#[test]
fn a_manager_tells_of_a_transfer_from_its_begin_to_its_end() {
    let home = Home::new();
    let (manager, heard) = watched(&home);
    let (request, pipe) = endless("image");
    let transfer = manager.start(request, None, None).unwrap();
    assert_eq!((transfer.id, transfer.percent()), (1, None));
    assert_eq!(transfer.about.kind.as_str(), "import-raw");
    let listed = manager.transfers();
    assert!(listed.len() == 1 && Arc::ptr_eq(&listed[0], &transfer));
    assert!(Arc::ptr_eq(&manager.transfer(1).unwrap(), &transfer));
    drop(pipe);
    let all: Vec<_> = (0..)
        .map(|_| heard.recv_timeout(Duration::from_secs(20)).unwrap().1)
        .take_while(|what| what != "Done")
        .collect();
    assert_eq!(all[0], "begun");
    assert!(all[1].starts_with("Importing `pipe` as"));
    assert!(all.last().unwrap().starts_with("Created image"));
    assert!(manager.transfers().is_empty() && manager.transfer(1).is_none());
    assert_eq!(home.names(), ["image.raw"]);
}

#[test]
fn what_fails_was_not_cancelled_and_its_progress_never_falls() {
    let home = Home::new();
    let (manager, heard) = watched(&home);
    let image = home.file("image.raw", &vec![1; 3 << 20]);
    let import = |form| {
        let origin = Origin {
            file: fs::File::open(&image).unwrap(),
            shown: "image".to_owned(),
        };
        let target = Target { form, ..target() };
        let request = Request::Import(Import { origin, target });
        manager.start(request, None, None).unwrap();
        let ends = ["Done", "Failed", "Canceled"];
        let mut told = Vec::new();
        while told
            .last()
            .is_none_or(|last: &String| !ends.contains(&last.as_str()))
        {
            told.push(heard.recv_timeout(Duration::from_secs(20)).unwrap().1);
        }
        told
    };
    assert_eq!(import(ImageForm::Tree).last().unwrap(), "Failed");
    let told = import(ImageForm::Raw);
    assert_eq!(told.last().unwrap(), "Done");
    let percents: Vec<u32> = told
        .iter()
        .filter_map(|what| what.strip_suffix("%")?.parse().ok())
        .collect();
    assert!(!percents.is_empty() && percents.is_sorted(), "{percents:?}");
}

#[test]
fn as_many_transfers_as_there_may_be_go_on_at_once_and_all_are_stopped() {
    let home = Home::new();
    let (manager, heard) = watched(&home);
    let mut pipes = Vec::new();
    for number in 0..TRANSFERS_LIMIT {
        let (request, pipe) = endless(&format!("image{number}"));
        manager.start(request, None, None).unwrap();
        pipes.push(pipe);
    }
    let (request, _pipe) = endless("another");
    let refused = manager.start(request, None, None).err().unwrap();
    assert!(matches!(refused, NotStarted::TooMany));
    assert_eq!(manager.stop(Duration::from_secs(20)), 0);
    let ended = heard.try_iter().filter(|(_, what)| what == "Canceled");
    assert_eq!(ended.count(), TRANSFERS_LIMIT);
    assert!(home.names().is_empty());
}

/// Takes its time to hear of an end, and says that it has.
#[derive(Default)]
struct Late(AtomicU32);

impl Watcher for Late {
    fn begun(&self, _: &Transfer) {}

    fn said(&self, _: &Transfer, _: &Record<'_>) {}

    fn progress(&self, _: &Transfer) {}

    fn ended(&self, _: &Transfer, _: Outcome) {
        std::thread::sleep(Duration::from_millis(200));
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn whoever_stops_them_waits_until_all_are_told() {
    let home = Home::new();
    let late = Arc::new(Late::default());
    let manager = Manager::new(home.settings(), vec![Arc::clone(&late) as _]);
    let (request, _pipe) = endless("image");
    manager.start(request, None, None).unwrap().cancel();
    while !manager.transfers().is_empty() {
        std::thread::yield_now();
    }
    assert_eq!(late.0.load(Ordering::SeqCst), 0);
    assert_eq!(manager.stop(Duration::from_secs(20)), 0);
    assert_eq!(late.0.load(Ordering::SeqCst), 1);
    let (request, _pipe) = endless("another");
    let refused = manager.start(request, None, None).err().unwrap();
    assert!(matches!(refused, NotStarted::Stopping));
}

#[test]
fn what_is_being_downloaded_is_not_downloaded_twice() {
    let home = Home::new();
    let (manager, _heard) = watched(&home);
    // It never answers.
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    let pull = |form| {
        let request = Request::Pull(Pull {
            url: format!("http://{address}/image").parse().unwrap(),
            target: Target { form, ..target() },
            verify: VerifyMode::No,
            keep_download: false,
            wishes: Wishes::NONE,
        });
        manager.start(request, None, None)
    };
    pull(ImageForm::Raw).unwrap();
    let refused = pull(ImageForm::Raw).err().unwrap();
    assert!(matches!(refused, NotStarted::InProgress(url) if url.ends_with("/image")));
    pull(ImageForm::Tree).unwrap();
    assert_eq!(manager.stop(Duration::from_secs(20)), 0);
}
