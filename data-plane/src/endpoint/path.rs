//! Paths, and the ids within them.

/// The longest id that is passed on, in bytes; those of every known upstream are far
/// shorter.
const MAX_ID_BYTES: usize = 256;

/// The path as a row with an id may write it, and the id: what follows the first name,
/// or the second.
pub(super) fn with_id(path: &str) -> impl Iterator<Item = (String, &str)> {
    let bare = path
        .strip_prefix("/v1")
        .filter(|rest| rest.starts_with('/'));
    let bare = bare.unwrap_or(path);
    let segments = bare.match_indices('/').skip(1).take(2);
    segments.filter_map(move |(slash, _)| {
        let rest = bare.get(slash + 1..)?;
        let id = rest.split('/').next().filter(|id| is_id(id))?;
        let at = path.len() - rest.len();
        let (before, behind) = (path.get(..at)?, rest.get(id.len()..)?);
        Some((format!("{before}{{id}}{behind}"), id))
    })
}

/// Whether a segment may be an upstream's id, which goes into the upstream's path as
/// it is.
fn is_id(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.:~".contains(&b);
    (1..=MAX_ID_BYTES).contains(&text.len())
        && text.bytes().all(plain)
        && !text.bytes().all(|b| b == b'.')
}

/// The text with `%2F` and the like turned back; what is no such sequence, or
/// would be no text, stays.
pub(crate) fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let digit = |at: usize| {
            let byte = behind.get(at).copied()?;
            char::from(byte)
                .to_digit(16)
                .and_then(|d| u8::try_from(d).ok())
        };
        if let (b'%', Some(high), Some(low)) = (first, digit(0), digit(1)) {
            bytes.push(high * 16 + low);
            rest = behind.get(2..).unwrap_or_default();
        } else {
            bytes.push(*first);
            rest = behind;
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}
