//! `generationConfig`: sampling, form and thoughts.

use super::super::bare;
use crate::dialect::{Effort, Format, Json, Reasoning, Request};

/// How a model may be told to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thinks {
    /// It does not, or nothing is known of it.
    Unknown,
    /// So many tokens: the least, and the most, that it takes; whether it may be told
    /// not to.
    Budget(u64, u64, bool),
    /// So hard.
    Level,
}

/// Writes the member, if there is anything to say.
pub(super) fn write(request: &Request<'_>, model: &str, json: &mut Json<'_>) {
    let thinks = Thinks::of(model);
    let thoughts = thoughts(&request.reasoning, thinks);
    let said = [
        request.temperature.is_some(),
        request.top_p.is_some(),
        request.top_k.is_some(),
        request.max_tokens.is_some(),
        !request.stop.is_empty(),
        request.seed.is_some(),
        request.presence_penalty.is_some(),
        request.frequency_penalty.is_some(),
        request.candidates.is_some(),
        request.format.is_some(),
        thoughts.is_some(),
    ];
    if !said.contains(&true) {
        return;
    }
    json.key("generationConfig").object(|json| {
        sampling(request, json);
        form(request, json);
        if let Some(thoughts) = thoughts {
            thoughts.write(request.reasoning.on == Some(true), json);
        }
    });
}

fn sampling(request: &Request<'_>, json: &mut Json<'_>) {
    let numbers = [
        ("temperature", request.temperature),
        ("topP", request.top_p),
        ("presencePenalty", request.presence_penalty),
        ("frequencyPenalty", request.frequency_penalty),
    ];
    for (name, number) in numbers {
        if let Some(number) = number {
            json.key(name).number(number);
        }
    }
    let counts = [
        ("topK", request.top_k),
        ("maxOutputTokens", request.max_tokens),
        ("candidateCount", request.candidates),
    ];
    for (name, count) in counts {
        if let Some(count) = count {
            json.key(name).count(count);
        }
    }
    if let Some(seed) = request.seed {
        json.key("seed").raw(&seed.to_string());
    }
    if !request.stop.is_empty() {
        json.key("stopSequences").list(|json| {
            for stop in &request.stop {
                json.text(stop);
            }
        });
    }
}

fn form(request: &Request<'_>, json: &mut Json<'_>) {
    let Some(format) = &request.format else {
        return;
    };
    json.key("responseMimeType").string("application/json");
    if let Format::Schema { schema, .. } = format {
        json.key("responseJsonSchema").raw(schema);
    }
}

/// What a model is told of thinking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thoughts {
    Budget(u64),
    Level(&'static str),
    /// Only that they are to be shown.
    Shown,
}

fn thoughts(reasoning: &Reasoning, thinks: Thinks) -> Option<Thoughts> {
    let off = reasoning.on == Some(false);
    match thinks {
        Thinks::Unknown => None,
        Thinks::Budget(least, most, may_not) => match reasoning.tokens() {
            _ if off => Some(Thoughts::Budget(if may_not { 0 } else { least })),
            Some(tokens) => Some(Thoughts::Budget(tokens.clamp(least, most))),
            None => (reasoning.on == Some(true)).then_some(Thoughts::Shown),
        },
        Thinks::Level => match reasoning.effort() {
            _ if off => Some(Thoughts::Level("low")),
            Some(Effort::Minimal | Effort::Low) => Some(Thoughts::Level("low")),
            Some(_) => Some(Thoughts::Level("high")),
            None => (reasoning.on == Some(true)).then_some(Thoughts::Shown),
        },
    }
}

impl Thoughts {
    fn write(self, shown: bool, json: &mut Json<'_>) {
        json.key("thinkingConfig").object(|json| {
            match self {
                Self::Budget(tokens) => json.key("thinkingBudget").count(tokens),
                Self::Level(level) => json.key("thinkingLevel").string(level),
                Self::Shown => {}
            }
            if shown {
                json.key("includeThoughts").flag(true);
            }
        });
    }
}

impl Thinks {
    /// By the model's name, as Google's documentation has it.
    fn of(model: &str) -> Self {
        let name = bare(model);
        if name.starts_with("gemini-2.5") {
            return match name {
                name if name.contains("flash-lite") => Self::Budget(512, 24_576, true),
                name if name.contains("flash") => Self::Budget(1, 24_576, true),
                _ => Self::Budget(128, 32_768, false),
            };
        }
        if name.starts_with("gemini-3") {
            return Self::Level;
        }
        Self::Unknown
    }
}
