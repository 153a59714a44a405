//! What may be shown of a secret: enough to tell two keys apart, too little to
//! help anyone guess one.

/// Characters shown at the end of a long secret.
const TAIL: usize = 4;

/// Characters shown at the start of one, at most: `sk-`, `sk-ant-`, `AIza`.
const HEAD: usize = 7;

/// A secret's prefix and last four characters (`sk-proj...wxyz`). Never more
/// than a third of it: a short one shows less, a very short one nothing. A PEM
/// block shows only its kind, because its ends are the same for every key and
/// what stands before them is key material.
pub fn mask(secret: &str) -> String {
    if let Some(kind) = pem_kind(secret) {
        return format!("[{kind}]");
    }
    let characters: Vec<char> = secret.chars().collect();
    let allowance = characters.len() / 3;
    let tail = allowance.min(TAIL);
    let head = (allowance - tail).min(HEAD);
    let shown = |part: &[char]| -> String {
        part.iter()
            .map(|c| match c {
                // A mask is one word on one line, so that it may stand where a key may.
                c if c.is_control() || c.is_whitespace() => '?',
                c => *c,
            })
            .collect()
    };
    format!(
        "{}...{}",
        shown(&characters[..head]),
        shown(&characters[characters.len() - tail..])
    )
}

/// The label of a PEM block (`PRIVATE KEY`), if the text is one.
fn pem_kind(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("-----BEGIN ")?;
    let (label, _) = rest.split_once("-----")?;
    let is_label = (1..=40).contains(&label.len())
        && label
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b == b' ' || b.is_ascii_digit());
    Some(if is_label { label } else { "PEM" })
}

#[cfg(test)]
mod tests;
