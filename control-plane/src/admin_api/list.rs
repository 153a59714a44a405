//! Long arrays, written in pieces as fast as the client takes them: a list of the
//! largest size holds up nobody else.

use std::convert::Infallible;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use uuid::Uuid;

use super::page::{Page, Part};
use crate::auth::Authenticated;
use crate::reply;

/// How long a piece grows before it is handed on, in bytes; it may be longer by
/// one entry.
const PIECE_BYTES: usize = 64 * 1024;

/// The answer that shows a page: its entries, and the headers that tell of it. The
/// next one begins behind the entry that `id` names.
pub(super) fn page<T: Send + 'static>(
    caller: &Authenticated,
    (page, part): (&Page, Part<T>),
    path: &str,
    id: impl Fn(&T) -> Uuid,
    show: impl FnMut(&T) -> String + Send + 'static,
) -> Response {
    let headers = page.headers(&part, path, id);
    let mut response = reply::read_body(caller, array(part.items, show));
    response.headers_mut().extend(headers);
    response
}

/// A JSON array of what `show` writes of each. Short ones are written at once; of a long one each piece is, when
/// the client has taken those before it.
fn array<T: Send + 'static>(
    items: Vec<T>,
    show: impl FnMut(&T) -> String + Send + 'static,
) -> Body {
    let mut pieces = Pieces {
        rest: items.into_iter(),
        show,
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
struct Pieces<T, F> {
    rest: std::vec::IntoIter<T>,
    show: F,
    begun: bool,
    ended: bool,
}

impl<T, F: FnMut(&T) -> String> Iterator for Pieces<T, F> {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        if self.ended {
            return None;
        }
        let mut piece = Vec::with_capacity(PIECE_BYTES / 4);
        while piece.len() < PIECE_BYTES {
            let Some(item) = self.rest.next() else {
                piece.extend_from_slice(if self.begun { b"]" } else { b"[]" });
                self.ended = true;
                break;
            };
            piece.push(if self.begun { b',' } else { b'[' });
            self.begun = true;
            piece.extend_from_slice((self.show)(&item).as_bytes());
        }
        Some(Bytes::from(piece))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{PIECE_BYTES, array};

    async fn written(count: usize) -> Value {
        let entry = "x".repeat(PIECE_BYTES / 10);
        let show = move |n: &usize| json!([n, entry]).to_string();
        let body = array((0..count).collect(), show);
        let bytes = axum::body::to_bytes(body, usize::MAX).await.expect("whole");
        serde_json::from_slice(&bytes).expect("JSON")
    }

    #[tokio::test]
    async fn an_array_is_whole_however_many_pieces_it_takes() {
        for count in [0, 1, 9, 10, 11, 35] {
            let read = written(count).await;
            let entries = read.as_array().expect("an array");
            assert_eq!(entries.len(), count);
            assert!(entries.iter().enumerate().all(|(n, entry)| entry[0] == n));
        }
    }
}
