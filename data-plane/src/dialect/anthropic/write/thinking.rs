//! Whether the model is to think, and how much; Anthropic ties several other
//! fields to it.

use super::model;
use crate::dialect::{Effort, Format, Json, Part, Request, Role, ToolChoice};

/// The least budget that Anthropic takes.
const MIN_BUDGET: u64 = 1024;

/// What is asked of the model.
pub(super) struct Plan {
    /// The most tokens, thoughts among them.
    pub(super) max_tokens: u64,
    thinking: Thinking,
    effort: Option<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thinking {
    /// Nothing is said.
    Unsaid,
    /// It is not to.
    Off,
    /// So many tokens.
    Budget(u64),
    /// As much as it likes.
    Adaptive,
}

impl Plan {
    pub(super) fn of(request: &Request<'_>, model: &str) -> Self {
        let reasoning = &request.reasoning;
        let most = request.max_tokens;
        let default = model::max_tokens(model);
        let forced = matches!(
            request.choice,
            Some(ToolChoice::Required | ToolChoice::Named(_))
        ) && !request.tools.is_empty();
        let wanted = match reasoning.on {
            Some(on) => on,
            None => reasoning.budget.is_some(),
        };
        let may = wanted && !forced && !has_lost_thoughts(request);
        let older = model::is_older(model);
        let budget = reasoning.tokens().unwrap_or(Effort::Medium.budget());
        let room = most.unwrap_or(default).saturating_sub(1);
        let thinking = match reasoning.on {
            _ if may && !older => Thinking::Adaptive,
            _ if may && room >= MIN_BUDGET => Thinking::Budget(budget.clamp(MIN_BUDGET, room)),
            Some(false) if !older => Thinking::Off,
            _ => Thinking::Unsaid,
        };
        Self {
            max_tokens: most.unwrap_or(default),
            thinking,
            effort: reasoning
                .effort()
                .filter(|_| !older)
                .map(|it| name(it, model)),
        }
    }

    /// Whether the model is asked to think.
    pub(super) fn thinks(&self) -> bool {
        matches!(self.thinking, Thinking::Budget(_) | Thinking::Adaptive)
    }

    /// Writes `thinking` and `output_config`.
    pub(super) fn write(&self, request: &Request<'_>, json: &mut Json<'_>) {
        match self.thinking {
            Thinking::Unsaid => {}
            Thinking::Off => json
                .key("thinking")
                .object(|json| json.key("type").string("disabled")),
            Thinking::Budget(tokens) => json.key("thinking").object(|json| {
                json.key("type").string("enabled");
                json.key("budget_tokens").count(tokens);
            }),
            Thinking::Adaptive => json
                .key("thinking")
                .object(|json| json.key("type").string("adaptive")),
        }
        let schema = match &request.format {
            Some(Format::Schema { schema, .. }) => Some(schema),
            Some(Format::Json) | None => None,
        };
        if self.effort.is_none() && schema.is_none() {
            return;
        }
        json.key("output_config").object(|json| {
            if let Some(effort) = self.effort {
                json.key("effort").string(effort);
            }
            if let Some(schema) = schema {
                json.key("format").object(|json| {
                    json.key("type").string("json_schema");
                    json.key("schema").raw(schema);
                });
            }
        });
    }
}

/// Anthropic wants the thoughts back that led to the calls whose outcomes come now.
fn has_lost_thoughts(request: &Request<'_>) -> bool {
    let Some([before, last]) = request.turns.last_chunk::<2>() else {
        return false;
    };
    let goes_on = last.role == Role::User
        && last
            .parts
            .iter()
            .any(|part| matches!(part, Part::Outcome(_)));
    let has_call = before
        .parts
        .iter()
        .any(|part| matches!(part, Part::Call(_)));
    let has_thoughts = before.parts.iter().any(|part| match part {
        Part::Thinking(thinking) => thinking.signature.is_some(),
        Part::Redacted(_) => true,
        _ => false,
    });
    goes_on && has_call && !has_thoughts
}

/// Models of 4.6 know nothing between the two highest.
fn name(effort: Effort, model: &str) -> &'static str {
    match effort {
        Effort::XHigh if model::is_middle(model) => "high",
        Effort::Minimal | Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
        Effort::XHigh => "xhigh",
        Effort::Max => "max",
    }
}
