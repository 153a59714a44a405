//! Where a provider may not point.

use super::*;

fn refused(url: &str, listeners: &[&str]) -> bool {
    let policy = AddressPolicy::loopback_and_private();
    check(url, &policy, listeners.iter().copied()).is_err()
}

#[test]
fn every_spelling_of_a_loopback_listener_is_refused() {
    let listeners = ["127.0.0.1:3000"];
    for url in [
        "http://127.0.0.1:3000",
        "http://127.0.0.1:3000/v1",
        "http://localhost:3000",
        "http://LOCALHOST.:3000",
        "http://foo.localhost:3000",
        "http://0.0.0.0:3000",
        "http://0x7f.1:3000",
        "http://2130706433:3000",
        "http://[::1]:3000",
        "http://[::ffff:127.0.0.1]:3000",
        "http://[::]:3000",
        "http://127.9.9.9:3000",
    ] {
        assert!(refused(url, &listeners), "{url}");
    }
}

#[test]
fn another_port_or_another_host_is_no_circle() {
    let listeners = ["127.0.0.1:3000", "0.0.0.0:3001", "node-2.example:3000"];
    for url in [
        "http://127.0.0.1:3002",
        "http://localhost:8080",
        "http://10.0.0.5:3000",
        "http://10.0.0.5:3001",
        "http://node-3.example:3000",
    ] {
        assert!(!refused(url, &listeners), "{url}");
    }
}

#[test]
fn other_nodes_are_refused_by_name_and_by_address() {
    let listeners = ["node-2.example:3000", "192.168.1.7:3000", "[::]:3001"];
    for url in [
        "http://NODE-2.example:3000",
        "http://node-2.example.:3000/v1",
        "http://192.168.1.7:3000",
        "http://localhost:3001",
    ] {
        assert!(refused(url, &listeners), "{url}");
    }
}

#[test]
fn the_scheme_s_own_port_counts() {
    assert!(refused("https://gate.example", &["gate.example:443"]));
    assert!(refused("http://gate.example", &["gate.example:80"]));
    assert!(!refused("http://gate.example", &["gate.example:443"]));
}

#[test]
fn addresses_that_are_not_allowed_are_refused() {
    let none = AddressPolicy::default();
    assert!(check("http://127.0.0.1:8080", &none, []).is_err());
    assert!(check("http://169.254.169.254", &none, []).is_err());
    assert!(check("https://api.openai.com", &none, []).is_ok());
    let local = AddressPolicy::loopback_and_private();
    assert!(check("http://169.254.169.254", &local, []).is_err());
}

#[test]
fn a_listener_on_every_address_is_reached_by_the_machine_s_own() {
    let own = std::net::UdpSocket::bind(("0.0.0.0", 0)).unwrap();
    // Nothing is sent: this only asks which address would be used.
    let routed = own.connect(("192.0.2.1", 9)).is_ok();
    let address = own.local_addr().unwrap().ip();
    let leads_here = |host: &str, port: u16, listener: &str| {
        let url = ProviderUrl::parse(&format!("http://{host}:{port}")).unwrap();
        is_at(&url, listener)
    };
    if routed && !address.is_unspecified() {
        let address = address.to_string();
        assert!(leads_here(&address, 3000, "0.0.0.0:3000"));
        assert!(leads_here(&address, 3000, "[::]:3000"));
        assert!(!leads_here(&address, 3001, "0.0.0.0:3000"));
    }
    let name = machine::name();
    assert!(leads_here(name, 3000, "0.0.0.0:3000"));
    assert!(!leads_here(name, 3000, "127.0.0.1:3000"));
    assert!(!leads_here("192.0.2.1", 3000, "0.0.0.0:3000"));
}
