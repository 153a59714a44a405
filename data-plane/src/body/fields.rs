//! The few fields of a request that Foldgate reads, with their places in the
//! text, and the edits that change them.

use std::ops::Range;

use bytes::Bytes;

use crate::endpoint::{Binds, Endpoint, Streams, Takes, unescape};
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
const SESSION: &str = "session";
pub(crate) const CONVERSATION: &str = "conversation";

/// What a request says, as far as the proxy reads it.
#[derive(Debug, Clone)]
pub(crate) struct Fields {
    /// `model`, unescaped; the endpoint's usual one where it is left out, the
    /// endpoint's name where it has none.
    pub(crate) model: String,
    /// Where another model is written.
    pub(crate) model_at: Spot,
    /// Whether the answer is to be streamed.
    pub(crate) stream: bool,
    /// Where the usage chunk was asked for, or could be.
    pub(crate) usage: UsageChunk,
    /// The id that the request goes on from.
    pub(crate) follows: Option<String>,
    /// The id of the conversation that the request goes on with.
    pub(crate) conversation: Option<String>,
}

/// Where a request names its model, or could.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Spot {
    /// Nowhere.
    None,
    /// A string of JSON.
    Json(Range<usize>),
    /// Just inside an object that has none; the flag says that the object is empty.
    Within(usize, bool),
    /// The value of a form's field.
    Form(Range<usize>),
    /// Before a form's first field, which begins here; with the form's boundary.
    Before(usize, String),
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
    /// Those of a request that carries nothing.
    pub(crate) fn none(endpoint: &Endpoint) -> Self {
        Self {
            model: endpoint.name.to_owned(),
            model_at: Spot::None,
            stream: false,
            usage: UsageChunk::Asked,
            follows: None,
            conversation: None,
        }
    }

    /// Reads those of a query, and gives what else it says. Names are read as an upstream
    /// would read them: whatever their escapes.
    ///
    /// # Errors
    /// 400 when it names no model, or two, or an Azure deployment, which is ours to choose.
    pub(crate) fn of_query(query: &str, endpoint: &Endpoint) -> Result<(Self, String), Problem> {
        let mut fields = Self::none(endpoint);
        let mut model = None;
        let mut rest: Vec<&str> = Vec::new();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = unescape(&name.replace('+', " "));
            match name.trim().to_ascii_lowercase().as_str() {
                MODEL if model.replace(value).is_none() => {}
                MODEL => refuse_duplicate(Some(MODEL))?,
                "deployment" => {
                    let message = "deployment is chosen by the model; leave it out";
                    return Err(Problem::invalid(message).about("deployment"));
                }
                // Ours, where an upstream wants one.
                "api-version" => {}
                _ => rest.push(pair),
            }
        }
        let missing = || Problem::invalid("you must provide a model parameter").about(MODEL);
        fields.model = unescape(&model.ok_or_else(missing)?.replace('+', " "));
        check_model(&fields.model)?;
        Ok((fields, rest.join("&")))
    }

    /// Reads the fields of `body`.
    ///
    /// # Errors
    /// 400 with the field's name when the body is no JSON object, or a field is
    /// missing, doubled or of the wrong type.
    pub(crate) fn parse(body: &[u8], endpoint: &Endpoint) -> Result<Self, Problem> {
        let text = std::str::from_utf8(body)
            .map_err(|_| Problem::invalid("the request body is not UTF-8"))?;
        if text.starts_with('\u{feff}') {
            let message = "the request body begins with a byte order mark; send it without";
            return Err(Problem::invalid(message));
        }
        let before = match endpoint.binds {
            Binds::Makes(Some(field)) => field,
            _ => MODEL,
        };
        let within = match endpoint.takes {
            Takes::Session => SESSION,
            _ => MODEL,
        };
        let kept = if endpoint.keeps_conversations() {
            CONVERSATION
        } else {
            MODEL
        };
        let names = [MODEL, STREAM, STREAM_OPTIONS, within, before, kept];
        let found = members(text, &names).map_err(|e| not_an_object(&e))?;
        let [model, stream, options, session, before, kept] = found.values;
        refuse_duplicate(found.duplicate)?;
        let mut fields = Self::none(endpoint);
        match endpoint.takes {
            Takes::Plain => {}
            Takes::Session => fields.read_session(text, session, endpoint)?,
            _ => fields.read_model((text, text), model, endpoint.usual)?,
        }
        if endpoint.streams != Streams::Never {
            fields.stream = match stream {
                None | Some("null" | "false") => false,
                Some("true") => true,
                Some(_) => {
                    return Err(Problem::invalid("stream must be true or false").about(STREAM));
                }
            };
        }
        if endpoint.streams == Streams::Chunks {
            fields.usage = usage_chunk(text, options)?;
        }
        if let Binds::Makes(Some(name)) = endpoint.binds {
            fields.follows = id(before, name)?;
        }
        fields.conversation = conversation(kept)?;
        Ok(fields)
    }

    /// The model of `object`, a part of `text`.
    fn read_model(
        &mut self,
        (text, object): (&str, &str),
        model: Option<&str>,
        usual: Option<&str>,
    ) -> Result<(), Problem> {
        let missing = || Problem::invalid("you must provide a model parameter").about(MODEL);
        let Some(model) = model.filter(|model| *model != "null" || usual.is_none()) else {
            usual.ok_or_else(missing)?.clone_into(&mut self.model);
            let open = object.find('{').map_or(0, |at| at + 1);
            let is_empty = object
                .get(open..)
                .is_some_and(|rest| rest.trim_start().starts_with('}'));
            let at = range_in(text, object).start + open;
            self.model_at = match model {
                Some(null) => Spot::Json(range_in(text, null)),
                None => Spot::Within(at, is_empty),
            };
            return Ok(());
        };
        self.model_at = Spot::Json(range_in(text, model));
        self.model = serde_json::from_str(model)
            .map_err(|_| Problem::invalid("model must be a string").about(MODEL))?;
        check_model(&self.model)
    }

    fn read_session(
        &mut self,
        text: &str,
        session: Option<&str>,
        endpoint: &Endpoint,
    ) -> Result<(), Problem> {
        let wrong = || Problem::invalid("session must be an object with a model").about(SESSION);
        let session = session.ok_or_else(wrong)?;
        let found = members(session, &[MODEL]).map_err(|_| wrong())?;
        refuse_duplicate(found.duplicate)?;
        let [model] = found.values;
        self.read_model((text, session), model, endpoint.usual)
    }

    /// `body` with `model` set to `model`, and with the usage chunk asked for if
    /// `ask_usage`. Nothing else changes; if nothing changes at all, these are
    /// the very same bytes.
    pub(crate) fn edit(&self, body: &Bytes, model: &str, ask_usage: bool) -> Segments {
        let mut edits = Vec::new();
        if model != self.model {
            edits.extend(self.model_edit(model));
        }
        if let (UsageChunk::Quiet { at, text }, true) = (&self.usage, ask_usage) {
            edits.push(Edit::replace(at.clone(), *text));
        }
        Segments::splice(body, edits)
    }

    fn model_edit(&self, model: &str) -> Option<Edit> {
        let json = || serde_json::Value::from(model).to_string();
        Some(match &self.model_at {
            Spot::None => return None,
            Spot::Json(at) => Edit::replace(at.clone(), json()),
            Spot::Within(at, is_empty) => {
                let comma = if *is_empty { "" } else { "," };
                let text = format!("\"{MODEL}\":{}{comma}", json());
                Edit::replace(*at..*at, text)
            }
            Spot::Form(at) => Edit::replace(at.clone(), model.to_owned()),
            Spot::Before(at, boundary) => {
                let head = format!("content-disposition: form-data; name=\"{MODEL}\"");
                Edit::replace(0..*at, format!("--{boundary}\r\n{head}\r\n\r\n{model}\r\n"))
            }
        })
    }
}

