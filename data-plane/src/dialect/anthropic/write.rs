//! Writes a request to an upstream.

mod blocks;
mod model;
mod thinking;

use bytes::Bytes;

use super::VENDOR;
use crate::dialect::{
    Aim, Format, House, Json, Refusal, Request, Role, Tier, Tool, ToolChoice, Turn,
};
use crate::splice::Segments;
use blocks::{is_written, write_block};
use model::Sampling;
use thinking::Plan;

/// The version of the dialect that Vertex AI wants in the body.
const VERTEX_VERSION: &str = "vertex-2023-10-16";

/// Writes a request; large texts are slices of `source`.
///
/// # Errors
/// What Anthropic has no word for.
pub(crate) fn write_request(
    request: &Request<'_>,
    aim: &Aim<'_>,
    source: &Bytes,
) -> Result<Segments, Refusal> {
    refuse(request)?;
    let plan = Plan::of(request, aim.model);
    let mut json = Json::from(source);
    let mut refusal = None;
    json.object(|json| {
        match aim.house {
            House::Vertex => json.key("anthropic_version").string(VERTEX_VERSION),
            House::Own | House::Older | House::Alike => json.key("model").string(aim.model),
        }
        json.key("max_tokens").count(plan.max_tokens);
        system(request, json);
        json.key("messages").list(|json| {
            refusal = messages(request, json).err();
        });
        tools(request, aim.model, json);
        plan.write(request, json);
        sampling(request, (&plan, aim.model), json);
        if let Some(user) = &request.user {
            json.key("metadata")
                .object(|json| json.key("user_id").text(user));
        }
        if request.tier == Some(Tier::Standard) {
            json.key("service_tier").string("standard_only");
        }
        if request.stream {
            json.key("stream").flag(true);
        }
    });
    refusal.map_or(Ok(json.into_segments()), Err)
}

/// What there is no word for, whatever it is about.
fn refuse(request: &Request<'_>) -> Result<(), Refusal> {
    let refused = [
        ("n", request.candidates.is_some()),
        ("logprobs", request.logprobs.is_some()),
        ("logit_bias", request.logit_bias.is_some()),
        ("presence_penalty", request.presence_penalty.is_some()),
        ("frequency_penalty", request.frequency_penalty.is_some()),
        ("response_format", request.format == Some(Format::Json)),
        (
            "service_tier",
            matches!(request.tier, Some(Tier::Flex | Tier::Priority)),
        ),
    ];
    match refused.into_iter().find(|(_, given)| *given) {
        Some((field, _)) => Err(Refusal::cannot(field, VENDOR)),
        None => Ok(()),
    }
}

fn system(request: &Request<'_>, json: &mut Json<'_>) {
    match request.system.as_slice() {
        [] => {}
        [one] => json.key("system").text(one),
        several => json.key("system").list(|json| {
            for text in several {
                json.object(|json| {
                    json.key("type").string("text");
                    json.key("text").text(text);
                });
            }
        }),
    }
}

fn messages(request: &Request<'_>, json: &mut Json<'_>) -> Result<(), Refusal> {
    for turn in &request.turns {
        if turn.parts.iter().any(is_written) {
            write_turn(turn, json)?;
        }
    }
    Ok(())
}

fn write_turn(turn: &Turn<'_>, json: &mut Json<'_>) -> Result<(), Refusal> {
    let mut refusal = None;
    json.object(|json| {
        json.key("role").string(match turn.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        });
        json.key("content").list(|json| {
            for part in &turn.parts {
                if let Err(e) = write_block(part, json) {
                    refusal = Some(e);
                }
            }
        });
    });
    refusal.map_or(Ok(()), Err)
}

fn tools(request: &Request<'_>, model: &str, json: &mut Json<'_>) {
    if request.tools.is_empty() {
        return;
    }
    let newer = !model::is_older(model);
    json.key("tools").list(|json| {
        for tool in &request.tools {
            write_tool(tool, newer, json);
        }
    });
    let quiet = request.parallel == Some(false);
    let kind = match &request.choice {
        None if !quiet => return,
        None | Some(ToolChoice::Auto) => "auto",
        Some(ToolChoice::None) => "none",
        Some(ToolChoice::Required) => "any",
        Some(ToolChoice::Named(_)) => "tool",
    };
    json.key("tool_choice").object(|json| {
        json.key("type").string(kind);
        if let Some(ToolChoice::Named(name)) = &request.choice {
            json.key("name").text(name);
        }
        if quiet && kind != "none" {
            json.key("disable_parallel_tool_use").flag(true);
        }
    });
}

fn write_tool(tool: &Tool<'_>, newer: bool, json: &mut Json<'_>) {
    json.object(|json| {
        json.key("name").text(&tool.name);
        if let Some(description) = &tool.description {
            json.key("description").text(description);
        }
        let none = r#"{"type":"object","properties":{}}"#;
        json.key("input_schema")
            .raw(tool.schema.as_deref().unwrap_or(none));
        if newer && tool.strict == Some(true) {
            json.key("strict").flag(true);
        }
    });
}

fn sampling(request: &Request<'_>, (plan, model): (&Plan, &str), json: &mut Json<'_>) {
    let may = Sampling::of(model);
    let temperature = request.temperature.filter(|_| !plan.thinks());
    let top_p = request.top_p.filter(|p| !plan.thinks() || *p >= 0.95);
    let top_p = top_p.filter(|_| may == Sampling::Both || temperature.is_none());
    if may != Sampling::None {
        if let Some(temperature) = temperature {
            json.key("temperature").number(temperature.min(1.0));
        }
        if let Some(top_p) = top_p {
            json.key("top_p").number(top_p);
        }
        if let Some(top_k) = request.top_k.filter(|_| !plan.thinks()) {
            json.key("top_k").count(top_k);
        }
    }
    if !request.stop.is_empty() {
        json.key("stop_sequences").list(|json| {
            for stop in &request.stop {
                json.text(stop);
            }
        });
    }
}

#[cfg(test)]
mod tests;
