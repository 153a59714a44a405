//! Edits to bytes that leave every other byte as it is, without copying what
//! is large: the result is a list of slices of the original and of new text.

use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};

/// Up to this size an edited text is written as one piece: copying it costs
/// less than a second buffer in the write call.
const JOIN_BYTES: usize = 16 * 1024;

/// Replaces `at` by `text` (an insertion when `at` is empty).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edit {
    /// What goes.
    pub(crate) at: Range<usize>,
    /// What comes.
    pub(crate) text: Bytes,
}

impl Edit {
    /// Replaces `at` by `text`.
    pub(crate) fn replace(at: Range<usize>, text: impl Into<Bytes>) -> Self {
        Self {
            at,
            text: text.into(),
        }
    }
}

/// Bytes in pieces; a request body that can be sent more than once by cloning.
#[derive(Debug, Clone, Default)]
pub(crate) struct Segments {
    parts: Vec<Bytes>,
    next: usize,
}

impl Segments {
    /// The original with `edits` made; the very same bytes when there are none.
    /// Edits must not overlap; one outside the original is left out.
    pub(crate) fn splice(source: &Bytes, mut edits: Vec<Edit>) -> Self {
        if edits.is_empty() {
            return Self::from(source.clone());
        }
        edits.sort_by_key(|edit| edit.at.start);
        let mut parts = Vec::with_capacity(edits.len() * 2 + 1);
        let mut from = 0;
        for edit in edits {
            if edit.at.start < from || edit.at.end < edit.at.start || edit.at.end > source.len() {
                continue;
            }
            parts.push(source.slice(from..edit.at.start));
            from = edit.at.end;
            parts.push(edit.text);
        }
        parts.push(source.slice(from..));
        Self::of(parts)
    }

    /// These pieces; small ones together are one.
    pub(crate) fn of(mut parts: Vec<Bytes>) -> Self {
        parts.retain(|part| !part.is_empty());
        let segments = Self { parts, next: 0 };
        if segments.len() <= JOIN_BYTES {
            return Self::from(segments.join());
        }
        segments
    }

    /// Bytes that are still to come.
    pub(crate) fn len(&self) -> usize {
        self.rest().map(Bytes::len).sum()
    }

    /// All that is still to come, as one piece.
    pub(crate) fn join(&self) -> Bytes {
        let mut whole = BytesMut::with_capacity(self.len());
        for part in self.rest() {
            whole.extend_from_slice(part);
        }
        whole.freeze()
    }

    /// The pieces that are still to come.
    pub(crate) fn rest(&self) -> impl Iterator<Item = &Bytes> {
        self.parts.iter().skip(self.next)
    }
}

impl From<Bytes> for Segments {
    /// Nothing at all is no piece: a body that has one, if an empty one, is announced.
    fn from(bytes: Bytes) -> Self {
        let parts = if bytes.is_empty() {
            Vec::new()
        } else {
            vec![bytes]
        };
        Self { parts, next: 0 }
    }
}

impl Body for Segments {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let next = self.next;
        let part = self.parts.get_mut(next).map(std::mem::take);
        self.next = next.saturating_add(1);
        Poll::Ready(part.map(|part| Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.next >= self.parts.len()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.len() as u64)
    }
}

#[cfg(test)]
mod tests;
