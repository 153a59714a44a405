//! Many patterns, compiled once, asked often.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use aho_corasick::AhoCorasick;

use super::Pattern;
use super::affix::Affixes;

/// Values by pattern, with the winner for a model found in less than half a
/// microsecond among 10,000.
///
/// An exact name is one look-up. A pattern with wildcards is filed under *one*
/// of its literals, the one it shares with the fewest others: its prefix, its
/// suffix, or a piece between two stars. A look-up visits only the patterns
/// whose literal the model has in that place, and tries them one by one. Sets in
/// which thousands share every literal get slower, never wrong.
///
/// Compiling costs O(n log n) (about 10 ms for 10,000 patterns, optimised), and
/// there is no insertion: a change of one pattern compiles anew. Layers that
/// change apart (owner-set and auto-completed) are best kept as two maps and
/// their winners compared by [`Pattern::rank`].
#[derive(Clone)]
pub struct PatternMap<T> {
    /// The greatest rank first, so that a smaller index wins.
    entries: Vec<(Pattern, T)>,
    exact: HashMap<Box<str>, usize>,
    wild: Wild,
}

/// Where the patterns with wildcards are filed, as ascending indices.
#[derive(Clone, Default)]
struct Wild {
    prefixes: Affixes,
    /// Keys are suffixes read backwards.
    suffixes: Affixes,
    /// Pieces between two stars.
    inner: Option<AhoCorasick>,
    /// Per piece of `inner`.
    inner_entries: Vec<Vec<usize>>,
    /// Those with no literal, and those no automaton could be built for.
    rest: Vec<usize>,
}

/// The place of a literal within its pattern.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Place {
    Prefix,
    Suffix,
    Inner,
}

impl<T> PatternMap<T> {
    /// Compiles patterns given as text. Of two equal texts the later one counts;
    /// a text that is no pattern can match nothing and is left out.
    pub fn new<S: AsRef<str>>(entries: impl IntoIterator<Item = (S, T)>) -> Self {
        entries
            .into_iter()
            .filter_map(|(text, value)| Some((Pattern::parse(text.as_ref()).ok()?, value)))
            .collect()
    }

    /// How many patterns there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Every pattern with its value, the greatest rank first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Pattern, &T)> {
        self.entries.iter().map(|(pattern, value)| (pattern, value))
    }

    /// The value of the pattern that is exactly `model`.
    pub fn exact(&self, model: &str) -> Option<(&Pattern, &T)> {
        self.exact.get(model).map(|at| self.at(*at))
    }

    /// The pattern that wins for `model`, with its value.
    pub fn get(&self, model: &str) -> Option<(&Pattern, &T)> {
        if let Some(found) = self.exact(model) {
            return Some(found);
        }
        let mut best = usize::MAX;
        self.wild.visit(model, |filed| {
            for &at in filed.iter().take_while(|at| **at < best) {
                if self.entries[at].0.matches(model) {
                    best = at;
                    break;
                }
            }
        });
        (best != usize::MAX).then(|| self.at(best))
    }

    /// Every pattern that matches `model`, the winner first.
    pub fn all(&self, model: &str) -> Vec<(&Pattern, &T)> {
        let mut found: Vec<usize> = self.exact.get(model).copied().into_iter().collect();
        self.wild.visit(model, |filed| {
            found.extend(
                filed
                    .iter()
                    .filter(|at| self.entries[**at].0.matches(model)),
            );
        });
        found.sort_unstable();
        found.into_iter().map(|at| self.at(at)).collect()
    }

    fn at(&self, at: usize) -> (&Pattern, &T) {
        let (pattern, value) = &self.entries[at];
        (pattern, value)
    }
}

