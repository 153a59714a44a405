//! Reads a caller's request.

mod messages;
mod tools;

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::dialect::{Effort, Format, Reasoning, Refusal, Request, Text, Tier, parse};
use messages::Message;
pub(super) use messages::object;
use tools::{ToolIn, choice, tool};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "fields that are left out must be known by name")]
struct Body<'a> {
    model: IgnoredAny,
    #[serde(borrow)]
    messages: Vec<Message<'a>>,
    #[serde(borrow)]
    tools: Option<Vec<ToolIn<'a>>>,
    #[serde(borrow)]
    tool_choice: Option<&'a RawValue>,
    parallel_tool_calls: Option<bool>,
    #[serde(borrow)]
    reasoning_effort: Option<Text<'a>>,
    max_tokens: Option<u64>,
    max_completion_tokens: Option<u64>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    top_k: Option<u64>,
    #[serde(borrow)]
    stop: Option<&'a RawValue>,
    seed: Option<i64>,
    presence_penalty: Option<f64>,
    frequency_penalty: Option<f64>,
    #[serde(borrow)]
    logit_bias: Option<&'a RawValue>,
    n: Option<u64>,
    logprobs: Option<bool>,
    top_logprobs: Option<u64>,
    #[serde(borrow)]
    response_format: Option<FormatIn<'a>>,
    #[serde(borrow)]
    user: Option<Text<'a>>,
    #[serde(borrow)]
    safety_identifier: Option<Text<'a>>,
    #[serde(borrow)]
    service_tier: Option<Text<'a>>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    #[serde(borrow)]
    modalities: Option<Vec<Text<'a>>>,
    #[serde(borrow)]
    verbosity: Option<Text<'a>>,
    store: Option<IgnoredAny>,
    metadata: Option<IgnoredAny>,
    prediction: Option<IgnoredAny>,
    prompt_cache_key: Option<IgnoredAny>,
    prompt_cache_options: Option<IgnoredAny>,
    prompt_cache_retention: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

#[derive(Deserialize)]
struct FormatIn<'a> {
    #[serde(borrow)]
    r#type: Text<'a>,
    #[serde(borrow)]
    json_schema: Option<SchemaIn<'a>>,
}

#[derive(Deserialize)]
struct SchemaIn<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    description: Option<Text<'a>>,
    #[serde(borrow)]
    schema: Option<&'a RawValue>,
    strict: Option<bool>,
}

/// Reads a request.
///
/// # Errors
/// What is wrong with it, or can be said in no other dialect.
pub(crate) fn read_request(json: &str) -> Result<Request<'_>, Refusal> {
    let body: Body<'_> = parse(json)?;
    only_text(body.modalities.as_deref())?;
    usual(body.verbosity.as_ref(), "verbosity", "medium")?;
    let tools = body.tools.unwrap_or_default().into_iter().enumerate();
    let wanted = body.logprobs == Some(true);
    let mut request = Request {
        tools: tools
            .map(|(at, given)| tool(given).map_err(|e| e.within(&format!("tools[{at}]"))))
            .collect::<Result<_, _>>()?,
        choice: body.tool_choice.map(choice).transpose()?,
        parallel: body.parallel_tool_calls,
        reasoning: reasoning(body.reasoning_effort.as_ref())?,
        max_tokens: body.max_completion_tokens.or(body.max_tokens),
        temperature: body.temperature,
        top_p: body.top_p,
        top_k: body.top_k,
        stop: body.stop.map_or(Ok(Vec::new()), stops)?,
        seed: body.seed,
        presence_penalty: body.presence_penalty.filter(|given| *given != 0.0),
        frequency_penalty: body.frequency_penalty.filter(|given| *given != 0.0),
        logit_bias: body.logit_bias.and_then(bias),
        candidates: body.n.filter(|n| *n != 1),
        logprobs: wanted.then_some(body.top_logprobs.unwrap_or(0)),
        format: body.response_format.map_or(Ok(None), format)?,
        user: body.user.or(body.safety_identifier),
        tier: body.service_tier.as_ref().map_or(Ok(None), tier)?,
        stream: body.stream.unwrap_or(false),
        include_usage: body
            .stream_options
            .and_then(|options| options.include_usage)
            .unwrap_or(false),
        ..Request::default()
    };
    for (at, message) in body.messages.into_iter().enumerate() {
        let place = format!("messages[{at}]");
        message.add_to(&mut request).map_err(|e| e.within(&place))?;
    }
    request.name_outcomes();
    Ok(request)
}

fn only_text(modalities: Option<&[Text<'_>]>) -> Result<(), Refusal> {
    let mut others = modalities.unwrap_or_default().iter();
    if others.any(|modality| !modality.is("text")) {
        return Err(Refusal::wrong("modalities", "only text can be translated"));
    }
    Ok(())
}

/// What can only be said as it is anyway.
fn usual(given: Option<&Text<'_>>, field: &'static str, only: &str) -> Result<(), Refusal> {
    match given {
        Some(given) if !given.is(only) => {
            let message = format!("only {only} can be translated");
            Err(Refusal::wrong(field, message))
        }
        _ => Ok(()),
    }
}

fn reasoning(effort: Option<&Text<'_>>) -> Result<Reasoning, Refusal> {
    let Some(effort) = effort else {
        return Ok(Reasoning::default());
    };
    let off = effort.is("none");
    let effort = Effort::named(&effort.plain());
    if !off && effort.is_none() {
        return Err(Refusal::wrong(
            "reasoning_effort",
            "no effort that is known",
        ));
    }
    Ok(Reasoning {
        on: Some(!off),
        budget: None,
        effort,
    })
}

fn stops(given: &RawValue) -> Result<Vec<Text<'_>>, Refusal> {
    if let Some(one) = Text::literal(given.get()) {
        return Ok(vec![one]);
    }
    parse(given.get()).map_err(|e| e.within("stop"))
}

fn bias(given: &RawValue) -> Option<Cow<'_, str>> {
    let inside = given.get().trim_start_matches('{').trim_start();
    (!inside.starts_with('}')).then_some(Cow::Borrowed(given.get()))
}

fn format(given: FormatIn<'_>) -> Result<Option<Format<'_>>, Refusal> {
    const FIELD: &str = "response_format";
    match given.r#type.plain().as_ref() {
        "text" => Ok(None),
        "json_object" => Ok(Some(Format::Json)),
        "json_schema" => {
            let schema = given.json_schema;
            let schema =
                schema.and_then(|it| Some((it.schema?, it.name, it.description, it.strict)));
            let Some((schema, name, description, strict)) = schema else {
                return Err(Refusal::wrong(
                    "response_format.json_schema.schema",
                    "missing",
                ));
            };
            Ok(Some(Format::Schema {
                name,
                description,
                schema: Cow::Borrowed(schema.get()),
                strict,
            }))
        }
        _ => Err(Refusal::wrong(FIELD, "no type that can be translated")),
    }
}

fn tier(given: &Text<'_>) -> Result<Option<Tier>, Refusal> {
    Ok(Some(match given.plain().as_ref() {
        "auto" => return Ok(None),
        "default" => Tier::Standard,
        "flex" => Tier::Flex,
        "priority" | "fast" => Tier::Priority,
        _ => {
            return Err(Refusal::wrong(
                "service_tier",
                "no tier that can be translated",
            ));
        }
    }))
}
