//! What became of all archives, and whether that is as it should be.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::Made;
use super::facts::Facts;
use super::member::Archive;
use super::places::Places;
use super::reasons::{Question, REFUSALS};

/// An archive and what three programs made of it.
pub struct Trial<'a> {
    pub archive: &'a Archive,
    pub gnu: Made,
    pub bsd: Made,
    pub ours: Made,
}

/// How many of a hundred archives that both take may be refused.
const REFUSED_PERCENT: usize = 5;

/// What became of all trials.
#[derive(Default)]
pub struct Tally {
    verdicts: BTreeMap<&'static str, usize>,
    /// How many archives each row excused.
    rows: BTreeMap<&'static str, usize>,
    both: usize,
    refused: usize,
    failures: Vec<(u64, String)>,
}

impl Tally {
    pub fn add(&mut self, trial: &Trial<'_>) {
        self.both += usize::from(trial.gnu.is_ok() && trial.bsd.is_ok());
        let verdict = match (&trial.gnu, &trial.bsd, &trial.ours) {
            (Ok(gnu), Ok(bsd), Ok(ours)) => self.compare(trial, Some(gnu), Some(bsd), ours),
            (Ok(gnu), Err(_), Ok(ours)) => self.compare(trial, Some(gnu), None, ours),
            (Err(_), Ok(bsd), Ok(ours)) => self.compare(trial, None, Some(bsd), ours),
            (Ok(_), _, Err(error)) => self.refusal(trial, error),
            (Err(_), Ok(_), Err(_)) => "refused, as by GNU tar",
            (Err(_), Err(_), Err(_)) => "refused by all",
            (Err(_), Err(_), Ok(_)) => "taken by ours alone",
        };
        *self.verdicts.entry(verdict).or_default() += 1;
    }

    fn refusal(&mut self, trial: &Trial<'_>, error: &str) -> &'static str {
        let row = REFUSALS.iter().find(|(text, _)| error.contains(text));
        let Some((text, _)) = row else {
            return self.fail(trial, error);
        };
        self.refused += usize::from(trial.bsd.is_ok());
        *self.rows.entry(text).or_default() += 1;
        "refused by ours, for a reason"
    }

    fn compare(
        &mut self,
        trial: &Trial<'_>,
        gnu: Option<&Facts>,
        bsd: Option<&Facts>,
        ours: &Facts,
    ) -> &'static str {
        let places = Places::of(trial.archive);
        let all = [gnu, bsd, Some(ours)];
        let keys: BTreeSet<_> = all
            .iter()
            .flatten()
            .flat_map(|facts| facts.keys())
            .collect();
        let (mut differences, mut rows) = (String::new(), BTreeSet::new());
        for key in keys {
            let said = all.map(|facts| facts.map(|facts| facts.get(key).map(String::as_str)));
            let question = Question {
                places: &places,
                packed: trial.archive.packed_by.is_some(),
                path: Path::as_os_str(&key.0).as_bytes(),
                aspect: &key.1,
                gnu: said[0].flatten(),
                bsd: said[1].flatten(),
            };
            match question.judge(said) {
                Some(excuses) => rows.extend(excuses),
                None => differences += &question.difference(said),
            }
        }
        if !differences.is_empty() {
            return self.fail(trial, &differences);
        }
        for row in &rows {
            *self.rows.entry(row).or_default() += 1;
        }
        match (gnu, bsd, rows.is_empty()) {
            (Some(_), Some(_), true) => "as both",
            (Some(_), Some(_), false) => "as one of them, for a reason",
            (Some(_), None, _) => "as GNU tar, bsdtar refuses",
            _ => "as bsdtar, GNU tar refuses",
        }
    }

    fn fail(&mut self, trial: &Trial<'_>, what: &str) -> &'static str {
        let failed = |name, made: &Made| match made {
            Ok(_) => String::new(),
            Err(error) => format!("  {name} said: {error}\n"),
        };
        let said = [
            failed("GNU tar", &trial.gnu),
            failed("bsdtar", &trial.bsd),
            failed("ours", &trial.ours),
        ];
        let text = format!("{}{what}\n{}", trial.archive, said.concat());
        self.failures.push((trial.archive.seed, text));
        "different"
    }

    /// Ours did as others do, and refused little.
    #[track_caller]
    pub fn holds(&self) {
        let seeds: Vec<_> = self.failures.iter().map(|(seed, _)| seed).collect();
        let shown = self.failures.iter().take(5).map(|(_, what)| &what[..]);
        let shown: Vec<_> = shown.collect();
        assert!(
            shown.is_empty(),
            "these seeds became something else: {seeds:?}, the first being\n{}",
            shown.join("\n")
        );
        assert!(
            self.refused * 100 <= self.both * REFUSED_PERCENT,
            "{} refused of {} that both take",
            self.refused,
            self.both
        );
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let archives: usize = self.verdicts.values().sum();
        let (both, refused) = (self.both, self.refused);
        writeln!(
            f,
            "{archives} archives, {both} taken by both, {refused} of these refused by ours"
        )?;
        for (verdict, count) in &self.verdicts {
            writeln!(f, "{count:6} {verdict}")?;
        }
        f.write_str("the reasons:\n")?;
        for (row, count) in &self.rows {
            writeln!(f, "{count:6} {row}")?;
        }
        Ok(())
    }
}
