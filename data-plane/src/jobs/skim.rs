//! The short members of a JSON object that comes in pieces and is too large to be held, such
//! as a response with ten pictures in it.

/// The longest member that is kept, and how much of all.
const LONGEST: usize = 64 * 1024;
const MOST: usize = 256 * 1024;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Skim {
    /// The members that have ended, with commas behind them.
    kept: Vec<u8>,
    /// The member that is coming.
    member: Vec<u8>,
    is_too_long: bool,
    depth: usize,
    in_string: bool,
    is_escaped: bool,
}

impl Skim {
    /// Takes the next piece.
    pub(crate) fn take(&mut self, piece: &[u8]) {
        for byte in piece {
            self.take_byte(*byte);
        }
    }

    /// An object of the members that were short.
    pub(crate) fn object(self) -> Vec<u8> {
        let members = self.kept.strip_suffix(b",").unwrap_or(&self.kept);
        [b"{", members, b"}"].concat()
    }

    fn take_byte(&mut self, byte: u8) {
        if self.in_string {
            self.in_string = self.is_escaped || byte != b'"';
            self.is_escaped = !self.is_escaped && byte == b'\\';
        } else {
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => {
                    self.depth += 1;
                    if self.depth == 1 {
                        return;
                    }
                }
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        return self.end_member();
                    }
                }
                b',' if self.depth == 1 => return self.end_member(),
                _ => {}
            }
        }
        if self.depth > 0 && !self.is_too_long {
            self.member.push(byte);
            self.is_too_long = self.member.len() > LONGEST;
        }
    }

    fn end_member(&mut self) {
        let fits = self.kept.len() + self.member.len() < MOST;
        if fits && !self.is_too_long && !self.member.trim_ascii().is_empty() {
            self.kept.append(&mut self.member);
            self.kept.push(b',');
        }
        self.member.clear();
        self.is_too_long = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skimmed(pieces: &[&[u8]]) -> String {
        let mut skim = Skim::default();
        for piece in pieces {
            skim.take(piece);
        }
        String::from_utf8(skim.object()).unwrap()
    }

    #[test]
    fn what_is_short_is_kept_wherever_the_pieces_end() {
        let long = "x".repeat(LONGEST);
        let text = format!(
            r#"{{ "id":"r,\"}}", "output" : [{{"a":"{long}]}}\\"}}], "background": true,"usage":{{"a":[1,2]}} }}"#
        );
        let whole = skimmed(&[text.as_bytes()]);
        let json: serde_json::Value = serde_json::from_str(&whole).unwrap();
        let wanted = serde_json::json!({"id": "r,\"}", "background": true, "usage": {"a": [1, 2]}});
        assert_eq!(json, wanted);
        for at in (0..40).chain(text.len() - 60..text.len()) {
            let (one, other) = text.as_bytes().split_at(at);
            assert_eq!(skimmed(&[one, other]), whole, "{at}");
        }
    }

    #[test]
    fn what_is_kept_is_bounded_and_odd_text_is_no_harm() {
        let member = format!(r#""a":"{}","#, "x".repeat(LONGEST / 2));
        let many = skimmed(&[format!("{{{}", member.repeat(20)).as_bytes()]);
        assert!(many.len() <= MOST, "{}", many.len());
        for odd in ["", "}}]", "3", "{,,}", "[1,2]]", "\"\\"] {
            skimmed(&[odd.as_bytes()]);
        }
        assert_eq!(skimmed(&[b"{,,}"]), "{}");
    }
}
