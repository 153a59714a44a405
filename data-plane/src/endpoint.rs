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
}

/// Every such call.
pub(crate) const ENDPOINTS: [Endpoint; 3] = [
    Endpoint {
        name: "chat",
        path: "/v1/chat/completions",
        alias: "/chat/completions",
        streams: true,
        index: 0,
    },
    Endpoint {
        name: "completions",
        path: "/v1/completions",
        alias: "/completions",
        streams: true,
        index: 1,
    },
    Endpoint {
        name: "embeddings",
        path: "/v1/embeddings",
        alias: "/embeddings",
        streams: false,
        index: 2,
    },
];

/// The list of models, answered from the table.
pub(crate) const MODELS: [&str; 2] = ["/v1/models", "/models"];

/// The methods that read.
const READ: &str = "GET, HEAD";

/// What a request is for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A call to an upstream.
    Call(&'static Endpoint),
    /// The list of models.
    Models,
    /// One model, by name.
    Model(String),
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
