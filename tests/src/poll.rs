//! Waiting for something to become true: never a fixed sleep, always a deadline.

use std::time::{Duration, Instant};

/// Between two looks.
const STEP: Duration = Duration::from_millis(25);

/// How long tests wait for what should come soon. Generous: a machine with two
/// busy cores is slow, and a passing test never waits this long.
pub const SOON: Duration = Duration::from_secs(30);

/// Looks until the probe gives a value, and panics with the last reason when
/// `deadline` passes.
pub async fn eventually<T>(
    what: &str,
    deadline: Duration,
    mut probe: impl AsyncFnMut() -> Result<T, String>,
) -> T {
    let start = Instant::now();
    loop {
        match probe().await {
            Ok(value) => return value,
            Err(reason) if start.elapsed() >= deadline => {
                panic!("{what}: not within {deadline:?}: {reason}")
            }
            Err(_) => tokio::time::sleep(STEP).await,
        }
    }
}

/// Looks until a condition holds.
pub async fn holds(what: &str, deadline: Duration, mut condition: impl AsyncFnMut() -> bool) {
    eventually(what, deadline, async || {
        if condition().await {
            Ok(())
        } else {
            Err("it does not hold".to_owned())
        }
    })
    .await;
}

/// How much a drill does: `long` in a nightly run (`tests/run --nightly`).
pub fn nightly<T>(short: T, long: T) -> T {
    if std::env::var_os("FOLDGATE_NIGHTLY").is_some() {
        long
    } else {
        short
    }
}
