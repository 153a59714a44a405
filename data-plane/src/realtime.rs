//! Realtime sessions: a WebSocket at `/v1/realtime?model=`, from the client through to
//! a provider key that is chosen as for any other call.
//!
//! The handshake is the two ends' own (the client's key and the provider's proof of it
//! pass), so what follows is relayed as it comes, both ways, without being put together
//! and taken apart again: no frame is copied or masked anew. Frames are only followed,
//! to know where one ends and to read the usage in the provider's `response.done`. A
//! library that owns the socket (tokio-tungstenite) would parse, copy and mask each
//! piece of sound for the sake of one event a turn. Extensions are not passed on:
//! compressed frames could not be read.
//!
//! | a session ends when | the client is told |
//! |---|---|
//! | either end closes | that end's own code |
//! | nothing moves, either way, for the longest silence of a stream | 1001 |
//! | the process is shutting down | 1001 |
//! | the caller's key is no longer good, or its money is spent | 1008 |
//! | the provider's connection breaks | 1011 |

mod frames;
mod handshake;
mod pump;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use foldgate_runtime::Taken;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncWrite, AsyncWriteExt as _, split};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use crate::account::bill::Bill;
use crate::account::{Account, End};
use crate::json::members;
use crate::pools::Held;
use crate::usage::Usage;
use frames::{Close, Frames};
pub(crate) use handshake::{asked_key, downward, upward};
use pump::{Meter, Over, Pump};

/// How often a session's ends are looked for.
const LOOK: Duration = Duration::from_millis(500);

/// How long the other end may take to answer a close.
const PARTING: Duration = Duration::from_secs(5);

/// The largest event that is read for its usage.
const MAX_EVENT_BYTES: usize = 1024 * 1024;

/// What a session hangs on.
pub(crate) struct Session {
    /// The provider's end, once it is there.
    pub(crate) upgrade: OnUpgrade,
    /// The key, in use until the end.
    pub(crate) held: Box<Held>,
    /// What is written down at its end.
    pub(crate) account: Box<Account>,
    /// When we end it.
    pub(crate) terms: Terms,
}

/// When we end a session.
pub(crate) struct Terms {
    /// How long nothing may move.
    pub(crate) silence: Duration,
    /// Whether the caller may still call.
    pub(crate) stands: Box<dyn Fn() -> bool + Send + Sync>,
    /// Whether the process is shutting down.
    pub(crate) draining: Box<dyn Fn() -> bool + Send + Sync>,
}

/// Why a session ends.
enum Ending {
    /// An end has closed.
    Closed,
    /// The client has left without a word.
    Left,
    /// The provider's connection broke.
    Broken,
    /// We end it.
    Ours(Close),
}

impl Session {
    /// Relays until the end.
    pub(crate) async fn run(self, client: Taken) {
        let Self {
            upgrade,
            held,
            mut account,
            terms,
        } = self;
        let Ok(upstream) = upgrade.await else {
            account.end = End::Broken;
            return;
        };
        let (client_read, mut client_write) = split(client);
        let (upstream_read, mut upstream_write) = split(TokioIo::new(upstream));
        let used = Mutex::new(Used::of(&mut account));
        let meter = Meter::default();
        let mut up = Pump::new(client_read, Frames::of_client());
        let mut down = Pump::new(upstream_read, Frames::of_upstream(MAX_EVENT_BYTES));
        let read = |event: &[u8]| add(&used, event);
        let ending = tokio::select! {
            over = up.run(&mut upstream_write, &meter, |_| ()) => match over {
                Over::Closed => Ending::Closed,
                Over::Ended => Ending::Left,
                Over::Unwritten => Ending::Broken,
            },
            over = down.run(&mut client_write, &meter, read) => match over {
                Over::Closed => Ending::Closed,
                Over::Ended => Ending::Broken,
                Over::Unwritten => Ending::Left,
            },
            close = terms.look(&meter) => Ending::Ours(close),
        };
        if matches!(ending, Ending::Closed) {
            // One end has said that it closes; the other may still answer.
            let answer = async {
                if !down.is_closed() {
                    down.run(&mut client_write, &meter, read).await;
                } else if !up.is_closed() {
                    up.run(&mut upstream_write, &meter, |_| ()).await;
                }
            };
            let _ = timeout(PARTING, answer).await;
        }
        let close = match ending {
            Ending::Closed | Ending::Left => None,
            Ending::Broken => Some(Close::BROKEN),
            Ending::Ours(close) => Some(close),
        };
        account.end = match ending {
            Ending::Broken => End::Broken,
            Ending::Left => End::Open,
            Ending::Closed | Ending::Ours(_) => End::Done,
        };
        if let Some(close) = close {
            // Between two frames only: within one it would be a part of that.
            let up = up.is_between_frames().then(|| close.masked().to_vec());
            let down = down.is_between_frames().then(|| close.plain().to_vec());
            say(&mut upstream_write, up).await;
            say(&mut client_write, down).await;
        }
        let _ = timeout(PARTING, client_write.shutdown()).await;
        account.bytes_in = up.moved();
        account.bytes_out = down.moved();
        let used = used.into_inner().unwrap_or_else(PoisonError::into_inner);
        used.close(&mut account);
        drop(held);
    }
}

impl Terms {
    /// Waits until we have to end it.
    async fn look(&self, meter: &Meter) -> Close {
        let mut tick = interval(LOOK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            if (self.draining)() || meter.last() + self.silence <= Instant::now() {
                return Close::AWAY;
            }
            if !(self.stands)() {
                return Close::REFUSED;
            }
        }
    }
}

/// Writes a last frame, to an end that may no longer take it.
async fn say(to: &mut (impl AsyncWrite + Unpin), frame: Option<Vec<u8>>) {
    if let Some(frame) = frame {
        let _ = timeout(PARTING, to.write_all(&frame)).await;
    }
}

/// What a session has used until now.
struct Used {
    usage: Option<Usage>,
    bill: Option<Bill>,
}

impl Used {
    fn of(account: &mut Account) -> Self {
        Self {
            usage: None,
            bill: account.bill.take(),
        }
    }

    fn close(self, account: &mut Account) {
        account.usage = self.usage;
        account.bill = self.bill;
        account.whole = account.end == End::Done;
        account.settle();
    }
}

/// Adds the usage of an event, if it is one that has some.
fn add(sum: &Mutex<Used>, event: &[u8]) {
    let read = || {
        let text = std::str::from_utf8(event).ok()?;
        let [kind, response] = members(text, &["type", "response"]).ok()?.values;
        if kind != Some("\"response.done\"") {
            return None;
        }
        let [usage] = members(response?, &["usage"]).ok()?.values;
        Usage::read(usage?)
    };
    if memchr::memmem::find(event, b"response.done").is_some()
        && let Some(usage) = read()
    {
        let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
        let all = sum.usage.unwrap_or_default().plus(&usage);
        sum.usage = Some(all);
        if let Some(bill) = &mut sum.bill {
            bill.used(all.0);
        }
    }
}

#[cfg(test)]
mod tests;
