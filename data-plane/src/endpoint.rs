//! What is served where. All routes of the proxy stand in one table; an
//! endpoint is a row of it, not a copy of the pipeline.

mod on_jobs;
mod path;
mod spoken;
mod table;

use std::collections::HashMap;
use std::sync::LazyLock;

use foldgate_domain::price::Tariff;
use http::Method;

use crate::dialect::Caller;
use crate::error::Problem;

pub(crate) use on_jobs::OnJobs;
pub(crate) use path::unescape;
use path::with_id;
use spoken::by_path;
pub(crate) use spoken::caller;
pub(crate) use table::ENDPOINTS;

/// A call that is passed on to an upstream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// Its name in metrics and logs; where a call names no model, it stands in for one.
    pub(crate) name: &'static str,
    /// Its method, here and there.
    pub(crate) method: Verb,
    /// Its path, here and (below the provider's base) there. `{id}` is what an
    /// upstream named.
    pub(crate) path: &'static str,
    /// What its requests carry.
    pub(crate) takes: Takes,
    /// The model of a request that may leave it out.
    pub(crate) usual: Option<&'static str>,
    /// What its answers are.
    pub(crate) gives: Gives,
    /// How its answers are streamed.
    pub(crate) streams: Streams,
    /// What it has to do with ids that only the key that made them knows.
    pub(crate) binds: Binds,
    /// What it has to do with jobs.
    pub(crate) on_jobs: OnJobs,
    /// Its place in [`ENDPOINTS`].
    pub(crate) index: usize,
    /// What it does, for the document.
    pub(crate) about: &'static str,
    /// A field that a body has beside the model, and an example of it in JSON.
    pub(crate) example: (&'static str, &'static str),
}

/// A method that a call may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verb {
    /// GET.
    Get,
    /// POST.
    Post,
    /// DELETE.
    Delete,
}

/// What a request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    /// Nothing that is read.
    Nothing,
    /// A JSON object with a `model`.
    Json,
    /// A JSON object with a `model` in its `session`.
    Session,
    /// A JSON object that names no model.
    Plain,
    /// A form with a field `model`.
    Form,
    /// A form that names no model.
    Upload,
    /// Nothing but a query, which names the model.
    Query,
}

/// What an answer is that is no stream of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gives {
    /// JSON.
    Json,
    /// JSON or another text, as the request wants it.
    Text,
    /// Whatever it is, it passes as it comes.
    Bytes,
    /// A WebSocket.
    Socket,
}

/// How an answer is streamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Streams {
    /// It is not.
    Never,
    /// Chunks, the usage in one of its own if it was asked for, then `[DONE]`.
    Chunks,
    /// Events with names; these end the answer and hold its usage.
    Named(&'static [&'static str]),
    /// The events of Anthropic's messages.
    Messages,
}

/// What a call has to do with ids that only the key that made them knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binds {
    /// Nothing.
    Nothing,
    /// Its answer has an `id`, which stays with the key. It goes to the key of the id
    /// in this field of its own, if it has one.
    Makes(Option<&'static str>),
    /// It goes to the key of the id in its path; its answer may tell of further ids of
    /// that key, in these fields.
    Follows(&'static [&'static str]),
    /// Its answer lists what has ids.
    Lists,
}

impl Verb {
    /// As it is written.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }

    fn of(method: &Method) -> Option<Self> {
        [Self::Get, Self::Post, Self::Delete]
            .into_iter()
            .find(|verb| verb.as_str() == method.as_str())
    }
}

impl From<Verb> for Method {
    fn from(verb: Verb) -> Self {
        match verb {
            Verb::Get => Self::GET,
            Verb::Post => Self::POST,
            Verb::Delete => Self::DELETE,
        }
    }
}

impl Takes {
    /// Whether the request names a model.
    pub(crate) const fn names_model(self) -> bool {
        matches!(self, Self::Json | Self::Session | Self::Form | Self::Query)
    }
}

/// By what each row of [`ENDPOINTS`] is paid.
static TARIFFS: LazyLock<Vec<Tariff>> = LazyLock::new(|| {
    let paths = ENDPOINTS.iter().map(|endpoint| endpoint.path);
    paths.map(Tariff::of_path).collect()
});

impl Endpoint {
    /// By what it is paid.
    pub(crate) fn tariff(&self) -> Tariff {
        TARIFFS.get(self.index).copied().unwrap_or(Tariff::Call)
    }

    /// What its callers speak.
    pub(crate) fn caller(&self) -> Caller {
        by_path(self.path)
    }

    /// Whether it takes a conversation, which can be had in every dialect.
    pub(crate) fn converses(&self) -> bool {
        matches!(self.path, CHAT | MESSAGES)
    }

    /// Whether its requests may go on with a conversation that an upstream keeps.
    pub(crate) fn keeps_conversations(&self) -> bool {
        self.path == RESPONSES
    }

    /// Whether its body may name files that were uploaded.
    pub(crate) fn names_files(&self) -> bool {
        matches!(self.path, CHAT | RESPONSES)
    }

    /// Whether it turns texts into vectors.
    pub(crate) fn embeds(&self) -> bool {
        self.path == EMBEDDINGS
    }

    /// Whether its answers link to what a batch of messages came to.
    pub(crate) fn links_results(&self) -> bool {
        self.gives == Gives::Json && self.path.starts_with(BATCHES)
    }

