//! Writes a request to an upstream.

mod config;
mod contents;

use bytes::Bytes;

use super::VENDOR;
use crate::dialect::{Aim, House, Json, Refusal, Request, Tier, ToolChoice};
use crate::splice::Segments;

/// Writes a request; large texts are slices of `source`.
///
/// # Errors
/// What Google has no word for.
pub(crate) fn write_request(
    request: &Request<'_>,
    aim: &Aim<'_>,
    source: &Bytes,
) -> Result<Segments, Refusal> {
    refuse(request)?;
    let mut json = Json::from(source);
    let mut told = Ok(());
    json.object(|json| {
        told = conversation(request, aim.model, json);
        choice(request, json);
        config::write(request, aim.model, json);
    });
    told.map(|()| json.into_segments())
}

/// Writes a request to count its tokens.
///
/// # Errors
/// What Google has no word for.
pub(crate) fn write_count(
    request: &Request<'_>,
    aim: &Aim<'_>,
    source: &Bytes,
) -> Result<Segments, Refusal> {
    let mut json = Json::from(source);
    let mut told = Ok(());
    json.object(|json| match aim.house {
        House::Vertex => told = conversation(request, aim.model, json),
        House::Own | House::Older | House::Alike => {
            json.key("generateContentRequest").object(|json| {
                json.key("model").string(&format!("models/{}", aim.model));
                told = conversation(request, aim.model, json);
            });
        }
    });
    told.map(|()| json.into_segments())
}

/// What there is no word for, whatever it is about.
fn refuse(request: &Request<'_>) -> Result<(), Refusal> {
    let alone = request.parallel == Some(false) && !request.tools.is_empty();
    let seed = request
        .seed
        .is_some_and(|seed| i32::try_from(seed).is_err());
    let tier = matches!(request.tier, Some(Tier::Flex | Tier::Priority));
    let refused = [
        ("parallel_tool_calls", alone),
        ("logprobs", request.logprobs.is_some()),
        ("logit_bias", request.logit_bias.is_some()),
        ("service_tier", tier),
        ("seed", seed),
    ];
    match refused.into_iter().find(|(_, given)| *given) {
        Some((field, _)) => Err(Refusal::cannot(field, VENDOR)),
        None => Ok(()),
    }
}

/// What is said, and which functions there are.
fn conversation(request: &Request<'_>, model: &str, json: &mut Json<'_>) -> Result<(), Refusal> {
    let mut told = Ok(());
    let system = || request.system.iter().filter(|text| !text.is_empty());
    if system().next().is_some() {
        json.key("systemInstruction").object(|json| {
            json.key("parts").list(|json| {
                for text in system() {
                    json.object(|json| json.key("text").text(text));
                }
            });
        });
    }
    json.key("contents").list(|json| {
        for turn in &request.turns {
            if told.is_ok() {
                told = contents::write(turn, model, json);
            }
        }
    });
    if !request.tools.is_empty() {
        json.key("tools").list(|json| {
            json.object(|json| {
                json.key("functionDeclarations")
                    .list(|json| tools(request, json));
            });
        });
    }
    told
}

fn tools(request: &Request<'_>, json: &mut Json<'_>) {
    for tool in &request.tools {
        json.object(|json| {
            json.key("name").text(&tool.name);
            if let Some(description) = &tool.description {
                json.key("description").text(description);
            }
            if let Some(schema) = &tool.schema {
                json.key("parametersJsonSchema").raw(schema);
            }
        });
    }
}

fn choice(request: &Request<'_>, json: &mut Json<'_>) {
    let Some(choice) = request
        .choice
        .as_ref()
        .filter(|_| !request.tools.is_empty())
    else {
        return;
    };
    json.key("toolConfig").object(|json| {
        json.key("functionCallingConfig").object(|json| {
            json.key("mode").string(match choice {
                ToolChoice::Auto => "AUTO",
                ToolChoice::None => "NONE",
                ToolChoice::Required | ToolChoice::Named(_) => "ANY",
            });
            if let ToolChoice::Named(name) = choice {
                let names = json.key("allowedFunctionNames");
                names.list(|json| json.text(name));
            }
        });
    });
}
