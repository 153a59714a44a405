//! How much text an answer brings, for the case that its upstream does not say: counted
//! as it passes, nothing of it is kept.

/// Members that hold text of an answer. `"content":` is also the end of
/// `"reasoning_content":`, and `"text":` stands in legacy completions and in messages.
const NAMES: [&[u8]; 6] = [
    b"content\":",
    b"arguments\":",
    b"text\":",
    b"delta\":",
    b"thinking\":",
    b"partial_json\":",
];

/// How many bytes of text some JSON holds, as it is written there.
pub(crate) fn text_in(json: &[u8]) -> u64 {
    let mut ear = Ear::default();
    ear.listen(json);
    ear.heard
}

/// How much of what was heard is kept for what comes next: the longest name, and space
/// behind it.
const KEPT: usize = 64;

/// Hears an answer that comes in pieces, wherever they are cut.
#[derive(Debug, Default)]
pub(crate) struct Ear {
    heard: u64,
    /// What a name may begin in, outside of text.
    kept: Vec<u8>,
    /// Whether it stands within text.
    within: bool,
    /// Whether the last byte of the text was a backslash that escapes the next one.
    escaped: bool,
}

impl Ear {
    /// How many bytes of text have come.
    pub(crate) const fn heard(&self) -> u64 {
        self.heard
    }

    /// Hears the next piece.
    pub(crate) fn hear(&mut self, piece: &[u8]) {
        let mut rest = piece;
        if self.within {
            rest = self.text(rest);
        }
        if self.within {
            return;
        }
        let mut joined = std::mem::take(&mut self.kept);
        joined.extend_from_slice(rest);
        let rest = self.listen(&joined);
        if self.within {
            return;
        }
        let from = rest.len().saturating_sub(KEPT);
        self.kept = rest.get(from..).unwrap_or_default().to_vec();
    }

    /// Counts all text; what is behind the last of it.
    fn listen<'b>(&mut self, json: &'b [u8]) -> &'b [u8] {
        let mut rest = json;
        while let Some(begun) = behind_name(rest) {
            self.within = true;
            rest = self.text(begun);
            if self.within {
                break;
            }
        }
        rest
    }

    /// Counts text until it ends; what is behind it.
    fn text<'b>(&mut self, text: &'b [u8]) -> &'b [u8] {
        if text.is_empty() {
            return text;
        }
        let mut from = usize::from(std::mem::take(&mut self.escaped));
        while let Some(at) = memchr::memchr2(b'"', b'\\', text.get(from..).unwrap_or_default()) {
            let at = from + at;
            if text.get(at) == Some(&b'"') {
                self.within = false;
                self.heard += at as u64;
                return text.get(at + 1..).unwrap_or_default();
            }
            from = at + 2;
        }
        self.escaped = from > text.len();
        self.heard += text.len() as u64;
        &[]
    }
}

/// The text that begins first, behind one of [`NAMES`] and a quote.
fn behind_name(json: &[u8]) -> Option<&[u8]> {
    memchr::memmem::find_iter(json, "\":").find_map(|at| {
        let (named, behind) = json.split_at_checked(at + 2)?;
        let is_named = |name: &&[u8]| named.ends_with(name);
        let text = behind.trim_ascii_start().strip_prefix(b"\"")?;
        NAMES.iter().any(is_named).then_some(text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_counted_wherever_its_pieces_are_cut() {
        let json = r#"{"output":[{"content":[{"type":"output_text","text": "say \"hi\" \\"}]},
            {"arguments":"{\"text\":\"ab\"}","result":"aaaa"},{"content":"","x":"yyy"}],
            "choices":[{"message":{"content":"hello","reasoning_content":"hm"}}]}"#;
        let text = [r#"say \"hi\" \\"#, r#"{\"text\":\"ab\"}"#, "hello", "hm"];
        let bytes = text.map(str::len).iter().sum::<usize>() as u64;
        for size in 1..=json.len() {
            let mut ear = Ear::default();
            for piece in json.as_bytes().chunks(size) {
                ear.hear(piece);
            }
            assert_eq!(ear.heard(), bytes, "pieces of {size}");
        }
    }

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
