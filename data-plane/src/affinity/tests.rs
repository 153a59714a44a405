use std::time::Duration;

use bytes::Bytes;
use foldgate_log::Reports;
use foldgate_proto::{AccountNumber, KeyId, Made, OwnerId};
use uuid::Uuid;

use super::{Affinity, MOST, first_id, joined};
use crate::jobs::Jobs;

const OWNER: OwnerId = OwnerId(Uuid::from_u128(1));
const ONE: super::Whose = (OWNER, AccountNumber(1));
const TWO: super::Whose = (OWNER, AccountNumber(2));

fn key(n: u128) -> KeyId {
    KeyId(Uuid::from_u128(n))
}

#[tokio::test]
async fn what_an_account_had_made_is_its_own() {
    let affinity = Affinity::new(Reports::local(), None);
    affinity.note(ONE, "resp_1", (key(7), false));
    assert_eq!(affinity.find(ONE, "resp_1").await, Some(key(7)));
    assert_eq!(affinity.find(TWO, "resp_1").await, None);
    assert_eq!(affinity.find(ONE, "resp_2").await, None);
    let other = (OwnerId(Uuid::from_u128(2)), AccountNumber(1));
    assert_eq!(affinity.find(other, "resp_1").await, None);
}

#[tokio::test]
async fn what_is_known_outlives_a_start_and_half_an_entry() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("made");
    let before = Affinity::new(Reports::local(), Some(&file));
    before.keep(&file).unwrap();
    assert!(!file.exists(), "nothing is no file");
    for n in 0..3 {
        before.note(ONE, &format!("file-{n}"), (key(n), true));
        before.note(ONE, &format!("file-{n}"), (key(9), true));
        before.keep(&file).unwrap();
    }
    let mut bytes = std::fs::read(&file).unwrap();
    assert_eq!(bytes.len(), 3 * 56);
    bytes[60] ^= 1;
    bytes.truncate(bytes.len() - 5);
    bytes.extend([0; 7]);
    std::fs::write(&file, &bytes).unwrap();
    let after = Affinity::new(Reports::local(), Some(&file));
    assert!(after.knows(ONE, "file-0"));
    assert!(!after.knows(ONE, "file-1"), "a broken entry is left out");
    assert_eq!(std::fs::read(&file).unwrap().len(), 56, "written anew");
    after.note(ONE, "file-4", (key(4), true));
    after.keep(&file).unwrap();
    let again = Affinity::new(Reports::local(), Some(&file));
    assert_eq!(again.find(ONE, "file-4").await, Some(key(4)));
}

#[tokio::test]
async fn a_node_that_does_not_know_asks() {
    let reports = Reports::local();
    let [one, two] = [(); 2].map(|()| std::sync::Arc::new(Affinity::new(reports.clone(), None)));
    one.note(ONE, "resp_1", (key(7), false));
    // Both begin to listen after that was told.
    for node in [&one, &two] {
        let node = node.clone();
        let jobs = Jobs::new(reports.clone(), None);
        tokio::spawn(async move { node.listen(&jobs).await });
    }
    let listening = async {
        while !reports.has_others() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), listening)
        .await
        .unwrap();
    assert_eq!(two.find(ONE, "resp_1").await, Some(key(7)));
    assert!(two.knows(ONE, "resp_1"), "and remembers");
    assert_eq!(two.find(TWO, "resp_1").await, None);
    one.note(ONE, "resp_2", (key(8), false));
    assert_eq!(two.find(ONE, "resp_2").await, Some(key(8)));
}

#[test]
fn the_oldest_of_a_kind_is_forgotten() {
    let mut known = super::Known::default();
    let report = |n: usize, lasting| foldgate_proto::MadeReport {
        made: Made::of(OWNER, AccountNumber(1), &n.to_string()),
        key: key(1),
        at: foldgate_proto::Timestamp(0),
        lasting,
    };
    assert!(known.take(&report(0, true)));
    for n in 1..=MOST + 1 {
        assert!(known.take(&report(n, false)));
    }
    assert!(
        known.get(&report(0, true).made).is_some(),
        "a file outlives responses"
    );
    assert!(known.get(&report(1, false).made).is_none());
    assert!(known.get(&report(2, false).made).is_some());
    assert_eq!(known.responses.keys.len(), MOST);
}

/// Two keys of one upstream account see the same.
#[test]
fn what_several_keys_list_is_listed_once() {
    let [one, two] = [
        r#"[{"id":"a"},{"id":"b"}]"#,
        r#"[{"id":"b"},{"x":1},{"id":"c"}]"#,
    ]
    .map(|data| Bytes::from(format!(r#"{{"data":{data},"has_more":false}}"#)));
    assert_eq!(
        joined(&[one, two]).unwrap(),
        r#"{"data":[{"id":"a"},{"id":"b"},{"x":1},{"id":"c"}],"has_more":false}"#
    );
}

#[test]
fn a_list_is_cut_to_what_is_own() {
    let affinity = Affinity::new(Reports::local(), None);
    affinity.note(ONE, "b", (key(1), true));
    affinity.note(ONE, "c", (key(1), true));
    let list = Bytes::from(
        r#"{"object":"list", "data":[ {"id":"a","n":1.0}, {"id":"b","n":1.0},{"x":1},{"id": "c"} ],"has_more":false}"#,
    );
    let own = affinity.own_of(ONE, &list).unwrap();
    assert_eq!(
        own,
        r#"{"object":"list", "data":[{"id":"b","n":1.0},{"id": "c"}],"has_more":false}"#
    );
    assert_eq!(
        affinity.own_of(TWO, &list).unwrap(),
        r#"{"object":"list", "data":[],"has_more":false}"#
    );
    for odd in ["[]", "{}", r#"{"data":1}"#, "x"] {
        assert_eq!(affinity.own_of(ONE, &Bytes::from(odd)), None, "{odd}");
    }
}

#[test]
fn the_id_of_a_large_answer_is_its_first_word() {
    let id = |text: &str| first_id(&Bytes::from(text.to_owned()));
    assert_eq!(
        id(" {\n \"id\" : \"resp_1\", \"output\":[").as_deref(),
        Some("resp_1")
    );
    for other in ["", "{\"x\":1,\"id\":\"a\"}", "{\"id\":1,", "{\"id\":\"resp"] {
        assert_eq!(id(other), None, "{other}");
    }
}
