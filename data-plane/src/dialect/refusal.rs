//! Why a request is not translated.

use std::borrow::Cow;

use super::Caller;
use crate::error::Problem;

/// What stands in the way of a translation: always the caller's to mend, a 400.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The field; a path where it lies deeper. Readers name it as their dialect
    /// does, writers as OpenAI does.
    pub(crate) field: Cow<'static, str>,
    why: Why,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Why {
    /// It is wrong, in these words.
    Wrong(String),
    /// The vendor of the model has no word for it.
    Cannot(&'static str),
}

/// OpenAI's names of what Anthropic names otherwise.
const ANTHROPIC: [(&str, &str); 6] = [
    ("stop", "stop_sequences"),
    ("user", "metadata.user_id"),
    ("response_format", "output_config.format"),
    ("reasoning_effort", "thinking"),
    ("max_completion_tokens", "max_tokens"),
    (
        "parallel_tool_calls",
        "tool_choice.disable_parallel_tool_use",
    ),
];

impl Refusal {
    /// The field is not what the caller's own dialect says.
    pub(crate) fn wrong(field: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            why: Why::Wrong(message.into()),
        }
    }

    /// The target has no word for the field. `target` is the vendor's name.
    pub(crate) fn cannot(field: impl Into<Cow<'static, str>>, target: &'static str) -> Self {
        Self {
            field: field.into(),
            why: Why::Cannot(target),
        }
    }

    /// The same fault, of a value within `place`.
    pub(crate) fn within(mut self, place: &str) -> Self {
        let joint = if self.field.is_empty() || self.field.starts_with('[') {
            ""
        } else {
            "."
        };
        self.field = format!("{place}{joint}{}", self.field).into();
        self
    }

    /// A writer's refusal with the name that the caller knows the field by.
    pub(crate) fn named_by(mut self, caller: Caller) -> Self {
        let named = ANTHROPIC.iter().find(|(name, _)| *name == self.field);
        if let (Caller::Anthropic, Why::Cannot(_), Some((_, name))) = (caller, &self.why, named) {
            self.field = Cow::Borrowed(name);
        }
        self
    }

    /// What is wrong, in words.
    pub(crate) fn message(&self) -> String {
        let field = &self.field;
        match &self.why {
            Why::Wrong(message) if field.is_empty() => message.clone(),
            Why::Wrong(message) => format!("{field}: {message}"),
            Why::Cannot(target) => {
                format!("{field} cannot be expressed for a model of {target}")
            }
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let problem = Self::invalid(refusal.message());
        if refusal.field.is_empty() {
            problem
        } else {
            problem.about(refusal.field)
        }
    }
}
