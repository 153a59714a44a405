//! Writes a request to an upstream.
//!
//! What is left out: top_k at OpenAI itself (refused), thoughts (but for unsealed
//! ones at those who do alike, who made them), seals on calls, that an outcome is an
//! error. Images and files of an outcome follow in a message of the user's.

mod messages;

use bytes::Bytes;

use super::VENDOR;
use crate::dialect::{Aim, Effort, Format, House, Json, Refusal, Request, Tier, Tool, ToolChoice};
use crate::splice::Segments;
use messages::messages;

/// Writes a request; large texts are slices of `source`.
///
/// # Errors
/// What OpenAI has no word for.
pub(crate) fn write_request(
    request: &Request<'_>,
    aim: &Aim<'_>,
    source: &Bytes,
) -> Result<Segments, Refusal> {
    if request.top_k.is_some() && matches!(aim.house, House::Own | House::Older) {
        return Err(Refusal::cannot("top_k", VENDOR));
    }
    let mut json = Json::from(source);
    let mut refusal = None;
    json.object(|json| {
        json.key("model").string(aim.model);
        json.key("messages").list(|json| {
            refusal = messages(request, aim.house, json).err();
        });
        tools(request, json);
        sampling(request, aim.house, json);
        shape(request, json);
        if request.stream {
            json.key("stream").flag(true);
            if aim.house != House::Older {
                json.key("stream_options")
                    .object(|json| json.key("include_usage").flag(true));
            }
        }
    });
    refusal.map_or(Ok(json.into_segments()), Err)
}

fn tools(request: &Request<'_>, json: &mut Json<'_>) {
    if request.tools.is_empty() {
        return;
    }
    json.key("tools").list(|json| {
        for tool in &request.tools {
            write_tool(tool, json);
        }
    });
    match &request.choice {
        None => {}
        Some(ToolChoice::Auto) => json.key("tool_choice").string("auto"),
        Some(ToolChoice::None) => json.key("tool_choice").string("none"),
        Some(ToolChoice::Required) => json.key("tool_choice").string("required"),
        Some(ToolChoice::Named(name)) => json.key("tool_choice").object(|json| {
            json.key("type").string("function");
            json.key("function")
                .object(|json| json.key("name").text(name));
        }),
    }
    if let Some(parallel) = request.parallel {
        json.key("parallel_tool_calls").flag(parallel);
    }
}

fn write_tool(tool: &Tool<'_>, json: &mut Json<'_>) {
    json.object(|json| {
        json.key("type").string("function");
        json.key("function").object(|json| {
            json.key("name").text(&tool.name);
            if let Some(description) = &tool.description {
                json.key("description").text(description);
            }
            if let Some(schema) = &tool.schema {
                json.key("parameters").raw(schema);
            }
            if let Some(strict) = tool.strict {
                json.key("strict").flag(strict);
            }
        });
    });
}

fn sampling(request: &Request<'_>, house: House, json: &mut Json<'_>) {
    if let Some(most) = request.max_tokens {
        // OpenAI's newer models refuse the old name, others do not know the new one.
        let own = house == House::Own;
        let name = if own {
            "max_completion_tokens"
        } else {
            "max_tokens"
        };
        json.key(name).count(most);
    }
    let numbers = [
        ("temperature", request.temperature),
        ("top_p", request.top_p),
        ("presence_penalty", request.presence_penalty),
        ("frequency_penalty", request.frequency_penalty),
    ];
    for (name, number) in numbers {
        if let Some(number) = number {
            json.key(name).number(number);
        }
    }
    let counts = [
        ("top_k", request.top_k),
        ("n", request.candidates),
        ("top_logprobs", request.logprobs.filter(|most| *most > 0)),
    ];
    for (name, count) in counts {
        if let Some(count) = count {
            json.key(name).count(count);
        }
    }
    if request.logprobs.is_some() {
        json.key("logprobs").flag(true);
    }
    if let Some(seed) = request.seed {
        json.key("seed").raw(&seed.to_string());
    }
    if let Some(bias) = &request.logit_bias {
        json.key("logit_bias").raw(bias);
    }
    if !request.stop.is_empty() {
        json.key("stop").list(|json| {
            for stop in &request.stop {
                json.text(stop);
            }
        });
    }
}

fn shape(request: &Request<'_>, json: &mut Json<'_>) {
    if request.reasoning.on != Some(false)
        && let Some(effort) = request.reasoning.effort()
    {
        json.key("reasoning_effort").string(effort_name(effort));
    }
    match &request.format {
        None => {}
        Some(Format::Json) => json
            .key("response_format")
            .object(|json| json.key("type").string("json_object")),
        Some(Format::Schema {
            name,
            description,
            schema,
            strict,
        }) => json.key("response_format").object(|json| {
            json.key("type").string("json_schema");
            json.key("json_schema").object(|json| {
                match name {
                    Some(name) => json.key("name").text(name),
                    None => json.key("name").string("answer"),
                }
                if let Some(description) = description {
                    json.key("description").text(description);
                }
                json.key("schema").raw(schema);
                if let Some(strict) = strict {
                    json.key("strict").flag(*strict);
                }
            });
        }),
    }
    if let Some(user) = &request.user {
        json.key("user").text(user);
    }
    if let Some(tier) = request.tier {
        json.key("service_tier").string(match tier {
            Tier::Standard => "default",
            Tier::Flex => "flex",
            Tier::Priority => "priority",
        });
    }
}

const fn effort_name(effort: Effort) -> &'static str {
    match effort {
        Effort::Minimal => "minimal",
        Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
        Effort::XHigh => "xhigh",
        Effort::Max => "max",
    }
}

#[cfg(test)]
mod tests;
