//! How much text an answer brings, for the case that its upstream does not say: counted
//! as it passes, nothing of it is kept.

use std::sync::LazyLock;

use memchr::memmem::Finder;

/// Members that hold text of an answer. `"content":` is also the end of
/// `"reasoning_content":`, and `"text":` stands in legacy completions and in messages.
static NAMES: LazyLock<[Finder<'static>; 6]> = LazyLock::new(|| {
    [
        "content\":",
        "arguments\":",
        "text\":",
        "delta\":",
        "thinking\":",
        "partial_json\":",
    ]
    .map(Finder::new)
});

/// How many bytes of text some JSON holds, as it is written there.
pub(crate) fn text_in(json: &[u8]) -> u64 {
    let each = NAMES.iter().map(|name| {
        let mut rest = json;
        let mut bytes = 0;
        while let Some(at) = name.find(rest) {
            let behind = rest.get(at + name.needle().len()..).unwrap_or_default();
            rest = behind.trim_ascii_start();
            if let Some(text) = rest.strip_prefix(b"\"") {
                let length = string_length(text);
                bytes += length as u64;
                rest = text.get(length..).unwrap_or_default();
            }
        }
        bytes
    });
    each.sum()
}

/// The length of a string whose opening quote has been read.
fn string_length(text: &[u8]) -> usize {
    let mut from = 0;
    for at in memchr::memchr_iter(b'"', text) {
        let before = text.get(from..at).unwrap_or_default();
        let slashes = before.iter().rev().take_while(|byte| **byte == b'\\');
        if slashes.count().is_multiple_of(2) {
            return at;
        }
        from = at + 1;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_counted_whatever_the_dialect() {
        for (json, bytes) in [
            (r#"{"choices":[{"delta":{"content":"hello"}}]}"#, 5),
            (r#"{"choices":[{"delta":{"content": "say \"hi\""}}]}"#, 10),
            (r#"{"delta":{"reasoning_content":"hm","content":null}}"#, 2),
            (r#"{"choices":[{"text":"abc"},{"text":"de"}]}"#, 5),
            (r#"{"type":"response.output_text.delta","delta":"abcd"}"#, 4),
            (r#"{"delta":{"type":"text_delta","text":"abc"}}"#, 3),
            (r#"{"delta":{"type":"thinking_delta","thinking":"abc"}}"#, 3),
            (r#"{"delta":{"partial_json":"{\"a\":"}}"#, 7),
            (r#"{"function":{"arguments":"{}"}}"#, 2),
            (r#"{"content":"broken off"#, 10),
            (r#"{"content":"back\\"}"#, 6),
            (r#"{"data":[{"embedding":[0.1]}]}"#, 0),
            ("", 0),
        ] {
            assert_eq!(text_in(json.as_bytes()), bytes, "{json}");
        }
    }
}
