//! The messages of a request to an upstream.

use crate::dialect::{Call, House, Json, Outcome, Part, Refusal, Request, Role, Source, Text};

/// Writes the messages as elements of the list that is open.
///
/// # Errors
/// What OpenAI has no word for.
pub(super) fn messages(
    request: &Request<'_>,
    house: House,
    json: &mut Json<'_>,
) -> Result<(), Refusal> {
    if !request.system.is_empty() {
        json.object(|json| {
            json.key("role").string("system");
            let texts: Vec<&Text<'_>> = request.system.iter().collect();
            json.key("content").joined(&joined(&texts, "\\n\\n"));
        });
    }
    for turn in &request.turns {
        match turn.role {
            Role::User => user(&turn.parts, json)?,
            Role::Assistant => assistant(&turn.parts, house, json),
        }
    }
    Ok(())
}

/// Outcomes of calls are messages of their own and come first.
fn user(parts: &[Part<'_>], json: &mut Json<'_>) -> Result<(), Refusal> {
    let mut rest: Vec<&Part<'_>> = Vec::new();
    for part in parts {
        match part {
            Part::Outcome(outcome) => {
                write_outcome(outcome, json);
                let others = outcome.parts.iter();
                rest.extend(others.filter(|part| !matches!(part, Part::Text(_))));
            }
            part => rest.push(part),
        }
    }
    if rest.is_empty() {
        return Ok(());
    }
    let mut refusal = None;
    json.object(|json| {
        json.key("role").string("user");
        if let [Part::Text(text)] = rest.as_slice() {
            json.key("content").text(text);
        } else {
            json.key("content").list(|json| {
                for part in rest {
                    if let Err(e) = write_part(part, json) {
                        refusal = Some(e);
                    }
                }
            });
        }
    });
    refusal.map_or(Ok(()), Err)
}

fn write_outcome(outcome: &Outcome<'_>, json: &mut Json<'_>) {
    let texts: Vec<&Text<'_>> = outcome.parts.iter().filter_map(words).collect();
    json.object(|json| {
        json.key("role").string("tool");
        json.key("tool_call_id").text(&outcome.id);
        json.key("content").joined(&joined(&texts, "\\n"));
    });
}

fn write_part(part: &Part<'_>, json: &mut Json<'_>) -> Result<(), Refusal> {
    match part {
        Part::Text(text) => json.object(|json| {
            json.key("type").string("text");
            json.key("text").text(text);
        }),
        Part::Image(image) => json.object(|json| {
            json.key("type").string("image_url");
            json.key("image_url").object(|json| {
                url(&image.source, json.key("url"));
                if let Some(detail) = &image.detail {
                    json.key("detail").text(detail);
                }
            });
        }),
        Part::File(file) => {
            let Source::Data { .. } = file.source else {
                let message = "a document by URL cannot be expressed for a model of OpenAI";
                return Err(Refusal::wrong("messages", message));
            };
            json.object(|json| {
                json.key("type").string("file");
                json.key("file").object(|json| {
                    match &file.name {
                        Some(name) => json.key("filename").text(name),
                        None => json.key("filename").string("document.pdf"),
                    }
                    url(&file.source, json.key("file_data"));
                });
            });
        }
        Part::Audio(Source::Data { media_type, base64 }) => json.object(|json| {
            json.key("type").string("input_audio");
            json.key("input_audio").object(|json| {
                json.key("data").text(base64);
                let kind = media_type.plain();
                let format = kind.strip_prefix("audio/").unwrap_or(&kind);
                json.key("format").string(format);
            });
        }),
        // No reader makes the others in a turn of the user.
        _ => {}
    }
    Ok(())
}

fn url(source: &Source<'_>, json: &mut Json<'_>) {
    match source {
        Source::Url(url) => json.text(url),
        Source::Data { media_type, base64 } => {
            json.joined(&["data:", media_type.escaped(), ";base64,", base64.escaped()]);
        }
    }
}

fn assistant(parts: &[Part<'_>], house: House, json: &mut Json<'_>) {
    let texts: Vec<&Text<'_>> = parts.iter().filter_map(words).collect();
    let calls: Vec<&Call<'_>> = parts.iter().filter_map(call).collect();
    let thoughts: Vec<&Text<'_>> = parts.iter().filter_map(unsealed).collect();
    let thoughtful = house == House::Alike && !thoughts.is_empty();
    if texts.is_empty() && calls.is_empty() {
        return;
    }
    json.object(|json| {
        json.key("role").string("assistant");
        if texts.is_empty() {
            json.key("content").null();
        } else {
            json.key("content").joined(&joined(&texts, ""));
        }
        if thoughtful {
            json.key("reasoning_content").joined(&joined(&thoughts, ""));
        }
        if !calls.is_empty() {
            json.key("tool_calls").list(|json| {
                for call in calls {
                    write_call(call, json);
                }
            });
        }
    });
}

fn write_call(call: &Call<'_>, json: &mut Json<'_>) {
    json.object(|json| {
        json.key("id").text(&call.id);
        json.key("type").string("function");
        json.key("function").object(|json| {
            json.key("name").text(&call.name);
            json.key("arguments").string(&call.input);
        });
    });
}

fn words<'p, 'a>(part: &'p Part<'a>) -> Option<&'p Text<'a>> {
    match part {
        Part::Text(text) => Some(text),
        _ => None,
    }
}

fn call<'p, 'a>(part: &'p Part<'a>) -> Option<&'p Call<'a>> {
    match part {
        Part::Call(call) => Some(call),
        _ => None,
    }
}

/// Thoughts of somebody who seals none, and wants them back.
fn unsealed<'p, 'a>(part: &'p Part<'a>) -> Option<&'p Text<'a>> {
    match part {
        Part::Thinking(thinking) if thinking.signature.is_none() => Some(&thinking.text),
        _ => None,
    }
}

fn joined<'t>(texts: &[&'t Text<'_>], between: &'static str) -> Vec<&'t str> {
    let mut pieces = Vec::with_capacity(texts.len() * 2);
    for text in texts {
        if !pieces.is_empty() {
            pieces.push(between);
        }
        pieces.push(text.escaped());
    }
    pieces
}
