//! Addresses that are not plain public ones, by the IANA special-purpose
//! registries, and the cloud metadata services.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

use super::address::Kind;

/// Metadata services beside 169.254.169.254 and 169.254.170.2, which are
/// link-local: Alibaba, Azure's wire server, Oracle.
const METADATA_V4: &[Ipv4Addr] = &[
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(169, 254, 170, 23),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(192, 0, 0, 192),
];

/// The first that holds an address says its kind.
const V4: &[(Ipv4Net, Kind)] = &[
    (v4([0, 0, 0, 0], 32), Kind::Unspecified),
    (v4([255, 255, 255, 255], 32), Kind::Broadcast),
    (v4([0, 0, 0, 0], 8), Kind::Reserved),
    (v4([10, 0, 0, 0], 8), Kind::Private),
    (v4([100, 64, 0, 0], 10), Kind::Private),
    (v4([127, 0, 0, 0], 8), Kind::Loopback),
    (v4([169, 254, 0, 0], 16), Kind::LinkLocal),
    (v4([172, 16, 0, 0], 12), Kind::Private),
    (v4([192, 0, 0, 0], 24), Kind::Reserved),
    (v4([192, 0, 2, 0], 24), Kind::Documentation),
    (v4([192, 31, 196, 0], 24), Kind::Reserved),
    (v4([192, 52, 193, 0], 24), Kind::Reserved),
    (v4([192, 88, 99, 0], 24), Kind::Reserved),
    (v4([192, 168, 0, 0], 16), Kind::Private),
    (v4([192, 175, 48, 0], 24), Kind::Reserved),
    // Benchmarking; in practice what "fake IP" resolvers of local proxies answer.
    (v4([198, 18, 0, 0], 15), Kind::Private),
    (v4([198, 51, 100, 0], 24), Kind::Documentation),
    (v4([203, 0, 113, 0], 24), Kind::Documentation),
    (v4([224, 0, 0, 0], 4), Kind::Multicast),
    (v4([240, 0, 0, 0], 4), Kind::Reserved),
];

/// The first that holds an address says its kind.
const V6: &[(Ipv6Net, Kind)] = &[
    (v6([0, 0, 0, 0], 128), Kind::Unspecified),
    (loopback_v6(), Kind::Loopback),
    // Amazon's and Google's metadata services have unique local addresses.
    (v6([0xfd00, 0x0ec2, 0, 0], 32), Kind::Metadata),
    (v6([0xfd20, 0x00ce, 0, 0], 32), Kind::Metadata),
    (v6([0xfc00, 0, 0, 0], 7), Kind::Private),
    (v6([0xfe80, 0, 0, 0], 10), Kind::LinkLocal),
    (v6([0xff00, 0, 0, 0], 8), Kind::Multicast),
    (v6([0x2001, 0x0db8, 0, 0], 32), Kind::Documentation),
    (v6([0x3fff, 0, 0, 0], 20), Kind::Documentation),
    // Protocol assignments (benchmarking, ORCHID, AMT ...), except Teredo.
    (v6([0x2001, 0, 0, 0], 23), Kind::Reserved),
    (v6([0x2620, 0x004f, 0x8000, 0], 48), Kind::Reserved),
    // All else that is global stands here.
    (v6([0x2000, 0, 0, 0], 3), Kind::Public),
];

const fn v4([a, b, c, d]: [u8; 4], prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6([a, b, c, d]: [u16; 4], prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0), prefix)
}

const fn loopback_v6() -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128)
}

/// The kind of an address, as it stands.
pub(super) fn kind(ip: IpAddr) -> Kind {
    match ip {
        IpAddr::V4(ip) if METADATA_V4.contains(&ip) => Kind::Metadata,
        IpAddr::V4(ip) => V4
            .iter()
            .find(|(net, _)| net.contains(&ip))
            .map_or(Kind::Public, |(_, kind)| *kind),
        IpAddr::V6(ip) => V6
            .iter()
            .find(|(net, _)| net.contains(&ip))
            .map_or(Kind::Reserved, |(_, kind)| *kind),
    }
}

/// The IPv4 addresses an IPv6 address leads to: mapped, NAT64, 6to4, Teredo
/// (its server and its client). Empty for an address that stands for itself.
pub(super) fn embedded(ip: Ipv6Addr) -> Vec<Ipv4Addr> {
    let parts = ip.segments();
    match parts {
        // ::ffff:0:0/96 and 64:ff9b::/96
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x0064, 0xff9b, 0, 0, 0, 0, high, low] => {
            vec![pair(high, low)]
        }
        [0x2002, high, low, ..] => vec![pair(high, low)],
        [0x2001, 0, high, low, ..] => vec![pair(high, low), pair(!parts[6], !parts[7])],
        _ => Vec::new(),
    }
}

fn pair(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}

/// Names under which metadata services are known.
pub(super) const METADATA_NAMES: &[&str] = &[
    "instance-data",
    "instance-data.ec2.internal",
    "metadata",
    "metadata.azure.internal",
    "metadata.goog",
    "metadata.google.internal",
    "metadata.platformequinix.com",
    "metadata.tencentyun.com",
];

/// Names for this machine.
pub(super) const LOOPBACK_NAMES: &[&str] = &[
    "localhost",
    "localhost.localdomain",
    "ip6-localhost",
    "ip6-loopback",
];
