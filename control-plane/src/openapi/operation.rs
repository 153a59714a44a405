//! What there is to say of one operation. Everything that follows from the route
//! (who may call it, its parameters, the statuses it can answer) is worked out
//! here, so that its documentation says only what is its own.

use serde_json::{Map, Value, json};

use super::{answer, parameter};
use crate::access;

/// The documentation of one method on one path.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    /// Its method.
    pub(super) method: &'static str,
    /// Its path, as it is mounted.
    pub(super) path: &'static str,
    pub(super) tag: &'static str,
    pub(super) summary: &'static str,
    pub(super) description: &'static str,
    pub(super) door: Door,
    pub(super) body: Option<Body>,
    /// The success, unless it never has one.
    pub(super) success: Option<Success>,
    /// Statuses beside those that follow from the route.
    pub(super) also: Vec<u16>,
    /// Answers beside the success that are no errors of this listener: the status, or the
    /// first digit of all that begin with it.
    pub(super) others: Vec<(u16, &'static str, Value)>,
    /// Whether it minds `If-Match`.
    pub(super) if_match: bool,
    /// Whether it minds `If-None-Match`.
    pub(super) if_none_match: bool,
    /// How the answer tells of pages in headers.
    pub(super) pages: Pages,
    /// Whether the answer carries an ETag.
    pub(super) tagged: bool,
    /// Parameters in headers that are its own.
    pub(super) headers: Vec<Value>,
    /// Headers of its answers that are its own, each with the component that tells of it.
    pub(super) tells: Vec<(&'static str, &'static str)>,
    /// Other kinds of content that a success may have.
    pub(super) kinds: Vec<&'static str>,
}

/// How an answer tells of pages in headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pages {
    /// It does not.
    None,
    /// Which of how many it is.
    Numbered,
    /// How many entries there are, and where the next page is.
    Linked,
}

/// Which keys open it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// Those that `access` names.
    Keys,
    /// None is needed.
    Open,
    /// A caller key, as on the proxy.
    Proxy,
}

/// A request's body.
#[derive(Debug, Clone)]
pub(super) struct Body {
    pub(super) schema: Value,
    pub(super) examples: Vec<(&'static str, Value)>,
    pub(super) required: bool,
}

/// The answer of a request that succeeds.
#[derive(Debug, Clone)]
pub(super) struct Success {
    pub(super) description: &'static str,
    pub(super) kind: &'static str,
    pub(super) schema: Value,
    /// Whether it may come as plain text instead.
    pub(super) plain: bool,
}

impl Operation {
    /// An operation without a body and, as yet, without an answer.
    pub(crate) fn new(method: &'static str, path: &'static str, summary: &'static str) -> Self {
        Self {
            method,
            path,
            tag: "",
            summary,
            description: "",
            door: Door::Keys,
            body: None,
            success: None,
            also: Vec::new(),
            others: Vec::new(),
            if_match: false,
            if_none_match: false,
            pages: Pages::None,
            tagged: false,
            headers: Vec::new(),
            tells: Vec::new(),
            kinds: Vec::new(),
        }
    }

    /// What it does, beyond its summary.
    pub(crate) fn about(mut self, description: &'static str) -> Self {
        self.description = description;
        self
    }

    /// The chapter it stands in.
    pub(crate) fn tag(mut self, tag: &'static str) -> Self {
        self.tag = tag;
        self
    }

    /// Which keys open it, where `access` does not say.
    pub(crate) fn door(mut self, door: Door) -> Self {
        self.door = door;
        self
    }

    /// Answers with JSON of this schema.
    pub(crate) fn answers(self, schema: Value) -> Self {
        self.answers_with("application/json", schema)
    }

    /// Answers with something else than JSON.
    pub(crate) fn answers_with(mut self, kind: &'static str, schema: Value) -> Self {
        self.success = Some(Success {
            description: "done",
            kind,
            schema,
            plain: false,
        });
        self
    }

    /// May answer with plain text instead.
    pub(crate) fn or_plain(mut self) -> Self {
        if let Some(success) = &mut self.success {
            success.plain = true;
        }
        self
    }

