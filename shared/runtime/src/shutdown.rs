//! Ending well: the first SIGTERM or SIGINT drains, the second ends at once.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Tells every part of the process that it is ending. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    drain: CancellationToken,
    abort: CancellationToken,
}

impl Shutdown {
    /// One that only [`Self::begin`] and [`Self::abort`] move.
    pub fn new() -> Self {
        Self::default()
    }

    /// One that also follows the process's signals.
    ///
    /// # Errors
    /// When the signals cannot be listened to.
    pub fn on_signals() -> std::io::Result<Self> {
        let shutdown = Self::new();
        let terminate = signal(SignalKind::terminate())?;
        let interrupt = signal(SignalKind::interrupt())?;
        tokio::spawn(shutdown.clone().follow(terminate, interrupt));
        Ok(shutdown)
    }

    /// Takes no new work and finishes what is under way.
    pub fn begin(&self) {
        self.drain.cancel();
    }

    /// Drops what is under way.
    pub fn abort(&self) {
        self.drain.cancel();
        self.abort.cancel();
    }

    /// Whether the process is ending.
    pub fn is_draining(&self) -> bool {
        self.drain.is_cancelled()
    }

    /// Whether it is to end at once.
    pub fn is_aborted(&self) -> bool {
        self.abort.is_cancelled()
    }

    /// Resolves when the process begins to end.
    pub async fn draining(&self) {
        self.drain.cancelled().await;
    }

    /// Resolves when the process is to end at once.
    pub async fn aborted(&self) {
        self.abort.cancelled().await;
    }

    /// The token behind [`Self::draining`], for code that takes one.
    pub fn token(&self) -> CancellationToken {
        self.drain.clone()
    }

    async fn follow(self, mut terminate: Signal, mut interrupt: Signal) {
        loop {
            let name = tokio::select! {
                received = terminate.recv() => received.map(|()| "SIGTERM"),
                received = interrupt.recv() => received.map(|()| "SIGINT"),
            };
            let Some(name) = name else { return };
            if self.is_draining() {
                tracing::warn!(signal = name, "second signal, ending at once");
                self.abort();
                return;
            }
            tracing::info!(signal = name, "ending after what is under way");
            self.begin();
        }
    }
}

#[cfg(test)]
mod tests;
