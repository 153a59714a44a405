//! Reads a request's body within a size and a patience.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Version, header};
use http_body::Body;
use http_body_util::BodyExt as _;
use tokio::time::{Instant, timeout, timeout_at};

use crate::error::Problem;

/// Room set aside before a byte has come, however large a body is announced.
const FIRST_ROOM: usize = 64 * 1024;

/// How much of a refused request is read.
const DRAIN_BYTES: usize = 4 * 1024 * 1024;

/// How long that may take.
const DRAIN_PATIENCE: Duration = Duration::from_secs(2);

/// Refuses a request whose body is not declared to be plain JSON, or has no length
/// where the protocol needs one.
///
/// # Errors
/// 411 or 415.
pub(crate) fn require_json(version: Version, headers: &HeaderMap) -> Result<(), Problem> {
    require_plain(version, headers)?;
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map_or("", str::trim);
    let json = kind.eq_ignore_ascii_case("application/json")
        || kind
            .rsplit_once('+')
            .is_some_and(|(_, suffix)| suffix.eq_ignore_ascii_case("json"));
    if json {
        Ok(())
    } else {
        Err(Problem::not_json())
    }
}

/// Refuses a request whose body is packed, or has no length where the protocol needs
/// one.
///
/// # Errors
/// 411 or 415.
pub(crate) fn require_plain(version: Version, headers: &HeaderMap) -> Result<(), Problem> {
    let framed = headers.contains_key(header::CONTENT_LENGTH)
        || headers.contains_key(header::TRANSFER_ENCODING)
        || version > Version::HTTP_11;
    if !framed {
        return Err(Problem::length_required());
    }
    for encoding in headers.get_all(header::CONTENT_ENCODING) {
        if !encoding.as_bytes().eq_ignore_ascii_case(b"identity") {
            return Err(Problem::encoded(encoding.as_bytes()));
        }
    }
    Ok(())
}

/// The whole body: at most `limit` bytes, never `idle` without a byte, and within
/// `total`.
///
/// # Errors
/// 413 when it is larger (before reading, if its length is announced), 408 when
/// it comes too slowly, 400 when it breaks off.
pub(crate) async fn read<B>(
    body: &mut B,
    limit: usize,
    (idle, total): (Duration, Duration),
) -> Result<Bytes, Problem>
where
    B: Body<Data = Bytes> + Unpin,
{
    if body.size_hint().lower() > limit as u64 {
        return Err(Problem::too_large(limit));
    }
    let end = Instant::now() + total;
    let expected = body.size_hint().exact();
    let mut first = Bytes::new();
    let mut whole = BytesMut::new();
    loop {
        let frame = match timeout_at(end.min(Instant::now() + idle), body.frame()).await {
            Err(_) => return Err(Problem::slow_body()),
            Ok(None) => break,
            Ok(Some(Err(_))) => return Err(Problem::invalid("the request body broke off")),
            Ok(Some(Ok(frame))) => frame,
        };
        let Ok(data) = frame.into_data() else {
            continue;
        };
        let have = first.len() + whole.len();
        if have + data.len() > limit {
            return Err(Problem::too_large(limit));
        }
        if have == 0 {
            first = data;
            continue;
        }
        if whole.is_empty() {
            let announced = expected.and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
            whole.reserve(announced.clamp(have + data.len(), FIRST_ROOM.max(have + data.len())));
            whole.extend_from_slice(&first);
            first = Bytes::new();
        }
        whole.extend_from_slice(&data);
    }
    Ok(if whole.is_empty() {
        first
    } else {
        whole.freeze()
    })
}

/// Reads what a client still sends of a request that is refused: closing on it
/// would take the refusal away before the client has read it. Within bounds.
pub(crate) async fn drain<B>(body: &mut B)
where
    B: Body<Data = Bytes> + Unpin,
{
    let reading = async {
        let mut size = 0;
        while let Some(Ok(frame)) = body.frame().await {
            size += frame.data_ref().map_or(0, Bytes::len);
            if size > DRAIN_BYTES {
                return;
            }
        }
    };
    // Whoever is slower than that may miss the refusal.
    let _ = timeout(DRAIN_PATIENCE, reading).await;
}
