//! The progress bar as text: a pure function of what is known and how much room there is.

use std::time::Duration;

use super::{Paint, Terminal, width};
use crate::terms::{Bytes, Percent};

/// What a bar shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bar<'a> {
    pub title: &'a str,
    pub percent: Option<Percent>,
    pub done_bytes: u64,
    pub total_bytes: Option<u64>,
    /// Bytes per second.
    pub rate: Option<u64>,
    pub left: Option<Duration>,
}

/// A bar of fewer cells is none.
const LEAST_CELLS: usize = 10;

impl Bar<'_> {
    /// One line of at most `columns`, without moving the cursor: title, cells, percentage, sizes, speed and time
    /// left, of which the sizes are dropped first where room is scarce, and the cells and the title last.
    pub fn line(&self, columns: usize, terminal: &Terminal) -> String {
        let percent = self
            .percent
            .map_or_else(|| "-%".to_owned(), |percent| percent.to_string());
        let percent = format!("{percent:>4}");
        let details = [self.sizes(), self.rate(), self.left()];
        for first in 0..=details.len() {
            let details = details.get(first..).unwrap_or_default().concat();
            let text = width(self.title) + 1 + width(&percent) + width(&details);
            if let Some(cells) = columns
                .checked_sub(text + 1)
                .filter(|cells| *cells >= LEAST_CELLS)
            {
                let bar = self.cells(cells, terminal);
                let percent = terminal.paint(Paint::Bold, &percent);
                return format!("{} {bar} {percent}{details}", self.title)
                    .trim_end()
                    .to_owned();
            }
        }
        let titled = format!("{} {percent}", self.title);
        [titled, percent]
            .into_iter()
            .find(|line| width(line) <= columns)
            .unwrap_or_default()
    }

    fn cells(&self, count: usize, terminal: &Terminal) -> String {
        let full = count * usize::from(self.percent.map_or(0, Percent::get)) / 100;
        let (full, rest) = ("━".repeat(full), "┄".repeat(count.saturating_sub(full)));
        terminal.paint(Paint::Green, &full) + &terminal.paint(Paint::Grey, &rest)
    }

    // The details keep their widths, so that the bar does not jump.

    fn sizes(&self) -> String {
        let done = Bytes(self.done_bytes);
        let text = match self.total_bytes {
            Some(total) => format!("{done}/{}", Bytes(total)),
            None if self.done_bytes == 0 => String::new(),
            None => done.to_string(),
        };
        format!("  {text:>15}")
    }

    fn rate(&self) -> String {
        let text = self.rate.map(|rate| format!("{}/s", Bytes(rate)));
        format!("  {:>9}", text.unwrap_or_default())
    }

    fn left(&self) -> String {
        let text = self.left.map(|left| format!("{} left", span(left)));
        format!("  {:<14}", text.unwrap_or_default())
    }

    /// The same in words, for whoever has no terminal: `Done 41%, 126.2K of 307.9K, 54.3K/s, 3s left`.
    pub fn sentence(&self) -> String {
        let sizes = match self.total_bytes {
            Some(total) => Some(format!("{} of {}", Bytes(self.done_bytes), Bytes(total))),
            None => (self.done_bytes > 0).then(|| Bytes(self.done_bytes).to_string()),
        };
        let parts = [
            self.percent.map(|percent| percent.to_string()),
            sizes,
            self.rate.map(|rate| format!("{}/s", Bytes(rate))),
            self.left.map(|left| format!("{} left", span(left))),
        ];
        format!(
            "Done {}",
            parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
        )
    }
}

/// A span of time in its two largest units, rounded up to seconds.
fn span(span: Duration) -> String {
    let seconds = span.as_secs() + u64::from(span.subsec_nanos() > 0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}min {}s", seconds / 60, seconds % 60),
        3600..86400 => format!("{}h {}min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d {}h", seconds / 86400, seconds / 3600 % 24),
    }
}

/// The control sequence that shows the progress on the terminal's icon (ConEmu's OSC 9;4, which many took over).
pub fn taskbar(percent: Option<Percent>) -> String {
    match percent {
        Some(percent) => format!("\x1b]9;4;1;{}\x1b\\", percent.get()),
        None => "\x1b]9;4;3;\x1b\\".to_owned(),
    }
}

/// And the one that takes it away.
pub fn taskbar_clear() -> &'static str {
    "\x1b]9;4;0;\x1b\\"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar() -> Bar<'static> {
        Bar {
            title: "Total:",
            percent: Some(Percent::of(41, 100)),
            done_bytes: 129_229,
            total_bytes: Some(315_290),
            rate: Some(55_603),
            left: Some(Duration::from_millis(2900)),
        }
    }

    #[test]
    fn what_does_not_fit_is_dropped_by_and_by() {
        for (columns, line) in [
            (
                80,
                "Total: ━━━━━━━━━┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄  41%    126.2K/307.9K    54.2K/s  3s left",
            ),
            (60, "Total: ━━━━━━━━┄┄┄┄┄┄┄┄┄┄┄┄┄  41%    54.2K/s  3s left"),
            (48, "Total: ━━━━━━━━┄┄┄┄┄┄┄┄┄┄┄┄  41%  3s left"),
            (30, "Total: ━━━━━━━┄┄┄┄┄┄┄┄┄┄┄  41%"),
            (21, "Total:  41%"),
            (10, " 41%"),
            (3, ""),
        ] {
            assert_eq!(bar().line(columns, &Terminal::PIPE), line);
            assert!(width(line) <= columns);
        }
    }

    #[test]
    fn what_is_not_known_is_left_out_and_does_not_move_the_rest() {
        let unknown = Bar {
            title: "Total:",
            ..Bar::default()
        };
        assert_eq!(
            unknown.line(80, &Terminal::PIPE),
            format!("Total: {}   -%", "┄".repeat(24))
        );
        let whole = Bar {
            percent: Some(Percent::of(1, 1)),
            ..unknown
        };
        assert_eq!(
            whole.line(30, &Terminal::PIPE),
            format!("Total: {} 100%", "━".repeat(18))
        );
    }

    #[test]
    fn the_bar_is_coloured_where_there_are_colours() {
        let terminal = Terminal::new(
            true,
            || None,
            |name| (name == "TERM").then(|| "vt220".to_owned()),
        );
        assert_eq!(
            bar().line(22, &terminal),
            "Total: \x1b[32m━━━━\x1b[0m\x1b[90m┄┄┄┄┄┄\x1b[0m \x1b[1m 41%\x1b[0m"
        );
    }

    #[test]
    fn a_sentence_says_what_is_known() {
        assert_eq!(
            bar().sentence(),
            "Done 41%, 126.2K of 307.9K, 54.2K/s, 3s left"
        );
        let little = Bar {
            done_bytes: 1024,
            ..Bar::default()
        };
        assert_eq!(little.sentence(), "Done 1K");
    }

    #[test]
    fn spans_are_written_in_their_two_largest_units() {
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1min 0s"),
            (3725, "1h 2min"),
            (90_000, "1d 1h"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
    }
}
