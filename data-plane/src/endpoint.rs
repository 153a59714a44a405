//! What is served where. All routes of the proxy stand in one table; an
//! endpoint is a row of it, not a copy of the pipeline.

use http::Method;

use crate::error::Problem;

/// A call that is passed on to an upstream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// Its name in metrics and logs.
    pub(crate) name: &'static str,
    /// Its path, here and (below the provider's base) there.
    pub(crate) path: &'static str,
    /// The same without the version.
    alias: &'static str,
    /// Whether its answers may be streamed, with a usage chunk at the end.
    pub(crate) streams: bool,
    /// Its place in [`ENDPOINTS`].
    pub(crate) index: usize,
    /// What it does, for the document.
    pub(crate) about: &'static str,
    /// A field that a body has beside the model, and an example of it in JSON.
    pub(crate) example: (&'static str, &'static str),
}

/// Every such call.
pub(crate) const ENDPOINTS: [Endpoint; 3] = [
    Endpoint {
        name: "chat",
        path: "/v1/chat/completions",
        alias: "/chat/completions",
        streams: true,
        index: 0,
        about: "Complete a chat",
        example: ("messages", r#"[{"role": "user", "content": "Say hello"}]"#),
    },
    Endpoint {
        name: "completions",
        path: "/v1/completions",
        alias: "/completions",
        streams: true,
        index: 1,
        about: "Complete a text",
        example: ("prompt", r#""Say hello""#),
    },
    Endpoint {
        name: "embeddings",
        path: "/v1/embeddings",
        alias: "/embeddings",
        streams: false,
        index: 2,
        about: "Turn texts into vectors",
        example: ("input", r#"["hello"]"#),
    },
];

/// The list of models, answered from the table.
pub(crate) const MODELS: [&str; 2] = ["/v1/models", "/models"];

/// What there is, for people and programs; needs no key.
pub(crate) const DOCUMENT: &str = "/openapi.json";

/// The methods that read.
const READ: &str = "GET, HEAD";

/// Every path that is served, as the document writes it, with what it is for.
/// `{model}` stands for a model's name, whose slashes need no encoding.
pub(crate) fn served() -> Vec<(String, Target)> {
    let calls = ENDPOINTS.iter().flat_map(|endpoint| {
        let paths = [endpoint.path, endpoint.alias];
        paths.map(|path| (path.to_owned(), Target::Call(endpoint)))
    });
    let models = MODELS.into_iter().flat_map(|list| {
        let one = Target::Model("{model}".to_owned());
        [
            (list.to_owned(), Target::Models),
            (format!("{list}/{{model}}"), one),
        ]
    });
    let document = [(DOCUMENT.to_owned(), Target::Document)];
    calls.chain(models).chain(document).collect()
}

/// What a request is for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A call to an upstream.
    Call(&'static Endpoint),
    /// The list of models.
    Models,
    /// One model, by name.
    Model(String),
    /// The document of all this.
    Document,
}

impl Target {
    /// The method that a client calls it with; what is read answers to HEAD too.
    pub(crate) const fn method(&self) -> &'static str {
        match self {
            Self::Call(_) => "POST",
            Self::Models | Self::Model(_) | Self::Document => "GET",
        }
    }
}

/// Finds what a method and a path ask for.
///
/// # Errors
/// 404, or 405 with the method that would be right.
pub(crate) fn find(method: &Method, path: &str) -> Result<Target, Problem> {
    let by = |right: &'static str, target: Target| {
        if right.split(", ").any(|right| method.as_str() == right) {
            Ok(target)
        } else {
            Err(Problem::wrong_method(right))
        }
    };
    for endpoint in &ENDPOINTS {
        if path == endpoint.path || path == endpoint.alias {
            return by("POST", Target::Call(endpoint));
        }
    }
    if path == DOCUMENT {
        return by(READ, Target::Document);
    }
    for list in MODELS {
        match path.strip_prefix(list) {
            Some("") => return by(READ, Target::Models),
            Some(rest) => {
                if let Some(model) = rest.strip_prefix('/').filter(|model| !model.is_empty()) {
                    return by(READ, Target::Model(unescape(model)));
                }
            }
            None => {}
        }
    }
    Err(Problem::no_route())
}

/// The text with `%2F` and the like turned back; what is no such sequence, or
/// would be no text, stays.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let digit = |at: usize| {
            let byte = behind.get(at).copied()?;
            char::from(byte)
                .to_digit(16)
                .and_then(|d| u8::try_from(d).ok())
        };
        if let (b'%', Some(high), Some(low)) = (first, digit(0), digit(1)) {
            bytes.push(high * 16 + low);
            rest = behind.get(2..).unwrap_or_default();
        } else {
            bytes.push(*first);
            rest = behind;
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests;
