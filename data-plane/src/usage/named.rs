//! Events that have names, as the Responses, image and audio endpoints send them: the
//! usage stands in the one that ends the answer, and no `[DONE]` follows.

use super::chunk::{Brings, DONE, Keep, Watch, error, is_error};
use super::searches::is_search;
use super::{Usage, text_in};
use crate::dialect::openai::usage::Made;
use crate::json::members;
use crate::sse::Event;

/// What ends a response that failed.
const FAILED: &str = "response.failed";

/// What brings an item of a response whole: a search that it made, too.
const ITEM: &str = "response.output_item.done";

impl Watch {
    /// Looks at one event of a stream that one of `ends` ends.
    pub(super) fn see_named(&mut self, event: &Event, ends: &[&str]) -> Keep {
        let name = event.name();
        let is_first = self.made.is_none();
        let is_delta = name.is_some_and(|name| name.ends_with(b".delta"));
        if is_delta {
            self.heard += text_in(&event.raw);
        }
        if !is_first && is_delta {
            return Keep::All;
        }
        let Some(data) = event.data() else {
            return Keep::All;
        };
        if data.trim_ascii() == DONE {
            self.complete = true;
            self.over = true;
            return Keep::All;
        }
        if name == Some(b"error") {
            return error(event);
        }
        let Ok(text) = std::str::from_utf8(&data) else {
            return Keep::All;
        };
        let Ok(found) = members(text, &["type", "response", "usage", "error", "item"]) else {
            return Keep::All;
        };
        let [kind, response, usage, fault, item] = found.values;
        let kind = kind.map_or("", |kind| kind.trim_matches('"'));
        if kind == "error" || is_error(fault) {
            return error(event);
        }
        if !is_delta && kind.as_bytes().ends_with(b".delta") {
            self.heard += text_in(&event.raw);
        }
        if kind == ITEM && item.is_some_and(is_search) {
            self.searched += 1;
        }
        if !is_first && !ends.contains(&kind) {
            return Keep::All;
        }
        let names = ["id", "usage", "error", "output", "background"];
        let of_response = response.and_then(|text| members(text, &names).ok());
        let [id, inner, fault, output, background] =
            of_response.map_or([None; 5], |found| found.values);
        if is_first {
            if kind == FAILED {
                return Keep::Error(format!("{{\"error\":{}}}", fault.unwrap_or("{}")));
            }
            self.made = Some(brings(id, background));
        }
        if ends.contains(&kind) {
            self.complete = true;
            self.over = true;
            let images = kind.starts_with("image");
            let made = if images { Made::Images } else { Made::Text };
            let read = |usage| Usage::made(usage, made);
            let usage = usage.or(inner).and_then(read);
            let usage = usage.map(|usage| usage.with_searches(output, self.searched));
            self.usage = match usage {
                _ if images => Some(usage.unwrap_or_default().with_images(1)),
                None => self.usage,
                usage => usage,
            };
        }
        Keep::All
    }
}

fn brings(id: Option<&str>, background: Option<&str>) -> Brings {
    let id = id.and_then(|id| serde_json::from_str(id).ok());
    Brings {
        id: id.unwrap_or_default(),
        background: background == Some("true"),
    }
}
