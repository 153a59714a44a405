//! The tools of a request, and which of them are to be used.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::dialect::{Refusal, Text, Tool, ToolChoice};

/// A tool.
#[derive(Deserialize)]
pub(super) struct ToolIn<'a> {
    #[serde(borrow)]
    r#type: Option<Text<'a>>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    description: Option<Text<'a>>,
    #[serde(borrow)]
    input_schema: Option<&'a RawValue>,
    strict: Option<bool>,
}

/// `tool_choice`.
#[derive(Deserialize)]
pub(super) struct ChoiceIn<'a> {
    #[serde(borrow)]
    r#type: Text<'a>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
    disable_parallel_tool_use: Option<bool>,
}

impl<'a> ToolIn<'a> {
    /// Reads it.
    ///
    /// # Errors
    /// When it is one that only Anthropic runs.
    pub(super) fn read(self) -> Result<Tool<'a>, Refusal> {
        if self.r#type.is_some_and(|kind| !kind.is("custom")) {
            let message = "only tools of the caller's own can be translated";
            return Err(Refusal::wrong("type", message));
        }
        let Some(name) = self.name else {
            return Err(Refusal::wrong("name", "missing"));
        };
        let schema = self.input_schema.map(RawValue::get);
        let Some(schema) = schema.filter(|schema| schema.starts_with('{')) else {
            return Err(Refusal::wrong("input_schema", "must be an object"));
        };
        Ok(Tool {
            name,
            description: self.description,
            schema: Some(Cow::Borrowed(schema)),
            strict: self.strict,
        })
    }
}

impl<'a> ChoiceIn<'a> {
    /// Whether several calls may stand in one turn, if it says so.
    pub(super) fn parallel(&self) -> Option<bool> {
        self.disable_parallel_tool_use.map(|disabled| !disabled)
    }

    /// Reads it.
    ///
    /// # Errors
    /// When it is no choice that is known.
    pub(super) fn read(self) -> Result<ToolChoice<'a>, Refusal> {
        Ok(match (self.r#type.plain().as_ref(), self.name) {
            ("auto", _) => ToolChoice::Auto,
            ("any", _) => ToolChoice::Required,
            ("none", _) => ToolChoice::None,
            ("tool", Some(name)) => ToolChoice::Named(name),
            ("tool", None) => return Err(Refusal::wrong("tool_choice.name", "missing")),
            _ => {
                let message = "no type that can be translated";
                return Err(Refusal::wrong("tool_choice.type", message));
            }
        })
    }
}
