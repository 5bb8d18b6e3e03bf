//! The documents that describe our interfaces, for people and for programs that make code of them.
//!
//! They are the reference's, in names and types, with what that forgot (`oci`, `pull_oci`) and what we have beside it
//! (`checksum`). The words are ours.

pub const IMPORT: &str = "io.systemd.Import";
/// What most services have.
pub const SERVICE: &str = "io.systemd.service";
/// Only errors.
pub const SYSTEM: &str = "io.systemd";
/// What every service has.
pub const VARLINK: &str = "org.varlink.service";

/// Each interface and its document, by name.
pub const DOCUMENTS: [(&str, &str); 4] = [
    (SYSTEM, include_str!("io.systemd.varlink")),
    (IMPORT, include_str!("io.systemd.Import.varlink")),
    (SERVICE, include_str!("io.systemd.service.varlink")),
    (VARLINK, include_str!("org.varlink.service.varlink")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_document_describes_the_interface_it_stands_under() {
        for (name, document) in DOCUMENTS {
            let says = |line: &&str| line.starts_with("interface ");
            let lines: Vec<_> = document.lines().filter(says).collect();
            assert_eq!(lines, [format!("interface {name}")]);
        }
    }
}
