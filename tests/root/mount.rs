//! Small file systems that are unmounted by themselves.

use std::path::{Path, PathBuf};

use crate::kit::{TempDir, tool};

/// A mounted file system. Unmounted and gone on drop.
pub struct Mount {
    temp: TempDir,
    /// What it lies upon, to be unmounted after it.
    below: Option<Box<Self>>,
}

impl Mount {
    /// In memory, of that size.
    #[track_caller]
    pub fn tmpfs(bytes: u64) -> Self {
        let mount = Self::prepare();
        let options = format!("size={bytes},mode=0755");
        tool(
            "mount",
            [
                "-t",
                "tmpfs",
                "-o",
                &options,
                "importd-test",
                &mount.place(),
            ],
        );
        mount
    }

    /// In memory, of no size, without user's attributes.
    #[track_caller]
    pub fn ramfs() -> Self {
        let mount = Self::prepare();
        tool("mount", ["-t", "ramfs", "importd-test", &mount.place()]);
        mount
    }

    /// ext4 on a loop device over a file of that size.
    #[track_caller]
    pub fn ext4(bytes: u64) -> Self {
        Self::formatted(bytes, "mkfs.ext4", &["-q", "-E", "root_owner=0:0"])
    }

    /// An overlay whose upper layer is on this file system; its lower one is the `lower` of that.
    #[track_caller]
    pub fn overlay(upon: Self) -> Self {
        let mut mount = Self::prepare();
        for layer in ["lower", "upper", "work"] {
            std::fs::create_dir_all(upon.path().join(layer)).unwrap();
        }
        let options = format!(
            "lowerdir={0}/lower,upperdir={0}/upper,workdir={0}/work",
            upon.place()
        );
        tool(
            "mount",
            [
                "-t",
                "overlay",
                "-o",
                &options,
                "importd-test",
                &mount.place(),
            ],
        );
        mount.below = Some(Box::new(upon));
        mount
    }

    /// Any file system whose tool takes the image's path last.
    #[track_caller]
    pub fn formatted(bytes: u64, mkfs: &str, options: &[&str]) -> Self {
        let mount = Self::prepare();
        let image = mount.temp.path().join("image");
        mount.format(&image, bytes, mkfs, options);
        mount
    }

    /// The same over a file in memory, where syncing takes no time.
    #[track_caller]
    pub fn formatted_in_memory(bytes: u64, mkfs: &str, options: &[&str]) -> Self {
        let mut mount = Self::prepare();
        // With room for what the file system makes of the file beside its blocks.
        let memory = Self::tmpfs(bytes + (1 << 20));
        let image = memory.path().join("image");
        mount.below = Some(Box::new(memory));
        mount.format(&image, bytes, mkfs, options);
        mount
    }

    #[track_caller]
    fn format(&self, image: &Path, bytes: u64, mkfs: &str, options: &[&str]) {
        let file = std::fs::File::create(image).unwrap();
        file.set_len(bytes).unwrap();
        let image = image.to_str().unwrap();
        tool(mkfs, options.iter().chain(&[image]));
        tool("mount", ["-o", "loop", image, &self.place()]);
    }

    fn prepare() -> Self {
        let temp = TempDir::new();
        std::fs::create_dir(temp.path().join("mnt")).unwrap();
        Self { temp, below: None }
    }

    /// Where it is mounted.
    pub fn path(&self) -> PathBuf {
        self.temp.path().join("mnt")
    }

    fn place(&self) -> String {
        self.path().to_str().unwrap().to_owned()
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily: a test that fails may have left a program inside. Nothing was mounted where a tool failed before.
        let _ = std::process::Command::new("umount")
            .args(["-l", &self.place()])
            .output();
    }
}

/// A loop device over a file. Detached on drop.
pub struct LoopDevice {
    path: String,
    _temp: TempDir,
}

impl LoopDevice {
    #[track_caller]
    pub fn new(bytes: u64) -> Self {
        Self::attached(bytes, &[])
    }

    /// One that takes no writes.
    #[track_caller]
    pub fn read_only(bytes: u64) -> Self {
        Self::attached(bytes, &["--read-only"])
    }

    #[track_caller]
    fn attached(bytes: u64, options: &[&str]) -> Self {
        let temp = TempDir::new();
        let image = temp.path().join("image");
        std::fs::File::create(&image)
            .unwrap()
            .set_len(bytes)
            .unwrap();
        let path = tool(
            "losetup",
            ["--find", "--show"]
                .iter()
                .chain(options)
                .chain(&[image.to_str().unwrap()]),
        );
        let path = String::from_utf8(path).unwrap().trim().to_owned();
        Self { path, _temp: temp }
    }

    pub fn path(&self) -> &Path {
        Path::new(&self.path)
    }
}

impl Drop for LoopDevice {
    fn drop(&mut self) {
        // Made read-only it would stay so for whoever has it next.
        for (tool, option) in [("blockdev", "--setrw"), ("losetup", "-d")] {
            let _ = std::process::Command::new(tool)
                .args([option, &self.path])
                .output();
        }
    }
}
