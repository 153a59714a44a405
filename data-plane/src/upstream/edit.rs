//! The changes to a body that an address asks for, made to its text: whatever else
//! stands there stays as it is.

use std::ops::Range;

use serde_json::Value;

use super::{BodyEdit, ModelEdit};
use crate::json::{members, range_in};
use crate::splice::Edit;

/// The member that says the version of Anthropic's API where no header can.
const VERSION: &str = "anthropic_version";

/// Its value at Vertex.
const VERTEX: &str = "\"vertex-2023-10-16\"";

impl BodyEdit {
    /// The edits to `text`, whose member `model` has its value at `model_at`; `model`
    /// is the one behind the owner's mappings, `requested` the one that stands there.
    pub(crate) fn edits(
        &self,
        text: &str,
        model_at: &Range<usize>,
        (requested, model): (&str, &str),
    ) -> Vec<Edit> {
        let mut edits = Vec::new();
        let said = if self.vertex_version {
            members(text, &[VERSION]).ok().map(|found| found.values)
        } else {
            None
        };
        match said {
            Some([Some(value)]) if value != VERTEX => {
                edits.push(Edit::replace(range_in(text, value), VERTEX));
            }
            Some([None]) if self.model == ModelEdit::Remove => {
                // In the very place that the model leaves.
                let member = member(text, model_at);
                edits.push(Edit::replace(member, format!("\"{VERSION}\":{VERTEX}")));
                return edits;
            }
            Some([None]) => {
                let open = text.find('{').map_or(0, |at| at + 1);
                let text = format!("\"{VERSION}\":{VERTEX},");
                edits.push(Edit::replace(open..open, text));
            }
            _ => {}
        }
        let name = match &self.model {
            ModelEdit::Remove => {
                edits.push(Edit::replace(with_comma(text, member(text, model_at)), ""));
                return edits;
            }
            ModelEdit::Name(name) => name,
            ModelEdit::Keep => model,
        };
        if name != requested {
            edits.push(Edit::replace(
                model_at.clone(),
                Value::from(name).to_string(),
            ));
        }
        edits
    }
}

/// The member whose value stands at `value`, from its name's first quote on.
fn member(text: &str, value: &Range<usize>) -> Range<usize> {
    let before = text.get(..value.start).unwrap_or_default().trim_end();
    let before = before.strip_suffix(':').unwrap_or(before).trim_end();
    // Names that are looked for hold no quote, however they are written.
    let name = before.strip_suffix('"').and_then(|name| name.rfind('"'));
    name.unwrap_or(value.start)..value.end
}

/// The member with one of the commas beside it.
fn with_comma(text: &str, member: Range<usize>) -> Range<usize> {
    let before = text.get(..member.start).unwrap_or_default().trim_end();
    if let Some(before) = before.strip_suffix(',') {
        return before.len()..member.end;
    }
    let behind = text.get(member.end..).unwrap_or_default();
    match behind.trim_start().strip_prefix(',') {
        Some(rest) => member.start..text.len() - rest.len(),
        None => member,
    }
}
