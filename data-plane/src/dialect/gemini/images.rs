//! Pictures: OpenAI's `images/generations` at Vertex AI, whose Imagen has `:predict`.
//!
//! | field | what happens |
//! |---|---|
//! | `n` | is the `sampleCount` |
//! | `size` | is the `aspectRatio` where Imagen has it, else refused; `auto` is Imagen's own |
//! | `output_format` of `png` and `jpeg` | is the type; others are refused |
//! | `response_format` of `url` | refused: there is none |
//! | `quality`, `style`, `background`, `moderation` | `auto` is left out, all else refused |
//! | `stream`, `partial_images` | refused |
//! | `user` | left out |
//!
//! A picture that was filtered away is none; what the answer has is what is paid.

use bytes::Bytes;
use foldgate_proto::Quantities;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::VENDOR;
use crate::dialect::{Json, Refusal, Text, parse};
use crate::splice::Segments;

/// What Imagen can be asked for.
const RATIOS: [(u64, u64); 5] = [(1, 1), (3, 4), (4, 3), (9, 16), (16, 9)];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted<'a> {
    #[serde(rename = "model")]
    _model: IgnoredAny,
    #[serde(borrow)]
    prompt: Text<'a>,
    n: Option<u64>,
    #[serde(borrow)]
    size: Option<Text<'a>>,
    #[serde(borrow)]
    response_format: Option<Text<'a>>,
    #[serde(borrow)]
    output_format: Option<Text<'a>>,
    #[serde(borrow)]
    quality: Option<Text<'a>>,
    #[serde(borrow)]
    style: Option<Text<'a>>,
    #[serde(borrow)]
    background: Option<Text<'a>>,
    #[serde(borrow)]
    moderation: Option<Text<'a>>,
    stream: Option<bool>,
    partial_images: Option<u64>,
    #[serde(rename = "user")]
    _user: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Given<'a> {
    error: Option<IgnoredAny>,
    #[serde(borrow)]
    predictions: Option<Vec<Picture<'a>>>,
}

#[derive(Deserialize)]
struct Picture<'a> {
    #[serde(borrow, rename = "bytesBase64Encoded")]
    data: Option<Text<'a>>,
}

/// Writes an OpenAI client's request; a large prompt is a slice of `body`.
///
/// # Errors
/// What is wrong with it, or has no word at Google.
pub(crate) fn write(body: &Bytes) -> Result<Segments, Refusal> {
    let text = std::str::from_utf8(body);
    let text = text.map_err(|_| Refusal::wrong("", "the request body is not UTF-8"))?;
    let wanted: Wanted<'_> = parse(text)?;
    wanted.check()?;
    let ratio = wanted.size.as_ref().map(ratio).transpose()?.flatten();
    let kind = wanted.output_format.as_ref().map(kind).transpose()?;
    let mut json = Json::from(body);
    json.object(|json| {
        json.key("instances").list(|json| {
            json.object(|json| json.key("prompt").text(&wanted.prompt));
        });
        json.key("parameters").object(|json| {
            json.key("sampleCount").count(wanted.n.unwrap_or(1));
            if let Some((wide, high)) = ratio {
                json.key("aspectRatio").string(&format!("{wide}:{high}"));
            }
            if let Some(kind) = kind {
                let options = json.key("outputOptions");
                options.object(|json| json.key("mimeType").string(kind));
            }
        });
    });
    Ok(json.into_segments())
}

impl Wanted<'_> {
    /// Refuses what Imagen has no word for.
    fn check(&self) -> Result<(), Refusal> {
        for (field, value) in [
            ("quality", &self.quality),
            ("style", &self.style),
            ("background", &self.background),
            ("moderation", &self.moderation),
        ] {
            if value.as_ref().is_some_and(|value| !value.is("auto")) {
                return Err(Refusal::cannot(field, VENDOR));
            }
        }
        let format = self.response_format.as_ref();
        if format.is_some_and(|format| !format.is("b64_json")) {
            return Err(Refusal::cannot("response_format", VENDOR));
        }
        if self.stream == Some(true) {
            return Err(Refusal::cannot("stream", VENDOR));
        }
        if self.partial_images.is_some_and(|images| images > 0) {
            return Err(Refusal::cannot("partial_images", VENDOR));
        }
        Ok(())
    }
}

/// The ratio of a size; `None` where the size is not said.
fn ratio(size: &Text<'_>) -> Result<Option<(u64, u64)>, Refusal> {
    let size = size.plain();
    if size == "auto" {
        return Ok(None);
    }
    let number = |text: &str| text.parse::<u32>().ok().map(u64::from);
    let sides = size.split_once('x');
    let sides = sides.and_then(|(wide, high)| Some((number(wide)?, number(high)?)));
    let (wide, high) = sides.ok_or_else(|| Refusal::wrong("size", "must be WIDTHxHEIGHT"))?;
    let mut ratios = RATIOS.into_iter();
    let found = ratios.find(|(a, b)| wide > 0 && wide * b == high * a);
    found
        .map(Some)
        .ok_or_else(|| Refusal::cannot("size", VENDOR))
}

fn kind(format: &Text<'_>) -> Result<&'static str, Refusal> {
    match format.plain().as_ref() {
        "png" => Ok("image/png"),
        "jpeg" => Ok("image/jpeg"),
        _ => Err(Refusal::cannot("output_format", VENDOR)),
    }
}

/// Writes what Imagen answered for an OpenAI client, with how many pictures there are.
/// `None`: it is no answer.
pub(crate) fn read(json: &str, created: i64) -> Option<(Bytes, Option<Quantities>)> {
    let given: Given<'_> = serde_json::from_str(json).ok()?;
    if given.error.is_some() {
        return None;
    }
    // Where all were filtered away, there is no list either.
    let pictures = given.predictions.unwrap_or_default();
    let pictures: Vec<_> = pictures.into_iter().filter_map(|one| one.data).collect();
    let mut out = Json::default();
    out.object(|out| {
        out.key("created").raw(&created.to_string());
        out.key("data").list(|out| {
            for data in &pictures {
                out.object(|out| out.key("b64_json").text(data));
            }
        });
    });
    let used = Quantities {
        images: u64::try_from(pictures.len()).unwrap_or(u64::MAX),
        ..Quantities::default()
    };
    Some((out.into_vec().into(), Some(used)))
}

#[cfg(test)]
mod tests;
