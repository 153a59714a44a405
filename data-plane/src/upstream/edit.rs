//! What Claude at Vertex needs in a body that was written for Anthropic: the model
//! stands in the URL, and the version of the API in the body. All else stays as it is.

use std::ops::Range;

use bytes::Bytes;
use serde_json::Value;

use crate::json::{members, range_in};
use crate::splice::{Edit, Segments};

/// The member that says the version of Anthropic's API where no header can.
const VERSION: &str = "anthropic_version";

/// Its value at Vertex.
const VERTEX: &str = "\"vertex-2023-10-16\"";

/// `body` for Vertex, with `model` as its model, or with none. A body that is no JSON
/// object stays as it is.
pub(crate) fn for_vertex(body: &Bytes, model: Option<&str>) -> Segments {
    let text = std::str::from_utf8(body).unwrap_or_default();
    Segments::splice(body, edits(text, model))
}

fn edits(text: &str, model: Option<&str>) -> Vec<Edit> {
    let Ok(found) = members(text, &["model", VERSION]) else {
        return Vec::new();
    };
    let [had, version] = found.values;
    let said = || format!("\"{VERSION}\":{VERTEX}");
    let mut edits = Vec::new();
    match (had, model) {
        (Some(had), Some(model)) => {
            let at = range_in(text, had);
            edits.push(Edit::replace(at, Value::from(model).to_string()));
        }
        (Some(had), None) if version.is_none() => {
            // In the very place that the model leaves.
            return vec![Edit::replace(member(text, &range_in(text, had)), said())];
        }
        (Some(had), None) => {
            let member = member(text, &range_in(text, had));
            edits.push(Edit::replace(with_comma(text, member), ""));
        }
        (None, _) => {}
    }
    match version {
        Some(VERTEX) => {}
        Some(value) => edits.push(Edit::replace(range_in(text, value), VERTEX)),
        None => {
            let open = text.find('{').map_or(0, |at| at + 1);
            let rest = text.get(open..).unwrap_or_default().trim_start();
            let comma = if rest.starts_with('}') { "" } else { "," };
            edits.push(Edit::replace(open..open, said() + comma));
        }
    }
    edits
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
