//! Reads what upstreams have of jobs, within bounds: see the module of looks.

use http_body_util::BodyExt as _;
use tokio::sync::SemaphorePermit;

use super::super::Proxy;
use crate::error::Problem;
use crate::jobs::Output;
use crate::relay::Body;

/// So much is read beside others, in bytes.
const SMALL: usize = 256 * 1024;

/// The largest object of a job, and the longest line of an output, in bytes.
const MAX_BYTES: usize = 24 * 1024 * 1024;

impl Proxy {
    /// What all of a body says.
    pub(super) async fn collected<T>(
        &self,
        mut body: Body,
        read: impl FnOnce(&[u8]) -> T,
    ) -> Result<T, Problem> {
        let (mut whole, mut turn) = (Vec::new(), None);
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_| Problem::bad_answer())?.into_data() else {
                continue;
            };
            self.room_for(whole.len() + data.len(), &mut turn).await?;
            whole.extend_from_slice(&data);
        }
        Ok(read(&whole))
    }

    /// Takes the lines of an output. One that is too long is skipped.
    pub(super) async fn lines(&self, mut body: Body, output: &mut Output) -> Result<(), Problem> {
        let (mut line, mut turn) = (Vec::new(), None);
        let mut is_skipped = false;
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_| Problem::bad_answer())?.into_data() else {
                continue;
            };
            for piece in data.split_inclusive(|byte| *byte == b'\n') {
                let size = line.len() + piece.len();
                if !is_skipped && size > MAX_BYTES {
                    is_skipped = true;
                    output.skip();
                    (line, turn) = (Vec::new(), None);
                }
                if !is_skipped {
                    self.room_for(size, &mut turn).await?;
                    line.extend_from_slice(piece);
                }
                if piece.ends_with(b"\n") {
                    if !is_skipped {
                        output.take(std::str::from_utf8(&line).unwrap_or_default());
                    }
                    is_skipped = false;
                    line.clear();
                    if turn.take().is_some() {
                        line = Vec::new();
                    }
                }
            }
        }
        output.take(std::str::from_utf8(&line).unwrap_or_default());
        Ok(())
    }

    /// Waits for its turn with what is not small.
    async fn room_for<'p>(
        &'p self,
        bytes: usize,
        turn: &mut Option<SemaphorePermit<'p>>,
    ) -> Result<(), Problem> {
        if bytes > MAX_BYTES {
            return Err(Problem::bad_answer());
        }
        if bytes > SMALL && turn.is_none() {
            let permit = self.reading.acquire().await;
            *turn = Some(permit.map_err(|_| Problem::internal())?);
        }
        Ok(())
    }
}
