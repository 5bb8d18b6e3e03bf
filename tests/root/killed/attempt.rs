//! One transfer that is killed, and the next one, which leaves what an undisturbed one leaves.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use super::kinds::{Kind, Makes};
use super::place::Place;
use super::visible::{Visible, Watch, leavings, staged, visible};
use crate::dice::Dice;

/// How often the directory is looked at.
const BETWEEN: Duration = Duration::from_micros(500);

/// How many of those that are to sweep are killed as well.
const AGAIN_PERCENT: usize = 20;

/// A transfer, and what it takes and leaves where nobody disturbs it.
pub struct Measured<'a> {
    place: &'a Place,
    kind: &'a Kind,
    directory: PathBuf,
    time: Duration,
    expected: Visible,
}

/// When a transfer was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    Before,
    /// Something was staged, and was left.
    Inside,
    After,
}

impl<'a> Measured<'a> {
    /// Runs one of that kind slowly and lets it be.
    pub fn of(place: &'a Place, kind: &'a Kind) -> Self {
        let directory = place.path(kind.target());
        place.reset(kind, false);
        place.serve(true);
        let start = Instant::now();
        let mut started = place.start(kind, false, true);
        let status = started.child.wait().unwrap();
        assert!(status.success(), "{}: {status}", kind.name);
        let time = start.elapsed();
        assert_eq!(leavings(&directory), [""; 0], "{}", kind.name);
        Self {
            place,
            kind,
            time,
            expected: visible(&directory),
            directory,
        }
    }

    /// Kills one at any moment of that time, now and then the next one too, then lets one be.
    #[track_caller]
    pub fn attempt(&self, old: bool, dice: &mut Dice, what: &str) -> Moment {
        self.place.reset(self.kind, old);
        self.place.serve(true);
        let moment = self.kill(old, dice, what);
        if dice.percent(AGAIN_PERCENT) {
            // While it sweeps, maybe.
            self.kill(true, dice, what);
        }
        self.assert_next_sweeps(what);
        moment
    }

    #[track_caller]
    fn kill(&self, force: bool, dice: &mut Dice, what: &str) -> Moment {
        let mut watch = Watch::new(self.directory.clone(), &self.expected, what);
        let left_before = staged(&self.directory);
        let part = dice.below(1 << 20) as f64 / f64::from(1 << 20);
        let moment = self.time.mul_f64(part);
        let start = Instant::now();
        let started = self.place.start(self.kind, force, true);
        while start.elapsed() < moment {
            watch.look();
            thread::sleep(BETWEEN.min(moment.saturating_sub(start.elapsed())));
        }
        let killed = started.kill();
        watch.look_at_all();
        let mut left = staged(&self.directory);
        left.retain(|name| !left_before.contains(name));
        match (killed, left.is_empty(), watch.has_staged) {
            (true, false, _) => Moment::Inside,
            (true, true, false) => Moment::Before,
            _ => Moment::After,
        }
    }

    /// The next one leaves what an undisturbed one leaves, and no trace of those before.
    #[track_caller]
    fn assert_next_sweeps(&self, what: &str) {
        let Self { place, kind, .. } = self;
        // Who was killed once its image had been placed may have a sweeper, which still takes away what is counted here.
        place.assert_nobody_is_left(what);
        let left = staged(&self.directory).len();
        place.serve(false);
        let said = place.finish(kind, true, what);
        let told = said.contains(&format!("of earlier runs, removed: {left}"));
        assert_eq!(told, left > 0, "{what}: left {left}, said\n{said}");
        place.assert_nobody_is_left(what);
        place.assert_no_loop_device(what);
        assert_eq!(leavings(&self.directory), [""; 0], "{what}");
        let now = visible(&self.directory);
        let expected = &self.expected;
        assert!(now == *expected, "{what}: {now:?}\nnot {expected:?}");
        if matches!(kind.makes, Makes::Export(_)) {
            // Where a snapshot of a tree is staged for an export.
            let stock = leavings(&place.path(kind.image_root()));
            assert_eq!(stock, [""; 0], "{what}");
        }
    }
}
