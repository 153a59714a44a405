//! The few fields of a request that Foldgate reads, with their places in the
//! text, and the edits that change them.

use std::ops::Range;

use bytes::Bytes;

use crate::error::Problem;
use crate::json::{members, range_in};
use crate::splice::{Edit, Segments};

/// The longest model name that is looked up, in bytes; every known name is far
/// shorter.
pub(crate) const MAX_MODEL_BYTES: usize = 256;

const MODEL: &str = "model";
const STREAM: &str = "stream";
const STREAM_OPTIONS: &str = "stream_options";
const INCLUDE_USAGE: &str = "include_usage";

/// What a request says, as far as the proxy reads it.
#[derive(Debug)]
pub(crate) struct Fields {
    /// `model`, unescaped.
    pub(crate) model: String,
    model_at: Range<usize>,
    /// Whether the answer is to be streamed.
    pub(crate) stream: bool,
    /// Where the usage chunk was asked for, or could be.
    pub(crate) usage: UsageChunk,
}

/// What the request says about the usage chunk of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UsageChunk {
    /// The client wants it.
    Asked,
    /// The client did not ask; this edit asks in its place.
    Quiet {
        /// Where the text of the edit goes.
        at: Range<usize>,
        /// The text.
        text: &'static str,
    },
}

impl Fields {
    /// Reads the fields of `body`.
    ///
    /// # Errors
    /// 400 with the field's name when the body is no JSON object, or a field is
    /// missing, doubled or of the wrong type.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Problem> {
        let text = std::str::from_utf8(body)
            .map_err(|_| Problem::invalid("the request body is not UTF-8"))?;
        if text.starts_with('\u{feff}') {
            let message = "the request body begins with a byte order mark; send it without";
            return Err(Problem::invalid(message));
        }
        let found =
            members(text, &[MODEL, STREAM, STREAM_OPTIONS]).map_err(|e| not_an_object(&e))?;
        refuse_duplicate(found.duplicate)?;
        let [model, stream, options] = found.values;
        let Some(model_text) = model else {
            return Err(Problem::invalid("you must provide a model parameter").about(MODEL));
        };
        let model: String = serde_json::from_str(model_text)
            .map_err(|_| Problem::invalid("model must be a string").about(MODEL))?;
        if model.is_empty() || model.len() > MAX_MODEL_BYTES {
            let message = format!("model must have 1 to {MAX_MODEL_BYTES} bytes");
            return Err(Problem::invalid(message).about(MODEL));
        }
        let stream = match stream {
            None | Some("null" | "false") => false,
            Some("true") => true,
            Some(_) => return Err(Problem::invalid("stream must be true or false").about(STREAM)),
        };
        Ok(Self {
            model,
            model_at: range_in(text, model_text),
            stream,
            usage: usage_chunk(text, options)?,
        })
    }

    /// `body` with `model` set to `model`, and with the usage chunk asked for if
    /// `ask_usage`. Nothing else changes; if nothing changes at all, these are
    /// the very same bytes.
    pub(crate) fn edit(&self, body: &Bytes, model: &str, ask_usage: bool) -> Segments {
        let mut edits = Vec::new();
        if model != self.model {
            let text = serde_json::Value::from(model).to_string();
            edits.push(Edit::replace(self.model_at.clone(), text));
        }
        if let (UsageChunk::Quiet { at, text }, true) = (&self.usage, ask_usage) {
            edits.push(Edit::replace(at.clone(), *text));
        }
        Segments::splice(body, edits)
    }
}

fn not_an_object(error: &serde_json::Error) -> Problem {
    if error.is_data() {
        return Problem::invalid("the request body must be a JSON object");
    }
    let (line, column) = (error.line(), error.column());
    Problem::invalid(format!(
        "the request body is not JSON (line {line}, column {column})"
    ))
}

fn refuse_duplicate(name: Option<&'static str>) -> Result<(), Problem> {
    match name {
        None => Ok(()),
        Some(name) => Err(Problem::invalid(format!("{name} is given twice")).about(name)),
    }
}

fn usage_chunk(text: &str, options: Option<&str>) -> Result<UsageChunk, Problem> {
    let Some(options) = options else {
        let open = text.find('{').map_or(0, |at| at + 1);
        return Ok(UsageChunk::Quiet {
            at: open..open,
            text: "\"stream_options\":{\"include_usage\":true},",
        });
    };
    let at = range_in(text, options);
    if options == "null" {
        let text = "{\"include_usage\":true}";
        return Ok(UsageChunk::Quiet { at, text });
    }
    let found = members(options, &[INCLUDE_USAGE])
        .map_err(|_| Problem::invalid("stream_options must be an object").about(STREAM_OPTIONS))?;
    refuse_duplicate(found.duplicate)?;
    let [include] = found.values;
    match include {
        Some("true") => Ok(UsageChunk::Asked),
        Some(value @ ("false" | "null")) => Ok(UsageChunk::Quiet {
            at: range_in(text, value),
            text: "true",
        }),
        Some(_) => {
            let problem = Problem::invalid("include_usage must be true or false");
            Err(problem.about("stream_options.include_usage"))
        }
        None => {
            let open = at.start + 1;
            let empty = options
                .get(1..)
                .is_some_and(|rest| rest.trim_start().starts_with('}'));
            Ok(UsageChunk::Quiet {
                at: open..open,
                text: if empty {
                    "\"include_usage\":true"
                } else {
                    "\"include_usage\":true,"
                },
            })
        }
    }
}
