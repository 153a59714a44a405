//! Metrics in Prometheus form. Code counts through the `metrics` facade; a hot
//! path takes its handles once (`metrics::counter!` looks a name up in a map,
//! a kept `Counter` is one atomic addition).

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use ::metrics::{Unit, describe_gauge, gauge};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use crate::Shutdown;

mod process;

/// Seconds: from a local answer to a long generation.
const SECONDS: [f64; 16] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0,
    300.0,
];

/// Histograms keep their samples until someone collects them; this often at least.
const UPKEEP: Duration = Duration::from_secs(5);

static INSTALLED: OnceLock<Metrics> = OnceLock::new();

/// Held while something is being installed: the facade takes a recorder before
/// [`INSTALLED`] can have it, and whoever came in between would find neither.
static INSTALLING: Mutex<()> = Mutex::new(());

/// The process's metrics. Cheap to clone.
#[derive(Clone)]
pub struct Metrics(Arc<PrometheusHandle>);

/// The facade already leads elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("another metrics recorder is installed in this process")]
pub struct Error;

impl Metrics {
    /// Leads the `metrics` facade here; a second call gives the same metrics.
    ///
    /// # Errors
    /// When something else was installed before.
    pub fn install(version: &'static str) -> Result<Self, Error> {
        let _alone = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(installed) = INSTALLED.get() {
            return Ok(installed.clone());
        }
        let recorder = PrometheusBuilder::new()
            .set_buckets(&SECONDS)
            // Refused only when the list is empty.
            .unwrap_or_default()
            .build_recorder();
        let metrics = Self(Arc::new(recorder.handle()));
        ::metrics::set_global_recorder(recorder).map_err(|_| Error)?;
        let metrics = INSTALLED.get_or_init(|| metrics).clone();
        process::describe();
        describe_gauge!(
            "foldgate_build_info",
            Unit::Count,
            "1, with the program's version"
        );
        gauge!("foldgate_build_info", "version" => version).set(1.0);
        Ok(metrics)
    }

    /// Everything counted so far, as text.
    pub fn render(&self) -> String {
        process::sample();
        self.0.render()
    }

    /// Keeps histograms from growing while nobody asks for them, until shutdown.
    pub async fn upkeep(self, shutdown: Shutdown) {
        let mut tick = tokio::time::interval(UPKEEP);
        loop {
            tokio::select! {
                () = shutdown.draining() => return,
                _ = tick.tick() => self.0.run_upkeep(),
            }
        }
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

#[cfg(test)]
mod tests;
