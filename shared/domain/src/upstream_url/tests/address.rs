//! Which addresses and hosts may be connected to.

use std::net::IpAddr;

use proptest::prelude::*;

use super::super::{AddressPolicy, CidrError, MAX_CIDRS, Refused};
use super::url;

/// One address or host of every kind, with what is said when nothing is allowed.
const NEVER: &[(&str, Refused)] = &[
    ("169.254.169.254", Refused::Metadata),
    ("169.254.170.2", Refused::Metadata),
    ("169.254.170.23", Refused::Metadata),
    ("100.100.100.200", Refused::Metadata),
    ("168.63.129.16", Refused::Metadata),
    ("192.0.0.192", Refused::Metadata),
    ("fd00:ec2::254", Refused::Metadata),
    ("fd00:ec2::23", Refused::Metadata),
    ("fd20:ce::254", Refused::Metadata),
    ("169.254.0.0", Refused::LinkLocal),
    ("169.254.255.255", Refused::LinkLocal),
    ("fe80::1", Refused::LinkLocal),
    ("febf:ffff::1", Refused::LinkLocal),
    ("fec0::1", Refused::Reserved),
    ("224.0.0.1", Refused::Multicast),
    ("239.255.255.255", Refused::Multicast),
    ("ff02::1", Refused::Multicast),
    ("0.0.0.0", Refused::Unspecified),
    ("::", Refused::Unspecified),
    ("0.1.2.3", Refused::Reserved),
    ("255.255.255.255", Refused::Broadcast),
    ("240.0.0.1", Refused::Reserved),
    ("255.255.255.254", Refused::Reserved),
    ("192.0.0.1", Refused::Reserved),
    ("192.88.99.1", Refused::Reserved),
    ("192.0.2.1", Refused::Documentation),
    ("198.51.100.1", Refused::Documentation),
    ("203.0.113.255", Refused::Documentation),
    ("2001:db8::1", Refused::Documentation),
    ("3fff:fff::1", Refused::Documentation),
    ("100::1", Refused::Reserved),
    ("2001:2::1", Refused::Reserved),
    ("2001:10::1", Refused::Reserved),
    ("2001:20::1", Refused::Reserved),
    ("5f00::1", Refused::Reserved),
    ("64:ff9b:1::1", Refused::Reserved),
    ("::127.0.0.1", Refused::Reserved),
    ("4000::1", Refused::Reserved),
    // Leading to one of the above.
    ("::ffff:169.254.169.254", Refused::Metadata),
    ("64:ff9b::a9fe:a9fe", Refused::Metadata),
    ("2002:a9fe:a9fe::1", Refused::Metadata),
    ("2001:0:a9fe:a9fe::1", Refused::Metadata),
    ("2001:0:808:808:0:0:5601:5601", Refused::Metadata),
    ("::ffff:0.0.0.0", Refused::Unspecified),
    ("64:ff9b::e000:1", Refused::Multicast),
];

/// Allowed only inside a named network.
const UNLESS_ALLOWED: &[(&str, Refused)] = &[
    ("127.0.0.1", Refused::Loopback),
    ("127.255.255.255", Refused::Loopback),
    ("::1", Refused::Loopback),
    ("::ffff:127.0.0.1", Refused::Loopback),
    ("64:ff9b::7f00:1", Refused::Loopback),
    ("2002:7f00:1::", Refused::Loopback),
    ("2001:0:808:808:0:0:80ff:fffe", Refused::Loopback),
    ("10.0.0.1", Refused::Private),
    ("172.16.0.1", Refused::Private),
    ("172.31.255.255", Refused::Private),
    ("192.168.1.1", Refused::Private),
    ("100.64.0.1", Refused::Private),
    ("100.127.255.255", Refused::Private),
    ("198.19.0.1", Refused::Private),
    ("fc00::1", Refused::Private),
    ("fdff::1", Refused::Private),
    ("64:ff9b::a00:1", Refused::Private),
    ("2002:c0a8:101::1", Refused::Private),
];

const PUBLIC: &[&str] = &[
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.1",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2606:4700::1111",
    "2001:200::1",
    "2a00:1450::1",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::1",
];

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn addresses_when_nothing_is_allowed() {
    let policy = AddressPolicy::default();
    for (address, refused) in NEVER.iter().chain(UNLESS_ALLOWED) {
        assert_eq!(policy.check(ip(address)), Err(*refused), "{address}");
        assert_eq!(policy.check_host(address), Err(*refused), "{address}");
    }
    for address in PUBLIC {
        assert_eq!(policy.check(ip(address)), Ok(()), "{address}");
    }
}

