//! The blocks of a message.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::dialect::{
    Call, File, Image, Outcome, Part, Raw, Refusal, Source, Text, Thinking, parse,
};

/// The deepest that blocks lie in blocks: a document with blocks, in an outcome.
const MAX_DEPTH: usize = 4;

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(borrow)]
    r#type: Text<'a>,
    #[serde(borrow)]
    text: Option<Text<'a>>,
    #[serde(borrow)]
    source: Option<SourceIn<'a>>,
    #[serde(borrow)]
    title: Option<Text<'a>>,
    #[serde(borrow)]
    thinking: Option<Text<'a>>,
    #[serde(borrow)]
    signature: Option<Text<'a>>,
    #[serde(borrow)]
    data: Option<Text<'a>>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_use_id: Option<Text<'a>>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    is_error: Option<bool>,
}

#[derive(Deserialize)]
struct SourceIn<'a> {
    #[serde(borrow)]
    r#type: Text<'a>,
    #[serde(borrow)]
    media_type: Option<Text<'a>>,
    #[serde(borrow)]
    data: Option<Text<'a>>,
    #[serde(borrow)]
    url: Option<Text<'a>>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
}

/// Reads a text, or a list of blocks. Empty texts are none.
///
/// # Errors
/// What of it is wrong, or cannot be said otherwise; the path begins here.
pub(super) fn content(given: &RawValue) -> Result<Vec<Part<'_>>, Refusal> {
    deeper(given, MAX_DEPTH)
}

fn deeper(given: &RawValue, depth: usize) -> Result<Vec<Part<'_>>, Refusal> {
    if depth == 0 {
        return Err(Refusal::wrong("", "blocks lie too deep in each other"));
    }
    if let Some(words) = Text::literal(given.get()) {
        return Ok(text(Some(words)).into_iter().collect());
    }
    let blocks: Vec<Block<'_>> = parse(given.get())?;
    let mut parts = Vec::with_capacity(blocks.len());
    for (at, block) in blocks.into_iter().enumerate() {
        let place = format!("[{at}]");
        block
            .read(depth - 1, &mut parts)
            .map_err(|e| e.within(&place))?;
    }
    Ok(parts)
}

fn text(text: Option<Text<'_>>) -> Option<Part<'_>> {
    text.filter(|text| !text.is_empty()).map(Part::Text)
}

fn missing(field: &'static str) -> impl FnOnce() -> Refusal {
    move || Refusal::wrong(field, "missing")
}

impl<'a> Block<'a> {
    fn read(self, depth: usize, parts: &mut Vec<Part<'a>>) -> Result<(), Refusal> {
        let kind = self.r#type.plain();
        match kind.as_ref() {
            "text" => parts.extend(text(self.text)),
            "image" => {
                let source = self.source.ok_or_else(missing("source"))?;
                parts.push(Part::Image(Image {
                    source: source.read().map_err(|e| e.within("source"))?,
                    detail: None,
                }));
            }
            "document" => {
                let source = self.source.ok_or_else(missing("source"))?;
                let read = source.document(self.title, depth);
                parts.extend(read.map_err(|e| e.within("source"))?);
            }
            "thinking" => parts.push(Part::Thinking(Thinking {
                text: self.thinking.unwrap_or_default(),
                signature: self.signature.filter(|seal| !seal.is_empty()),
            })),
            "redacted_thinking" => {
                parts.push(Part::Redacted(self.data.ok_or_else(missing("data"))?));
            }
            "tool_use" => parts.push(Part::Call(Call {
                id: self.id.ok_or_else(missing("id"))?,
                name: self.name.ok_or_else(missing("name"))?,
                input: object(self.input)
                    .ok_or_else(|| Refusal::wrong("input", "must be an object"))?,
                signature: None,
            })),
            "tool_result" => {
                let said = self.content.map_or(Ok(Vec::new()), |it| deeper(it, depth));
                parts.push(Part::Outcome(Outcome {
                    id: self.tool_use_id.ok_or_else(missing("tool_use_id"))?,
                    name: None,
                    parts: said.map_err(|e| e.within("content"))?,
                    is_error: self.is_error.unwrap_or(false),
                }));
            }
            _ => return Err(Refusal::wrong("type", "no type that can be translated")),
        }
        Ok(())
    }
}

impl<'a> SourceIn<'a> {
    fn read(self) -> Result<Source<'a>, Refusal> {
        let kind = self.r#type.plain();
        match (kind.as_ref(), self.media_type, self.data, self.url) {
            ("base64", Some(media_type), Some(base64), _) => {
                Ok(Source::Data { media_type, base64 })
            }
            ("url", _, _, Some(url)) => Ok(Source::Url(url)),
            ("base64", None, ..) => Err(Refusal::wrong("media_type", "missing")),
            ("base64", ..) => Err(Refusal::wrong("data", "missing")),
            ("url", ..) => Err(Refusal::wrong("url", "missing")),
            _ => Err(Refusal::wrong("type", "no type that can be translated")),
        }
    }

    /// A document is one, or the text or blocks that are in it.
    fn document(self, name: Option<Text<'a>>, depth: usize) -> Result<Vec<Part<'a>>, Refusal> {
        match self.r#type.plain().as_ref() {
            "text" => Ok(text(self.data).into_iter().collect()),
            "content" => {
                let content = self.content.ok_or_else(missing("content"))?;
                deeper(content, depth).map_err(|e| e.within("content"))
            }
            _ => {
                let source = self.read()?;
                Ok(vec![Part::File(File { source, name })])
            }
        }
    }
}

/// A call's input; none is an empty object.
pub(in super::super) fn object(input: Option<&RawValue>) -> Option<Raw<'_>> {
    match input.map(RawValue::get) {
        None => Some(Cow::Borrowed("{}")),
        Some(json) if json.starts_with('{') => Some(Cow::Borrowed(json)),
        Some(_) => None,
    }
}
