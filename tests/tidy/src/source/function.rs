//! Functions: their names, lengths and parameters.

use super::{closing, is_name, line_of};

/// A function with a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// The line of its `fn` (from 1).
    pub line: usize,
    /// Lines from `fn` to the closing brace, both counted.
    pub lines: usize,
    /// Parameters, `self` not counted.
    pub parameters: usize,
}

/// Every function with a body, in order.
pub(super) fn all(code: &str) -> Vec<Function> {
    code.match_indices("fn ")
        .filter(|(at, _)| !code[..*at].chars().next_back().is_some_and(is_name))
        .filter_map(|(at, _)| read(code, at))
        .collect()
}

fn read(code: &str, at: usize) -> Option<Function> {
    let after = at + 3;
    let name: String = code[after..].chars().take_while(|c| is_name(*c)).collect();
    if name.is_empty() {
        return None;
    }
    let open = parenthesis(code, after + name.len())?;
    let close = closing(code, open)?;
    let brace = body(code, close + 1)?;
    let end = closing(code, brace)?;
    let line = line_of(code, at);
    Some(Function {
        name,
        line,
        lines: line_of(code, end) - line + 1,
        parameters: parameters(&code[open + 1..close]),
    })
}

/// The parenthesis that opens the parameters, behind any generics.
fn parenthesis(code: &str, from: usize) -> Option<usize> {
    let mut angle = 0_usize;
    let mut last = b' ';
    for (offset, byte) in code.bytes().enumerate().skip(from) {
        match byte {
            b'<' => angle += 1,
            b'>' if last != b'-' => angle = angle.saturating_sub(1),
            b'(' if angle == 0 => return Some(offset),
            b'{' | b';' if angle == 0 => return None,
            _ => {}
        }
        last = byte;
    }
    None
}

/// The brace that opens the body; `None` for a declaration. An array type in
/// the result (`[u8; 32]`) ends nothing.
fn body(code: &str, from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(byte) = code.as_bytes().get(at) {
        match byte {
            b'{' => return Some(at),
            b';' => return None,
            b'[' | b'(' => at = closing(code, at)?,
            _ => {}
        }
        at += 1;
    }
    None
}

/// Counts parameters at the outermost level.
fn parameters(list: &str) -> usize {
    let mut depth = 0_usize;
    let mut before = ' ';
    let mut parts = vec![String::new()];
    for c in list.chars() {
        match c {
            '(' | '[' | '{' | '<' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '>' if before != '-' && before != '=' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => parts.push(String::new()),
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
        before = c;
    }
    parts
        .iter()
        .map(|part| part.trim_matches(|c: char| c == ',' || c.is_whitespace()))
        .filter(|part| !part.is_empty() && !is_self(part))
        .count()
}

fn is_self(part: &str) -> bool {
    let name = part.split(':').next().unwrap_or_default();
    name.rsplit([' ', '&']).next() == Some("self")
}
