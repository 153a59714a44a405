//! Turns as contents, and what they are made of as parts.

use super::super::bare;
use crate::dialect::{Json, Outcome, Part, Refusal, Role, Source, Text, Turn};

/// What stands for the seal on thoughts that Google did not have: a history that began
/// elsewhere, as its documentation has it.
const FOREIGN: &str = "skip_thought_signature_validator";

/// Writes a turn, as no content if nothing of it is sent.
///
/// # Errors
/// An outcome that belongs to no call.
pub(super) fn write(turn: &Turn<'_>, model: &str, json: &mut Json<'_>) -> Result<(), Refusal> {
    let outcomes = || {
        turn.parts.iter().filter_map(|part| match part {
            Part::Outcome(outcome) => Some(outcome),
            _ => None,
        })
    };
    if outcomes().any(|outcome| outcome.name.is_none()) {
        let problem = "an outcome belongs to no call of the conversation";
        return Err(Refusal::wrong("messages", problem));
    }
    if outcomes().next().is_some() {
        content("user", json, |json| {
            for outcome in outcomes() {
                respond(outcome, json);
            }
        });
    }
    let inner = outcomes().flat_map(|outcome| &outcome.parts);
    let inner = inner.filter(|part| !matches!(part, Part::Text(_)));
    let said: Vec<&Part<'_>> = inner
        .chain(&turn.parts)
        .filter(|part| is_sent(part))
        .collect();
    if said.is_empty() {
        return Ok(());
    }
    let role = match turn.role {
        Role::User => "user",
        Role::Assistant => "model",
    };
    let mut wants_seal = bare(model).starts_with("gemini-3");
    content(role, json, |json| {
        for part in said {
            write_part(part, &mut wants_seal, json);
        }
    });
    Ok(())
}

fn content(role: &str, json: &mut Json<'_>, parts: impl FnOnce(&mut Json<'_>)) {
    json.object(|json| {
        json.key("role").string(role);
        json.key("parts").list(parts);
    });
}

fn is_sent(part: &Part<'_>) -> bool {
    match part {
        Part::Text(text) => !text.is_empty(),
        Part::Image(_) | Part::Audio(_) | Part::File(_) | Part::Call(_) => true,
        Part::Thinking(_) | Part::Redacted(_) | Part::Outcome(_) => false,
    }
}

/// `wants_seal` is set as long as the first call of the turn has not come, at a model
/// that refuses one without a seal.
fn write_part(part: &Part<'_>, wants_seal: &mut bool, json: &mut Json<'_>) {
    json.object(|json| match part {
        Part::Text(text) => json.key("text").text(text),
        Part::Image(image) => write_source(&image.source, "image/jpeg", json),
        Part::Audio(source) => write_source(source, "audio/wav", json),
        Part::File(file) => write_source(&file.source, "application/pdf", json),
        Part::Call(call) => {
            json.key("functionCall").object(|json| {
                json.key("name").text(&call.name);
                json.key("args").raw(&call.input);
            });
            match &call.signature {
                Some(seal) => json.key("thoughtSignature").text(seal),
                None if *wants_seal => json.key("thoughtSignature").string(FOREIGN),
                None => {}
            }
            *wants_seal = false;
        }
        Part::Thinking(_) | Part::Redacted(_) | Part::Outcome(_) => {}
    });
}

fn write_source(source: &Source<'_>, usual: &str, json: &mut Json<'_>) {
    match source {
        Source::Data { media_type, base64 } => json.key("inlineData").object(|json| {
            json.key("mimeType").text(media_type);
            json.key("data").text(base64);
        }),
        Source::Url(url) => json.key("fileData").object(|json| {
            json.key("mimeType").string(type_of(url).unwrap_or(usual));
            json.key("fileUri").text(url);
        }),
    }
}

/// The type that the end of a URL's path stands for.
fn type_of(url: &Text<'_>) -> Option<&'static str> {
    let url = url.plain();
    let path = url.split(['?', '#']).next()?;
    let name = path.rsplit('/').next()?;
    let (_, end) = name.rsplit_once('.')?;
    Some(match end.to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "gif" => "image/gif",
        "heic" => "image/heic",
        "heif" => "image/heif",
        "pdf" => "application/pdf",
        "txt" => "text/plain",
        "wav" => "audio/wav",
        "mp3" => "audio/mp3",
        "mp4" => "video/mp4",
        _ => return None,
    })
}

fn respond(outcome: &Outcome<'_>, json: &mut Json<'_>) {
    let said: Vec<&Text<'_>> = outcome
        .parts
        .iter()
        .filter_map(|part| match part {
            Part::Text(text) => Some(text),
            _ => None,
        })
        .collect();
    json.object(|json| {
        json.key("functionResponse").object(|json| {
            if let Some(name) = &outcome.name {
                json.key("name").text(name);
            }
            json.key("response").object(|json| {
                let key = if outcome.is_error { "error" } else { "output" };
                let json = json.key(key);
                match said.as_slice() {
                    [one] => match structured(one) {
                        Some(value) => json.raw(&value),
                        None => json.text(one),
                    },
                    several => {
                        let texts: Vec<&str> = several.iter().map(|text| text.escaped()).collect();
                        json.joined(&texts);
                    }
                }
            });
        });
    });
}

/// What a text says, if it is an object or a list of JSON.
fn structured(text: &Text<'_>) -> Option<String> {
    if !text.escaped().starts_with(['{', '[']) {
        return None;
    }
    let plain = text.plain();
    let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&plain).is_ok();
    is_json.then(|| plain.into_owned())
}
