//! Folds what nodes report beside the log: sleeps into [`Sleeps`], signs of life
//! into [`Fleet`], and a credential that was refused for good into a command.

use std::time::Duration;

use foldgate_log::{LOOK_AGAIN, Report, Reports};
use foldgate_proto::SleepReport;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::fleet::Fleet;
use crate::sleeps::Sleeps;

mod disable;

pub(crate) use disable::Disabler;

/// How often what is over is dropped.
const PRUNE: Duration = Duration::from_secs(10);

/// The pause before the last reports are asked for again.
const RETRY: Duration = Duration::from_secs(1);

/// Folds reports until it is stopped.
pub(crate) struct Folder {
    reports: Reports,
    sleeps: Sleeps,
    fleet: Fleet,
    disabler: Disabler,
}

impl Folder {
    /// A folder of these reports.
    pub(crate) const fn new(
        reports: Reports,
        sleeps: Sleeps,
        fleet: Fleet,
        disabler: Disabler,
    ) -> Self {
        Self {
            reports,
            sleeps,
            fleet,
            disabler,
        }
    }

    /// Runs until `stop` is cancelled.
    pub(crate) async fn run(self, stop: CancellationToken) {
        tokio::select! {
            () = self.hear(&stop) => {}
            () = self.look_again() => {}
        }
    }

    /// What was missed while a link was cut is still kept.
    async fn look_again(&self) {
        let mut again = self.reports.again(LOOK_AGAIN);
        loop {
            for report in &again.next().await {
                self.sleep(report);
            }
        }
    }

    async fn hear(&self, stop: &CancellationToken) {
        let mut heard = self.reports.subscribe();
        let mut prune = tokio::time::interval(PRUNE);
        // Subscribed first, loaded then: nothing is missed between the two.
        let mut behind = true;
        let retry = tokio::time::sleep(Duration::ZERO);
        tokio::pin!(retry);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = &mut retry, if behind => {
                    behind = !self.load().await;
                    retry.as_mut().reset(tokio::time::Instant::now() + RETRY);
                }
                _ = prune.tick() => {
                    let now = clock::now();
                    self.sleeps.prune(now);
                    self.fleet.prune(now);
                }
                report = heard.recv() => match report {
                    Ok(report) => self.fold(&report),
                    Err(broadcast::error::RecvError::Lagged(lost)) => {
                        tracing::warn!(lost, "reports came faster than they were folded");
                        behind = true;
                    }
                    Err(broadcast::error::RecvError::Closed) => return,
                },
            }
        }
    }

    async fn load(&self) -> bool {
        match self.reports.load().await {
            Ok(last) => {
                for report in &last {
                    self.sleep(report);
                }
                true
            }
            Err(error) => {
                tracing::debug!(%error, "the last sleep reports cannot be read yet");
                false
            }
        }
    }

    fn fold(&self, report: &Report) {
        match report {
            Report::Sleep(sleep) => self.sleep(sleep),
            // Each control plane judges by itself.
            Report::Purses(_) => {}
            Report::Heartbeat(heartbeat) => {
                self.fleet.fold(heartbeat, clock::now());
                for sleep in &heartbeat.sleeping {
                    self.sleep(sleep);
                }
            }
        }
    }

    fn sleep(&self, report: &SleepReport) {
        self.sleeps.fold(report, clock::now());
        self.disabler.consider(report);
    }
}
