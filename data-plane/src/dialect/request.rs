//! A request for the next turn of a conversation, in no vendor's words. Every
//! dialect that callers speak is read into it, every one that upstreams speak is
//! written from it; what an upstream has no words for, its writer refuses.
//!
//! Texts and JSON values are borrowed from the caller's body as they stand there.

use std::borrow::Cow;
use std::collections::HashMap;

use super::Text;

/// A JSON value as it is written, whitespace and all.
pub(crate) type Raw<'a> = Cow<'a, str>;

/// The request. The model is not in it: which one is asked for is the attempt's
/// business ([`super::Aim`]).
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Request<'a> {
    /// Instructions: system and developer messages, wherever they stood, in order.
    pub(crate) system: Vec<Text<'a>>,
    /// The conversation. Turns alternate; neighbours of one side are one turn.
    pub(crate) turns: Vec<Turn<'a>>,
    /// Functions that the model may call.
    pub(crate) tools: Vec<Tool<'a>>,
    /// Which of them it may or must call; `None`: the target's default.
    pub(crate) choice: Option<ToolChoice<'a>>,
    /// Whether several calls may stand in one turn; `None`: the target's default.
    pub(crate) parallel: Option<bool>,
    /// Whether and how much the model is to think first.
    pub(crate) reasoning: Reasoning,
    /// The most tokens to write, thinking among them.
    pub(crate) max_tokens: Option<u64>,
    /// From 0 to 2 as OpenAI has it; Anthropic's ends at 1.
    pub(crate) temperature: Option<f64>,
    /// Nucleus sampling, from 0 to 1.
    pub(crate) top_p: Option<f64>,
    /// Sampling among so many tokens.
    pub(crate) top_k: Option<u64>,
    /// Texts at which the answer ends.
    pub(crate) stop: Vec<Text<'a>>,
    /// For answers that can be had again.
    pub(crate) seed: Option<i64>,
    /// From -2 to 2; zero is read as `None`.
    pub(crate) presence_penalty: Option<f64>,
    /// From -2 to 2; zero is read as `None`.
    pub(crate) frequency_penalty: Option<f64>,
    /// An object of token to bias; an empty one is read as `None`.
    pub(crate) logit_bias: Option<Raw<'a>>,
    /// How many answers; one is read as `None`.
    pub(crate) candidates: Option<u64>,
    /// That probabilities are wanted, and of how many tokens at each place.
    pub(crate) logprobs: Option<u64>,
    /// What the answer's text must look like; plain text is read as `None`.
    pub(crate) format: Option<Format<'a>>,
    /// Who the caller acts for, as an opaque id.
    pub(crate) user: Option<Text<'a>>,
    /// At which tier it is to be served; `auto` is read as `None`.
    pub(crate) tier: Option<Tier>,
    /// Whether the answer is to be streamed.
    pub(crate) stream: bool,
    /// Whether the caller asked for OpenAI's usage chunk. Anthropic's streams
    /// have usage always, and need no asking.
    pub(crate) include_usage: bool,
}

impl<'a> Request<'a> {
    /// Adds to the conversation; what the same side said before is one turn with it.
    pub(crate) fn say(&mut self, role: Role, parts: Vec<Part<'a>>) {
        if parts.is_empty() {
            return;
        }
        match self.turns.last_mut().filter(|last| last.role == role) {
            Some(last) => last.parts.extend(parts),
            None => self.turns.push(Turn { role, parts }),
        }
    }

    /// Gives each outcome the name of the function that was called.
    pub(crate) fn name_outcomes(&mut self) {
        let mut names: HashMap<Text<'a>, Text<'a>> = HashMap::new();
        for part in self.turns.iter_mut().flat_map(|turn| &mut turn.parts) {
            match part {
                Part::Call(call) => {
                    names.insert(call.id.clone(), call.name.clone());
                }
                Part::Outcome(outcome) => outcome.name = names.get(&outcome.id).cloned(),
                _ => {}
            }
        }
    }
}

/// What one side said.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Turn<'a> {
    /// Who.
    pub(crate) role: Role,
    /// What, in order. Never empty.
    pub(crate) parts: Vec<Part<'a>>,
}

/// The sides of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The caller, and the tools that it runs.
    User,
    /// The model.
    Assistant,
}

