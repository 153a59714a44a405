//! Reads what upstreams have of jobs, within bounds: see the module of looks.

use std::time::Duration;

use foldgate_proto::{Job, JobKind, Measure};
use http::StatusCode;
use http_body_util::BodyExt as _;
use tokio::sync::SemaphorePermit;
use tokio::time::timeout;

use super::super::Proxy;
use super::look::LOOK_TIME;
use super::pay::Used;
use crate::error::Problem;
use crate::jobs::{Output, Seen, Skim};
use crate::relay::Body;

/// So much is read beside others, in bytes.
const SMALL: usize = 256 * 1024;

/// The largest object of a job that is held, and the longest line of an output, in bytes.
const MAX_BYTES: usize = 24 * 1024 * 1024;

/// How long the reading of an output takes at most.
const OUTPUT_TIME: Duration = Duration::from_mins(5);

impl Proxy {
    /// Bills a batch by what the lines of its output say.
    pub(super) async fn read_output(&self, job: &Job, seen: &Seen, id: &str) {
        let name = job.name();
        if !self.jobs.is_watched(name) {
            self.jobs.adopt(job.clone());
        }
        self.jobs.counts_by(name, id);
        let lines = match job.kind {
            JobKind::MessageBatch => "message_batch_results",
            JobKind::Batch | JobKind::Response => "file_content",
        };
        let asked = timeout(LOOK_TIME, self.ask(job, (lines, id))).await;
        let mut output = Output::default();
        let is_read = match asked.unwrap_or_else(|_| Err(Problem::late_answer())) {
            Ok(body) => {
                let read = timeout(OUTPUT_TIME, self.lines(body, &mut output)).await;
                matches!(read, Ok(Ok(())))
            }
            Err(problem) if problem.status == StatusCode::NOT_FOUND => false,
            Err(problem) => {
                tracing::debug!(id = job.id, %problem, "the output of a batch cannot be had");
                return;
            }
        };
        if !is_read {
            if !self.jobs.unread(name) {
                return;
            }
            tracing::warn!(
                id = job.id,
                "the output of a batch cannot be read to its end: it is billed as far as it came"
            );
        }
        let models = output.models();
        let is_partial = !is_read || !output.is_counted() || models.is_empty();
        if let Some(used) = seen.usage.filter(|_| is_partial) {
            // What is said of all of it says more.
            let mut named = models.iter().map(|(model, ..)| *model);
            let model = named.find(|model| !model.is_empty());
            let model = model.or(seen.model.as_deref()).unwrap_or_default();
            return self.pay(job, &Used::of(seen, model, used));
        }
        if models.is_empty() {
            return if is_read {
                self.jobs.ended(name);
            } else {
                self.pay_unsettled(job);
            };
        }
        let measure = if is_read && output.is_counted() {
            Measure::Reported
        } else {
            Measure::Estimated
        };
        let used = Used {
            models,
            measure,
            endpoint: seen.endpoint.as_deref(),
        };
        self.pay(job, &used);
    }

    /// What all of a body says; of one that is too large to be held, what its short members
    /// say.
    pub(super) async fn collected<T>(
        &self,
        mut body: Body,
        read: impl FnOnce(&[u8]) -> T,
    ) -> Result<T, Problem> {
        let (mut whole, mut turn) = (Vec::new(), None);
        let mut skim: Option<Skim> = None;
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_| Problem::bad_answer())?.into_data() else {
                continue;
            };
            if let Some(skim) = &mut skim {
                skim.take(&data);
                continue;
            }
            if whole.len() + data.len() <= MAX_BYTES {
                self.room_for(whole.len() + data.len(), &mut turn).await?;
                whole.extend_from_slice(&data);
                continue;
            }
            let skim = skim.insert(Skim::default());
            skim.take(&std::mem::take(&mut whole));
            skim.take(&data);
            turn = None;
        }
        Ok(read(&skim.map_or(whole, Skim::object)))
    }

    /// Takes the lines of an output. One that is too long is skipped.
    async fn lines(&self, mut body: Body, output: &mut Output) -> Result<(), Problem> {
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
