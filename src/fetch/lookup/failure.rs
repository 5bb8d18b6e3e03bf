//! Why a name has no address, and whether asking again may help.

use std::io;
use std::net::IpAddr;
use std::path::PathBuf;

/// Why a name has no address.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("it is no valid name of a host")]
    Invalid,
    #[error("name server {server} knows no address of that name; check the spelling")]
    Unknown { server: IpAddr },
    #[error("name server {server} refused to answer with code {code}")]
    Refused { server: IpAddr, code: u8 },
    #[error(
        "name server {server} did not answer in time; check the network and the servers resolv.conf names"
    )]
    NoAnswer { server: IpAddr },
    #[error("failed to ask name server {server}: {cause}")]
    Ask { server: IpAddr, cause: io::Error },
    #[error("failed to read `{}`: {cause}", path.display())]
    Read { path: PathBuf, cause: io::Error },
}

impl Failure {
    /// Whether asking again may help. An unknown name counts: early at boot name servers deny what they know later.
    pub fn is_transient(&self) -> bool {
        !matches!(self, Self::Invalid | Self::Read { .. })
    }
}
