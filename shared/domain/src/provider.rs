//! Known providers: which models each is known to serve.
//!
//! Two uses. Adding a key completes LEVEL_MAPPER with its provider's patterns;
//! routing puts a key last whose provider is known not to serve a model. What is
//! not surely known is left out: an unknown provider serves anything, and a
//! model nobody claims is served by all.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use foldgate_proto::ProviderConfig;

use crate::pattern::PatternMap;

mod known;
mod vertex;

pub use vertex::vertex_location;
#[cfg(test)]
mod tests;

use known::{KNOWN, Known};

/// Which known provider a key belongs to, in one byte.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Family {
    /// None of the others: serves anything.
    #[default]
    Unknown,
    /// OpenAI.
    OpenAi,
    /// Anthropic.
    Anthropic,
    /// DeepSeek.
    DeepSeek,
    /// Mistral.
    Mistral,
    /// Google's Gemini API.
    Gemini,
    /// Google Vertex AI; serves other houses' models too.
    Vertex,
    /// xAI.
    Xai,
    /// Cohere.
    Cohere,
    /// Perplexity; its agent API serves other houses' models too.
    Perplexity,
    /// Moonshot.
    Moonshot,
    /// Zhipu (Z.ai).
    Zhipu,
    /// Alibaba's DashScope; serves other houses' models too.
    DashScope,
    /// Jina.
    Jina,
    /// Voyage.
    Voyage,
    /// AI21.
    Ai21,
}

impl Family {
    /// The family of a key, from its provider's normalised URL and its kind.
    ///
    /// Azure is unknown: what a deployment serves is its own `model_mapping`'s
    /// business.
    pub fn of(provider: &str, config: &ProviderConfig) -> Self {
        match config {
            ProviderConfig::Azure { .. } => Self::Unknown,
            ProviderConfig::Vertex { .. } => Self::Vertex,
            ProviderConfig::Standard { .. } => family(provider),
        }
    }

    const fn bit(self) -> u32 {
        1 << self as u8
    }
}

/// A set of families.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FamilySet(u32);

impl FamilySet {
    /// No family.
    pub const NONE: Self = Self(0);

    /// Every family.
    pub const ALL: Self = Self(u32::MAX);

    /// Whether the family is in it.
    pub const fn contains(self, family: Family) -> bool {
        self.0 & family.bit() != 0
    }

    /// Whether the two have a family in common.
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Both sets together.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The set with one more family.
    #[must_use]
    pub const fn with(self, family: Family) -> Self {
        Self(self.0 | family.bit())
    }
}

/// The patterns that a key at this provider maps to its Level: those of the known
/// provider it is, if it is one. An Azure key completes nothing: what its deployments
/// serve is its own mapping's business.
pub fn completion(provider: &str) -> &'static [&'static str] {
    known(host(provider)).map_or(&[], |known| known.models)
}

/// The family of a standard key at this provider.
pub fn family(provider: &str) -> Family {
    known(host(provider)).map_or(Family::Unknown, |known| known.family)
}

/// The families that may serve `model`; the others are known not to.
pub fn serves(model: &str) -> FamilySet {
    match claimants(model) {
        FamilySet::NONE => FamilySet::ALL,
        claimants => claimants.union(CLAIMS.open),
    }
}

/// The families that are known to serve `model`.
pub fn claimants(model: &str) -> FamilySet {
    let claimed = CLAIMS.by_pattern.all(model).into_iter();
    claimed.fold(FamilySet::NONE, |all, (_, families)| all.union(*families))
}

static CLAIMS: LazyLock<Claims> = LazyLock::new(Claims::new);

/// The table of known providers, compiled for [`serves`].
struct Claims {
    by_pattern: PatternMap<FamilySet>,
    /// Those that may serve any model.
    open: FamilySet,
}

impl Claims {
    fn new() -> Self {
        let mut by_pattern: BTreeMap<&str, FamilySet> = BTreeMap::new();
        let mut open = FamilySet::default().with(Family::Unknown);
        for known in KNOWN {
            for pattern in known.models.iter().chain(known.also) {
                let claimants = by_pattern.entry(pattern).or_default();
                *claimants = claimants.with(known.family);
            }
            if known.open {
                open = open.with(known.family);
            }
        }
        Self {
            by_pattern: PatternMap::new(by_pattern),
            open,
        }
    }
}

fn known(host: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| {
        let mut hosts = known.hosts.iter();
        hosts.any(|name| match name.strip_prefix('*') {
            Some(end) => ends_with(host, end),
            None => host.eq_ignore_ascii_case(name),
        })
    })
}

fn ends_with(host: &str, end: &str) -> bool {
    host.len()
        .checked_sub(end.len())
        .and_then(|at| host.get(at..))
        .is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}

/// The host within a normalised URL.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or(rest);
    authority.split(':').next().unwrap_or(authority)
}
