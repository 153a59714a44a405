//! Rust source as the rules see it: comments and literals blanked out, with the
//! functions, the paths and the test regions found. A lexer, not a parser: it
//! needs to be right on this repository, and its tests show the hard cases.

mod blank;
mod function;
mod path;

#[cfg(test)]
mod tests;

pub use function::Function;
pub use path::UsedPath;

/// One Rust file.
#[derive(Debug)]
pub struct Source {
    /// The text with comments, strings and characters turned into spaces; lines
    /// and columns stay.
    pub code: String,
}

impl Source {
    /// Reads a file's text.
    pub fn new(text: &str) -> Self {
        Self {
            code: blank::literals(text),
        }
    }

    /// The same without the items under `#[cfg(test)]`.
    pub fn without_tests(text: &str) -> Self {
        let code = blank::literals(text);
        Self {
            code: blank::test_items(&code),
        }
    }

    /// Every function that has a body.
    pub fn functions(&self) -> Vec<Function> {
        function::all(&self.code)
    }

    /// Every path that is imported or written out (`std::fs::read`), with
    /// braces of imports multiplied out.
    pub fn paths(&self) -> Vec<UsedPath> {
        path::all(&self.code)
    }

    /// The lines (from 1) on which `token` stands with no name character on
    /// either side.
    pub fn lines_with(&self, token: &str) -> Vec<usize> {
        self.code
            .lines()
            .enumerate()
            .filter(|(_, line)| holds_token(line, token))
            .map(|(index, _)| index + 1)
            .collect()
    }
}

/// Whether a file is test code as a whole: a suite, a bench, a `tests.rs`, or
/// part of the crates under `tests/`.
pub fn is_test_file(path: &str) -> bool {
    path.starts_with("tests/")
        || path.contains("/tests/")
        || path.contains("/benches/")
        || path.ends_with("/tests.rs")
}

/// Whether `text` holds `token`, not as a part of a longer name.
pub fn holds_token(text: &str, token: &str) -> bool {
    text.match_indices(token).any(|(start, _)| {
        let free = |c: Option<char>| !c.is_some_and(is_name);
        let opens = !token.starts_with(is_name) || free(text[..start].chars().next_back());
        let closes = !token.ends_with(is_name) || free(text[start + token.len()..].chars().next());
        opens && closes
    })
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The line (from 1) of a byte offset.
fn line_of(code: &str, offset: usize) -> usize {
    code[..offset].bytes().filter(|b| *b == b'\n').count() + 1
}

/// The offset of the bracket that closes the one at `open`.
fn closing(code: &str, open: usize) -> Option<usize> {
    let (up, down) = match code.as_bytes().get(open)? {
        b'{' => (b'{', b'}'),
        b'(' => (b'(', b')'),
        b'[' => (b'[', b']'),
        _ => return None,
    };
    let mut depth = 0_usize;
    for (offset, byte) in code.bytes().enumerate().skip(open) {
        if byte == up {
            depth += 1;
        } else if byte == down {
            depth -= 1;
            if depth == 0 {
                return Some(offset);
            }
        }
    }
    None
}
