//! How much memory there is to be had: `proc_meminfo(5)`.

use std::fs;

/// How many bytes can be had without anybody else going short, as the kernel estimates it. None if it does not say.
pub fn available_memory() -> Option<u64> {
    let told = fs::read_to_string("/proc/meminfo").ok()?;
    let line = told
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_some() {
        assert!(available_memory().is_some_and(|bytes| bytes > 1 << 20));
    }
}
