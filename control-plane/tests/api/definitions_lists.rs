//! Lists of definitions: all at once, page by page, by a part of their names.

use foldgate_domain::Command;
use foldgate_domain::command::PutDefinition;
use foldgate_log::Reports;
use foldgate_proto::{Actor, DefinitionId, DefinitionKind};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::definitions::{MODELS, direct, made, path};
use crate::entries::UNDATED;
use crate::history_world::{second_owner, submit};
use crate::node::{Answer, Node, SECRET, SOON, embedded};

fn names(list: &Value) -> Vec<String> {
    let entries = list.as_array().expect("an array").iter();
    let names = entries.map(|entry| entry["value"]["display_name"].as_str().unwrap().to_owned());
    names.collect()
}

/// Where the next page is, if there is one.
fn next(answer: &Answer) -> Option<String> {
    answer.headers.get("link")?;
    let link = answer.header("link");
    let target = link.strip_prefix('<')?.strip_suffix(">; rel=\"next\"");
    Some(target.expect("one link").to_owned())
}

/// All names, page by page, and how often a page was asked for.
async fn walk(node: &Node, first: &str, total: usize) -> (Vec<String>, usize) {
    let (mut seen, mut pages) = (Vec::new(), 0);
    let mut at = Some(first.to_owned());
    while let Some(page) = at {
        let answer = node.get(&page).await;
        assert_eq!(answer.header("x-total-count"), total.to_string());
        at = next(&answer);
        seen.extend(names(&answer.ok()));
        pages += 1;
        assert!(pages <= 100, "no end");
    }
    (seen, pages)
}

#[tokio::test]
async fn pages_of_every_size_show_all_once_and_in_order() {
    let node = Node::start().await;
    let all: Vec<String> = (0..12).map(|n| format!("m-{}", n * 7 % 12)).collect();
    for name in &all {
        made(&node, &direct(name)).await;
    }
    let whole = node.get(MODELS).await;
    assert_eq!(whole.header("x-total-count"), "12");
    assert_eq!(next(&whole), None);
    assert_eq!(names(&whole.ok()), all);
    for (limit, count) in [(1, 12), (4, 3), (5, 3), (11, 2), (12, 1), (1000, 1)] {
        let (seen, pages) = walk(&node, &format!("{MODELS}?limit={limit}"), 12).await;
        assert_eq!((seen, pages), (all.clone(), count), "{limit}");
    }
    // Behind an entry without a limit is all the rest; behind the last, nothing.
    let entries = node.get(MODELS).await.ok();
    let id = |at: usize| entries[at]["id"].as_str().unwrap().to_owned();
    let rest = node.get(&format!("{MODELS}?after={}", id(8))).await;
    assert_eq!(next(&rest), None);
    assert_eq!(names(&rest.ok()), all[9..]);
    let end = node
        .get(&format!("{MODELS}?after={}&limit=3", id(11)))
        .await;
    assert_eq!(next(&end), None);
    assert_eq!(end.ok(), json!([]));
}

#[tokio::test]
async fn what_is_removed_and_made_meanwhile_shifts_no_page() {
    let node = Node::start().await;
    let mut paths = Vec::new();
    for number in 0..6 {
        paths.push(made(&node, &direct(&format!("m{number}"))).await);
    }
    let first = node.get(&format!("{MODELS}?limit=2")).await;
    let link = next(&first).unwrap();
    assert!(
        link.starts_with(&format!("{MODELS}?limit=2&after=")),
        "{link}"
    );
    node.delete(&paths[0]).await.ok();
    node.delete(&paths[3]).await.ok();
    made(&node, &direct("m6")).await;
    let second = node.get(&link).await;
    assert_eq!(second.header("x-total-count"), "5");
    let link = next(&second).unwrap();
    assert_eq!(names(&second.ok()), ["m2", "m4"]);
    assert_eq!(names(&node.get(&link).await.ok()), ["m5", "m6"]);
    // Not even when the entry goes that a page begins behind.
    node.delete(&paths[4]).await.ok();
    assert_eq!(names(&node.get(&link).await.ok()), ["m5", "m6"]);
}

#[tokio::test]
async fn names_are_searched_whatever_their_case() {
    let node = Node::start().await;
    for name in [
        "GPT-fast", "gpt-slow", "Große-1", "grosse-2", "a+b&c", "gpt-*",
    ] {
        made(&node, &direct(name)).await;
    }
    for (part, expected) in [
        ("gpt", vec!["GPT-fast", "gpt-slow", "gpt-*"]),
        ("-FAST", vec!["GPT-fast"]),
        ("GRO%C3%9FE", vec!["Große-1", "grosse-2"]),
        ("GROSSE", vec!["Große-1", "grosse-2"]),
        ("%2Bb%26", vec!["a+b&c"]),
        // A star is a star.
        ("*", vec!["gpt-*"]),
        ("nothing", vec![]),
        (
            "",
            vec![
                "GPT-fast", "gpt-slow", "Große-1", "grosse-2", "a+b&c", "gpt-*",
            ],
        ),
    ] {
        let query = format!("{MODELS}?q={part}");
        let found = node.get(&query).await;
        assert_eq!(found.header("x-total-count"), expected.len().to_string());
        assert_eq!(names(&found.ok()), expected, "{part}");
        let (seen, _) = walk(&node, &format!("{query}&limit=1"), expected.len()).await;
        assert_eq!(seen, expected, "{part}");
    }
}

