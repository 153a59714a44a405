use foldgate_proto::AdminRole;
use http::Method;

use super::{Who, allows, rows};

const EVERYBODY: [Who; 4] = [
    Who::Owner,
    Who::Account,
    Who::Admin(AdminRole::Operator),
    Who::Admin(AdminRole::Auditor),
];

#[test]
fn the_owner_may_everything_and_nobody_what_is_not_listed() {
    for (method, path) in rows() {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        assert!(allows(&method, path, Who::Owner), "{method} {path}");
    }
    for who in EVERYBODY {
        assert!(!allows(&Method::GET, "/x-secret", who));
        assert!(!allows(&Method::PATCH, "/x-keys", who));
    }
}

#[test]
fn auditors_only_read() {
    for (method, path) in rows().filter(|(method, _)| *method != "GET") {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        assert!(
            !allows(&method, path, Who::Admin(AdminRole::Auditor)),
            "{method} {path}"
        );
    }
    assert!(allows(
        &Method::HEAD,
        "/x-keys",
        Who::Admin(AdminRole::Auditor)
    ));
}

#[test]
fn no_row_stands_twice() {
    let mut seen = std::collections::BTreeSet::new();
    for row in rows() {
        assert!(seen.insert(row), "{row:?}");
    }
}
