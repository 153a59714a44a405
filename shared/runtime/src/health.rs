//! How the process is: each part says so for itself, and `/readyz` tells.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

/// The state of one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// As it should be.
    Ready,
    /// Serving, but an operator should know why it is not as it should be.
    Degraded(String),
    /// Not serving.
    NotReady(String),
}

/// All parts of a process. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Mutex<Vec<(&'static str, Status)>>>);

/// One part's own line; only its owner writes it.
#[derive(Debug, Clone)]
pub struct Component {
    health: Health,
    name: &'static str,
}

/// The whole, as `/readyz` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// `ready`, `degraded` or `not_ready`: the worst of the parts.
    pub status: &'static str,
    /// The parts.
    pub components: Vec<Line>,
}

/// One part of a [`Report`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Which one.
    pub name: &'static str,
    /// `ready`, `degraded` or `not_ready`.
    pub status: &'static str,
    /// Why it is not ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Health {
    /// A process without parts, which is ready.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a part, which is not ready until it says so. Asking twice for a
    /// name gives the same part.
    pub fn component(&self, name: &'static str) -> Component {
        let mut parts = self.parts();
        if !parts.iter().any(|(known, _)| *known == name) {
            parts.push((name, Status::NotReady("starting".to_owned())));
        }
        drop(parts);
        Component {
            health: self.clone(),
            name,
        }
    }

    /// Whether traffic may come: no part is not ready.
    pub fn is_ready(&self) -> bool {
        self.parts()
            .iter()
            .all(|(_, status)| !matches!(status, Status::NotReady(_)))
    }

    /// Whether the process was told to end.
    pub fn is_draining(&self) -> bool {
        let ends = |status: &Status| status.reason() == Some(DRAINING);
        self.parts().iter().any(|(_, status)| ends(status))
    }

    /// How everything is; only what is not ready unless `verbose`.
    pub fn report(&self, verbose: bool) -> Report {
        let parts = self.parts();
        let worst = parts.iter().map(|(_, status)| status.rank()).max();
        Report {
            status: NAMES[worst.unwrap_or(0)],
            components: parts
                .iter()
                .filter(|(_, status)| verbose || *status != Status::Ready)
                .map(|(name, status)| Line {
                    name,
                    status: NAMES[status.rank()],
                    reason: status.reason().map(str::to_owned),
                })
                .collect(),
        }
    }

    /// A panic while the lock is held leaves the list whole.
    fn parts(&self) -> MutexGuard<'_, Vec<(&'static str, Status)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Component {
    /// As it should be.
    pub fn ready(&self) {
        self.set(Status::Ready);
    }

    /// Serving, with a reservation.
    pub fn degraded(&self, reason: impl Into<String>) {
        self.set(Status::Degraded(reason.into()));
    }

    /// Finishing what is under way and taking nothing new.
    pub fn draining(&self) {
        self.not_ready(DRAINING);
    }

    /// Not serving.
    pub fn not_ready(&self, reason: impl Into<String>) {
        self.set(Status::NotReady(reason.into()));
    }

    /// Takes over a state; changes are logged once. Not being ready yet, or no
    /// more because the process is told to end, is nothing to warn of.
    pub fn set(&self, status: Status) {
        let mut parts = self.health.parts();
        let Some((_, current)) = parts.iter_mut().find(|(name, _)| *name == self.name) else {
            return;
        };
        if *current == status {
            return;
        }
        let reason = status.reason().unwrap_or_default();
        let is_expected = matches!(current, Status::NotReady(_)) || reason == DRAINING;
        match &status {
            Status::Ready => tracing::info!(component = self.name, "ready"),
            Status::Degraded(_) => tracing::warn!(component = self.name, reason, "degraded"),
            Status::NotReady(_) if is_expected => {
                tracing::info!(component = self.name, reason, "not ready");
            }
            Status::NotReady(_) => tracing::warn!(component = self.name, reason, "not ready"),
        }
        *current = status;
    }
}

/// Why a process that was told to end is not ready.
const DRAINING: &str = "draining";

/// The names of [`Status`], by rank.
const NAMES: [&str; 3] = ["ready", "degraded", "not_ready"];

impl Status {
    const fn rank(&self) -> usize {
        match self {
            Self::Ready => 0,
            Self::Degraded(_) => 1,
            Self::NotReady(_) => 2,
        }
    }

    fn reason(&self) -> Option<&str> {
        match self {
            Self::Ready => None,
            Self::Degraded(reason) | Self::NotReady(reason) => Some(reason),
        }
    }
}

#[cfg(test)]
mod tests;
