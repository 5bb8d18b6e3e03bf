//! Names of CPU architectures in the words of `ConditionArchitecture=` (`systemd.unit(5)`), and which of them run here.

/// How well programs for an architecture run on the machine that this program was built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ArchitectureFit {
    Foreign,
    /// They run, beside the machine's own.
    Secondary,
    Native,
}

const NAMES: [&str; 33] = [
    "alpha",
    "arc",
    "arc-be",
    "arm",
    "arm-be",
    "arm64",
    "arm64-be",
    "cris",
    "ia64",
    "loongarch64",
    "m68k",
    "mips",
    "mips-le",
    "mips64",
    "mips64-le",
    "nios2",
    "parisc",
    "parisc64",
    "ppc",
    "ppc-le",
    "ppc64",
    "ppc64-le",
    "riscv32",
    "riscv64",
    "s390",
    "s390x",
    "sh",
    "sh64",
    "sparc",
    "sparc64",
    "tilegx",
    "x86",
    "x86-64",
];

impl ArchitectureFit {
    /// None where the word names no architecture.
    pub fn of(name: &str) -> Option<Self> {
        let little_endian = cfg!(target_endian = "little");
        Self::on(name, std::env::consts::ARCH, little_endian)
    }

    /// The same on a machine that Rust calls so.
    fn on(name: &str, machine: &str, little_endian: bool) -> Option<Self> {
        if !NAMES.contains(&name) {
            return None;
        }
        let (native, secondary) = match (machine, little_endian) {
            ("aarch64", true) => ("arm64", "arm"),
            ("aarch64", false) => ("arm64-be", "arm-be"),
            ("arm", false) => ("arm-be", ""),
            ("mips", true) => ("mips-le", ""),
            ("mips64", true) => ("mips64-le", "mips-le"),
            ("mips64", false) => ("mips64", "mips"),
            ("powerpc", true) => ("ppc-le", ""),
            ("powerpc", false) => ("ppc", ""),
            ("powerpc64", true) => ("ppc64-le", "ppc-le"),
            ("powerpc64", false) => ("ppc64", "ppc"),
            ("s390x", _) => ("s390x", "s390"),
            ("sparc64", _) => ("sparc64", "sparc"),
            ("x86_64", _) => ("x86-64", "x86"),
            (other, _) => (other, ""),
        };
        Some(match name {
            name if name == native => Self::Native,
            name if name == secondary => Self::Secondary,
            _ => Self::Foreign,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_architecture_fits_its_own_machine_and_mostly_the_wider_one() {
        use ArchitectureFit::{Foreign, Native, Secondary};
        for (name, machine, little_endian, fit) in [
            ("x86-64", "x86_64", true, Some(Native)),
            ("x86", "x86_64", true, Some(Secondary)),
            ("x86-64", "x86", true, Some(Foreign)),
            ("arm64", "x86_64", true, Some(Foreign)),
            ("arm64", "aarch64", true, Some(Native)),
            ("arm", "aarch64", true, Some(Secondary)),
            ("arm64", "aarch64", false, Some(Foreign)),
            ("ppc64-le", "powerpc64", true, Some(Native)),
            ("ppc64", "powerpc64", true, Some(Foreign)),
            ("s390", "s390x", false, Some(Secondary)),
            ("riscv64", "riscv64", true, Some(Native)),
            ("x86_64", "x86_64", true, None),
            ("X86", "x86_64", true, None),
            ("", "x86_64", true, None),
        ] {
            assert_eq!(
                ArchitectureFit::on(name, machine, little_endian),
                fit,
                "{name}"
            );
        }
        let fits = NAMES.map(|name| ArchitectureFit::of(name).unwrap());
        assert_eq!(fits.iter().filter(|fit| **fit == Native).count(), 1);
    }
}
