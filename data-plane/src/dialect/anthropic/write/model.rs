//! What differs from model to model.

/// Models that take a budget of thought and no effort: those before 4.6.
const OLDER: [&str; 14] = [
    "claude-2",
    "claude-instant",
    "claude-3",
    "claude-opus-4-0",
    "claude-opus-4-1",
    "claude-opus-4-2",
    "claude-opus-4-5",
    "claude-opus-4@",
    "claude-sonnet-4-0",
    "claude-sonnet-4-2",
    "claude-sonnet-4-5",
    "claude-sonnet-4@",
    "claude-haiku-4-5",
    "claude-haiku-4@",
];

/// Models of 4.6, the last that are told how to sample and the first with an effort.
const MIDDLE: [&str; 2] = ["claude-opus-4-6", "claude-sonnet-4-6"];

/// Models that take both a temperature and a nucleus: those before 4.1.
const BOTH: [&str; 9] = [
    "claude-2",
    "claude-instant",
    "claude-3",
    "claude-opus-4-0",
    "claude-opus-4-2",
    "claude-opus-4@",
    "claude-sonnet-4-0",
    "claude-sonnet-4-2",
    "claude-sonnet-4@",
];

/// The most tokens that a request asks for when it says nothing: what a model can
/// do at most, or enough.
const MAX_TOKENS: [(&str, u64); 4] = [
    ("claude-3-7", 32_000),
    ("claude-3-5", 8192),
    ("claude-3", 4096),
    ("claude-2", 4096),
];

/// Whether the model is of those before 4.6.
pub(super) fn is_older(model: &str) -> bool {
    OLDER.iter().any(|name| model.contains(name))
}

/// How a model may be told to sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sampling {
    /// By temperature and nucleus together.
    Both,
    /// By one of them.
    One,
    /// Not at all: Anthropic's models since 4.7 refuse every number.
    None,
}

impl Sampling {
    /// By the model's name; others than Anthropic's, who speak as it does, take all.
    pub(super) fn of(model: &str) -> Self {
        let among = |names: &[&str]| names.iter().any(|name| model.contains(name));
        if !model.contains("claude") || among(&BOTH) {
            Self::Both
        } else if is_older(model) || is_middle(model) {
            Self::One
        } else {
            Self::None
        }
    }
}

/// Whether the model is of 4.6.
pub(super) fn is_middle(model: &str) -> bool {
    MIDDLE.iter().any(|name| model.contains(name))
}

/// How many tokens are asked for when the request says nothing.
pub(super) fn max_tokens(model: &str) -> u64 {
    let known = MAX_TOKENS.iter().find(|(name, _)| model.contains(name));
    known.map_or(32_000, |(_, most)| *most)
}
