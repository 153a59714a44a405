//! Links within answers. A batch of messages says at which URL of the upstream's its
//! results are, and SDKs follow that: with the caller's key, past this gateway. So it
//! leads back here, as a path: which host the caller knows this gateway by is not known.

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::attempt::Answer;
use crate::endpoint::{BATCHES, Endpoint};
use crate::json::{members, range_in};
use crate::splice::{Edit, Segments};

/// The member that holds the link.
const RESULTS: &str = "results_url";

/// Has the links to results lead here.
pub(super) fn lead_back(endpoint: &Endpoint, answer: &mut Answer) {
    if let (true, Answer::Whole { body, .. }) = (endpoint.links_results(), answer)
        && let Some(edited) = edited(body)
    {
        *body = edited;
    }
}

/// A batch, or a list of them; `None` when nothing in it changes.
fn edited(body: &Bytes) -> Option<Bytes> {
    let text = std::str::from_utf8(body).ok()?;
    let [data] = members(text, &["data"]).ok()?.values;
    let edits: Vec<Edit> = match data {
        None => edit(text, text).into_iter().collect(),
        Some(list) => {
            let items: Vec<&RawValue> = serde_json::from_str(list).ok()?;
            let items = items.iter().map(|item| item.get());
            items.filter_map(|item| edit(text, item)).collect()
        }
    };
    (!edits.is_empty()).then(|| Segments::splice(body, edits).join())
}

/// What changes in a batch that is a part of `text`, once its results are there.
fn edit(text: &str, batch: &str) -> Option<Edit> {
    let [id, link] = members(batch, &["id", RESULTS]).ok()?.values;
    let link = link.filter(|link| link.starts_with('"'))?;
    let id: String = serde_json::from_str(id?).ok()?;
    let path = serde_json::Value::from(format!("{BATCHES}/{id}/results"));
    Some(Edit::replace(range_in(text, link), path.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn led(text: &str) -> Option<String> {
        let edited = edited(&Bytes::copy_from_slice(text.as_bytes()))?;
        Some(String::from_utf8(edited.to_vec()).unwrap())
    }

    #[test]
    fn links_to_results_lead_here() {
        let theirs = "https://api.anthropic.com/v1/messages/batches/msgbatch_1/results";
        let ours = "/v1/messages/batches/msgbatch_1/results";
        for text in [
            r#"{ "id":"msgbatch_1", "results_url" : "URL" }"#,
            r#"{"results_url":"URL","id":"msgbatch_1","x":1.0}"#,
            r#"{"data":[{"id":"msgbatch_1","results_url":"URL"},{"id":"b","results_url":null}]}"#,
        ] {
            let expected = text.replace("URL", ours);
            assert_eq!(led(&text.replace("URL", theirs)), Some(expected));
        }
    }

    #[test]
    fn what_has_no_results_stays_as_it_is() {
        for text in [
            r#"{"id":"a","results_url":null}"#,
            r#"{"id":"a"}"#,
            r#"{"id":7,"results_url":"x"}"#,
            r#"{"data":[]}"#,
            r#"{"data":7}"#,
            "[]",
            "",
        ] {
            assert_eq!(led(text), None, "{text}");
        }
    }
}
