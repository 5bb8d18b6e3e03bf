//! What was probably meant by a word that nobody knows.

/// The word that was probably meant: the only one that begins so, or the nearest, if at most two letters are wrong.
pub(super) fn similar<'a>(
    word: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Option<&'a str> {
    let mut beginning = known
        .clone()
        .filter(|candidate| word.len() > 2 && candidate.starts_with(word));
    if let (Some(only), None) = (beginning.next(), beginning.next()) {
        return Some(only);
    }
    let near = known.map(|candidate| (distance(word, candidate), candidate));
    near.filter(|(distance, _)| *distance <= 2)
        .min()
        .map(|(_, candidate)| candidate)
}

/// How many letters must be put in, taken out or changed to make one word the other. Long words are never near.
fn distance(one: &str, other: &str) -> usize {
    if one.len() > 64 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], index + 1);
        for (column, wanted) in other.chars().enumerate() {
            let changed = diagonal + usize::from(letter != wanted);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}
