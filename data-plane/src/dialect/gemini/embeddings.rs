//! Vectors: OpenAI's `embeddings` at Google, which has two forms of its own.
//!
//! | where | request | answer |
//! |---|---|---|
//! | Vertex AI, `:predict` | `instances[].content` | `predictions[].embeddings`, with tokens |
//! | Gemini's own API, `:batchEmbedContents` | `requests[].content` | `embeddings[]` |
//!
//! `user` is left out; tokens instead of texts are refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use foldgate_proto::Quantities;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::VENDOR;
use crate::dialect::{Aim, House, Json, Refusal, Text, parse};
use crate::splice::Segments;

/// How the caller wants its vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// As lists of numbers.
    Float,
    /// As their bytes in base64: 32 bits each, the lowest first.
    Base64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted<'a> {
    #[serde(rename = "model")]
    _model: IgnoredAny,
    #[serde(borrow)]
    input: &'a RawValue,
    dimensions: Option<u64>,
    #[serde(borrow)]
    encoding_format: Option<Text<'a>>,
    #[serde(rename = "user")]
    _user: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Given<'a> {
    #[serde(borrow)]
    predictions: Option<Vec<Prediction<'a>>>,
    #[serde(borrow)]
    embeddings: Option<Vec<Vector<'a>>>,
}

#[derive(Deserialize)]
struct Prediction<'a> {
    #[serde(borrow)]
    embeddings: Vector<'a>,
}

#[derive(Deserialize)]
struct Vector<'a> {
    #[serde(borrow)]
    values: &'a RawValue,
    statistics: Option<Statistics>,
}

#[derive(Deserialize)]
struct Statistics {
    token_count: Option<f64>,
}

/// Writes an OpenAI client's request; large texts are slices of `body`.
///
/// # Errors
/// What is wrong with it, or has no word at Google.
pub(crate) fn write(body: &Bytes, aim: &Aim<'_>) -> Result<(Segments, Encoding), Refusal> {
    let text = std::str::from_utf8(body);
    let text = text.map_err(|_| Refusal::wrong("", "the request body is not UTF-8"))?;
    let wanted: Wanted<'_> = parse(text)?;
    let encoding = match wanted.encoding_format.as_ref() {
        None => Encoding::Float,
        Some(name) if name.is("float") => Encoding::Float,
        Some(name) if name.is("base64") => Encoding::Base64,
        Some(_) => return Err(Refusal::wrong("encoding_format", "must be float or base64")),
    };
    let texts = texts(wanted.input.get())?;
    let mut json = Json::from(body);
    json.object(|json| match aim.house {
        House::Vertex => {
            json.key("instances").list(|json| {
                for text in &texts {
                    json.object(|json| json.key("content").text(text));
                }
            });
            if let Some(dimensions) = wanted.dimensions {
                let parameters = json.key("parameters");
                parameters.object(|json| json.key("outputDimensionality").count(dimensions));
            }
        }
        House::Own | House::Older | House::Alike => json.key("requests").list(|json| {
            for text in &texts {
                json.object(|json| request(text, (aim.model, wanted.dimensions), json));
            }
        }),
    });
    Ok((json.into_segments(), encoding))
}

fn request(text: &Text<'_>, (model, dimensions): (&str, Option<u64>), json: &mut Json<'_>) {
    json.key("model").string(&format!("models/{model}"));
    json.key("content").object(|json| {
        let parts = json.key("parts");
        parts.list(|json| json.object(|json| json.key("text").text(text)));
    });
    if let Some(dimensions) = dimensions {
        json.key("outputDimensionality").count(dimensions);
    }
}

/// One text or several.
fn texts(input: &str) -> Result<Vec<Text<'_>>, Refusal> {
    if let Some(one) = Text::literal(input) {
        return Ok(vec![one]);
    }
    let several = serde_json::from_str::<Vec<&RawValue>>(input);
    let several = several.map_err(|_| Refusal::wrong("input", "must be a text or a list"))?;
    if several.is_empty() {
        return Err(Refusal::wrong("input", "is empty"));
    }
    let texts = several.into_iter().map(|one| Text::literal(one.get()));
    let texts: Option<Vec<_>> = texts.collect();
    texts.ok_or_else(|| Refusal::cannot("input", VENDOR))
}

/// Writes what Google answered for an OpenAI client, with what it cost where that is
/// said. `None`: it is no answer.
pub(crate) fn read(
    json: &str,
    (model, encoding): (&str, Encoding),
) -> Option<(Bytes, Option<Quantities>)> {
    let given: Given<'_> = serde_json::from_str(json).ok()?;
    let predicted = given
        .predictions
        .map(|all| all.into_iter().map(|one| one.embeddings));
    let vectors: Vec<Vector<'_>> = match predicted {
        Some(vectors) => vectors.collect(),
        None => given.embeddings?,
    };
    let counts = vectors.iter().filter_map(Vector::tokens);
    let tokens = counts.reduce(u64::saturating_add);
    let mut out = Json::default();
    let mut broken = false;
    out.object(|out| {
        out.key("object").string("list");
        out.key("data").list(|out| {
            for (index, vector) in (0..).zip(&vectors) {
                out.object(|out| {
                    out.key("object").string("embedding");
                    out.key("index").count(index);
                    let out = out.key("embedding");
                    match (encoding, vector.base64()) {
                        (Encoding::Float, Some(_)) => out.raw(vector.values.get()),
                        (Encoding::Base64, Some(text)) => out.string(&text),
                        (_, None) => {
                            broken = true;
                            out.null();
                        }
                    }
                });
            }
        });
        out.key("model").string(model);
        out.key("usage").object(|out| {
            out.key("prompt_tokens").count(tokens.unwrap_or_default());
            out.key("total_tokens").count(tokens.unwrap_or_default());
        });
    });
    let used = tokens.map(|input| Quantities {
        input,
        ..Quantities::default()
    });
    (!broken).then(|| (out.into_vec().into(), used))
}

impl Vector<'_> {
    fn tokens(&self) -> Option<u64> {
        // A number with a point, whatever it counts.
        let count = self.statistics.as_ref()?.token_count?;
        format!("{:.0}", count.max(0.0)).parse().ok()
    }

    /// Its bytes; `None` where it is no list of numbers.
    fn base64(&self) -> Option<String> {
        let numbers: Vec<f32> = serde_json::from_str(self.values.get()).ok()?;
        let bytes: Vec<u8> = numbers
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect();
        Some(STANDARD.encode(bytes))
    }
}

#[cfg(test)]
mod tests;
