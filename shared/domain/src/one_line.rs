//! Foreign words on one line: what stands between them, and how long they may be.
//! For whoever repeats an upstream's or a client's text after taking out of it
//! what must not travel on.

#[cfg(test)]
mod tests;

/// Appends what stands between two words: of white space and control characters
/// one blank is left.
pub fn push_gap(out: &mut String, gap: &str) {
    for c in gap.chars() {
        match c {
            c if c.is_whitespace() || c.is_control() => {
                if !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            c => out.push(c),
        }
    }
}

/// At most `max_chars` characters of a text, the last one an ellipsis where
/// something is left out.
pub fn shortened(text: &str, max_chars: usize) -> String {
    if text.chars().count() <= max_chars {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(max_chars.saturating_sub(1)).collect();
    if max_chars > 0 {
        short.push('…');
    }
    short
}
