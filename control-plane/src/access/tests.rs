use foldgate_domain::definition::KINDS;
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

/// What may be written by somebody, as rows of the table.
fn writes(who: Who) -> Vec<(&'static str, &'static str)> {
    let may = |(method, path): &(&str, &str)| {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        method != Method::GET && allows(&method, path, who)
    };
    rows().filter(may).collect()
}

#[test]
fn operators_write_what_routes_and_news() {
    let expected = [
        ("POST", "/x-keys/{id}/wake"),
        ("PUT", "/x-config"),
        ("POST", "/x-config"),
        ("DELETE", "/x-config"),
        ("POST", "/x-news"),
        ("DELETE", "/x-news"),
        ("POST", "/x-news/{target}"),
        ("DELETE", "/x-news/{target}"),
    ];
    let (definitions, others): (Vec<_>, Vec<_>) = writes(Who::Admin(AdminRole::Operator))
        .into_iter()
        .partition(|(_, path)| of_definitions(path));
    assert_eq!(others, expected);
    // What holds no credentials.
    let kinds = [
        "models",
        "guardrail_attachments",
        "cache_policies",
        "rate_limit_policies",
    ];
    let known = |kind: &&str| KINDS.iter().any(|line| line.kind.plural() == *kind);
    let expected: Vec<(&str, String)> = kinds
        .into_iter()
        .filter(known)
        .flat_map(|kind| {
            let all = format!("/admin/v1/{kind}");
            let one = format!("{all}/{{id}}");
            [("POST", all), ("PUT", one.clone()), ("DELETE", one)]
        })
        .collect();
    let definitions: Vec<(&str, String)> = definitions
        .into_iter()
        .map(|(method, path)| (method, path.to_owned()))
        .collect();
    assert_eq!(definitions, expected);
}

fn of_definitions(path: &str) -> bool {
    KINDS.iter().any(|line| {
        let plural = line.kind.plural();
        path.strip_prefix("/admin/v1/")
            .is_some_and(|rest| rest.split('/').next() == Some(plural))
    })
}

#[test]
fn every_kind_of_definition_is_read_by_admins_and_not_by_accounts() {
    for line in KINDS {
        for path in ["", "/{id}"] {
            let path = format!("/admin/v1/{}{path}", line.kind.plural());
            for role in [AdminRole::Operator, AdminRole::Auditor] {
                assert!(allows(&Method::GET, &path, Who::Admin(role)), "{path}");
            }
            assert!(!allows(&Method::GET, &path, Who::Account), "{path}");
        }
    }
}

#[test]
fn accounts_write_accounts_and_their_keys() {
    let expected = [
        ("POST", "/x-users"),
        ("PUT", "/x-users/{id}"),
        ("POST", "/x-users/{id}"),
        ("DELETE", "/x-users/{id}"),
        ("POST", "/x-users/{id}/keys"),
        ("PUT", "/x-users/{id}/keys/{key}"),
        ("DELETE", "/x-users/{id}/keys/{key}"),
        ("POST", "/x-users/{id}/keys/{key}/rotate"),
        ("POST", "/x-self"),
    ];
    assert_eq!(writes(Who::Account), expected);
    for path in [
        "/x-keys",
        "/x-conf",
        "/x-config",
        "/admin/v1/fleet",
        "/admin/v1/owners",
    ] {
        assert!(!allows(&Method::GET, path, Who::Account), "{path}");
    }
}
