//! The system's own listeners: no provider may point at one, or a request would
//! chase its tail.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::{Arc, PoisonError, RwLock};

/// The most nodes whose listeners are remembered.
const MAX_NODES: usize = 4096;

/// The most listeners of one node; it has three.
const MAX_PER_NODE: usize = 16;

/// Addresses that are never connected to. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Listeners(Arc<RwLock<Known>>);

#[derive(Debug, Default)]
struct Known {
    own: Vec<SocketAddr>,
    nodes: HashMap<String, Vec<SocketAddr>>,
}

impl Listeners {
    /// This process's own, once they are bound.
    pub fn set_own(&self, addresses: impl IntoIterator<Item = SocketAddr>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.own = addresses.into_iter().collect();
    }

    /// Those another node reports (`host:port`); what is no address is left out.
    pub fn set_node(&self, node: &str, listeners: &[String]) {
        let addresses: Vec<SocketAddr> = listeners
            .iter()
            .take(MAX_PER_NODE)
            .filter_map(|text| text.parse().ok())
            .collect();
        let unchanged = {
            let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
            known.nodes.get(node) == Some(&addresses)
        };
        if unchanged {
            return;
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.nodes.len() < MAX_NODES || known.nodes.contains_key(node) {
            known.nodes.insert(node.to_owned(), addresses);
        }
    }

    /// Whether this address is one of them. A listener on all of this machine's
    /// addresses is met at each of them; one on all of another's cannot be told
    /// from here (the hop header stops that loop).
    pub fn contains(&self, address: SocketAddr) -> bool {
        let address = SocketAddr::new(address.ip().to_canonical(), address.port());
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let everywhere = known
            .own
            .iter()
            .any(|own| own.ip().is_unspecified() && own.port() == address.port());
        known.own.contains(&address)
            || known.nodes.values().any(|node| node.contains(&address))
            || everywhere && is_local(address.ip())
    }
}

/// Whether this machine has the address: only such a one can be bound to.
fn is_local(ip: IpAddr) -> bool {
    UdpSocket::bind((ip, 0)).is_ok()
}