impl Wild {
    /// Files the patterns that hold a `*`, given with their indices ascending.
    fn file<'a>(patterns: impl Iterator<Item = (usize, &'a Pattern)> + Clone) -> Self {
        let mut shared: HashMap<(Place, &str), usize> = HashMap::new();
        for literal in patterns.clone().flat_map(|(_, pattern)| literals(pattern)) {
            *shared.entry(literal).or_default() += 1;
        }
        let mut prefixes: BTreeMap<Vec<u8>, Vec<usize>> = BTreeMap::new();
        let mut suffixes: BTreeMap<Vec<u8>, Vec<usize>> = BTreeMap::new();
        let mut inner: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let mut rest = Vec::new();
        for (at, pattern) in patterns {
            // The first of equals: the prefix, whose look-up is the cheapest.
            match literals(pattern).min_by_key(|literal| shared[literal]) {
                Some((Place::Prefix, text)) => prefixes.entry(text.into()).or_default().push(at),
                Some((Place::Suffix, text)) => {
                    suffixes.entry(backwards(text)).or_default().push(at);
                }
                Some((Place::Inner, text)) => inner.entry(text).or_default().push(at),
                None => rest.push(at),
            }
        }
        let automaton = (!inner.is_empty()).then(|| AhoCorasick::new(inner.keys()));
        let inner_entries: Vec<Vec<usize>> = inner.into_values().collect();
        let mut wild = Self {
            prefixes: Affixes::new(prefixes),
            suffixes: Affixes::new(suffixes),
            inner: None,
            inner_entries,
            rest,
        };
        match automaton {
            Some(Ok(automaton)) => wild.inner = Some(automaton),
            // Too large for the automaton's own limits: slow, but not wrong.
            Some(Err(_)) => {
                wild.rest.extend(wild.inner_entries.drain(..).flatten());
                wild.rest.sort_unstable();
            }
            None => {}
        }
        wild
    }

    /// Shows `visitor` each group of patterns that may match `model`, no group
    /// twice.
    fn visit(&self, model: &str, mut visitor: impl FnMut(&[usize])) {
        self.prefixes.of(model.as_bytes()).for_each(&mut visitor);
        if !self.suffixes.is_empty() {
            self.suffixes.of(&backwards(model)).for_each(&mut visitor);
        }
        if let Some(inner) = &self.inner {
            let mut hits: Vec<usize> = inner
                .find_overlapping_iter(model)
                .map(|hit| hit.pattern().as_usize())
                .collect();
            hits.sort_unstable();
            hits.dedup();
            for hit in hits {
                visitor(&self.inner_entries[hit]);
            }
        }
        visitor(&self.rest);
    }
}

/// The literals of a pattern with wildcards, with their places.
fn literals(pattern: &Pattern) -> impl Iterator<Item = (Place, &str)> {
    let (head, inner, tail) = pattern.parts().unwrap_or_default();
    let ends = [(Place::Prefix, head), (Place::Suffix, tail)];
    let pieces = inner.split('*').map(|piece| (Place::Inner, piece));
    ends.into_iter()
        .chain(pieces)
        .filter(|(_, text)| !text.is_empty())
}

fn backwards(text: &str) -> Vec<u8> {
    text.bytes().rev().collect()
}

impl<T> FromIterator<(Pattern, T)> for PatternMap<T> {
    /// Compiles. Of two equal patterns the later one counts.
    fn from_iter<I: IntoIterator<Item = (Pattern, T)>>(entries: I) -> Self {
        let mut entries: Vec<(Pattern, T)> = entries.into_iter().collect();
        entries.reverse();
        // Stable: among equals the later one now comes first and is kept.
        entries.sort_by(|(a, _), (b, _)| b.rank().cmp(&a.rank()));
        entries.dedup_by(|(dropped, _), (kept, _)| dropped == kept);
        let (exact, wild): (Vec<_>, Vec<_>) = entries
            .iter()
            .enumerate()
            .map(|(at, (pattern, _))| (at, pattern))
            .partition(|(_, pattern)| pattern.is_exact());
        Self {
            exact: exact
                .into_iter()
                .map(|(at, pattern)| (pattern.as_str().into(), at))
                .collect(),
            wild: Wild::file(wild.into_iter()),
            entries,
        }
    }
}

impl<T> Default for PatternMap<T> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            exact: HashMap::new(),
            wild: Wild::default(),
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for PatternMap<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<T: PartialEq> PartialEq for PatternMap<T> {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries
    }
}
