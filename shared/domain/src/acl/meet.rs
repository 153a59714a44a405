//! What two lists allow together.

use std::collections::BTreeSet;

use super::Item;

/// The list of what both lists allow. Ranges, Levels and paths stand within one
/// another or apart, so of these it is exact; of two patterns of which neither
/// holds the other (`a*` and `*b`) no list can say what both match, and it is
/// left out.
pub fn meet<T: Item>(
    one: Option<&BTreeSet<T>>,
    other: Option<&BTreeSet<T>>,
) -> Option<BTreeSet<T>> {
    match (one, other) {
        (None, list) | (list, None) => list.cloned(),
        (Some(one), Some(other)) => {
            let within = |of: &BTreeSet<T>, list: &BTreeSet<T>| -> BTreeSet<T> {
                of.iter()
                    .filter(|item| item.is_within(list))
                    .cloned()
                    .collect()
            };
            let mut both = within(one, other);
            both.extend(within(other, one));
            Some(both)
        }
    }
}
