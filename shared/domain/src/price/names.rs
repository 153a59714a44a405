//! Other names of the models that rows are for. One rule, for every section and for
//! the owner's rows as for the shipped ones: where a name is not a row's own, its bases
//! are looked for too, and the row that names any of them most exactly gives the price;
//! of two that do so alike, the one by the longer name.
//!
//! | name | base | where it is called so |
//! |---|---|---|
//! | `claude-sonnet-4-5@20250929` | `claude-sonnet-4-5` | Claude on Vertex |
//! | `google/gemini-2.5-pro` | `gemini-2.5-pro` | Vertex's OpenAI-shaped endpoint, resellers |
//! | `anthropic/claude-opus-4-1` | `claude-opus-4-1` | resellers |
//! | `gpt-5-2025-08-07` | `gpt-5` | answers of upstreams, only |
//! | `claude-sonnet-4-5-20250929` | `claude-sonnet-4-5` | answers of upstreams, only |
//!
//! A dated snapshot may have another price than its successor (`gpt-4o-2024-05-13` has),
//! so one that is asked for and is in no row has none. Upstreams answer with the
//! snapshot, though, whatever was asked for: where only their word is known, as of a call
//! in a batch, a price that the owner gave `gpt-5` holds for it. Case counts, as it does
//! upstream: `GPT-4O` is no model of OpenAI's, so it has no price unless the owner gives
//! it one.

use crate::pattern::{Pattern, PatternMap};

/// Publishers whose names stand before those of their models.
const PUBLISHERS: [&str; 2] = ["google/", "anthropic/"];

/// How the dates of snapshots are written, `0` for any digit.
const DATES: [&[u8]; 2] = [b"-0000-00-00", b"-00000000"];

/// The name of a model.
#[derive(Debug, Clone, Copy)]
pub(super) enum Name<'n> {
    /// As it was asked for, behind all mappings.
    Asked(&'n str),
    /// As an upstream calls it.
    Answered(&'n str),
}

impl<'n> Name<'n> {
    pub(super) const fn text(self) -> &'n str {
        match self {
            Self::Asked(text) | Self::Answered(text) => text,
        }
    }

    /// The same for another text.
    pub(super) const fn with(self, text: &'n str) -> Self {
        match self {
            Self::Asked(_) => Self::Asked(text),
            Self::Answered(_) => Self::Answered(text),
        }
    }

    /// The bases it has, the longest first.
    fn bases(self) -> impl Iterator<Item = &'n str> {
        let text = self.text();
        let plain = plain(text);
        let undated = match self {
            Self::Asked(_) => plain,
            Self::Answered(_) => undated(plain),
        };
        let mut last = text;
        [plain, undated].into_iter().filter(move |base| {
            let shorter = base.len() < last.len() && !base.is_empty();
            last = base;
            shorter
        })
    }
}

/// A name without its publisher and what stands behind an `@`.
fn plain(model: &str) -> &str {
    let mut publishers = PUBLISHERS.iter();
    let unpublished = publishers.find_map(|publisher| model.strip_prefix(publisher));
    let mut parts = unpublished.unwrap_or(model).split('@');
    parts.next().unwrap_or_default()
}

/// A name without its date.
fn undated(model: &str) -> &str {
    let mut names = DATES.iter().filter_map(|date| {
        let (name, end) = model.split_at_checked(model.len().checked_sub(date.len())?)?;
        let mut pairs = end.bytes().zip(*date);
        let fits = pairs.all(|(is, shape)| match shape {
            b'0' => is.is_ascii_digit(),
            _ => is == *shape,
        });
        fits.then_some(name)
    });
    names.next().unwrap_or(model)
}

/// The row for a model, by its name or one of its bases.
pub(super) fn find<'t, R>(
    rows: &'t PatternMap<R>,
    model: Name<'_>,
) -> Option<(&'t Pattern, &'t R)> {
    let whole = rows.get(model.text());
    if whole.is_some_and(|(pattern, _)| pattern.as_str() == model.text()) {
        return whole;
    }
    let by_base = model.bases().filter_map(|base| rows.get(base));
    by_base.fold(whole, |best, row| match best {
        Some(best) if best.0.rank() >= row.0.rank() => Some(best),
        _ => Some(row),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bases_are_what_the_table_says() {
        let bases = |name: Name<'static>| name.bases().collect::<Vec<_>>();
        for (name, asked, answered) in [
            ("gpt-5", &[][..], &[][..]),
            ("gpt-5-2025-08-07", &[], &["gpt-5"]),
            ("claude-opus-4-20250514", &[], &["claude-opus-4"]),
            (
                "anthropic/claude-opus-4-1@20250805",
                &["claude-opus-4-1"],
                &["claude-opus-4-1"],
            ),
            (
                "google/gemini-x-2026-01-02",
                &["gemini-x-2026-01-02"],
                &["gemini-x-2026-01-02", "gemini-x"],
            ),
            ("gpt-5-2025-08-0x", &[], &[]),
            ("2025-08-07", &[], &[]),
            ("-2025-08-07", &[], &[]),
            ("\u{e9}-2025-08-0", &[], &[]),
            ("@20250805", &[], &[]),
            ("", &[], &[]),
        ] {
            assert_eq!(bases(Name::Asked(name)), asked, "{name}");
            assert_eq!(bases(Name::Answered(name)), answered, "{name}");
        }
    }
}
