//! "Did you mean": the nearest known name to one that was mistyped.

/// How many edits still count as a slip.
const MAX_EDITS: usize = 3;

/// The known name nearest to `name`, if it is near at all.
pub(super) fn nearest(name: &str, known: impl Iterator<Item = String>) -> Option<String> {
    known
        .map(|candidate| (distance(name, &candidate), candidate))
        .filter(|(edits, _)| *edits <= MAX_EDITS)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance over bytes (names are ASCII).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.bytes().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[other.len()]
}