/// A part of a turn or of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Part<'a> {
    /// Words.
    Text(Text<'a>),
    /// A picture.
    Image(Image<'a>),
    /// Sound; the media type is `audio/wav` or `audio/mp3`.
    Audio(Source<'a>),
    /// A document.
    File(File<'a>),
    /// What the model thought.
    Thinking(Thinking<'a>),
    /// What the model thought, in a form that only its vendor reads.
    Redacted(Text<'a>),
    /// The model calls a function. (Turns of the assistant only.)
    Call(Call<'a>),
    /// What came of a call. (Turns of the user only.)
    Outcome(Outcome<'a>),
}

/// Where bytes come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source<'a> {
    /// An address to fetch them from.
    Url(Text<'a>),
    /// They are here.
    Data {
        /// Their media type, such as `image/png`.
        media_type: Text<'a>,
        /// The bytes in base64.
        base64: Text<'a>,
    },
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Image<'a> {
    /// Its bytes.
    pub(crate) source: Source<'a>,
    /// OpenAI's `detail`: `low`, `high`, `auto`.
    pub(crate) detail: Option<Text<'a>>,
}

/// A document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File<'a> {
    /// Its bytes; mostly a PDF.
    pub(crate) source: Source<'a>,
    /// Its name or title.
    pub(crate) name: Option<Text<'a>>,
}

/// What the model thought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Thinking<'a> {
    /// In words; may be empty where the vendor shows none.
    pub(crate) text: Text<'a>,
    /// The vendor's seal on it; without one it is worth nothing to the vendor.
    pub(crate) signature: Option<Text<'a>>,
}

/// The model calls a function.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call<'a> {
    /// What the outcome refers to. Where a vendor gives none, its reader makes one.
    pub(crate) id: Text<'a>,
    /// The function.
    pub(crate) name: Text<'a>,
    /// Its arguments: always a JSON object.
    pub(crate) input: Raw<'a>,
    /// The vendor's seal on the thoughts that led to it (Gemini).
    pub(crate) signature: Option<Text<'a>>,
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outcome<'a> {
    /// The call's id.
    pub(crate) id: Text<'a>,
    /// The function's name, where the call stands earlier in the conversation.
    pub(crate) name: Option<Text<'a>>,
    /// What the function said: text, images, files. May be empty.
    pub(crate) parts: Vec<Part<'a>>,
    /// Whether it failed. OpenAI has no word for it.
    pub(crate) is_error: bool,
}

/// A function that the model may call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tool<'a> {
    /// Its name.
    pub(crate) name: Text<'a>,
    /// What it is for.
    pub(crate) description: Option<Text<'a>>,
    /// The JSON Schema of its arguments: an object; `None`: it takes none.
    pub(crate) schema: Option<Raw<'a>>,
    /// Whether the arguments must obey the schema to the letter.
    pub(crate) strict: Option<bool>,
}

/// Which functions the model may or must call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ToolChoice<'a> {
    /// As it likes.
    Auto,
    /// None.
    None,
    /// At least one.
    Required,
    /// This one.
    Named(Text<'a>),
}

/// What an answer's text must look like.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Format<'a> {
    /// JSON of any kind.
    Json,
    /// JSON that obeys a schema.
    Schema {
        /// What it is called; Anthropic has no names.
        name: Option<Text<'a>>,
        /// What it is for.
        description: Option<Text<'a>>,
        /// The JSON Schema: an object.
        schema: Raw<'a>,
        /// Whether it must be obeyed to the letter.
        strict: Option<bool>,
    },
}

/// At which tier a request is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tier {
    /// The standard one only.
    Standard,
    /// Cheaper and slower.
    Flex,
    /// Dearer and faster.
    Priority,
}

/// How much a model is to think.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reasoning {
    /// Whether it is to think at all; `None`: nothing was said.
    pub(crate) on: Option<bool>,
    /// So many tokens at most.
    pub(crate) budget: Option<u64>,
    /// So hard.
    pub(crate) effort: Option<Effort>,
}

/// How hard a model tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Effort {
    /// OpenAI's `minimal`.
    Minimal,
    /// `low`.
    Low,
    /// `medium`.
    Medium,
    /// `high`.
    High,
    /// OpenAI's and Anthropic's `xhigh`.
    XHigh,
    /// Anthropic's `max`.
    Max,
}

impl Effort {
    /// By its name, which is the same at all vendors.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "minimal" => Self::Minimal,
            "low" => Self::Low,
            "medium" => Self::Medium,
            "high" => Self::High,
            "xhigh" => Self::XHigh,
            "max" => Self::Max,
            _ => return None,
        })
    }

    /// The tokens of thought that it stands for where a vendor counts them: what
    /// Google says of its own OpenAI-shaped endpoint (1024, 8192, 24576), and
    /// beyond that the most that is sensible in one answer.
    pub(crate) const fn budget(self) -> u64 {
        match self {
            Self::Minimal | Self::Low => 1024,
            Self::Medium => 8192,
            Self::High => 24_576,
            Self::XHigh | Self::Max => 32_768,
        }
    }

    /// The least effort that a budget is enough for.
    pub(crate) const fn of_budget(budget: u64) -> Self {
        match budget {
            0..=2048 => Self::Low,
            2049..=16_384 => Self::Medium,
            _ => Self::High,
        }
    }
}

impl Reasoning {
    /// The budget, or what the effort stands for. `None`: nothing was said, or not
    /// how much.
    pub(crate) fn tokens(&self) -> Option<u64> {
        self.budget.or(self.effort.map(Effort::budget))
    }

    /// The effort, or what the budget stands for.
    pub(crate) fn effort(&self) -> Option<Effort> {
        self.effort.or(self.budget.map(Effort::of_budget))
    }
}
