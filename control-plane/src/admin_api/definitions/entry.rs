//! A definition as the admin API shows it, and many of them as one array.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use foldgate_proto::{Definition, Revision};
use futures_util::stream;
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

/// How long a piece of a list grows before it is handed on, in bytes; it may be
/// longer by one entry.
const PIECE_BYTES: usize = 64 * 1024;

/// One definition. Where its secrets stand, its value holds their masks.
#[derive(Debug, Serialize)]
pub(super) struct Entry<'d> {
    id: Uuid,
    /// As it is stored, numbers to the digit; null if that is no JSON, which no
    /// program of ours writes.
    value: Option<&'d RawValue>,
    revision: Revision,
}

impl<'d> Entry<'d> {
    /// What is shown of a definition.
    pub(super) fn of(definition: &'d Definition) -> Self {
        Self {
            id: definition.id.0,
            value: serde_json::from_str(&definition.value.0).ok(),
            revision: definition.revision,
        }
    }
}

/// A JSON array of definitions. Short ones are written at once; of a long one each
/// piece is, when the client has taken those before it.
pub(super) fn list(definitions: Vec<Arc<Definition>>) -> Body {
    let mut pieces = Pieces {
        rest: definitions.into_iter(),
        begun: false,
        ended: false,
    };
    let first = pieces.next().unwrap_or_default();
    if pieces.ended {
        return Body::from(first);
    }
    let all = std::iter::once(first).chain(pieces);
    Body::from_stream(stream::iter(all.map(Ok::<_, Infallible>)))
}

/// The text of an array, piece by piece.
struct Pieces {
    rest: std::vec::IntoIter<Arc<Definition>>,
    begun: bool,
    ended: bool,
}

impl Iterator for Pieces {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        if self.ended {
            return None;
        }
        let mut piece = Vec::with_capacity(PIECE_BYTES / 4);
        while piece.len() < PIECE_BYTES {
            let Some(definition) = self.rest.next() else {
                if !self.begun {
                    piece.push(b'[');
                }
                piece.push(b']');
                self.ended = true;
                break;
            };
            piece.push(if self.begun { b',' } else { b'[' });
            self.begun = true;
            let shown = serde_json::to_vec(&Entry::of(&definition));
            // Of text and numbers alone, it can always be written.
            piece.extend(shown.unwrap_or_else(|_| b"null".to_vec()));
        }
        Some(Bytes::from(piece))
    }
}

#[cfg(test)]
mod tests;
