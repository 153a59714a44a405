//! What rerankers say of usage. They speak each their own dialect, and nothing of it
//! is translated; only the counts are read.

use foldgate_proto::Quantities;
use serde_json::Value;

use crate::usage::count::count;

/// Reads the `meta` object of a Cohere answer (`billed_units`), or the `usage`
/// object of a Jina or Voyage one (`total_tokens`). `None` when it says nothing, or what
/// cannot be.
pub(crate) fn read(json: &str) -> Option<Quantities> {
    let said: Value = serde_json::from_str(json).ok()?;
    let units = said.get("billed_units").unwrap_or(&said);
    let count = |name: &str| count(units, name).ok();
    let searches = count("search_units")?;
    let names = ["input_tokens", "prompt_tokens", "total_tokens"];
    let mut input = None;
    for name in names {
        input = input.or(count(name)?);
    }
    searches.or(input)?;
    Some(Quantities {
        input: input.unwrap_or(0),
        output: count("output_tokens")?.unwrap_or(0),
        searches: searches.unwrap_or(0),
        ..Quantities::default()
    })
}

#[cfg(test)]
mod tests {
    use foldgate_proto::Quantities;

    use super::read;

    #[test]
    fn searches_or_tokens() {
        let none = Quantities::default();
        let cohere = r#"{"api_version":{"version":"2"},"billed_units":{"search_units":1}}"#;
        let expected = Quantities {
            searches: 1,
            ..none
        };
        assert_eq!(read(cohere), Some(expected));
        let expected = Quantities { input: 38, ..none };
        assert_eq!(read(r#"{"total_tokens":38}"#), Some(expected));
        assert_eq!(
            read(r#"{"total_tokens":38,"prompt_tokens":38}"#),
            Some(expected)
        );
        for json in ["{}", "null", "{", r#"{"billed_units":{}}"#] {
            assert_eq!(read(json), None, "{json}");
        }
    }
}
