//! Whom a request is from: the peer, unless that is a proxy that is trusted to tell.
//!
//! A header is worth what its sender is worth. Each proxy writes the address it was
//! called from behind what it was given, so the way is walked from the right, from
//! the peer on, and only through proxies that are trusted. What stands further to
//! the left may be anybody's word and is not looked at.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::{HeaderMap, HeaderName, header::FORWARDED};
use ipnet::IpNet;

use super::Peer;

/// Where most proxies tell.
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The networks of proxies that are believed. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Arc<[IpNet]>);

impl TrustedProxies {
    /// Believes proxies in these networks; with none, every peer is the client.
    pub fn new(networks: &[IpNet]) -> Self {
        Self(networks.into())
    }

    /// The client behind `peer`: the right-most address of `X-Forwarded-For`, or of
    /// `Forwarded` where only that is there, that is no trusted proxy. Where an entry
    /// cannot be read, or there is none left, it is the last trusted proxy.
    pub(super) fn client(&self, peer: Peer, headers: &HeaderMap) -> Peer {
        if !self.trusts(peer.address.ip()) {
            return peer;
        }
        let way = if headers.contains_key(&X_FORWARDED_FOR) {
            self.walk(peer.address, headers, &X_FORWARDED_FOR, address)
        } else {
            self.walk(peer.address, headers, &FORWARDED, forwarded)
        };
        Peer { address: way }
    }

    fn walk(
        &self,
        peer: SocketAddr,
        headers: &HeaderMap,
        name: &HeaderName,
        read: fn(&str) -> Option<SocketAddr>,
    ) -> SocketAddr {
        let mut last = peer;
        // Several headers of one name are one list, in their order.
        let lines = headers.get_all(name).iter().rev();
        for entry in lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b',')) {
            let entry = std::str::from_utf8(entry).ok();
            let Some(next) = entry.and_then(|entry| read(entry.trim())) else {
                break;
            };
            last = next;
            if !self.trusts(next.ip()) {
                break;
            }
        }
        last
    }

    fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// An address with or without a port, which is 0 then: `192.0.2.1`, `192.0.2.1:80`,
/// `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`.
fn address(text: &str) -> Option<SocketAddr> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Some(address);
    }
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let ip = match bare {
        Some(inner) => IpAddr::V6(inner.parse().ok()?),
        None => text.parse().ok()?,
    };
    Some(SocketAddr::new(ip, 0))
}

/// The address of one element of `Forwarded` (RFC 7239): `for="[2001:db8::1]:80"`.
///
/// No address has a comma in it, and so elements are told apart by commas alone: a
/// quotation mark that a client leaves open must not swallow what a proxy wrote
/// behind it.
fn forwarded(element: &str) -> Option<SocketAddr> {
    let mut found = None;
    for pair in element.split(';') {
        let (name, value) = pair.split_once('=')?;
        if !name.trim().eq_ignore_ascii_case("for") {
            continue;
        }
        if found.is_some() {
            return None;
        }
        let value = value.trim();
        let quoted = value.strip_prefix('"').and_then(|v| v.strip_suffix('"'));
        found = Some(address(quoted.unwrap_or(value))?);
    }
    found
}

#[cfg(test)]
mod tests;
