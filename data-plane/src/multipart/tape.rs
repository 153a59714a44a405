//! The part of a form that comes while it is sent. Of its beginning a tape is kept, so
//! that a short one can be sent again.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::Body as _;
use tokio::time::{Instant, Sleep, sleep_until};

use super::{MAX_FORM_BYTES, Priced, Scanner, TAPE_BYTES, problem};
use crate::body::Inbound;
use crate::error::Problem;

/// Where a tape comes from.
pub(super) struct Source {
    /// The client.
    pub(super) body: Inbound,
    /// What watches it.
    pub(super) scanner: Scanner,
    /// How much may come.
    pub(super) left: u64,
    /// How long the client may be silent.
    pub(super) idle: Duration,
    /// When it must be done.
    pub(super) end: Instant,
    /// How much will come, if the client says.
    pub(super) exact: Option<u64>,
}

/// What is still to come of a form, for one reader after the other.
#[derive(Clone)]
pub(crate) struct Tape(Arc<Mutex<Reel>>);

struct Reel {
    source: Source,
    kept: Vec<Bytes>,
    size: usize,
    /// Whether it is longer than what is kept.
    torn: bool,
    ended: bool,
    read: u64,
    /// Which reader has it now.
    reader: u64,
    /// When an upstream last asked for more.
    asked: Instant,
    fault: Option<Problem>,
}

/// One reading of a tape.
pub(crate) struct Rest {
    tape: Tape,
    reader: u64,
    at: usize,
    alarm: Option<Pin<Box<Sleep>>>,
}

/// The form did not come to its end.
#[derive(Debug, thiserror::Error)]
#[error("the form did not come to its end")]
pub(crate) struct Spoilt;

impl Tape {
    pub(super) fn new(source: Source) -> Self {
        Self(Arc::new(Mutex::new(Reel {
            source,
            kept: Vec::new(),
            size: 0,
            torn: false,
            ended: false,
            read: 0,
            reader: 0,
            asked: Instant::now(),
            fault: None,
        })))
    }

    /// Reads it from its beginning; whoever read it before reads no more.
    pub(crate) fn rest(&self) -> Rest {
        let mut reel = self.reel();
        reel.reader += 1;
        reel.asked = Instant::now();
        Rest {
            tape: self.clone(),
            reader: reel.reader,
            at: 0,
            alarm: None,
        }
    }

    /// Whether its beginning is still there.
    pub(crate) fn is_whole(&self) -> bool {
        !self.reel().torn
    }

    /// What is wrong with it, on the client's side.
    pub(crate) fn fault(&self) -> Option<Problem> {
        self.reel().fault.clone()
    }

    /// When an upstream last asked for more of it.
    pub(crate) fn asked(&self) -> Instant {
        self.reel().asked
    }

    /// How much of it has come, in bytes.
    pub(crate) fn read(&self) -> u64 {
        self.reel().read
    }

    /// What the form says that it is billed by, as far as it has come.
    pub(crate) fn priced(&self) -> Priced {
        self.reel().source.scanner.priced().clone()
    }

    fn reel(&self) -> MutexGuard<'_, Reel> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rest {
    /// The next piece.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Spoilt>>> {
        let tape = self.tape.clone();
        let mut reel = tape.reel();
        if reel.reader != self.reader || reel.fault.is_some() {
            return Poll::Ready(Some(Err(Spoilt)));
        }
        if let Some(piece) = reel.kept.get(self.at) {
            self.at += 1;
            return Poll::Ready(Some(Ok(piece.clone())));
        }
        if reel.ended {
            return Poll::Ready(None);
        }
        reel.asked = Instant::now();
        match reel.fetch(cx) {
            Poll::Ready(next) => {
                self.alarm = None;
                self.at = reel.kept.len();
                Poll::Ready(next)
            }
            Poll::Pending => {
                let until = reel.source.end.min(reel.asked + reel.source.idle);
                let alarm = self
                    .alarm
                    .get_or_insert_with(|| Box::pin(sleep_until(until)));
                ready!(alarm.as_mut().poll(cx));
                Poll::Ready(Some(Err(reel.spoil(Problem::slow_body()))))
            }
        }
    }

    /// How much it has, in bytes, if the client said.
    pub(crate) fn exact(&self) -> Option<u64> {
        self.tape.reel().source.exact
    }
}

impl Reel {
    fn fetch(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Spoilt>>> {
        loop {
            let frame = ready!(Pin::new(&mut self.source.body).poll_frame(cx));
            let frame = match frame {
                Some(Ok(frame)) => frame,
                Some(Err(_)) => {
                    let broken = Problem::invalid("the request body broke off");
                    return Poll::Ready(Some(Err(self.spoil(broken))));
                }
                None => {
                    if let Err(wrong) = self.source.scanner.finish() {
                        return Poll::Ready(Some(Err(self.spoil(problem(wrong)))));
                    }
                    self.ended = true;
                    return Poll::Ready(None);
                }
            };
            if let Ok(data) = frame.into_data()
                && !data.is_empty()
            {
                return Poll::Ready(Some(self.take(data)));
            }
        }
    }

    fn take(&mut self, data: Bytes) -> Result<Bytes, Spoilt> {
        self.read += data.len() as u64;
        if self.read > self.source.left {
            return Err(self.spoil(Problem::too_large_form(MAX_FORM_BYTES)));
        }
        if let Err(wrong) = self.source.scanner.feed(&data) {
            return Err(self.spoil(problem(wrong)));
        }
        if !self.torn && self.size + data.len() <= TAPE_BYTES {
            self.size += data.len();
            self.kept.push(data.clone());
        } else {
            self.torn = true;
            self.kept = Vec::new();
        }
        Ok(data)
    }

    fn spoil(&mut self, problem: Problem) -> Spoilt {
        self.fault.get_or_insert(problem);
        Spoilt
    }
}
