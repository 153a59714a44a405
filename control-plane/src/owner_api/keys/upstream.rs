//! Where a key's provider may point: a sound URL, an address that is allowed,
//! and never this system itself, because a key that points at Foldgate makes a
//! circle.

use std::net::IpAddr;

use foldgate_domain::upstream_url::{AddressPolicy, ProviderUrl};

use crate::error::Error;

mod machine;

/// Reads a provider URL and judges where it leads.
///
/// # Errors
/// No URL, an address that is not allowed, one of the system's own listeners.
pub(crate) fn check<'l>(
    text: &str,
    policy: &AddressPolicy,
    listeners: impl IntoIterator<Item = &'l str>,
) -> Result<ProviderUrl, Error> {
    let refuse = |problem: String| Error::field("Provider", problem);
    let url = ProviderUrl::parse(text).map_err(|error| refuse(error.to_string()))?;
    if listeners.into_iter().any(|listener| is_at(&url, listener)) {
        let problem = "points at Foldgate itself, which would make a circle";
        return Err(refuse(problem.to_owned()));
    }
    policy
        .check_url(&url)
        .map_err(|error| refuse(error.to_string()))?;
    Ok(url)
}

/// Whether a URL leads to a listener (`host:port`). A listener on the loopback
/// or any-address is reached by every spelling of "this machine".
fn is_at(url: &ProviderUrl, listener: &str) -> bool {
    let Some((host, port)) = split(listener) else {
        return false;
    };
    if port != url.port() {
        return false;
    }
    let named = url.host().trim_end_matches('.');
    let Ok(bound) = host.trim_matches(['[', ']']).parse::<IpAddr>() else {
        let here = is_this_machine_name(host) && is_this_machine(url);
        return here || host.trim_end_matches('.').eq_ignore_ascii_case(named);
    };
    let bound = bound.to_canonical();
    let same = url.ip().is_some_and(|ip| ip.to_canonical() == bound);
    let here = bound.is_loopback() || bound.is_unspecified();
    same || (here && is_this_machine(url)) || (bound.is_unspecified() && is_own_address(url))
}

fn split(listener: &str) -> Option<(&str, u16)> {
    let (host, port) = listener.rsplit_once(':')?;
    Some((host, port.parse().ok()?))
}

fn is_this_machine(url: &ProviderUrl) -> bool {
    match url.ip().map(|ip| ip.to_canonical()) {
        Some(ip) => ip.is_loopback() || ip.is_unspecified(),
        None => is_this_machine_name(url.host()),
    }
}

/// Whether a URL leads here by one of this machine's own addresses or its name,
/// on all of which a listener on the any-address listens.
fn is_own_address(url: &ProviderUrl) -> bool {
    match url.ip() {
        Some(ip) => machine::has_address(ip),
        None => machine::is_named(url.host()),
    }
}

fn is_this_machine_name(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    matches!(
        host.as_str(),
        "localhost" | "localhost.localdomain" | "ip6-localhost" | "ip6-loopback"
    ) || host.ends_with(".localhost")
}

#[cfg(test)]
mod tests;
