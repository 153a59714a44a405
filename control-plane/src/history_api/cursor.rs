//! Cursors: where the next page begins. To clients they are opaque; here they
//! name a place and the question it belongs to, so that one that was made up,
//! cut short or sent with another question is refused and never answered with
//! some other page.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use foldgate_proto::{OwnerId, RecordHash};

use crate::error::Error;

const VERSION: u8 = 1;

/// The question that pages belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Question([u8; 8]);

impl Question {
    /// Made of the owner, the route, and the parameters that choose what comes.
    pub(super) fn new(owner: OwnerId, route: &str, parameters: &[Option<&str>]) -> Self {
        let text = format!("{owner} {route} {parameters:?}");
        Self(first(RecordHash::of(text.as_bytes())))
    }

    /// The cursor of a place.
    pub(super) fn cursor(self, place: u64) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&self.0);
        bytes.extend_from_slice(&place.to_be_bytes());
        let sum: [u8; 4] = first(RecordHash::of(&bytes));
        bytes.extend_from_slice(&sum);
        BASE64.encode(bytes)
    }

    /// The place a cursor names.
    ///
    /// # Errors
    /// It is none of ours, or of another question.
    pub(super) fn place(self, cursor: &str) -> Result<u64, Error> {
        let unknown = || {
            let problem = "is no cursor of this history: send next_cursor as an answer gave it, or \
                           none to begin";
            Error::field("cursor", problem)
        };
        let bytes = BASE64.decode(cursor).map_err(|_| unknown())?;
        let (body, sum) = bytes.split_last_chunk::<4>().ok_or_else(unknown)?;
        if first::<4>(RecordHash::of(body)) != *sum {
            return Err(unknown());
        }
        let rest = body.strip_prefix(&[VERSION]).ok_or_else(unknown)?;
        let (question, place) = rest.split_first_chunk::<8>().ok_or_else(unknown)?;
        let place = <[u8; 8]>::try_from(place).map_err(|_| unknown())?;
        if *question != self.0 {
            let problem = "belongs to another question: send it with the parameters it came from, \
                           or none to begin";
            return Err(Error::field("cursor", problem));
        }
        Ok(u64::from_be_bytes(place))
    }
}

fn first<const N: usize>(hash: RecordHash) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&hash.0[..N]);
    bytes
}

#[cfg(test)]
mod tests;