/// Refuses what cannot be a model's name.
///
/// # Errors
/// 400.
pub(crate) fn check_model(model: &str) -> Result<(), Problem> {
    if model.is_empty() || model.len() > MAX_MODEL_BYTES {
        let message = format!("model must have 1 to {MAX_MODEL_BYTES} bytes");
        return Err(Problem::invalid(message).about(MODEL));
    }
    if model.chars().any(char::is_control) {
        let message = "model must not hold control characters";
        return Err(Problem::invalid(message).about(MODEL));
    }
    Ok(())
}

/// An id in the field `name`, if it is there.
fn id(value: Option<&str>, name: &'static str) -> Result<Option<String>, Problem> {
    match value {
        None | Some("null") => Ok(None),
        Some(text) => {
            let wrong = |_| Problem::invalid(format!("{name} must be a string")).about(name);
            serde_json::from_str(text).map(Some).map_err(wrong)
        }
    }
}

/// The id of a conversation, which stands alone or in an object.
fn conversation(value: Option<&str>) -> Result<Option<String>, Problem> {
    let Some(text) = value.filter(|text| *text != "null") else {
        return Ok(None);
    };
    let wrong = || {
        let message = "conversation must be a string, or an object with an id";
        Problem::invalid(message).about(CONVERSATION)
    };
    let id = if text.starts_with('{') {
        let found = members(text, &["id"]).map_err(|_| wrong())?;
        refuse_duplicate(found.duplicate.map(|_| "conversation.id"))?;
        let [id] = found.values;
        id.ok_or_else(wrong)?
    } else {
        text
    };
    serde_json::from_str(id).map(Some).map_err(|_| wrong())
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
