//! `If-Match`: a write that only counts while its resource is as the client saw
//! it; `If-None-Match`: a read that only answers where it is not. ETags are revisions.

use foldgate_proto::Revision;
use http::HeaderMap;
use http::header::{IF_MATCH, IF_NONE_MATCH};

use crate::error::Error;

/// The most ETags one header may name.
const MAX_TAGS: usize = 16;

/// The revisions a client accepts; `None` is any (`*`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IfMatch(pub Option<Vec<Revision>>);

impl IfMatch {
    /// Whether it names what the client saw.
    pub(crate) const fn names(&self) -> bool {
        self.0.is_some()
    }

    /// Reads the header, if it is there.
    ///
    /// # Errors
    /// A value that holds no ETags of ours.
    pub(crate) fn read(headers: &HeaderMap) -> Result<Option<Self>, Error> {
        let mut tags = Vec::new();
        for value in headers.get_all(IF_MATCH) {
            for tag in value.to_str().map_err(|_| refused())?.split(',') {
                match tag.trim() {
                    "*" => return Ok(Some(Self(None))),
                    tag => tags.push(revision(tag).ok_or_else(refused)?),
                }
            }
        }
        match tags.len() {
            0 => Ok(None),
            count if count > MAX_TAGS => Err(refused()),
            _ => Ok(Some(Self(Some(tags)))),
        }
    }
}

fn revision(tag: &str) -> Option<Revision> {
    let digits = tag.strip_prefix('"')?.strip_suffix('"')?;
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse().ok().map(Revision)).flatten()
}

fn refused() -> Error {
    let problem = "must be * or ETags as answers give them, such as \"12\"";
    Error::field("If-Match", problem)
}

/// Whether `If-None-Match` says that the client has what this ETag stands for. What is
/// no ETag of ours matches nothing.
pub(crate) fn has(headers: &HeaderMap, etag: &[u8]) -> bool {
    let given = headers.get_all(IF_NONE_MATCH).iter();
    let mut tags = given
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim);
    tags.any(|tag| tag == "*" || tag.trim_start_matches("W/").as_bytes() == etag)
}

/// A revision as an ETag.
pub(crate) fn etag(revision: Revision) -> String {
    format!("\"{revision}\"")
}
