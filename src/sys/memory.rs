//! How much memory there is to be had: `proc_meminfo(5)`; and giving it back: `mallopt(3)`.

use std::fs;

/// What is as large is given back as soon as it is freed: as glibc begins, and musl has it always.
#[cfg(target_env = "gnu")]
const LARGE_BYTES: i32 = 128 << 10;

/// Has whatever is large be the kernel's again once it is freed. glibc would soon keep up to 32 MiB at a time, for each thread
/// apart, and a process would take twice and thrice of what it uses.
///
/// Call it before the first thread is started.
#[cfg_attr(target_env = "gnu", allow(unsafe_code))]
pub fn give_back_what_is_freed() {
    // SAFETY: the call takes two numbers, and no other thread allocates meanwhile.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE_BYTES);
    }
}

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
