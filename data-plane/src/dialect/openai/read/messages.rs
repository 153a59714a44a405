//! The messages of a request.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::dialect::{
    Call, File, Image, Outcome, Part, Raw, Refusal, Request, Role, Source, Text, Thinking, parse,
};

/// A message.
#[derive(Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    role: Text<'a>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    refusal: Option<Text<'a>>,
    #[serde(borrow)]
    reasoning_content: Option<Text<'a>>,
    #[serde(borrow)]
    thinking_blocks: Option<Vec<Block<'a>>>,
    #[serde(borrow)]
    tool_calls: Option<Vec<CallIn<'a>>>,
    #[serde(borrow)]
    tool_call_id: Option<Text<'a>>,
    #[serde(borrow)]
    function_call: Option<&'a RawValue>,
    #[serde(borrow)]
    audio: Option<&'a RawValue>,
}

/// Thoughts as they were handed out.
#[derive(Deserialize)]
struct Block<'a> {
    #[serde(borrow)]
    thinking: Option<Text<'a>>,
    #[serde(borrow)]
    signature: Option<Text<'a>>,
    #[serde(borrow)]
    data: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct CallIn<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    function: Option<FunctionIn<'a>>,
    #[serde(borrow)]
    extra_content: Option<Extra<'a>>,
}

#[derive(Deserialize)]
struct FunctionIn<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    arguments: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Extra<'a> {
    #[serde(borrow)]
    google: Option<Google<'a>>,
}

#[derive(Deserialize)]
struct Google<'a> {
    #[serde(borrow)]
    thought_signature: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct PartIn<'a> {
    #[serde(borrow)]
    r#type: Text<'a>,
    #[serde(borrow)]
    text: Option<Text<'a>>,
    #[serde(borrow)]
    refusal: Option<Text<'a>>,
    #[serde(borrow)]
    image_url: Option<ImageIn<'a>>,
    #[serde(borrow)]
    input_audio: Option<AudioIn<'a>>,
    #[serde(borrow)]
    file: Option<FileIn<'a>>,
}

#[derive(Deserialize)]
struct ImageIn<'a> {
    #[serde(borrow)]
    url: Text<'a>,
    #[serde(borrow)]
    detail: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct AudioIn<'a> {
    #[serde(borrow)]
    data: Text<'a>,
    #[serde(borrow)]
    format: Text<'a>,
}

#[derive(Deserialize)]
struct FileIn<'a> {
    #[serde(borrow)]
    file_data: Option<Text<'a>>,
    #[serde(borrow)]
    filename: Option<Text<'a>>,
}

impl<'a> Message<'a> {
    /// Adds what it says to the request.
    ///
    /// # Errors
    /// What of it cannot be said otherwise.
    pub(super) fn add_to(self, request: &mut Request<'a>) -> Result<(), Refusal> {
        if self.function_call.is_some() {
            return Err(Refusal::wrong("function_call", "use tool_calls instead"));
        }
        if self.audio.is_some() {
            return Err(Refusal::wrong("audio", "no field that can be translated"));
        }
        match self.role.plain().as_ref() {
            "system" | "developer" => {
                for part in content(self.content)? {
                    let Part::Text(text) = part else {
                        return Err(Refusal::wrong("content", "must be text"));
                    };
                    request.system.push(text);
                }
            }
            "user" => request.say(Role::User, content(self.content)?),
            "assistant" => {
                let parts = self.assistant()?;
                request.say(Role::Assistant, parts);
            }
            "tool" => {
                let Some(id) = self.tool_call_id else {
                    return Err(Refusal::wrong("tool_call_id", "missing"));
                };
                let outcome = Outcome {
                    id,
                    name: None,
                    parts: content(self.content)?,
                    is_error: false,
                };
                request.say(Role::User, vec![Part::Outcome(outcome)]);
            }
            _ => return Err(Refusal::wrong("role", "no role that can be translated")),
        }
        Ok(())
    }

    fn assistant(self) -> Result<Vec<Part<'a>>, Refusal> {
        let mut parts = thoughts(self.reasoning_content, self.thinking_blocks);
        parts.extend(content(self.content)?);
        parts.extend(text(self.refusal));
        for (at, call) in self.tool_calls.into_iter().flatten().enumerate() {
            let place = format!("tool_calls[{at}]");
            parts.push(call.read().map_err(|e| e.within(&place))?);
        }
        Ok(parts)
    }
}

