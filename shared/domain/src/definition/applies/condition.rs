//! The conditions of a rate limit policy, compiled.
//!
//! Of some things a call has several (its account and those above it, the Models it
//! is for, a model's names): equal is one of them that is, unequal none that is.

use regex_automata::meta::Regex;
use regex_automata::nfa::thompson::WhichCaptures;
use regex_automata::util::syntax;
use uuid::Uuid;

use super::Call;
use crate::definition::MAX_REGEX_MEMORY;
use crate::definition::rate_limit_policy::{Condition, Dimension, Logic, Node, Operand, Operator};

/// The most memory of one expression. What was checked needs less by itself; without
/// its case it may need more than that.
const MAX_NFA: usize = 4 * MAX_REGEX_MEMORY;

/// A comparison, or a group of them.
#[derive(Debug)]
pub(super) enum Test {
    Leaf {
        subject: Subject,
        /// Whether it must not be so.
        not: bool,
    },
    Group {
        any: bool,
        not: bool,
        children: Vec<Self>,
    },
}

/// What of a call is compared with what.
#[derive(Debug)]
pub(super) enum Subject {
    Team(Vec<Uuid>),
    ApiKey(Vec<Uuid>),
    Model(Vec<Uuid>),
    Member(Texts),
    ModelName(Texts),
    Provider(Texts),
}

/// What a text is compared with.
#[derive(Debug)]
pub(super) enum Texts {
    OneOf(Vec<String>),
    Matching(Box<Regex>),
}

impl Test {
    /// `None` of what this program does not understand.
    pub(super) fn new(node: &Node) -> Option<Self> {
        match node {
            Node::Leaf(leaf) => Some(Self::Leaf {
                subject: Subject::new(leaf)?,
                not: leaf.negate != (leaf.operator == Operator::Unequal),
            }),
            Node::Group(group) => Some(Self::Group {
                any: group.logic == Logic::Or,
                not: group.negate,
                children: group
                    .children
                    .iter()
                    .map(Self::new)
                    .collect::<Option<_>>()?,
            }),
        }
    }

    /// Whether a call meets it.
    pub(super) fn holds(&self, call: &Call<'_>) -> bool {
        match self {
            Self::Leaf { subject, not } => subject.is_met(call) != *not,
            Self::Group { any, not, children } => {
                let mut held = children.iter().map(|child| child.holds(call));
                let held = if *any {
                    held.any(|held| held)
                } else {
                    held.all(|held| held)
                };
                held != *not
            }
        }
    }
}

impl Subject {
    fn new(leaf: &Condition) -> Option<Self> {
        let values = match &leaf.value {
            Operand::One(value) => std::slice::from_ref(value),
            Operand::Many(values) => values.as_slice(),
        };
        let ids = || {
            let ids = values.iter().map(|value| Uuid::parse_str(value).ok());
            ids.collect::<Option<Vec<_>>>()
        };
        let texts = || Texts::new(leaf.operator, values);
        Some(match leaf.dimension {
            Dimension::Team => Self::Team(ids()?),
            Dimension::ApiKey => Self::ApiKey(ids()?),
            Dimension::Model => Self::Model(ids()?),
            Dimension::Member => Self::Member(texts()?),
            Dimension::ModelName => Self::ModelName(texts()?),
            Dimension::Provider => Self::Provider(texts()?),
        })
    }

    fn is_met(&self, call: &Call<'_>) -> bool {
        match self {
            Self::Team(ids) => call.teams.iter().any(|team| ids.contains(team)),
            Self::ApiKey(ids) => call.api_key.is_some_and(|key| ids.contains(&key)),
            Self::Model(ids) => call.models.iter().any(|model| ids.contains(&model.id.0)),
            Self::Member(texts) => call.member.is_some_and(|member| texts.has(member)),
            Self::ModelName(texts) => {
                let served = call.models.iter().map(|model| model.name);
                let mut names = call.names.iter().copied().chain(served);
                names.any(|name| texts.has(name))
            }
            Self::Provider(texts) => call.provider.is_some_and(|provider| texts.has(provider)),
        }
    }
}

impl Texts {
    fn new(operator: Operator, values: &[String]) -> Option<Self> {
        let any_case = operator == Operator::MatchesAnyCase;
        if !any_case && operator != Operator::Matches {
            return Some(Self::OneOf(values.to_vec()));
        }
        let syntax = syntax::Config::new().case_insensitive(any_case);
        let config = Regex::config()
            .which_captures(WhichCaptures::Implicit)
            .nfa_size_limit(Some(MAX_NFA));
        let mut builder = Regex::builder();
        let builder = builder.syntax(syntax).configure(config);
        let regex = builder.build(values.first()?).ok()?;
        Some(Self::Matching(Box::new(regex)))
    }

    fn has(&self, text: &str) -> bool {
        match self {
            Self::OneOf(values) => values.iter().any(|value| value == text),
            Self::Matching(regex) => regex.is_match(text),
        }
    }
}
