//! Upstreams that speak the dialect of a vendor, and insist on it: what the vendor
//! would refuse, they refuse. What they answer tells what they were asked, so that a
//! test sees whether it came through.
//!
//! | the model's name has | the answer is |
//! |---|---|
//! | `limited` | the vendor's 429 |
//! | `refused` | the vendor's 400 |
//! | `overloaded` | the vendor's 503 or 529 |

mod anthropic;
mod gemini;
mod openai;
mod rest;
mod vertex;

use serde_json::{Value, json};

use super::{FakeUpstream, Reply, Seen};

/// The deployment that an Azure upstream has.
pub const DEPLOYMENT: &str = "our-gpt";

/// Whose dialect is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vendor {
    /// OpenAI, with all its endpoints.
    OpenAi,
    /// Azure OpenAI: one deployment, [`DEPLOYMENT`].
    Azure,
    /// Anthropic.
    Anthropic,
    /// Gemini's own API.
    Gemini,
    /// Vertex AI: Google's models and Anthropic's, and a token endpoint at `/token`.
    Vertex,
}

impl FakeUpstream {
    /// Starts one that speaks a vendor's dialect; Vertex over TLS only, since its keys
    /// may have no other.
    pub async fn speaking(vendor: Vendor) -> Self {
        let upstream = match vendor {
            Vendor::Vertex => Self::start_tls(&["h2", "http/1.1"]).await,
            _ => Self::start().await,
        };
        upstream.when(move |seen| Some(vendor.answer(seen)));
        upstream
    }
}

impl Vendor {
    fn answer(self, seen: &Seen) -> Reply {
        let answer = match self {
            Self::OpenAi => openai::answer(seen),
            Self::Azure => openai::azure(seen),
            Self::Anthropic => anthropic::answer(seen),
            Self::Gemini => gemini::answer(seen),
            Self::Vertex => vertex::answer(seen),
        };
        answer.unwrap_or_else(|refusal| refusal)
    }
}

/// What a conversation comes to, in no vendor's words.
#[derive(Debug, Default)]
struct Said {
    model: String,
    stream: bool,
    system: Vec<String>,
    /// The words of the last turn.
    words: Vec<String>,
    /// The types of the images in it.
    images: Vec<String>,
    /// What tools said in it.
    outcomes: Vec<String>,
    /// The first tool that may be called.
    tool: Option<String>,
    /// Whether it is to think first, and show it.
    thinks: bool,
}

/// What is thought, where that is wanted.
const THOUGHT: &str = "Hm. Well.";

/// The vendor's seal on it.
const SEAL: &str = "c2VhbA==";

/// What is answered.
enum Say {
    Text(String),
    Call(String, Value),
}

impl Said {
    /// Words with what else came, or a call of the tool that was offered.
    fn answered(&self) -> Say {
        if !self.outcomes.is_empty() {
            return Say::Text(format!("it is {}", self.outcomes.join(" and ")));
        }
        if let Some(tool) = &self.tool {
            return Say::Call(tool.clone(), json!({"city": "Paris"}));
        }
        let parts = [&self.words, &self.system, &self.images];
        let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        Say::Text(parts.join(" | "))
    }

    /// What the model's name asks for.
    fn misfortune(&self) -> Option<Misfortune> {
        [
            ("limited", Misfortune::Limited),
            ("refused", Misfortune::Refused),
            ("overloaded", Misfortune::Overloaded),
        ]
        .into_iter()
        .find_map(|(name, fate)| self.model.contains(name).then_some(fate))
    }
}

/// What a vendor says instead of an answer.
#[derive(Clone, Copy)]
enum Misfortune {
    Limited,
    Refused,
    Overloaded,
}

/// Words, each with the space behind it, as streams bring them.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(' ')
}

/// The names in an object that are not among `known`.
fn unknown<'v>(object: &'v Value, known: &[&str]) -> Option<&'v str> {
    let names = object.as_object()?.keys();
    names.map(String::as_str).find(|name| !known.contains(name))
}

/// The elements of a member that is a list; none where there is none.
fn items<'v>(object: &'v Value, name: &str) -> &'v [Value] {
    object[name].as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
