//! `GET /admin/v1/history`: every filter against reading all of the log, pages
//! while writes go on, and what is refused.

use chrono::DateTime;
use foldgate_proto::Timestamp;
use serde_json::{Value, json};

use crate::history_world::{OPENAI, PASSWORD, Told, all_of, eventful, pages};
use crate::node::{Node, SECRET};

type Holds = Box<dyn Fn(&Told) -> bool>;

fn holds(test: impl Fn(&Told) -> bool + 'static) -> Holds {
    Box::new(test)
}

#[tokio::test]
async fn every_filter_and_every_pair_of_them_finds_what_reading_all_finds() {
    let node = Node::start().await;
    eventful(&node).await;
    let (told, _) = all_of(&node, node.owner).await;
    let middle = told[told.len() / 2].clone();
    let (at, revision) = (middle.record.at, middle.revision);
    let time = at.to_string();
    let mut filters: Vec<(String, Holds)> = Vec::new();
    for actor in [
        "owner:root",
        "root",
        "operator:the operator",
        "account:ann1",
        "ann1",
        "nobody",
    ] {
        let query = format!("&actor={}", actor.replace(' ', "%20"));
        filters.push((query, holds(move |told| told.is_by(actor))));
    }
    for kind in [
        "KeyAdded",
        "AddKey",
        "LevelMapperCompleted",
        "PatchConfig",
        "CallerKeyIssued",
    ] {
        filters.push((format!("&kind={kind}"), holds(move |told| told.is_of(kind))));
        let small = kind.to_lowercase();
        filters.push((
            format!("&kind={small}"),
            holds(move |told| told.is_of(kind)),
        ));
    }
    for resource in [
        "key",
        "key/3",
        "key/99",
        "config",
        "completed",
        "account",
        "caller_key/1",
    ] {
        let query = format!("&resource={resource}");
        filters.push((query, holds(move |told| told.touches(resource))));
    }
    let from = holds(move |told| told.revision >= revision);
    filters.push((format!("&from={revision}"), from));
    let to = holds(move |told| told.revision <= revision);
    filters.push((format!("&to={revision}"), to));
    let since = holds(move |told| told.revision > revision);
    filters.push((format!("&since={revision}"), since));
    filters.push((
        format!("&from={time}"),
        holds(move |told| told.record.at >= at),
    ));
    filters.push((
        format!("&to={time}"),
        holds(move |told| told.record.at <= at),
    ));
    filters.push((String::new(), holds(|_| true)));
    for (one, first) in &filters {
        for (other, second) in &filters {
            let name = |query: &str| query.split('=').next().unwrap_or_default().to_owned();
            if one != other && name(one) == name(other) {
                continue;
            }
            let both = told.iter().filter(|told| first(told) && second(told));
            let mut expected: Vec<u64> = both.map(|told| told.revision).collect();
            let query = if one == other {
                one.clone()
            } else {
                format!("{one}{other}")
            };
            let ascending = pages(&node, &format!("{query}&order=asc"), 7).await;
            assert_eq!(ascending, expected, "{query}");
            expected.reverse();
            assert_eq!(pages(&node, &query, 1000).await, expected, "{query}");
        }
    }
}

