//! Screens whose stream is a vector.

use std::io;
use std::sync::Arc;

use super::*;

/// What was written, for whoever asks.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Paper {
    /// What was written since it was last asked.
    fn text(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn screen(terminal: Terminal, settings: Settings) -> (Screen, Paper) {
    let paper = Paper::default();
    let screen = Screen::new(settings, "importctl", terminal, Box::new(paper.clone()));
    (screen, paper)
}

fn tty(term: &'static str) -> Terminal {
    Terminal::new(
        true,
        || Some(31),
        move |name| (name == "TERM").then(|| term.to_owned()),
    )
}

fn at(done_bytes: u64) -> Progress {
    Progress {
        percent: Some(Percent::of(done_bytes, 100_000)),
        done_bytes,
        total_bytes: Some(100_000),
    }
}

#[track_caller]
fn say(screen: &Screen, message: &str) {
    screen.log(&Record {
        level: Level::Info,
        message,
        location: Location::caller(),
        transfer: None,
    });
}

const BAR: &str = "\r\x1b]9;4;1;50\x1b\\Total: \x1b[32m━━━━━━━━━\x1b[0m\x1b[90m┄┄┄┄┄┄┄┄┄\x1b[0m \x1b[1m 50%\x1b[0m\x1b[K";

#[test]
fn the_bar_makes_room_for_a_line_and_is_taken_away_at_the_end() {
    let (screen, paper) = screen(tty("vt220"), Settings::default());
    say(&screen, "before");
    assert_eq!(paper.text(), "before\n");
    screen.progress(at(50_000));
    assert_eq!(paper.text(), BAR);
    say(&screen, "between");
    assert_eq!(paper.text(), format!("\r\x1b[Kbetween\n{BAR}"));
    screen.finish();
    assert_eq!(paper.text(), "\r\x1b[K\x1b]9;4;0;\x1b\\");
    say(&screen, "after");
    drop(screen);
    assert_eq!(paper.text(), "after\n");
}

#[test]
fn dropping_the_screen_takes_the_bar_away() {
    let (screen, paper) = screen(tty("vt220"), Settings::default());
    screen.progress(at(1));
    drop(screen);
    assert!(paper.text().ends_with("\r\x1b[K\x1b]9;4;0;\x1b\\"));
}

#[test]
fn the_bar_is_drawn_at_most_ten_times_a_second() {
    let (screen, paper) = screen(tty("vt220"), Settings::default());
    let start = Instant::now();
    for millis in 0..1000 {
        screen.progress_at(start + Duration::from_millis(millis), at(millis));
    }
    assert_eq!(paper.text().matches('\r').count(), 10);
}

#[test]
fn a_dumb_terminal_gets_a_percentage_and_no_sequences() {
    let (screen, paper) = screen(tty("dumb"), Settings::default());
    screen.progress(at(50_000));
    say(&screen, "between");
    drop(screen);
    let blank = format!("\r{}\r", " ".repeat(11));
    assert_eq!(
        paper.text(),
        format!("\rTotal:  50%{blank}between\n\rTotal:  50%{blank}")
    );
}

#[test]
fn no_sequence_reaches_what_is_no_terminal_and_progress_is_said_once_a_second() {
    let loud = Settings {
        colour: Some(true),
        ..Settings::default()
    };
    let coloured = Terminal::new(
        false,
        || None,
        |name| {
            ["TERM", "SYSTEMD_COLORS"]
                .contains(&name)
                .then(|| "256".to_owned())
        },
    );
    let (screen, paper) = screen(coloured, loud);
    let start = Instant::now();
    for tenths in 0..=30 {
        screen.progress_at(
            start + Duration::from_millis(tenths * 100),
            at(tenths * 1024),
        );
    }
    screen.log(&Record {
        level: Level::Err,
        message: "evil \x1b[2J",
        location: Location::caller(),
        transfer: None,
    });
    drop(screen);
    let text = paper.text();
    assert!(!text.contains(['\x1b', '\r']), "{text:?}");
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert_eq!(lines[0], "Done 10%, 10K of 97.6K, 10K/s, 9s left");
    assert_eq!(lines[3], "evil \\x1b[2J");
}

#[test]
fn progress_that_does_not_move_is_not_said_again() {
    let (screen, paper) = screen(Terminal::PIPE, Settings::default());
    let start = Instant::now();
    for seconds in 0..10 {
        screen.progress_at(start + Duration::from_secs(seconds), at(5000));
    }
    assert_eq!(paper.text().lines().count(), 1);
}

#[test]
fn who_wants_no_information_gets_no_progress() {
    let (screen, paper) = screen(tty("vt220"), Settings::default().quiet());
    screen.progress(at(5000));
    say(&screen, "hello");
    drop(screen);
    assert_eq!(paper.text(), "");
}

#[test]
fn the_log_colour_variable_decides_on_a_terminal() {
    for (colour, shown) in [(Some(false), "no\n"), (None, "\x1b[31mno\x1b[0m\n")] {
        let (screen, paper) = screen(
            tty("vt220"),
            Settings {
                colour,
                ..Settings::default()
            },
        );
        let location = Location::caller();
        screen.log(&Record {
            level: Level::Err,
            message: "no",
            location,
            transfer: None,
        });
        assert_eq!(paper.text(), shown);
    }
}

#[test]
fn a_stream_that_is_gone_is_no_ones_end() {
    struct Gone;
    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }
    let screen = Screen::new(
        Settings::default(),
        "importctl",
        tty("vt220"),
        Box::new(Gone),
    );
    screen.progress(at(1));
    say(&screen, "unheard");
}
