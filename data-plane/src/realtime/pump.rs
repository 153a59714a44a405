//! One direction of a session.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::Instant;

use super::frames::{Close, Frames};

/// How much is read at once: some pieces of sound.
const BUFFER_BYTES: usize = 16 * 1024;

/// When something last moved.
pub(super) struct Meter {
    begun: Instant,
    millis: AtomicU64,
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            begun: Instant::now(),
            millis: AtomicU64::new(0),
        }
    }
}

impl Meter {
    fn moved(&self) {
        let millis = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.millis.store(millis, Ordering::Relaxed);
    }

    pub(super) fn last(&self) -> Instant {
        self.begun + Duration::from_millis(self.millis.load(Ordering::Relaxed))
    }
}

/// Why a direction is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// The end that it comes from has closed.
    Closed,
    /// That end is gone without a word.
    Ended,
    /// The other end takes no more.
    Unwritten,
    /// What came last may not pass, and did not.
    Refused(Close),
}

/// See the module.
pub(super) struct Pump<R> {
    from: R,
    frames: Frames,
    buffer: Vec<u8>,
    moved: u64,
    /// Whether all that was read is written.
    whole: bool,
}

impl<R: AsyncRead + Unpin> Pump<R> {
    pub(super) fn new(from: R, frames: Frames) -> Self {
        Self {
            from,
            frames,
            buffer: vec![0; BUFFER_BYTES],
            moved: 0,
            whole: true,
        }
    }

    /// Passes on what comes until its end closes, or `read` refuses an event: of that the
    /// other end has not all.
    pub(super) async fn run(
        &mut self,
        to: &mut (impl AsyncWrite + Unpin),
        meter: &Meter,
        mut read: impl FnMut(&[u8]) -> Result<(), Close>,
    ) -> Over {
        loop {
            let size = match self.from.read(&mut self.buffer).await {
                Ok(0) | Err(_) if self.frames.is_closed() => return Over::Closed,
                Ok(0) | Err(_) => return Over::Ended,
                Ok(size) => size,
            };
            meter.moved();
            let piece = self.buffer.get(..size).unwrap_or_default();
            self.whole = false;
            if let Err(close) = self.frames.feed(piece, &mut read) {
                return Over::Refused(close);
            }
            self.moved += size as u64;
            if to.write_all(piece).await.is_err() || to.flush().await.is_err() {
                return Over::Unwritten;
            }
            self.whole = true;
            if self.frames.is_closed() && self.frames.is_between() {
                return Over::Closed;
            }
        }
    }

    /// Whether the end that it comes from has closed.
    pub(super) const fn is_closed(&self) -> bool {
        self.frames.is_closed()
    }

    /// Whether what was passed on ends with a frame.
    pub(super) fn is_between_frames(&self) -> bool {
        self.whole && self.frames.is_between() && !self.frames.is_closed()
    }

    /// Bytes that were passed on.
    pub(super) const fn moved(&self) -> u64 {
        self.moved
    }
}
