//! An upstream's error about the request itself, in whichever of the vendors'
//! shapes it comes, made into ours.

use std::borrow::Cow;

use http::StatusCode;
use serde_json::{Map, Value};

use super::{Kind, Problem, Scrubber};

/// The longest upstream message that is passed on, in characters: enough for
/// every real message, too little to carry a document.
const MAX_MESSAGE: usize = 2000;

/// The longest `code` or `param` that is passed on, in characters.
const MAX_CODE: usize = 200;

/// The most faults of one request that are told: FastAPI lists all it finds.
const MAX_FAULTS: usize = 5;

/// What an error says.
struct Words {
    message: String,
    code: Option<String>,
    param: Option<String>,
}

/// An upstream's error about the request itself, as the caller may see it.
/// `None` when the body is no such error.
pub(crate) fn passed_on(
    status: StatusCode,
    body: &[u8],
    scrubber: Scrubber<'_>,
) -> Option<Problem> {
    let words = read(&serde_json::from_slice(body).ok()?)?;
    let short = |word: Option<String>| -> Option<Cow<'static, str>> {
        word.map(|word| Cow::Owned(scrubber.clean(&word, MAX_CODE)))
    };
    Some(Problem {
        status,
        kind: match status {
            StatusCode::NOT_FOUND => Kind::NotFoundError,
            StatusCode::FORBIDDEN => Kind::PermissionError,
            _ => Kind::InvalidRequestError,
        },
        code: short(words.code),
        message: Cow::Owned(scrubber.clean(&words.message, MAX_MESSAGE)),
        param: short(words.param),
        retry_after: None,
        allow: None,
    })
}

fn read(body: &Value) -> Option<Words> {
    match body {
        // Gemini answers a list where it would have streamed one.
        Value::Array(list) => read(list.first().filter(|first| first.is_object())?),
        Value::Object(body) => match body.get("error") {
            Some(Value::Object(error)) => told(error),
            Some(Value::String(message)) if !message.is_empty() => {
                // OAuth's and others': the words may stand beside it.
                told(body).or_else(|| Some(Words::of(message.clone())))
            }
            _ => told(body),
        },
        _ => None,
    }
}

/// An object with a `message` (OpenAI, vLLM) or a `detail` (FastAPI).
fn told(error: &Map<String, Value>) -> Option<Words> {
    let said = match (error.get("message"), error.get("detail")) {
        (Some(Value::String(message)), _) if !message.is_empty() => Words::of(message.clone()),
        (_, Some(Value::String(detail))) if !detail.is_empty() => Words::of(detail.clone()),
        (_, Some(Value::Array(faults))) => listed(faults)?,
        (_, Some(Value::Object(detail))) => return told(detail),
        _ => return None,
    };
    let word = |name: &str| match error.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    Some(Words {
        code: word("code"),
        param: word("param").or(said.param),
        message: said.message,
    })
}

/// FastAPI's list of faults: `{"loc":["body","messages",0],"msg":"..."}`.
fn listed(faults: &[Value]) -> Option<Words> {
    let mut lines = Vec::new();
    let mut param = None;
    for fault in faults.iter().take(MAX_FAULTS) {
        let words = fault.get("msg").or_else(|| fault.get("message"));
        let Some(words) = words.unwrap_or(fault).as_str() else {
            continue;
        };
        let place = fault.get("loc").and_then(Value::as_array).map(|loc| {
            let steps = loc.iter().filter_map(|step| match step {
                Value::String(name) if name == "body" => None,
                Value::String(name) => Some(name.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            });
            steps.collect::<Vec<_>>().join(".")
        });
        match place.filter(|place| !place.is_empty()) {
            Some(place) => {
                lines.push(format!("{place}: {words}"));
                param.get_or_insert(place);
            }
            None => lines.push(words.to_owned()),
        }
    }
    (!lines.is_empty()).then(|| Words {
        param,
        ..Words::of(lines.join("; "))
    })
}

impl Words {
    fn of(message: String) -> Self {
        Self {
            message,
            code: None,
            param: None,
        }
    }
}
