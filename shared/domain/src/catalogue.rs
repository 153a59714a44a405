//! Well-known model ids: what `/v1/models` names where a mapping has wildcards,
//! and what a pattern would catch.

use std::sync::LazyLock;

use crate::pattern::Pattern;

#[cfg(test)]
mod tests;

const TEXT: &str = include_str!("../data/models.txt");

/// The ids, in byte order.
pub fn known() -> &'static [&'static str] {
    static KNOWN: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
        TEXT.lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .collect()
    });
    &KNOWN
}

/// The ids that `pattern` matches, in byte order.
pub fn caught_by(pattern: &Pattern) -> impl Iterator<Item = &'static str> {
    known().iter().copied().filter(|id| pattern.matches(id))
}
