//! The blocks of a message to an upstream.

use super::super::VENDOR;
use crate::dialect::{File, Json, Outcome, Part, Refusal, Source, Text, Thinking};

/// Writes a part as an element of the list that is open; thoughts without a seal,
/// which Anthropic would not take, are left out.
///
/// # Errors
/// What Anthropic has no word for.
pub(super) fn write_block(part: &Part<'_>, json: &mut Json<'_>) -> Result<(), Refusal> {
    match part {
        Part::Text(text) => json.object(|json| {
            json.key("type").string("text");
            json.key("text").text(text);
        }),
        Part::Image(image) => json.object(|json| {
            json.key("type").string("image");
            source(&image.source, json.key("source"));
        }),
        Part::File(file) => write_file(file, json)?,
        Part::Audio(_) => return Err(Refusal::cannot("messages[].input_audio", VENDOR)),
        Part::Thinking(Thinking {
            text,
            signature: Some(signature),
        }) => json.object(|json| {
            json.key("type").string("thinking");
            json.key("thinking").text(text);
            json.key("signature").text(signature);
        }),
        Part::Thinking(_) => {}
        Part::Redacted(data) => json.object(|json| {
            json.key("type").string("redacted_thinking");
            json.key("data").text(data);
        }),
        Part::Call(call) => json.object(|json| {
            json.key("type").string("tool_use");
            json.key("id").text(&id(&call.id));
            json.key("name").text(&call.name);
            json.key("input").raw(&call.input);
        }),
        Part::Outcome(outcome) => write_outcome(outcome, json)?,
    }
    Ok(())
}

/// Whether anything is written of it.
pub(super) fn is_written(part: &Part<'_>) -> bool {
    !matches!(
        part,
        Part::Thinking(Thinking {
            signature: None,
            ..
        })
    )
}

fn write_file(file: &File<'_>, json: &mut Json<'_>) -> Result<(), Refusal> {
    if let Source::Data { media_type, .. } = &file.source
        && !media_type.is("application/pdf")
    {
        let field = "messages[].file of another type than application/pdf";
        return Err(Refusal::cannot(field, VENDOR));
    }
    json.object(|json| {
        json.key("type").string("document");
        source(&file.source, json.key("source"));
        if let Some(name) = &file.name {
            json.key("title").text(name);
        }
    });
    Ok(())
}

fn write_outcome(outcome: &Outcome<'_>, json: &mut Json<'_>) -> Result<(), Refusal> {
    let mut refusal = None;
    json.object(|json| {
        json.key("type").string("tool_result");
        json.key("tool_use_id").text(&id(&outcome.id));
        match outcome.parts.as_slice() {
            [] => {}
            [Part::Text(text)] => json.key("content").text(text),
            parts => json.key("content").list(|json| {
                for part in parts {
                    if let Err(e) = write_block(part, json) {
                        refusal = Some(e);
                    }
                }
            }),
        }
        if outcome.is_error {
            json.key("is_error").flag(true);
        }
    });
    refusal.map_or(Ok(()), Err)
}

fn source(source: &Source<'_>, json: &mut Json<'_>) {
    json.object(|json| match source {
        Source::Url(url) => {
            json.key("type").string("url");
            json.key("url").text(url);
        }
        Source::Data { media_type, base64 } => {
            json.key("type").string("base64");
            json.key("media_type").text(media_type);
            json.key("data").text(base64);
        }
    });
}

/// An id of letters, digits, `_` and `-`, as Anthropic wants it.
fn id<'t>(id: &'t Text<'_>) -> Text<'t> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if id.escaped().chars().all(fits) {
        return id.by_ref();
    }
    let plain = id.plain();
    let fitted: String = plain
        .chars()
        .map(|c| if fits(c) { c } else { '_' })
        .collect();
    Text::of(fitted)
}
