//! `If-Match` and `If-None-Match`: a write that only counts while its resource is, or is
//! not, as the client saw it, and a read that only answers where it is not. ETags are
//! revisions; what else is a well-formed ETag (RFC 9110, 8.8.3) is that of no resource.

use foldgate_domain::command::Seen;
use foldgate_proto::Revision;
use http::header::{HeaderName, IF_MATCH, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue};

use crate::error::Error;

/// The most ETags one header may name.
const MAX_TAGS: usize = 16;

/// An ETag as a client names it.
struct Tag<'v> {
    /// Whether it stands for what is only alike.
    weak: bool,
    /// It, with its quotes.
    quoted: &'v [u8],
}

impl Tag<'_> {
    /// The revision that it is the ETag of, letter by letter.
    fn revision(&self) -> Option<Revision> {
        let text = std::str::from_utf8(self.quoted).ok()?;
        let digits = text.strip_prefix('"')?.strip_suffix('"')?;
        let revision = digits.parse().ok().map(Revision)?;
        (etag(revision) == text).then_some(revision)
    }
}

/// What `If-Match` says that the client saw. What is only alike is not the same: a weak
/// ETag matches nothing.
///
/// # Errors
/// A value that is neither `*` nor ETags.
pub(crate) fn one_of(headers: &HeaderMap) -> Result<Option<Seen>, Error> {
    seen(headers, (&IF_MATCH, "If-Match"), |tag| !tag.weak)
}

/// What `If-None-Match` says of a write that the resource may not be.
///
/// # Errors
/// As [`one_of`].
pub(crate) fn none_of(headers: &HeaderMap) -> Result<Option<Seen>, Error> {
    seen(headers, (&IF_NONE_MATCH, "If-None-Match"), |_| true)
}

fn seen(
    headers: &HeaderMap,
    (header, spoken): (&HeaderName, &str),
    counts: fn(&Tag<'_>) -> bool,
) -> Result<Option<Seen>, Error> {
    let values: Vec<&HeaderValue> = headers.get_all(header).iter().collect();
    match values.as_slice() {
        [] => return Ok(None),
        [any] if is_any(any) => return Ok(Some(Seen::Any)),
        _ => {}
    }
    let tags: Option<Vec<Vec<Tag<'_>>>> = values.into_iter().map(tags).collect();
    let tags: Vec<Tag<'_>> = tags.into_iter().flatten().flatten().collect();
    if !(1..=MAX_TAGS).contains(&tags.len()) {
        let problem = format!("must be * or 1 to {MAX_TAGS} ETags in quotes, such as \"12\"");
        return Err(Error::field(spoken.to_owned(), problem));
    }
    let ours = tags.iter().filter(|tag| counts(tag));
    Ok(Some(Seen::At(ours.filter_map(Tag::revision).collect())))
}

fn is_any(value: &HeaderValue) -> bool {
    value.as_bytes().trim_ascii() == b"*"
}

/// The ETags of a value, which commas part; `None` of one that holds anything else.
fn tags(value: &HeaderValue) -> Option<Vec<Tag<'_>>> {
    let mut tags = Vec::new();
    let mut rest = value.as_bytes().trim_ascii();
    while !rest.is_empty() {
        if let Some(behind) = rest.strip_prefix(b",") {
            // Empty elements are passed over.
            rest = behind.trim_ascii_start();
            continue;
        }
        let weak = rest.strip_prefix(b"W/");
        let quoted = weak.unwrap_or(rest);
        let inner = quoted.strip_prefix(b"\"")?;
        let end = inner.iter().position(|byte| *byte == b'"')?;
        let legal = |byte: &u8| byte.is_ascii_graphic() || !byte.is_ascii();
        if !inner[..end].iter().all(legal) {
            return None;
        }
        tags.push(Tag {
            weak: weak.is_some(),
            quoted: &quoted[..end + 2],
        });
        rest = quoted[end + 2..].trim_ascii_start();
        if !rest.is_empty() && !rest.starts_with(b",") {
            return None;
        }
    }
    Some(tags)
}

/// Whether `If-None-Match` of a read says that the client has what this ETag stands for.
/// A value that holds no ETags says nothing.
pub(crate) fn has(headers: &HeaderMap, etag: &[u8]) -> bool {
    let mut values = headers.get_all(IF_NONE_MATCH).iter();
    values.any(|value| {
        let mut tags = tags(value).into_iter().flatten();
        is_any(value) || tags.any(|tag| tag.quoted == etag)
    })
}

/// A revision as an ETag.
pub(crate) fn etag(revision: Revision) -> String {
    format!("\"{revision}\"")
}