/// Blocks come back as they were handed out: whole, or from a stream with the seal
/// alone, whose words are the message's then.
fn thoughts<'a>(words: Option<Text<'a>>, blocks: Option<Vec<Block<'a>>>) -> Vec<Part<'a>> {
    let blocks = blocks.unwrap_or_default();
    let bare = |block: &Block<'_>| {
        block.signature.is_some() && block.thinking.as_ref().is_none_or(Text::is_empty)
    };
    let lone = blocks.iter().filter(|block| bare(block)).count() == 1;
    let mut parts = Vec::new();
    for block in blocks {
        let is_bare = bare(&block);
        if let Some(data) = block.data {
            parts.push(Part::Redacted(data));
        } else if is_bare && lone {
            let text = words.clone().unwrap_or_default();
            let signature = block.signature;
            parts.push(Part::Thinking(Thinking { text, signature }));
        } else if let (false, Some(text)) = (is_bare, block.thinking) {
            let signature = block.signature;
            parts.push(Part::Thinking(Thinking { text, signature }));
        }
    }
    match words.filter(|words| parts.is_empty() && !words.is_empty()) {
        Some(text) => vec![Part::Thinking(Thinking {
            text,
            signature: None,
        })],
        None => parts,
    }
}

impl<'a> CallIn<'a> {
    fn read(self) -> Result<Part<'a>, Refusal> {
        let Some(function) = self.function else {
            return Err(Refusal::wrong("type", "must be function"));
        };
        let arguments = function.arguments.unwrap_or_default();
        let Some(input) = object(arguments) else {
            let field = "function.arguments";
            return Err(Refusal::wrong(field, "must be a JSON object in a string"));
        };
        let google = self.extra_content.and_then(|extra| extra.google);
        Ok(Part::Call(Call {
            id: self.id,
            name: function.name,
            input,
            signature: google.and_then(|google| google.thought_signature),
        }))
    }
}

/// Arguments as the object that they are; none at all are an empty one.
pub(in super::super) fn object(arguments: Text<'_>) -> Option<Raw<'_>> {
    let json = arguments.into_plain();
    if json.trim().is_empty() {
        return Some("{}".into());
    }
    let is_object =
        json.trim_start().starts_with('{') && serde_json::from_str::<&RawValue>(&json).is_ok();
    is_object.then_some(json)
}

fn text(text: Option<Text<'_>>) -> Option<Part<'_>> {
    text.filter(|text| !text.is_empty()).map(Part::Text)
}

/// A message's content; empty texts are none.
fn content(given: Option<&RawValue>) -> Result<Vec<Part<'_>>, Refusal> {
    let Some(given) = given else {
        return Ok(Vec::new());
    };
    if let Some(words) = Text::literal(given.get()) {
        return Ok(text(Some(words)).into_iter().collect());
    }
    let parts: Vec<PartIn<'_>> = parse(given.get()).map_err(|e| e.within("content"))?;
    let mut read = Vec::with_capacity(parts.len());
    for (at, part) in parts.into_iter().enumerate() {
        let place = format!("content[{at}]");
        read.extend(part.read().map_err(|e| e.within(&place))?);
    }
    Ok(read)
}

impl<'a> PartIn<'a> {
    fn read(self) -> Result<Option<Part<'a>>, Refusal> {
        let kind = self.r#type.plain();
        Ok(Some(match (kind.as_ref(), self.image_url, self.file) {
            ("text", ..) => return Ok(text(self.text)),
            ("refusal", ..) => return Ok(text(self.refusal)),
            ("image_url", Some(image), _) => Part::Image(Image {
                source: source(image.url),
                detail: image.detail,
            }),
            ("input_audio", ..) => match self.input_audio {
                Some(audio) => Part::Audio(Source::Data {
                    media_type: Text::of(format!("audio/{}", audio.format.plain())),
                    base64: audio.data,
                }),
                None => return Err(Refusal::wrong("input_audio", "missing")),
            },
            ("file", _, Some(file)) => match file.file_data.map(source) {
                Some(source @ Source::Data { .. }) => Part::File(File {
                    source,
                    name: file.filename,
                }),
                Some(Source::Url(_)) => {
                    return Err(Refusal::wrong("file.file_data", "must be a data: URL"));
                }
                None => {
                    let message = "only a file whose file_data is here can be translated";
                    return Err(Refusal::wrong("file", message));
                }
            },
            ("image_url", None, _) => return Err(Refusal::wrong("image_url", "missing")),
            ("file", _, None) => return Err(Refusal::wrong("file", "missing")),
            _ => return Err(Refusal::wrong("type", "no type that can be translated")),
        }))
    }
}

fn source(url: Text<'_>) -> Source<'_> {
    match url.data_url() {
        Some((media_type, base64)) => Source::Data { media_type, base64 },
        None => Source::Url(url),
    }
}