    /// Whether any key that its dialect is spoken at is as good as another.
    pub(crate) fn is_anywhere(&self) -> bool {
        self.path == BATCHES
    }

    /// Whether it makes pictures of a text.
    pub(crate) fn draws(&self) -> bool {
        self.path == IMAGES
    }

    /// Whether it counts a conversation's tokens.
    pub(crate) fn counts(&self) -> bool {
        self.path == COUNT
    }

    /// Its path with the id in it.
    pub(crate) fn path_of(&self, id: Option<&str>) -> String {
        match id {
            Some(id) => self.path.replace("{id}", id),
            None => self.path.to_owned(),
        }
    }
}

/// What counts the tokens of one.
const COUNT: &str = "/v1/messages/count_tokens";

/// What turns texts into vectors.
const EMBEDDINGS: &str = "/v1/embeddings";

/// What makes pictures of a text.
const IMAGES: &str = "/v1/images/generations";

/// The conversations, by the dialect of their callers.
const CHAT: &str = "/v1/chat/completions";
const RESPONSES: &str = "/v1/responses";
const MESSAGES: &str = "/v1/messages";

/// Batches of messages.
pub(crate) const BATCHES: &str = "/v1/messages/batches";

/// The list of models, answered from the table.
pub(crate) const MODELS: [&str; 2] = ["/v1/models", "/models"];

/// What there is, for people and programs; needs no key.
pub(crate) const DOCUMENT: &str = "/openapi.json";

/// The methods that read.
const READ: &str = "GET, HEAD";

/// Paths that some clients are set up with, beside those without a version.
const SPELLINGS: [(&str, &str); 1] = [("/v2/chat/completions", "/v1/chat/completions")];

/// The rows by path, in every spelling.
static BY_PATH: LazyLock<HashMap<&'static str, Vec<&'static Endpoint>>> = LazyLock::new(|| {
    let mut by_path: HashMap<&str, Vec<&Endpoint>> = HashMap::new();
    for endpoint in &ENDPOINTS {
        for path in spellings(endpoint.path) {
            by_path.entry(path).or_default().push(endpoint);
        }
    }
    by_path
});

/// A path with its aliases: without the version, and what else is in use.
fn spellings(path: &'static str) -> impl Iterator<Item = &'static str> {
    let others = SPELLINGS.iter().filter(move |(_, right)| *right == path);
    [Some(path), path.strip_prefix("/v1")]
        .into_iter()
        .flatten()
        .chain(others.map(|(spelling, _)| *spelling))
}

/// Every path that is served, as the document writes it, with what it is for.
/// `{model}` stands for a model's name, whose slashes need no encoding, `{id}` for what
/// an upstream named.
pub(crate) fn served() -> Vec<(String, Target)> {
    let calls = ENDPOINTS.iter().flat_map(|endpoint| {
        let id = endpoint.path.contains("{id}").then(|| "{id}".to_owned());
        spellings(endpoint.path).map(move |path| {
            let id = id.clone();
            (path.to_owned(), Target::Call(endpoint, id))
        })
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
    /// A call to an upstream, and the id in its path.
    Call(&'static Endpoint, Option<String>),
    /// The list of models.
    Models,
    /// One model, by name.
    Model(String),
    /// The document of all this.
    Document,
}

impl Target {
    /// The method that a client calls it with; what this process itself answers
    /// answers to HEAD too.
    pub(crate) const fn method(&self) -> &'static str {
        match self {
            Self::Call(endpoint, _) => endpoint.method.as_str(),
            Self::Models | Self::Model(_) | Self::Document => "GET",
        }
    }
}

/// Finds what a method and a path ask for.
///
/// # Errors
/// 404, or 405 with the methods that would be right.
pub(crate) fn find(method: &Method, path: &str) -> Result<Target, Problem> {
    let by = |right: &'static str, target: Target| {
        if right.split(", ").any(|right| method.as_str() == right) {
            Ok(target)
        } else {
            Err(Problem::wrong_method(right))
        }
    };
    if let Some(rows) = BY_PATH.get(path).filter(|_| !path.contains('{')) {
        return of_rows(rows, method, None);
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
    for (pattern, id) in with_id(path) {
        if let Some(rows) = BY_PATH.get(pattern.as_str()) {
            return of_rows(rows, method, Some(id));
        }
    }
    Err(Problem::no_route())
}

fn of_rows(
    rows: &[&'static Endpoint],
    method: &Method,
    id: Option<&str>,
) -> Result<Target, Problem> {
    let verb = Verb::of(method);
    match rows.iter().find(|row| Some(row.method) == verb) {
        Some(row) => Ok(Target::Call(row, id.map(str::to_owned))),
        None => Err(Problem::wrong_method(allowed(rows))),
    }
}

/// The methods of rows with one path.
fn allowed(rows: &[&Endpoint]) -> &'static str {
    let has = |verb| rows.iter().any(|row| row.method == verb);
    match (has(Verb::Get), has(Verb::Post), has(Verb::Delete)) {
        (true, true, _) => "GET, POST",
        (true, false, true) => "GET, DELETE",
        (true, false, false) => "GET",
        (false, _, true) => "DELETE",
        (false, _, false) => "POST",
    }
}

#[cfg(test)]
mod tests;
