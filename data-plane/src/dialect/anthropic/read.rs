//! Reads a caller's request.

mod blocks;
mod tools;

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::dialect::{Effort, Format, Part, Reasoning, Refusal, Request, Role, Text, Tier, parse};
use blocks::content;
pub(super) use blocks::object;
use tools::{ChoiceIn, ToolIn};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "fields that are left out must be known by name")]
struct Body<'a> {
    model: IgnoredAny,
    #[serde(borrow)]
    messages: Vec<Message<'a>>,
    max_tokens: Option<u64>,
    #[serde(borrow)]
    system: Option<&'a RawValue>,
    #[serde(borrow)]
    tools: Option<Vec<ToolIn<'a>>>,
    #[serde(borrow)]
    tool_choice: Option<ChoiceIn<'a>>,
    #[serde(borrow)]
    thinking: Option<ThinkingIn<'a>>,
    #[serde(borrow)]
    output_config: Option<Output<'a>>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    top_k: Option<u64>,
    #[serde(borrow)]
    stop_sequences: Option<Vec<Text<'a>>>,
    #[serde(borrow)]
    metadata: Option<Metadata<'a>>,
    #[serde(borrow)]
    service_tier: Option<Text<'a>>,
    #[serde(borrow)]
    speed: Option<Text<'a>>,
    stream: Option<bool>,
    cache_control: Option<IgnoredAny>,
    context_management: Option<IgnoredAny>,
    diagnostics: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    role: Text<'a>,
    #[serde(borrow)]
    content: &'a RawValue,
}

#[derive(Deserialize)]
struct ThinkingIn<'a> {
    #[serde(borrow)]
    r#type: Text<'a>,
    budget_tokens: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Output<'a> {
    #[serde(borrow)]
    effort: Option<Text<'a>>,
    #[serde(borrow)]
    format: Option<FormatIn<'a>>,
}

#[derive(Deserialize)]
struct FormatIn<'a> {
    #[serde(borrow)]
    r#type: Text<'a>,
    #[serde(borrow)]
    schema: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Metadata<'a> {
    #[serde(borrow)]
    user_id: Option<Text<'a>>,
}

/// Reads a request.
///
/// # Errors
/// What is wrong with it, or can be said in no other dialect.
pub(crate) fn read_request(json: &str) -> Result<Request<'_>, Refusal> {
    let request = read_count(json)?;
    match request.max_tokens {
        Some(_) => Ok(request),
        None => Err(Refusal::wrong("max_tokens", "missing")),
    }
}

/// Reads a request whose tokens are to be counted: it needs no `max_tokens`.
///
/// # Errors
/// What is wrong with it, or can be said in no other dialect.
pub(crate) fn read_count(json: &str) -> Result<Request<'_>, Refusal> {
    let body: Body<'_> = parse(json)?;
    if body.speed.is_some_and(|speed| !speed.is("standard")) {
        return Err(Refusal::wrong("speed", "only standard can be translated"));
    }
    let (effort, format) = match body.output_config {
        Some(output) => (output.effort, output.format),
        None => (None, None),
    };
    let tools = body.tools.unwrap_or_default().into_iter().enumerate();
    let parallel = body.tool_choice.as_ref().and_then(ChoiceIn::parallel);
    let mut request = Request {
        tools: tools
            .map(|(at, tool)| tool.read().map_err(|e| e.within(&format!("tools[{at}]"))))
            .collect::<Result<_, _>>()?,
        choice: body.tool_choice.map(ChoiceIn::read).transpose()?,
        parallel,
        reasoning: reasoning(body.thinking, effort)?,
        max_tokens: body.max_tokens,
        temperature: body.temperature,
        top_p: body.top_p,
        top_k: body.top_k,
        stop: body.stop_sequences.unwrap_or_default(),
        format: format.as_ref().map(schema).transpose()?,
        user: body.metadata.and_then(|metadata| metadata.user_id),
        tier: body.service_tier.as_ref().map_or(Ok(None), tier)?,
        stream: body.stream.unwrap_or(false),
        ..Request::default()
    };
    if let Some(system) = body.system {
        let parts = content(system).map_err(|e| e.within("system"))?;
        instruct(&mut request, parts).map_err(|e| e.within("system"))?;
    }
    for (at, message) in body.messages.into_iter().enumerate() {
        let place = format!("messages[{at}]");
        add(&message, &mut request).map_err(|e| e.within(&place))?;
    }
    request.name_outcomes();
    Ok(request)
}

fn add<'a>(message: &Message<'a>, request: &mut Request<'a>) -> Result<(), Refusal> {
    let parts = content(message.content).map_err(|e| e.within("content"))?;
    match message.role.plain().as_ref() {
        "user" => request.say(Role::User, parts),
        "assistant" => request.say(Role::Assistant, parts),
        "system" => instruct(request, parts).map_err(|e| e.within("content"))?,
        _ => return Err(Refusal::wrong("role", "no role that can be translated")),
    }
    Ok(())
}

fn instruct<'a>(request: &mut Request<'a>, parts: Vec<Part<'a>>) -> Result<(), Refusal> {
    for part in parts {
        let Part::Text(text) = part else {
            return Err(Refusal::wrong("", "must be text"));
        };
        request.system.push(text);
    }
    Ok(())
}

fn reasoning(
    thinking: Option<ThinkingIn<'_>>,
    effort: Option<Text<'_>>,
) -> Result<Reasoning, Refusal> {
    let effort = match effort {
        Some(word) => match Effort::named(&word.plain()) {
            None => {
                let field = "output_config.effort";
                return Err(Refusal::wrong(field, "no effort that is known"));
            }
            known => known,
        },
        None => None,
    };
    let (on, budget) = match thinking {
        None => (None, None),
        Some(thinking) => match thinking.r#type.plain().as_ref() {
            "disabled" => (Some(false), None),
            "enabled" => (Some(true), thinking.budget_tokens),
            "adaptive" | "between_tools" => (Some(true), None),
            _ => {
                let message = "no type that can be translated";
                return Err(Refusal::wrong("thinking.type", message));
            }
        },
    };
    Ok(Reasoning { on, budget, effort })
}

fn schema<'a>(given: &FormatIn<'a>) -> Result<Format<'a>, Refusal> {
    match given.schema.filter(|_| given.r#type.is("json_schema")) {
        Some(schema) => Ok(Format::Schema {
            name: None,
            description: None,
            schema: Cow::Borrowed(schema.get()),
            strict: Some(true),
        }),
        None => Err(Refusal::wrong(
            "output_config.format",
            "must be a json_schema with a schema",
        )),
    }
}

fn tier(given: &Text<'_>) -> Result<Option<Tier>, Refusal> {
    match given.plain().as_ref() {
        "auto" => Ok(None),
        "standard_only" => Ok(Some(Tier::Standard)),
        _ => Err(Refusal::wrong("service_tier", "no tier that is known")),
    }
}
