use http::HeaderValue;

use super::*;

const XFF: &str = "x-forwarded-for";

fn trusting(networks: &str) -> TrustedProxies {
    let networks: Vec<IpNet> = networks
        .split(' ')
        .map(|net| net.parse().unwrap())
        .collect();
    TrustedProxies::new(&networks)
}

/// Who is seen when `peer` sends these headers, with 10.0.0.0/8 and fd00::/8 trusted.
fn seen(peer: &str, lines: &[(&'static str, &str)]) -> String {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        headers.append(*name, value);
    }
    let peer = Peer {
        address: SocketAddr::new(peer.parse().unwrap(), 4000),
    };
    let client = trusting("10.0.0.0/8 fd00::/8").client(peer, &headers);
    client.address.ip().to_string()
}

#[test]
fn who_is_not_trusted_changes_nothing_by_a_header() {
    for name in [XFF, "forwarded"] {
        for value in ["10.0.0.1", "for=10.0.0.1", "198.51.100.1"] {
            assert_eq!(seen("203.0.113.9", &[(name, value)]), "203.0.113.9");
        }
    }
    let mut headers = HeaderMap::new();
    headers.insert(XFF, HeaderValue::from_static("198.51.100.1"));
    let peer = Peer {
        address: SocketAddr::from(([127, 0, 0, 1], 4000)),
    };
    assert_eq!(TrustedProxies::default().client(peer, &headers), peer);
}

#[test]
fn a_trusted_proxy_tells_who_called_it() {
    for (value, expected) in [
        ("198.51.100.1", "198.51.100.1"),
        ("198.51.100.1:5555", "198.51.100.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:80", "2001:db8::1"),
        // Behind two trusted proxies, and with a word of the client's own in front.
        ("198.51.100.1, 10.0.0.2,10.0.0.3", "198.51.100.1"),
        ("192.0.2.66, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.9.9.9, 198.51.100.1", "198.51.100.1"),
        ("127.0.0.1, 198.51.100.1", "198.51.100.1"),
        // All trusted: the one furthest away.
        ("10.0.0.7, 10.0.0.2", "10.0.0.7"),
        ("198.51.100.1, ::ffff:10.0.0.2", "198.51.100.1"),
    ] {
        assert_eq!(seen("10.0.0.1", &[(XFF, value)]), expected, "{value}");
        assert_eq!(
            seen("::ffff:10.0.0.1", &[(XFF, value)]),
            expected,
            "{value}"
        );
        assert_eq!(seen("fd00::1", &[(XFF, value)]), expected, "{value}");
    }
}

#[test]
fn several_headers_are_one_list() {
    let lines = [
        (XFF, "192.0.2.66"),
        (XFF, "198.51.100.1"),
        (XFF, "10.0.0.2"),
    ];
    assert_eq!(seen("10.0.0.1", &lines), "198.51.100.1");
}

#[test]
fn what_cannot_be_read_ends_the_way_at_the_last_trusted_proxy() {
    for (value, expected) in [
        ("", "10.0.0.1"),
        ("unknown", "10.0.0.1"),
        ("198.51.100.1, ", "10.0.0.1"),
        ("198.51.100.1, proxy, 10.0.0.2", "10.0.0.2"),
        ("198.51.100.1,, 10.0.0.2", "10.0.0.2"),
        ("198.51.100.1 10.0.0.2", "10.0.0.1"),
        ("198.51.100.1:70000", "10.0.0.1"),
        ("[198.51.100.1]", "10.0.0.1"),
        ("fe80::1%eth0", "10.0.0.1"),
        ("\u{e4}\u{f6}, 10.0.0.2", "10.0.0.2"),
    ] {
        assert_eq!(seen("10.0.0.1", &[(XFF, value)]), expected, "{value:?}");
    }
}

#[test]
fn forwarded_tells_where_it_is_alone() {
    for (value, expected) in [
        ("for=198.51.100.1", "198.51.100.1"),
        ("For=\"198.51.100.1:5555\";proto=https", "198.51.100.1"),
        ("by=10.0.0.1; for=\"[2001:db8::1]:80\"", "2001:db8::1"),
        (
            "for=192.0.2.66, for=198.51.100.1, for=10.0.0.2",
            "198.51.100.1",
        ),
        // A quotation mark left open swallows nothing.
        ("for=\"192.0.2.66, for=198.51.100.1", "198.51.100.1"),
        ("for=unknown", "10.0.0.1"),
        ("for=_hidden, for=10.0.0.2", "10.0.0.2"),
        ("for=198.51.100.1, proto=https", "10.0.0.1"),
        ("for=198.51.100.1;for=192.0.2.66", "10.0.0.1"),
        ("198.51.100.1", "10.0.0.1"),
        ("", "10.0.0.1"),
    ] {
        assert_eq!(
            seen("10.0.0.1", &[("forwarded", value)]),
            expected,
            "{value:?}"
        );
    }
    let both = [("forwarded", "for=192.0.2.66"), (XFF, "198.51.100.1")];
    assert_eq!(seen("10.0.0.1", &both), "198.51.100.1");
    let unread = [("forwarded", "for=192.0.2.66"), (XFF, "unknown")];
    assert_eq!(seen("10.0.0.1", &unread), "10.0.0.1");
}
