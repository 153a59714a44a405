//! How long an upstream may take, and whose limit that is: a Model that is more
//! impatient than the gateway says nothing about the key.

use std::time::Duration;

use foldgate_domain::failure::Failure;
use tokio::time::Instant;

/// A limit in time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit<T> {
    /// Until then, or so long.
    pub(crate) at: T,
    /// Whether it is a Model's own, shorter than the gateway's.
    pub(crate) own: bool,
}

impl<T: Copy + Ord> Limit<T> {
    /// The gateway's.
    pub(super) const fn gateways(at: T) -> Self {
        Self { at, own: false }
    }

    /// The same, or what a Model says if that is less.
    pub(super) fn tightened(self, by: Option<T>) -> Self {
        match by.filter(|by| *by < self.at) {
            Some(at) => Self { at, own: true },
            None => self,
        }
    }

    /// The earlier of two.
    pub(super) fn earlier(self, other: Self) -> Self {
        if other.at < self.at { other } else { self }
    }
}

impl Limit<Duration> {
    /// When it ends, if it begins now.
    pub(super) fn begun(self) -> Limit<Instant> {
        Limit {
            at: Instant::now() + self.at,
            own: self.own,
        }
    }
}

impl<T> Limit<T> {
    /// It was not kept.
    pub(crate) fn passed(&self, why: &str) -> Failure {
        if self.own {
            Failure::impatient(why)
        } else {
            Failure::timeout(why)
        }
    }
}
