//! Log lines and progress on one stream: on a terminal a bar that makes room for each line, elsewhere a line now and
//! then. One lock, so that neither ever stands within the other; a stream that is gone takes nothing down with it.

use std::io::{Write, stderr};
use std::panic::Location;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{Bar, Meter, Terminal, taskbar, taskbar_clear, width};
use crate::report::{Level, Log, Progress, Record, Settings, Sink};
use crate::terms::Percent;

/// How often the bar is drawn at most.
const FRAME: Duration = Duration::from_millis(100);
/// How often progress is said at most where there is no bar.
const LINE: Duration = Duration::from_secs(1);
const TITLE: &str = "Total:";

/// The one who owns standard error. Dropping it takes the bar away.
pub struct Screen {
    log: Log,
    terminal: Terminal,
    state: Mutex<State>,
}

struct State {
    out: Box<dyn Write + Send>,
    meter: Meter,
    /// The last progress heard of, as long as it is to be shown.
    latest: Option<Progress>,
    /// When the bar that stands on the terminal was drawn, or progress was last said in words.
    shown: Option<Instant>,
    /// What was said then.
    percent: Option<Percent>,
}

impl Screen {
    /// `out` is the stream that `terminal` describes. `identifier` is the program's name in journal and kernel log.
    pub fn new(
        settings: Settings,
        identifier: &str,
        terminal: Terminal,
        out: Box<dyn Write + Send>,
    ) -> Self {
        let colours = terminal.colours != super::Colours::Off;
        let colour = terminal.is_tty && settings.colour.unwrap_or(colours);
        Self {
            log: Log::new(settings, identifier, colour),
            terminal,
            state: Mutex::new(State {
                out,
                meter: Meter::default(),
                latest: None,
                shown: None,
                percent: None,
            }),
        }
    }

    /// Standard error's, as the environment wants it, and what of that makes no sense. `is_journal` is whether it leads
    /// to the journal.
    pub fn of_stderr(
        identifier: &str,
        (quiet, is_journal): (bool, bool),
        variable: impl Fn(&str) -> Option<String>,
    ) -> (Self, Vec<String>) {
        let (mut settings, warnings) = Settings::parse(&variable);
        settings.beside_journal = is_journal;
        if quiet {
            settings = settings.quiet();
        }
        let terminal = Terminal::stderr(variable);
        let screen = Self::new(settings, identifier, terminal, Box::new(stderr()));
        (screen, warnings)
    }

    /// Takes the bar away; progress that comes later brings it back.
    pub fn finish(&self) {
        let mut state = self.state();
        state.latest = None;
        state.meter = Meter::default();
        if state.shown.take().is_some() && self.terminal.is_tty {
            let taskbar = if self.terminal.is_dumb {
                ""
            } else {
                taskbar_clear()
            };
            state.write(&(self.erase() + taskbar));
        }
    }

    fn progress_at(&self, now: Instant, progress: Progress) {
        // Who wants no information wants no progress either.
        if !self.log.lets_through(Level::Info) {
            return;
        }
        let mut state = self.state();
        state.meter.sample(now, progress.done_bytes);
        state.latest = Some(progress);
        let pause = if self.terminal.is_tty { FRAME } else { LINE };
        match state.shown {
            Some(shown) if now.saturating_duration_since(shown) < pause => return,
            // A transfer that is over within a second needs no words.
            None if !self.terminal.is_tty => {
                state.shown = Some(now);
                return;
            }
            _ => {}
        }
        if self.terminal.is_tty {
            state.shown = Some(now);
            let text = self.draw(&state);
            state.write(&text);
        } else if progress.percent.is_none() || progress.percent != state.percent {
            (state.shown, state.percent) = (Some(now), progress.percent);
            let sentence = state.bar().sentence();
            drop(state);
            self.log(&Record {
                level: Level::Info,
                message: &sentence,
                location: Location::caller(),
                transfer: None,
            });
        }
    }

    /// The sequences that draw the bar over whatever stands on the line; nothing where there is none.
    fn draw(&self, state: &State) -> String {
        if !self.terminal.is_tty || state.shown.is_none() || state.latest.is_none() {
            return String::new();
        }
        let bar = state.bar();
        // A full line would make some terminals go on to the next.
        let columns = self.terminal.columns().saturating_sub(1);
        if self.terminal.is_dumb {
            let percent = bar
                .percent
                .map_or_else(|| "-%".to_owned(), |percent| percent.to_string());
            return format!("\r{TITLE} {percent:>4}");
        }
        let line = bar.line(columns, &self.terminal);
        format!("\r{}{line}\x1b[K", taskbar(bar.percent))
    }

    /// The sequences that empty the bar's line.
    fn erase(&self) -> String {
        if self.terminal.is_dumb {
            format!("\r{}\r", " ".repeat(width(TITLE) + 5))
        } else {
            "\r\x1b[K".to_owned()
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Text half written is no reason to fall silent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn bar(&self) -> Bar<'static> {
        let Some(latest) = self.latest else {
            return Bar::default();
        };
        let rest = latest
            .total_bytes
            .and_then(|total| total.checked_sub(latest.done_bytes));
        let under_way = rest != Some(0); // all is here: what is done with it now has another speed
        Bar {
            title: TITLE,
            percent: latest.percent,
            done_bytes: latest.done_bytes,
            total_bytes: latest.total_bytes,
            rate: self.meter.rate().filter(|_| under_way),
            left: rest
                .filter(|_| under_way)
                .and_then(|rest| self.meter.left(rest)),
        }
    }

    /// At one go, so that the eye sees no empty line. Nobody is left to be told of a failure.
    fn write(&mut self, text: &str) {
        let _ = self
            .out
            .write_all(text.as_bytes())
            .and_then(|()| self.out.flush());
    }
}

impl Sink for Screen {
    fn log(&self, record: &Record<'_>) {
        self.log.write(record, |lines| {
            let mut state = self.state();
            let bar = self.draw(&state);
            let erase = if bar.is_empty() {
                String::new()
            } else {
                self.erase()
            };
            state.write(&format!("{erase}{lines}{bar}"));
        });
    }

    fn progress(&self, progress: Progress) {
        self.progress_at(Instant::now(), progress);
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.finish();
    }
}

#[cfg(test)]
mod tests;
