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
            let (mut both, beyond) = split(other, &T::above(one));
            // Mostly the lower list lies within the upper, and is all there is to say.
            if beyond {
                both.extend(split(one, &T::above(other)).0);
            }
            Some(both)
        }
    }
}

/// The items of a list that lie within another, and whether there are others.
fn split<T: Item>(list: &BTreeSet<T>, above: &T::Above) -> (BTreeSet<T>, bool) {
    let within = list.iter().filter(|item| item.is_within(above));
    let within: BTreeSet<T> = within.cloned().collect();
    let beyond = within.len() < list.len();
    (within, beyond)
}
