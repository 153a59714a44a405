//! Names to addresses, by the system's resolver, with a short memory so that a
//! burst of connections does not become a burst of lookups.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long an answer is remembered: short, since names are moved for failover.
const MEMORY: Duration = Duration::from_secs(5);

/// The most names remembered; far more than one installation's providers.
const MAX_NAMES: usize = 1024;

type Known = HashMap<String, (Instant, Arc<[IpAddr]>)>;

#[derive(Default)]
pub(super) struct Resolver {
    known: Mutex<Known>,
}

impl Resolver {
    /// The addresses of `host`, which may be an address itself.
    pub(super) async fn resolve(&self, host: &str, port: u16) -> io::Result<Arc<[IpAddr]>> {
        if let Ok(ip) = host.parse::<IpAddr>() {
            return Ok(Arc::from([ip]));
        }
        if let Some(known) = self.recall(host, Instant::now()) {
            return Ok(known);
        }
        let found = tokio::net::lookup_host((host, port)).await?;
        let addresses: Arc<[IpAddr]> = found.map(|address| address.ip()).collect();
        self.remember(host, Arc::clone(&addresses), Instant::now());
        Ok(addresses)
    }

    fn recall(&self, host: &str, now: Instant) -> Option<Arc<[IpAddr]>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, addresses) = known.get(host)?;
        (now.duration_since(*since) < MEMORY).then(|| Arc::clone(addresses))
    }

    fn remember(&self, host: &str, addresses: Arc<[IpAddr]>, now: Instant) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_NAMES {
            known.retain(|_, (since, _)| now.duration_since(*since) < MEMORY);
        }
        if known.len() < MAX_NAMES {
            known.insert(host.to_owned(), (now, addresses));
        }
    }
}