    /// Answers with CSV instead, where that is asked for.
    pub(crate) fn or_csv(mut self) -> Self {
        self.kinds.push("text/csv");
        self
    }

    /// Answers with a stream of events instead, where that is asked for.
    pub(crate) fn or_events(mut self) -> Self {
        self.kinds.push("text/event-stream");
        self
    }

    /// Has a header of its own on its answers.
    pub(crate) fn tells(mut self, name: &'static str, component: &'static str) -> Self {
        self.tells.push((name, component));
        self
    }

    /// Takes a JSON body.
    pub(crate) fn body(mut self, schema: Value) -> Self {
        self.body = Some(Body {
            schema,
            examples: Vec::new(),
            required: true,
        });
        self
    }

    /// The body may be left out.
    pub(crate) fn optional(mut self) -> Self {
        if let Some(body) = &mut self.body {
            body.required = false;
        }
        self
    }

    /// An example of the body: valid, and harmless to send.
    pub(crate) fn example(mut self, name: &'static str, example: Value) -> Self {
        if let Some(body) = &mut self.body {
            body.examples.push((name, example));
        }
        self
    }

    /// Can answer with this error as well.
    pub(crate) fn also(mut self, status: u16) -> Self {
        self.also.push(status);
        self
    }

    /// Can answer with this as well, which is no error.
    pub(crate) fn or(mut self, status: u16, about: &'static str, content: Value) -> Self {
        self.others.push((status, about, content));
        self
    }

    /// Minds `If-Match`.
    pub(crate) fn if_match(mut self) -> Self {
        self.if_match = true;
        self
    }

    /// Tells of pages in headers.
    pub(crate) fn paged(mut self) -> Self {
        self.pages = Pages::Numbered;
        self
    }

    /// Tells in headers how many there are, and where the next page is.
    pub(crate) fn counted(mut self) -> Self {
        self.pages = Pages::Linked;
        self
    }

    /// Answers with an ETag, at least where one resource is shown.
    pub(crate) fn tagged(mut self) -> Self {
        self.tagged = true;
        self
    }

    /// Answers with an ETag, and minds `If-None-Match`.
    pub(crate) fn conditional(mut self) -> Self {
        self.if_none_match = true;
        self.tagged()
    }

    /// Reads a header of its own.
    pub(crate) fn header(mut self, parameter: Value) -> Self {
        self.headers.push(parameter);
        self
    }

    /// Whether it only reads.
    pub(super) fn reads(&self) -> bool {
        self.method == "GET"
    }

    /// As the document has it.
    pub(super) fn render(&self) -> Value {
        let mut shown = json!({
            "operationId": self.id(),
            "summary": self.summary,
            "tags": [self.tag],
            "description": self.description(),
            "responses": answer::all(self),
            "security": self.security(),
        });
        let parameters = parameter::all(self);
        if !parameters.is_empty() {
            shown["parameters"] = json!(parameters);
        }
        if let Some(body) = &self.body {
            shown["requestBody"] = body.render();
        }
        shown
    }

    fn id(&self) -> String {
        let words = self.path.split(|c: char| !c.is_ascii_alphanumeric());
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        format!("{}_{}", self.method.to_ascii_lowercase(), words.join("_"))
    }

    fn description(&self) -> String {
        let mut paragraphs = Vec::new();
        if !self.description.is_empty() {
            paragraphs.push(self.description.to_owned());
        }
        if let Some(who) = access::described(self.method, self.path) {
            paragraphs.push(format!("May be called by {who}."));
        }
        paragraphs.join("\n\n")
    }

    fn security(&self) -> Value {
        match self.door {
            Door::Keys => json!([{"AdminBearer": []}, {"AdminKey": []}]),
            Door::Proxy => json!([{"ProxyBearer": []}]),
            Door::Open => json!([]),
        }
    }
}

impl Body {
    fn render(&self) -> Value {
        let mut media = json!({"schema": self.schema});
        if !self.examples.is_empty() {
            let examples: Map<String, Value> = self
                .examples
                .iter()
                .map(|(name, example)| ((*name).to_owned(), json!({"value": example})))
                .collect();
            media["examples"] = json!(examples);
        }
        json!({"required": self.required, "content": {"application/json": media}})
    }
}
