//! Blanking: what is not code becomes spaces, byte for byte, so that offsets
//! and lines stay true.

use super::closing;

/// Blanks comments, strings and characters.
pub(super) fn literals(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = literal_end(bytes, at);
        if end > at {
            for byte in &mut out[at..end] {
                if *byte != b'\n' {
                    *byte = b' ';
                }
            }
            at = end;
        } else {
            // A whole name at once, so that the `r` of `for"` starts no raw string.
            let name = name_length(&bytes[at..]);
            at += name.max(1);
        }
    }
    // Only whole characters were blanked, so this is still UTF-8.
    String::from_utf8_lossy(&out).into_owned()
}

/// Blanks every item under `#[cfg(test)]`, in text whose literals are blank.
pub(super) fn test_items(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = code.to_owned();
    while let Some(start) = out.find(MARK) {
        let rest = &out[start..];
        let end = match rest.find(['{', ';']) {
            Some(offset) if rest.as_bytes()[offset] == b'{' => {
                closing(&out, start + offset).map_or(out.len(), |close| close + 1)
            }
            Some(offset) => start + offset + 1,
            None => out.len(),
        };
        let spaces: String = out[start..end]
            .bytes()
            .map(|b| if b == b'\n' { '\n' } else { ' ' })
            .collect();
        out.replace_range(start..end, &spaces);
    }
    out
}

/// Where the comment or literal that starts at `at` ends; `at` if none does.
fn literal_end(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    if rest.starts_with(b"//") {
        return at + position(rest, b'\n').unwrap_or(rest.len());
    }
    if rest.starts_with(b"/*") {
        return at + block_comment(rest);
    }
    let prefix = name_length(rest);
    match &rest[..prefix] {
        b"" | b"b" | b"c" if rest.get(prefix) == Some(&b'"') => {
            at + prefix + quoted(&rest[prefix..])
        }
        b"r" | b"br" | b"cr" => at + raw(rest, prefix),
        b"" | b"b" if rest.get(prefix) == Some(&b'\'') => at + character(rest, prefix),
        _ => at,
    }
}

fn name_length(rest: &[u8]) -> usize {
    rest.iter()
        .position(|b| !(b.is_ascii_alphanumeric() || *b == b'_' || *b >= 0x80))
        .unwrap_or(rest.len())
}

fn position(bytes: &[u8], wanted: u8) -> Option<usize> {
    bytes.iter().position(|b| *b == wanted)
}

/// Block comments nest.
fn block_comment(rest: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// The length of a `"..."` with its quotes.
fn quoted(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// The length of `r#"..."#` (its prefix included), or 0 for a raw name (`r#type`).
fn raw(rest: &[u8], prefix: usize) -> usize {
    let hashes = rest[prefix..].iter().take_while(|b| **b == b'#').count();
    if rest.get(prefix + hashes) != Some(&b'"') {
        return 0;
    }
    let end: Vec<u8> = std::iter::once(b'"')
        .chain(std::iter::repeat_n(b'#', hashes))
        .collect();
    let body = prefix + hashes + 1;
    rest[body..]
        .windows(end.len())
        .position(|w| w == end)
        .map_or(rest.len(), |found| body + found + end.len())
}

/// The length of `'x'` or `'\n'`, or 0 for a lifetime.
fn character(rest: &[u8], prefix: usize) -> usize {
    let body = &rest[prefix + 1..];
    let length = match body.first() {
        Some(b'\\') => body
            .iter()
            .skip(2)
            .position(|b| *b == b'\'')
            .map(|found| found + 2),
        Some(first) => {
            // One character of one to four bytes, then the quote.
            let width = match first {
                0..0x80 => 1,
                0x80..0xe0 => 2,
                0xe0..0xf0 => 3,
                _ => 4,
            };
            (body.get(width) == Some(&b'\'')).then_some(width)
        }
        None => None,
    };
    length.map_or(0, |length| prefix + 1 + length + 1)
}
