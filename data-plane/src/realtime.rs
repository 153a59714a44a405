//! Realtime sessions: a WebSocket at `/v1/realtime?model=`, from the client through to
//! a provider key that is chosen as for any other call.
//!
//! The handshake is the two ends' own (the client's key and the provider's proof of it
//! pass), so what follows is relayed as it comes, both ways, without being put together
//! and taken apart again: no frame is changed or masked anew. Frames are only followed,
//! to know where one ends and to read beside it what the session is paid for (`talk`) and
//! which models the client wants in it: `session.update` names the one that writes down
//! what is heard, which must be among the caller's allowed models as the session's own is.
//! A library that owns the socket (tokio-tungstenite) would hold up each piece of sound
//! until it is whole. Extensions are not passed on: compressed frames could not be read.
//!
//! | a session ends when | the client is told |
//! |---|---|
//! | either end closes | that end's own code |
//! | nothing moves, either way, for the longest silence of a stream | 1001 |
//! | the process is shutting down | 1001 |
//! | the caller's key is no longer good, its money is spent, or it wants a model that it may not use | 1008 |
//! | an event of the client's is longer than the longest request body | 1009 |
//! | the provider's connection breaks | 1011 |

mod frames;
mod handshake;
mod pump;
mod talk;
mod tally;

use std::time::Duration;

use foldgate_runtime::Taken;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncWrite, AsyncWriteExt as _, split};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use crate::account::{Account, End};
use crate::pools::Held;
use frames::{Close, Frames};
pub(crate) use handshake::{asked_key, downward, upward};
use pump::{Meter, Over, Pump};
use tally::Tally;

/// How often a session's ends are looked for.
const LOOK: Duration = Duration::from_millis(500);

/// How long the other end may take to answer a close.
const PARTING: Duration = Duration::from_secs(5);

/// The largest event of a provider's that is read.
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
    /// Whether the caller may use a model of this name besides the session's own.
    pub(crate) allows: Box<dyn Fn(&str) -> bool + Send + Sync>,
    /// The longest event of the client's, in bytes.
    pub(crate) longest: usize,
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
        let tally = Tally::of(&mut account);
        let meter = Meter::default();
        let mut up = Pump::new(client_read, Frames::of_client(terms.longest));
        let mut down = Pump::new(upstream_read, Frames::of_upstream(MAX_EVENT_BYTES));
        let (requested, model) = (account.requested.clone(), account.model.clone());
        let allows = |name: &str| name == requested || name == model || (terms.allows)(name);
        let said = |event: &[u8]| tally.client(event, allows);
        let heard = |event: &[u8]| {
            tally.provider(event);
            Ok(())
        };
        let mut ending = tokio::select! {
            over = up.run(&mut upstream_write, &meter, said) => Ending::of(over, Ending::Left),
            over = down.run(&mut client_write, &meter, heard) => Ending::of(over, Ending::Broken),
            close = terms.look(&meter) => Ending::Ours(close),
        };
        if matches!(ending, Ending::Closed) {
            // One end has said that it closes; the other may still answer.
            let answer = async {
                if !down.is_closed() {
                    down.run(&mut client_write, &meter, heard).await
                } else if !up.is_closed() {
                    up.run(&mut upstream_write, &meter, said).await
                } else {
                    Over::Closed
                }
            };
            if let Ok(Over::Refused(close)) = timeout(PARTING, answer).await {
                ending = Ending::Ours(close);
            }
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
        tally.close(&mut account);
        drop(held);
    }
}

impl Ending {
    /// As one direction ended; `gone` where its own end did without a word.
    fn of(over: Over, gone: Self) -> Self {
        match (over, gone) {
            (Over::Closed, _) => Self::Closed,
            (Over::Refused(close), _) => Self::Ours(close),
            (Over::Ended, gone) => gone,
            (Over::Unwritten, Self::Left) => Self::Broken,
            (Over::Unwritten, _) => Self::Left,
        }
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

#[cfg(test)]
mod tests;
