//! A key of real GnuPG's making, for what a test has to sign itself.

use std::fs;
use std::process::Command;

use super::run::tool;
use super::temp::TempDir;

/// An Ed25519 key without a passphrase, in a home of its own.
pub struct Signer {
    home: TempDir,
}

impl Signer {
    pub fn new() -> Self {
        let signer = Self {
            home: TempDir::new(),
        };
        let user = "test <test@example.org>";
        signer.gpg(&["--quick-generate-key", user, "ed25519", "sign", "never"]);
        signer
    }

    /// The public key, as a keyring.
    pub fn ring(&self) -> Vec<u8> {
        self.gpg(&["--export"])
    }

    /// A detached signature.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let path = self.home.path().join("message");
        fs::write(&path, message).unwrap();
        let path = path.to_str().unwrap();
        self.gpg(&["--output", "-", "--detach-sign", path])
    }

    fn gpg(&self, arguments: &[&str]) -> Vec<u8> {
        let fixed = ["--quiet", "--batch", "--yes", "--no-options"];
        let free = ["--pinentry-mode", "loopback", "--passphrase", ""];
        let home = ["--homedir", self.home.path().to_str().unwrap()];
        tool("gpg", [&home[..], &fixed, &free, arguments].concat())
    }
}

impl Drop for Signer {
    fn drop(&mut self) {
        let _ = Command::new("gpgconf")
            .arg("--homedir")
            .arg(self.home.path())
            .args(["--kill", "gpg-agent"])
            .output();
    }
}
