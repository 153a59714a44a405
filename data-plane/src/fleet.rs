//! What runs beside the requests: hearing what other nodes report, and keeping
//! sleeps over a restart.

use std::sync::Arc;
use std::time::Duration;

use foldgate_log::{LOOK_AGAIN, Report};
use foldgate_runtime::Shutdown;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{MissedTickBehavior, interval};

use crate::proxy::Proxy;

/// How often changed sleeps are written, and past ones dropped.
const TIDY: Duration = Duration::from_secs(1);

/// How often the reports kept for late joiners are asked for, until they are had.
const ASK_AGAIN: Duration = Duration::from_secs(3);

impl Proxy {
    /// Starts what runs beside the requests, until shutdown. The handle ends when calls
    /// that run on without their clients have, and the last sleeps are written.
    pub fn start(self: &Arc<Self>, shutdown: &Shutdown) -> tokio::task::JoinHandle<()> {
        let proxy = Arc::clone(self);
        let shutdown = shutdown.clone();
        let _ = self.shutdown.set(shutdown.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = proxy.hear() => {}
                () = proxy.look_again() => {}
                () = proxy.affinity.listen(&proxy.jobs) => {}
                () = proxy.tidy() => {}
                () = proxy.look_after_jobs() => {}
                () = proxy.meters.clone().speak() => {}
                () = proxy.meters.clone().hear() => {}
                () = shutdown.draining() => {}
            }
            proxy
                .runs_on
                .ended((proxy.settings.drain_timeout, &shutdown))
                .await;
            proxy.keep().await;
        })
    }

    async fn hear(&self) {
        let mut reports = self.deps.reports.subscribe();
        let mut ask = interval(ASK_AGAIN);
        ask.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut loaded = false;
        loop {
            tokio::select! {
                heard = reports.recv() => match heard {
                    Ok(report) => self.take(&report),
                    // Those that were missed come again with the next heartbeats.
                    Err(RecvError::Lagged(missed)) => {
                        tracing::warn!(missed, "too slow for the reports of other nodes");
                        loaded = false;
                    }
                    Err(RecvError::Closed) => return,
                },
                _ = ask.tick(), if !loaded => match self.deps.reports.load().await {
                    Ok(reports) => {
                        loaded = true;
                        for report in &reports {
                            self.deps.pools.hear(report);
                        }
                    }
                    Err(error) => tracing::debug!(%error, "the reports before now are not to be had yet"),
                },
            }
        }
    }

    /// What was missed while a link was cut is still kept.
    async fn look_again(&self) {
        let mut again = self.deps.reports.again(LOOK_AGAIN);
        loop {
            for report in &again.next().await {
                self.deps.pools.hear(report);
            }
        }
    }

    fn take(&self, report: &Report) {
        match report {
            Report::Sleep(report) => self.deps.pools.hear(report),
            Report::Purses(told) => self.purses.hear(told),
            Report::Heartbeat(heartbeat) => {
                if heartbeat.boot == self.deps.boot {
                    return;
                }
                self.deps
                    .listeners
                    .set_node(&heartbeat.node, &heartbeat.listeners);
                for report in &heartbeat.sleeping {
                    self.deps.pools.hear(report);
                }
            }
        }
    }

    async fn tidy(self: &Arc<Self>) {
        let mut tick = interval(TIDY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            self.deps.pools.sleeps().prune();
            self.keep().await;
        }
    }

    async fn keep(self: &Arc<Self>) {
        if let Some(file) = self.settings.made_file.clone() {
            let proxy = Arc::clone(self);
            let kept = tokio::task::spawn_blocking(move || proxy.affinity.keep(&file)).await;
            if let Ok(Err(error)) = kept {
                tracing::warn!(%error, "what keys made is not kept over a restart");
            }
        }
        let Some(file) = self.settings.sleeps_file.clone() else {
            return;
        };
        if let Err(error) = self.deps.pools.sleeps().keep(file).await {
            tracing::warn!(%error, "sleeps are not kept over a restart");
        }
    }
}