#[tokio::test]
async fn a_line_says_who_did_what_to_which() {
    let node = Node::start().await;
    let request = node
        .request(reqwest::Method::POST, "/x-keys")
        .header("x-foldgate-reason", "more capacity")
        .header("x-request-id", "mine-1")
        .json(&crate::node::new_key(1, OPENAI));
    crate::node::answer(request).await.ok();
    let page = node.get("/admin/v1/history?limit=1").await.ok();
    let line = &page["items"][0];
    let at = line["at"].as_str().unwrap();
    assert!(DateTime::parse_from_rfc3339(at).is_ok(), "{at}");
    assert_eq!(
        *line,
        json!({
            "revision": 2,
            "at": at,
            "actor": "owner:root",
            "command": "AddKey",
            "kind": "KeyAdded",
            "kinds": ["KeyAdded", "LevelMapperCompleted"],
            "resource": "key/1",
            "resources": ["completed", "key/1"],
            "resources_total": 2,
            "reason": "more capacity",
        })
    );
    let one = node.get("/admin/v1/history/2").await.ok();
    let stored = node.log.read(foldgate_proto::Revision(2), 1).await.unwrap();
    assert_eq!(one["hash"], stored[0].hash.to_string());
    assert_eq!(one["record"], node.records().await[1].id.to_string());
    assert_eq!(one["request_id"], "mine-1");
    assert_eq!(one["address"], "127.0.0.1");
    let changes = one["changes"].as_array().unwrap();
    let of = |resource: &str, field: &str| -> Value {
        let mut all = changes.iter();
        let found = all.find(|c| c["resource"] == resource && c["field"] == field);
        found
            .cloned()
            .unwrap_or_else(|| panic!("no {resource} {field}: {changes:?}"))
    };
    assert_eq!(of("key/1", "level")["after"], 1);
    assert_eq!(of("key/1", "level")["before"], Value::Null);
    assert_eq!(of("completed", "gpt*")["after"], 1);
    let mask = of("key/1", "secret")["after"].clone();
    assert!(mask.as_str().unwrap().ends_with("WXYZ"), "{mask}");
}

#[tokio::test]
async fn pages_have_no_gaps_and_no_repeats_while_writes_go_on() {
    let node = Node::start().await;
    for n in 0..20 {
        let body = json!({"title": format!("n{n}"), "content": "text"});
        node.post("/x-news", &body).await.ok();
    }
    for order in ["desc", "asc"] {
        let mut cursor = String::new();
        let mut seen: Vec<u64> = Vec::new();
        let began = node.replica.revision().0;
        for round in 0.. {
            let path = format!("/admin/v1/history?limit=3&order={order}{cursor}");
            let page = node.get(&path).await.ok();
            let items = page["items"].as_array().unwrap();
            seen.extend(items.iter().map(|item| item["revision"].as_u64().unwrap()));
            // A write between two pages, as long as that comes to an end.
            if round < 5 {
                let body = json!({"title": "more", "content": "text"});
                node.post("/x-news", &body).await.ok();
            }
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let expected: Vec<u64> = if order == "desc" {
            (1..=began).rev().collect()
        } else {
            (1..=began + 5).collect()
        };
        assert_eq!(seen, expected, "{order}");
    }
}

#[tokio::test]
async fn what_is_no_question_is_refused_by_name() {
    let node = Node::start().await;
    node.add_key(1, OPENAI).await;
    let page = node.get("/admin/v1/history?limit=1").await.ok();
    let cursor = page["next_cursor"].as_str().unwrap().to_owned();
    let turned = page["next_cursor"]
        .as_str()
        .unwrap()
        .chars()
        .rev()
        .collect::<String>();
    for (query, param) in [
        ("limit=0".to_owned(), "limit"),
        ("limit=1001".to_owned(), "limit"),
        ("limit=x".to_owned(), "limit"),
        ("limit=".to_owned(), "limit"),
        ("order=up".to_owned(), "order"),
        ("actor=".to_owned(), "actor"),
        ("kind=Key%20Added".to_owned(), "kind"),
        ("kind=KeyAdd".to_owned(), "kind"),
        ("resource=keys".to_owned(), "resource"),
        ("resource=key/x".to_owned(), "resource"),
        ("from=yesterday".to_owned(), "from"),
        ("to=2026-13-01T00:00:00Z".to_owned(), "to"),
        ("since=2026-01-01T00:00:00Z".to_owned(), "since"),
        ("page=1".to_owned(), "page"),
        ("limit=1&limit=2".to_owned(), "limit"),
        ("cursor=AAAA".to_owned(), "cursor"),
        ("cursor=!".to_owned(), "cursor"),
        (format!("cursor={turned}"), "cursor"),
        (format!("cursor={cursor}&kind=KeyAdded"), "cursor"),
        (format!("cursor={cursor}&order=asc"), "cursor"),
    ] {
        let refused = node.get(&format!("/admin/v1/history?{query}")).await;
        let error = refused.refused(400, "invalid_field");
        assert_eq!(error["param"], param, "{query}: {error}");
    }
    let other = format!("/admin/v1/access_log?cursor={cursor}");
    node.get(&other).await.refused(400, "invalid_field");
    for path in ["0", "3", "99999999999"] {
        let path = format!("/admin/v1/history/{path}");
        let error = node.get(&path).await.refused(404, "revision_not_found");
        assert_eq!(error["param"], "revision");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("begins at revision 1"), "{message}");
        assert!(message.contains("the head is 2"), "{message}");
    }
    node.get("/admin/v1/history/x")
        .await
        .refused(400, "invalid_field");
}

