//! Searches that a response of OpenAI's made: it lists them among what it brings, and
//! does not count them in its usage. One of the web is an item `web_search_call`, unless
//! it only opened a page that was found, or looked for words in it; one of files is a
//! `file_search_call`, and is priced as one of the web is.

use serde_json::value::RawValue;

use crate::json::members;

/// The most that are believed.
const MOST: usize = 1_000;

/// How many there are among a response's `output`.
pub(super) fn among(output: &str) -> u64 {
    let items: Vec<&RawValue> = serde_json::from_str(output).unwrap_or_default();
    let searches = items.into_iter().filter(|item| is_search(item.get()));
    searches.take(MOST).count() as u64
}

/// Whether an item of a response is one.
pub(super) fn is_search(item: &str) -> bool {
    let found = members(item, &["type", "action"]);
    let [kind, action] = found.map_or([None; 2], |found| found.values);
    match kind {
        Some("\"file_search_call\"") => true,
        Some("\"web_search_call\"") => {
            let action = action.and_then(|action| members(action, &["type"]).ok());
            let what = action.and_then(|found| found.values[0]);
            what.is_none_or(|what| what == "\"search\"")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::among;

    #[test]
    fn searches_are_told_from_what_else_a_response_brings() {
        let output = r#"[{"type":"reasoning"},{"id":"ws_1","type":"web_search_call","status":"completed"},
            {"type":"web_search_call","action":{"type":"search","query":"web_search_call"}},
            {"type":"web_search_call","action":{"type":"open_page","url":"x"}},
            {"type":"web_search_call","action":{"type":"find_in_page"}},
            {"type":"file_search_call","queries":["a","b"]},{"type":"code_interpreter_call"},
            {"type":"message","content":[{"type":"web_search_call"}]}]"#;
        assert_eq!(among(output), 3);
        for none in ["[]", "null", "{}", "[7]", "["] {
            assert_eq!(among(none), 0, "{none}");
        }
    }
}