#[test]
fn addresses_when_all_is_allowed() {
    let policy = AddressPolicy::parse("0.0.0.0/0 ::/0").unwrap();
    for (address, refused) in NEVER {
        assert_eq!(policy.check(ip(address)), Err(*refused), "{address}");
    }
    for (address, _) in UNLESS_ALLOWED {
        assert_eq!(policy.check(ip(address)), Ok(()), "{address}");
        assert_eq!(
            AddressPolicy::loopback_and_private().check(ip(address)),
            Ok(()),
            "{address}"
        );
    }
}

#[test]
fn only_the_networks_that_are_named() {
    let policy = AddressPolicy::parse("10.1.0.0/16, 192.168.7.7 fd12::/16").unwrap();
    for (address, ok) in [
        ("10.1.2.3", true),
        ("10.2.0.1", false),
        ("192.168.7.7", true),
        ("192.168.7.8", false),
        ("::ffff:10.1.2.3", true),
        ("64:ff9b::a02:1", false),
        ("fd12::5", true),
        ("fd13::5", false),
        ("127.0.0.1", false),
    ] {
        assert_eq!(policy.check(ip(address)).is_ok(), ok, "{address}");
    }
    assert_eq!(policy.allowed().len(), 3);
}

#[test]
fn networks_are_read_whole_or_not_at_all() {
    assert_eq!(AddressPolicy::parse(" , "), Ok(AddressPolicy::default()));
    for bad in ["10.0.0.0/33", "10.0.0", "localhost", "::/129"] {
        let text = format!("127.0.0.0/8,{bad}");
        assert_eq!(
            AddressPolicy::parse(&text),
            Err(CidrError::Syntax(bad.into())),
            "{bad}"
        );
    }
    let many = "10.0.0.1 ".repeat(MAX_CIDRS + 1);
    assert_eq!(AddressPolicy::parse(&many), Err(CidrError::TooMany));
}

#[test]
fn hosts() {
    let strict = AddressPolicy::default();
    for (host, refused) in [
        ("localhost", Refused::Loopback),
        ("LOCALHOST.", Refused::Loopback),
        ("a.b.localhost", Refused::Loopback),
        ("localhost.localdomain", Refused::Loopback),
        ("ip6-localhost", Refused::Loopback),
        ("127.1", Refused::Loopback),
        ("0x7f.0.0.1", Refused::Loopback),
        ("0177.0.0.1", Refused::Loopback),
        ("2130706433", Refused::Loopback),
        ("１２７.0.0.1", Refused::Loopback),
        ("127.0.0.1.", Refused::Loopback),
        ("[::1]", Refused::Loopback),
        ("0", Refused::Unspecified),
        ("0xa9fea9fe", Refused::Metadata),
        ("[::ffff:a9fe:a9fe]", Refused::Metadata),
        ("metadata.google.internal", Refused::Metadata),
        ("Metadata.Google.Internal.", Refused::Metadata),
        ("x.metadata.google.internal", Refused::Metadata),
        ("metadata.goog", Refused::Metadata),
        ("metadata", Refused::Metadata),
        ("instance-data", Refused::Metadata),
        ("", Refused::NotAHost),
        ("a b", Refused::NotAHost),
        ("[::1", Refused::NotAHost),
        ("fe80::1%eth0", Refused::NotAHost),
    ] {
        assert_eq!(strict.check_host(host), Err(refused), "{host:?}");
    }
    for host in [
        "api.openai.com",
        "notlocalhost",
        "localhost.example",
        "mymetadata.goog",
    ] {
        assert_eq!(strict.check_host(host), Ok(()), "{host}");
    }
    for open in ["127.0.0.0/8", "::1"] {
        let policy = AddressPolicy::parse(open).unwrap();
        assert_eq!(policy.check_host("a.localhost"), Ok(()), "{open}");
    }
    let all = AddressPolicy::parse("0.0.0.0/0 ::/0").unwrap();
    assert_eq!(
        all.check_host("metadata.google.internal"),
        Err(Refused::Metadata)
    );
}

#[test]
fn urls_are_judged_by_their_host() {
    let strict = AddressPolicy::default();
    for (text, expected) in [
        ("http://0x7f.1/v1", Err(Refused::Loopback)),
        ("http://169.254.169.254/latest", Err(Refused::Metadata)),
        ("http://[fe80::1]", Err(Refused::LinkLocal)),
        ("http://localhost:11434", Err(Refused::Loopback)),
        ("https://api.openai.com", Ok(())),
        ("https://1.1.1.1", Ok(())),
    ] {
        assert_eq!(strict.check_url(&url(text)), expected, "{text}");
    }
}

proptest! {
    #[test]
    fn an_embedded_address_is_judged_as_itself(bits: u32) {
        let inner = std::net::Ipv4Addr::from_bits(bits);
        let mapped = IpAddr::V6(inner.to_ipv6_mapped());
        for policy in [AddressPolicy::default(), AddressPolicy::loopback_and_private()] {
            prop_assert_eq!(policy.check(mapped), policy.check(IpAddr::V4(inner)));
        }
    }
}
