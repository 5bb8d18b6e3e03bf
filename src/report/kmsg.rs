//! The kernel's ring buffer, for times when there is no journal (`/dev/kmsg`).

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::console::FACILITY;
use super::{Level, printable};

const INTERVAL: Duration = Duration::from_secs(5);
const LINES_PER_INTERVAL: u32 = 200;
/// What the kernel takes as one record, less what stands before the message.
const LINE_BYTES: usize = 900;

/// An open `/dev/kmsg`.
pub struct Kmsg {
    device: Mutex<(File, Option<Budget>)>,
    identifier: String,
}

/// How much may still be said, so that one talkative transfer does not push everything else out of the buffer.
struct Budget {
    since: Instant,
    said: u32,
    held_back: u32,
}

impl Kmsg {
    /// `identifier` is the program's name, before each message.
    pub fn open(device: &Path, identifier: &str, ratelimit: bool) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).open(device)?;
        let budget = ratelimit.then(|| Budget {
            since: Instant::now(),
            said: 0,
            held_back: 0,
        });
        Ok(Self {
            device: Mutex::new((file, budget)),
            identifier: identifier.to_owned(),
        })
    }

    /// Writes each line of the message as a record of its own. What the rate limit holds back counts as written.
    pub fn write(&self, level: Level, message: &str) -> io::Result<()> {
        let mut device = self.device.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, budget) = &mut *device;
        let start = format!("{}[{}]", self.identifier, std::process::id());
        for line in message.lines() {
            let held_back = match budget {
                Some(budget) => match budget.spend(Instant::now()) {
                    Some(held_back) => held_back,
                    None => continue,
                },
                None => 0,
            };
            if held_back > 0 {
                let priority = FACILITY | Level::Notice.number();
                file.write_all(
                    format!("<{priority}>{start}: Held back {held_back} lines\n").as_bytes(),
                )?;
            }
            let line = printable(line);
            let ends = line.char_indices().map(|(start, c)| start + c.len_utf8());
            let end = ends.take_while(|end| *end <= LINE_BYTES).last();
            let line = &line[..end.unwrap_or(0)];
            file.write_all(format!("<{}>{start}: {line}\n", FACILITY | level.number()).as_bytes())?;
        }
        Ok(())
    }
}

impl Budget {
    /// Takes one line from the budget; `None` when it is used up, else how many lines were held back before this one.
    fn spend(&mut self, now: Instant) -> Option<u32> {
        if now.duration_since(self.since) >= INTERVAL {
            (self.since, self.said) = (now, 0);
        }
        if self.said >= LINES_PER_INTERVAL {
            self.held_back = self.held_back.saturating_add(1);
            return None;
        }
        self.said += 1;
        Some(std::mem::take(&mut self.held_back))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_records_with_priority_name_and_process() {
        let path = std::env::temp_dir().join(format!("importd-kmsg-{}", std::process::id()));
        std::fs::write(&path, "").unwrap();
        let kmsg = Kmsg::open(&path, "importctl", true).unwrap();
        kmsg.write(Level::Warning, "one\ntwo\x1b").unwrap();
        kmsg.write(Level::Info, &"ä".repeat(2000)).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let id = std::process::id();
        let long = "ä".repeat(LINE_BYTES / 2);
        assert_eq!(
            text,
            format!(
                "<28>importctl[{id}]: one\n<28>importctl[{id}]: two\\x1b\n<30>importctl[{id}]: {long}\n"
            )
        );
    }

    #[test]
    fn the_budget_holds_back_and_says_how_much_it_held_back() {
        let start = Instant::now();
        let mut budget = Budget {
            since: start,
            said: 0,
            held_back: 0,
        };
        for _ in 0..LINES_PER_INTERVAL {
            assert_eq!(budget.spend(start), Some(0));
        }
        assert_eq!((budget.spend(start), budget.spend(start)), (None, None));
        assert_eq!(budget.spend(start + INTERVAL), Some(2));
        assert_eq!(budget.spend(start + INTERVAL), Some(0));
    }
}
