//! The tools of a request, and which of them are to be used.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::dialect::{Refusal, Text, Tool, ToolChoice, parse};

/// A tool.
#[derive(Deserialize)]
pub(super) struct ToolIn<'a> {
    #[serde(borrow)]
    r#type: Text<'a>,
    #[serde(borrow)]
    function: Option<FunctionIn<'a>>,
}

#[derive(Deserialize)]
struct FunctionIn<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    description: Option<Text<'a>>,
    #[serde(borrow)]
    parameters: Option<&'a RawValue>,
    strict: Option<bool>,
}

#[derive(Deserialize)]
struct ChoiceIn<'a> {
    #[serde(borrow)]
    r#type: Text<'a>,
    #[serde(borrow)]
    function: Option<NameIn<'a>>,
}

#[derive(Deserialize)]
struct NameIn<'a> {
    #[serde(borrow)]
    name: Text<'a>,
}

/// Reads a tool.
///
/// # Errors
/// When it is no function.
pub(super) fn tool(given: ToolIn<'_>) -> Result<Tool<'_>, Refusal> {
    if !given.r#type.is("function") {
        return Err(Refusal::wrong("type", "only functions can be translated"));
    }
    let Some(function) = given.function else {
        return Err(Refusal::wrong("function", "missing"));
    };
    let schema = function.parameters.map(RawValue::get);
    if schema.is_some_and(|schema| !schema.starts_with('{')) {
        return Err(Refusal::wrong("function.parameters", "must be an object"));
    }
    Ok(Tool {
        name: function.name,
        description: function.description,
        schema: schema.map(Cow::Borrowed),
        strict: function.strict,
    })
}

/// Reads `tool_choice`.
///
/// # Errors
/// When no other dialect can say it.
pub(super) fn choice(given: &RawValue) -> Result<ToolChoice<'_>, Refusal> {
    const FIELD: &str = "tool_choice";
    let unknown = || Refusal::wrong(FIELD, "no choice that can be translated");
    if let Some(word) = Text::literal(given.get()) {
        return Ok(match word.plain().as_ref() {
            "auto" => ToolChoice::Auto,
            "none" => ToolChoice::None,
            "required" => ToolChoice::Required,
            _ => return Err(unknown()),
        });
    }
    let choice: ChoiceIn<'_> = parse(given.get()).map_err(|e| e.within(FIELD))?;
    match choice.function.filter(|_| choice.r#type.is("function")) {
        Some(function) => Ok(ToolChoice::Named(function.name)),
        None => Err(unknown()),
    }
}
