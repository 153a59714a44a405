//! Model patterns: how MODEL_MAPPER, LEVEL_MAPPER and an Azure `model_mapping`
//! name models.
//!
//! A `*` may stand anywhere, any number of times, and stands for any characters
//! or none. Case counts. When several patterns match, the greatest [`Rank`] wins:
//!
//! | rule, in this order | `gpt-4-0125-preview` is matched by | winner |
//! |---|---|---|
//! | an exact name | `gpt-4-0125-preview`, `gpt-4-0125-previe*` | `gpt-4-0125-preview` |
//! | the most literal characters | `gpt-4-*-preview`, `gpt-4*` | `gpt-4-*-preview` |
//! | the longest literal prefix | `gpt-4*`, `gp*iew` | `gpt-4*` |
//! | first in lexical order | `*-preview*`, `*-preview` | `*-preview` |
//!
//! The order of writing plays no part: mappings travel as JSON objects, which
//! have none.

use std::cmp::Reverse;
use std::fmt;
use std::str::FromStr;

mod affix;
mod map;
#[cfg(test)]
mod tests;

pub use map::PatternMap;

/// The most characters of a pattern; model names in the wild stay under 100.
pub const MAX_CHARS: usize = 256;

/// A model pattern: an exact name, or one with wildcards.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    text: Box<str>,
    /// Where the first and the last `*` stand; `None` for an exact name.
    stars: Option<(u16, u16)>,
    /// Characters that are not `*`.
    literals: u16,
    /// Characters before the first `*`.
    prefix: u16,
}

/// How specific a pattern is; the greatest wins. See the module's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank<'a> {
    exact: bool,
    literals: u16,
    prefix: u16,
    text: Reverse<&'a str>,
}

/// A text that is no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nothing at all.
    #[error("a model pattern may not be empty")]
    Empty,
    /// More than [`MAX_CHARS`].
    #[error("a model pattern of {0} characters is longer than {MAX_CHARS}")]
    TooLong(usize),
    /// White space, a control character, or what separates items.
    #[error("a model pattern may not contain {0:?}")]
    Character(char),
}

impl Pattern {
    /// Reads a pattern. The text is kept as it is written.
    ///
    /// # Errors
    /// Refuses an empty text, one longer than [`MAX_CHARS`], and white space,
    /// control characters, `=` and `,`, which the text formats need.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.is_empty() {
            return Err(Error::Empty);
        }
        let chars = text.chars().count();
        if chars > MAX_CHARS {
            return Err(Error::TooLong(chars));
        }
        if let Some(c) = text.chars().find(|c| !is_allowed(*c)) {
            return Err(Error::Character(c));
        }
        let stars = text.find('*').zip(text.rfind('*'));
        let head = stars.map_or(text, |(first, _)| &text[..first]);
        let prefix = count(head.chars());
        let literals = count(text.chars().filter(|c| *c != '*'));
        Ok(Self {
            text: text.into(),
            stars: stars.map(|(first, last)| (offset(first), offset(last))),
            literals,
            prefix,
        })
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it names one model, without wildcards.
    pub fn is_exact(&self) -> bool {
        self.stars.is_none()
    }

    /// Whether it matches every model.
    pub fn is_any(&self) -> bool {
        self.literals == 0
    }

    /// Whether it matches `model`, in time linear in both.
    pub fn matches(&self, model: &str) -> bool {
        let Some((head, inner, tail)) = self.parts() else {
            return &*self.text == model;
        };
        let Some(mut rest) = model
            .strip_prefix(head)
            .and_then(|rest| rest.strip_suffix(tail))
        else {
            return false;
        };
        // The leftmost place is always good enough: it leaves the most for what follows.
        for literal in inner.split('*') {
            match rest.find(literal) {
                Some(at) => rest = &rest[at + literal.len()..],
                None => return false,
            }
        }
        true
    }

    /// What each `*` stands for in `model`, if the pattern matches it: the first as
    /// little as it may, and so on; the last all that is left.
    pub fn captures<'m>(&self, model: &'m str) -> Option<Vec<&'m str>> {
        let Some((head, inner, tail)) = self.parts() else {
            return (&*self.text == model).then(Vec::new);
        };
        let mut rest = model.strip_prefix(head)?.strip_suffix(tail)?;
        let mut captured = Vec::new();
        if self.stars.is_some_and(|(first, last)| first != last) {
            for literal in inner.split('*') {
                let at = rest.find(literal)?;
                captured.push(&rest[..at]);
                rest = &rest[at + literal.len()..];
            }
        }
        captured.push(rest);
        Some(captured)
    }

    /// How specific it is.
    pub fn rank(&self) -> Rank<'_> {
        Rank {
            exact: self.is_exact(),
            literals: self.literals,
            prefix: self.prefix,
            text: Reverse(&self.text),
        }
    }

    /// What stands before the first `*`, between the first and the last, and
    /// after the last; `None` for an exact name.
    fn parts(&self) -> Option<(&str, &str, &str)> {
        let (first, last) = self.stars?;
        let (first, last) = (usize::from(first), usize::from(last));
        let inner = self.text.get(first + 1..last).unwrap_or("");
        Some((&self.text[..first], inner, &self.text[last + 1..]))
    }
}

fn is_allowed(c: char) -> bool {
    !(c.is_whitespace() || c.is_control() || c == '=' || c == ',')
}

fn count(chars: impl Iterator<Item = char>) -> u16 {
    u16::try_from(chars.count()).expect("a pattern has at most 256 characters")
}

fn offset(at: usize) -> u16 {
    u16::try_from(at).expect("256 characters are at most 1,024 bytes")
}

impl FromStr for Pattern {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl AsRef<str> for Pattern {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.text)
    }
}
