//! What the tests stand on: a nats-server that dies with its test, records that
//! fit a chain, and the two logs behind one face.

mod bench;
mod nats;
mod records;

use std::time::Duration;

use tokio::time::Instant;

pub(crate) use bench::Bench;
pub(crate) use nats::{NatsServer, Shape};
pub(crate) use records::{Chain, claim, config, filler};

/// How long anything may take that should come about by itself.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// How much a drill does: `long` in a nightly run (`tests/run --nightly`).
pub(crate) fn nightly<T>(short: T, long: T) -> T {
    if std::env::var_os("FOLDGATE_NIGHTLY").is_some() {
        long
    } else {
        short
    }
}

/// Waits until `done` answers something.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    done: impl Fn() -> F,
) -> T {
    let deadline = Instant::now() + LIMIT;
    loop {
        if let Some(found) = done().await {
            return found;
        }
        assert!(Instant::now() < deadline, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
