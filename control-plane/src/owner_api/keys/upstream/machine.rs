//! What this machine is called and where it can be reached.

use std::net::{IpAddr, UdpSocket};
use std::sync::OnceLock;

/// Where Linux tells the host name.
const HOST_NAME: &str = "/proc/sys/kernel/hostname";

/// Whether an address is one of this machine's: only then can a socket be bound
/// to it. Asked each time, since interfaces come and go.
pub(super) fn has_address(ip: IpAddr) -> bool {
    UdpSocket::bind((ip.to_canonical(), 0)).is_ok()
}

/// Whether a host is this machine by its name, with or without its domain.
pub(super) fn is_named(host: &str) -> bool {
    let own = name();
    let short = own.split('.').next().unwrap_or(own);
    let host = host.trim_end_matches('.');
    !short.is_empty() && (host.eq_ignore_ascii_case(own) || host.eq_ignore_ascii_case(short))
}

/// The host name; empty where there is none to be read.
pub(super) fn name() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let told = std::fs::read_to_string(HOST_NAME).ok();
        told.unwrap_or_default().trim().to_owned()
    })
}