#[tokio::test]
async fn times_are_read_in_every_zone() {
    let node = Node::start().await;
    let at = node.records().await[0].at;
    let later = Timestamp(at.0 + 3_600_000);
    // An hour later in a zone an hour ahead is the same moment.
    let zoned = later.to_string().replace('Z', "%2B01:00");
    let plain = later.to_string().replace('Z', "+01:00");
    for time in [zoned, plain] {
        assert_eq!(
            pages(&node, &format!("&from={time}&to={time}"), 10).await,
            [1]
        );
    }
    let future = later.to_string();
    assert_eq!(
        pages(&node, &format!("&from={future}"), 10).await,
        [0_u64; 0]
    );
    assert_eq!(pages(&node, &format!("&to={future}"), 10).await, [1]);
}

#[tokio::test]
async fn no_secret_stands_in_any_answer() {
    let node = Node::start().await;
    eventful(&node).await;
    node.post("/admin/v1/history/2/undo?dry_run=true", &json!({}))
        .await;
    let head = node.replica.revision().0;
    let hash = hex(&node.replica.state().owner(node.owner).unwrap().key_hash);
    let mut paths = vec![
        "/admin/v1/history?limit=1000".to_owned(),
        "/admin/v1/access_log".to_owned(),
        "/admin/v1/state/diff?from=1".to_owned(),
        "/admin/v1/explain?model=gpt-4o".to_owned(),
        "/dashboard/logs?size=100".to_owned(),
    ];
    for revision in 1..=head {
        paths.push(format!("/admin/v1/history/{revision}"));
        paths.push(format!("/admin/v1/state?at={revision}"));
    }
    for path in paths {
        let answer = node.get(&path).await;
        let text = answer.body.to_string();
        for secret in [SECRET, PASSWORD, "sealed", &hash] {
            assert!(!text.contains(secret), "{path} shows {secret}: {text}");
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits =
        |byte: &u8| [byte >> 4, byte & 15].map(|half| b"0123456789abcdef"[usize::from(half)]);
    String::from_utf8(bytes.iter().flat_map(digits).collect()).unwrap()
}

/// The mask of a short password is the same for all, so it does not tell a change.
#[tokio::test]
async fn a_password_that_was_set_anew_is_told_without_telling_it() {
    let node = Node::start().await;
    for password in ["ab", "cd"] {
        node.put("/x-config", &json!({"EMAIL_PASS": password}))
            .await
            .ok();
    }
    let one = node.get("/admin/v1/history/3").await.ok();
    let expected = json!([{
        "resource": "config",
        "field": "EMAIL_PASS",
        "before": "...",
        "after": "... (given anew)",
    }]);
    assert_eq!(one["changes"], expected);
    let diff = node.get("/admin/v1/state/diff?from=2&to=3").await.ok();
    assert_eq!(diff["changes"], expected);
    let state = node.get("/admin/v1/state?at=3").await.ok();
    assert_eq!(state["config"]["EMAIL_PASS"], "...");
}