#[tokio::test]
async fn parameters_that_say_nothing_are_refused() {
    let node = Node::start().await;
    let model = made(&node, &direct("fast")).await;
    for (query, param) in [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=-1", "limit"),
        ("limit=%2B1", "limit"),
        ("limit=", "limit"),
        ("limit=1&limit=2", "limit"),
        ("after=", "after"),
        ("after=x", "after"),
        (&format!("after={UNDATED}"), "after"),
        ("page=1", "page"),
        ("Limit=1", "Limit"),
    ] {
        let refused = node.get(&format!("{MODELS}?{query}")).await;
        let error = refused.refused(400, "invalid_field");
        assert_eq!(error["param"], param, "{query}");
    }
    let refused = node.get(&format!("{model}?limit=1")).await;
    assert_eq!(refused.refused(400, "invalid_field")["param"], "limit");
}

#[tokio::test]
async fn a_page_goes_on_behind_an_entry_that_is_gone() {
    let node = Node::start().await;
    for (list, body) in [
        (MODELS, direct as fn(&str) -> Value),
        (
            "/admin/v1/api_keys",
            |name| json!({"display_name": name, "allowed_models": ["*"]}),
        ),
        (
            "/admin/v1/provider_keys",
            |name| json!({"display_name": name, "provider": "openai", "api_key": SECRET}),
        ),
    ] {
        let mut ids = Vec::new();
        for name in ["a", "b", "c", "d"] {
            let entry = node.post(list, &body(name)).await.ok();
            ids.push(entry["id"].as_str().unwrap().to_owned());
        }
        for (gone, rest) in [(1, &ids[2..]), (3, &ids[4..]), (0, &ids[2..3])] {
            let gone = &ids[gone];
            node.delete(&format!("{list}/{gone}")).await.ok();
            let page = node.get(&format!("{list}?after={gone}&limit=5")).await.ok();
            let shown = page.as_array().unwrap().iter();
            let shown: Vec<&str> = shown.map(|entry| entry["id"].as_str().unwrap()).collect();
            assert_eq!(shown, rest, "{list} behind {gone}");
        }
    }
}

#[tokio::test]
async fn a_cursor_of_another_control_plane_s_newest_entry_is_known_here() {
    let dir = tempfile::tempdir().unwrap();
    let log = embedded(dir.path()).await;
    let one = Node::on(log.clone(), Reports::local()).await;
    let two = Node::on(log, Reports::local()).await;
    for number in 0..20 {
        let path = made(&one, &direct(&format!("m{number}"))).await;
        let id = path.rsplit('/').next().unwrap();
        let behind = two.get(&format!("{MODELS}?after={id}&limit=5")).await;
        assert_eq!(behind.ok(), json!([]));
        two.get(&path).await.ok();
        two.put(&path, &direct(&format!("other-{number}")))
            .await
            .ok();
        one.get(&path).await.ok();
    }
}

/// Through the writer, which is quicker than as many requests.
#[tokio::test]
async fn ten_thousand_models_are_listed_whole_and_by_pages_and_no_more_are_taken() {
    let node = Node::start().await;
    second_owner(&node).await;
    let put = |number: usize| {
        let Value::Object(value) = direct(&format!("m{number}")) else {
            unreachable!()
        };
        Command::PutDefinition(Box::new(PutDefinition {
            kind: DefinitionKind::Model,
            id: DefinitionId(Uuid::now_v7()),
            number: None,
            value,
            secrets: std::collections::BTreeMap::new(),
        }))
    };
    let count = 10_000;
    for chunk in (0..count).collect::<Vec<_>>().chunks(500) {
        let writes = chunk
            .iter()
            .map(|number| submit(&node, node.owner, Actor::owner("root"), put(*number)));
        futures_util::future::join_all(writes).await;
    }
    let head = node.log.head().await.unwrap().revision;
    node.replica.wait_for(head, SOON).await.unwrap();
    let whole = node.get(MODELS).await;
    assert_eq!(whole.header("x-total-count"), "10000");
    let whole = names(&whole.ok());
    assert_eq!(whole.len(), count);
    let (seen, pages) = walk(&node, &format!("{MODELS}?limit=1000"), count).await;
    assert_eq!(pages, 10);
    assert_eq!(seen, whole);
    let error = node.post(MODELS, &direct("one-more")).await;
    error.refused(409, "too_many");
    let last = node.get(&format!("{MODELS}?q=m9999")).await.ok();
    node.delete(&path(&last[0])).await.ok();
    node.post(MODELS, &direct("one-more")).await.ok();
}
