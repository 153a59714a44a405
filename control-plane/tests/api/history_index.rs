//! The index itself: it is made anew when it is lost, damaged or of another log,
//! goes on where it was, and finds states behind its checkpoints.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use foldgate_domain::State;
use foldgate_log::{EventLog, Reports};
use foldgate_proto::event::KeyPatched;
use foldgate_proto::{Actor, Event, KeyNumber, Record, RecordId, Revision, Timestamp};
use serde_json::json;
use uuid::Uuid;

use crate::history_world::{OPENAI, all_of, eventful, indexed, pages};
use crate::node::{Node, embedded, eventually};

/// What may happen to an index while nobody looks.
type Harm = fn(&Lasting);

/// A node whose log and folders outlive it.
pub(crate) struct Lasting {
    pub(crate) log: Arc<dyn EventLog>,
    data: Arc<tempfile::TempDir>,
    _dir: tempfile::TempDir,
}

impl Lasting {
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self {
            log: embedded(dir.path()).await,
            data: Arc::new(tempfile::tempdir().unwrap()),
            _dir: dir,
        }
    }

    pub(crate) async fn start(&self) -> Node {
        let (log, data) = (Arc::clone(&self.log), Arc::clone(&self.data));
        Node::over(log, Reports::local(), data).await
    }

    /// Forgets what was kept beside the log.
    pub(crate) fn lose_data(&mut self) {
        self.data = Arc::new(tempfile::tempdir().unwrap());
    }

    fn folder(&self) -> PathBuf {
        self.data.path().join("history")
    }

    /// The one folder of the index.
    fn index(&self) -> PathBuf {
        let folders: Vec<PathBuf> = entries(&self.folder());
        assert_eq!(folders.len(), 1, "{folders:?}");
        folders[0].clone()
    }
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// Every file below a folder.
fn files(dir: &Path) -> Vec<PathBuf> {
    let each = entries(dir).into_iter().flat_map(|path| {
        if path.is_dir() {
            files(&path)
        } else {
            vec![path]
        }
    });
    each.collect()
}

/// Asks for everything, and holds it against reading all of the log.
pub(crate) async fn is_whole(node: &Node) {
    indexed(node).await;
    let (told, states) = all_of(node, node.owner).await;
    let mut expected: Vec<u64> = told.iter().map(|told| told.revision).collect();
    expected.reverse();
    assert_eq!(pages(node, "", 1000).await, expected);
    let keys: Vec<u64> = told
        .iter()
        .filter(|told| told.touches("key"))
        .map(|told| told.revision)
        .collect();
    assert_eq!(pages(node, "&resource=key&order=asc", 1000).await, keys);
    let middle = states.len() / 2;
    let shown = node.get(&format!("/admin/v1/state?at={middle}")).await.ok();
    assert_eq!(
        shown["state_hash"],
        states[middle].hash().unwrap().to_string()
    );
}

#[tokio::test]
async fn an_index_goes_on_where_it_was() {
    let lasting = Lasting::new().await;
    let node = lasting.start().await;
    eventful(&node).await;
    indexed(&node).await;
    node.stop().await;
    drop(node);
    let before = lasting.index();
    let node = lasting.start().await;
    node.add_key(1, OPENAI).await;
    is_whole(&node).await;
    assert_eq!(lasting.index(), before, "it was not made anew");
}

#[tokio::test]
async fn an_index_that_is_gone_damaged_or_doubled_is_made_anew() {
    let lasting = Lasting::new().await;
    let node = lasting.start().await;
    eventful(&node).await;
    is_whole(&node).await;
    node.stop().await;
    drop(node);
    let harms: [(&str, Harm); 6] = [
        ("gone", |at| fs::remove_dir_all(at.folder()).unwrap()),
        ("emptied", |at| {
            for file in files(&at.folder()) {
                fs::write(file, b"").unwrap();
            }
        }),
        ("overwritten", |at| {
            for file in files(&at.folder()) {
                let length = fs::metadata(&file).unwrap().len();
                fs::write(file, vec![0xa5; usize::try_from(length).unwrap()]).unwrap();
            }
        }),
        ("cut short", |at| {
            let db = at.index().join("sled").join("db");
            let bytes = fs::read(&db).unwrap();
            fs::write(&db, &bytes[..bytes.len() / 3]).unwrap();
        }),
        ("without its store", |at| {
            fs::remove_dir_all(at.index().join("sled")).unwrap();
        }),
        ("doubled", |at| {
            fs::create_dir_all(at.folder().join("index-other").join("sled")).unwrap();
        }),
    ];
    for (what, harm) in harms {
        harm(&lasting);
        let node = lasting.start().await;
        is_whole(&node).await;
        assert!(node.health.is_ready(), "{what}");
        node.stop().await;
        drop(node);
        lasting.index();
    }
}

#[tokio::test]
async fn an_index_whose_files_vanish_under_it_is_made_anew() {
    let lasting = Lasting::new().await;
    let node = lasting.start().await;
    eventful(&node).await;
    is_whole(&node).await;
    fs::remove_dir_all(lasting.folder()).unwrap();
    node.add_key(1, OPENAI).await;
    eventually("the index is made anew", async || {
        (!entries(&lasting.folder()).is_empty()).then_some(())
    })
    .await;
    is_whole(&node).await;
}

#[tokio::test]
async fn an_index_of_another_log_is_made_anew() {
    let lasting = Lasting::new().await;
    let node = lasting.start().await;
    eventful(&node).await;
    is_whole(&node).await;
    node.stop().await;
    drop(node);
    let other = Lasting::new().await;
    let moved = Node::over(
        Arc::clone(&other.log),
        Reports::local(),
        Arc::clone(&lasting.data),
    );
    let moved = moved.await;
    moved.add_key(1, OPENAI).await;
    is_whole(&moved).await;
    assert_eq!(pages(&moved, "", 1000).await, [2, 1]);
}

#[tokio::test]
async fn readiness_tells_of_the_index_and_does_not_wait_for_it() {
    let node = Node::start().await;
    indexed(&node).await;
    eventually("the index is said to be ready", async || {
        let report = node.health.report(true);
        let line = report
            .components
            .iter()
            .find(|line| line.name == "history")?;
        (line.status == "ready").then_some(())
    })
    .await;
    assert!(node.health.is_ready());
}

/// Appends so many records that change one key's name, each behind the last.
pub(crate) async fn appended(log: &dyn EventLog, state: &mut State, count: u64) {
    let owner = state.first_owner().unwrap().id;
    let mut group = Vec::new();
    for n in 0..count {
        let patch = KeyPatched {
            number: KeyNumber(1),
            name: Some(format!("name {n}")),
            ..KeyPatched::default()
        };
        let record = Record {
            id: RecordId(Uuid::now_v7()),
            schema: 1,
            writer_version: "test".to_owned(),
            at: Timestamp(state.at.0 + 1),
            owner,
            actor: Actor::owner("root"),
            address: None,
            request_id: None,
            reason: None,
            idempotency: None,
            command: "PatchKey".to_owned(),
            prev: state.chain,
            events: vec![Event::KeyPatched(patch)],
        };
        let encoded = record.encode().unwrap();
        state.apply(state.revision.next(), encoded.hash, &record);
        group.push(encoded);
        if group.len() == 256 || n + 1 == count {
            let expected = Revision(state.revision.0 - group.len() as u64);
            log.append(expected, &group).await.unwrap();
            group.clear();
        }
    }
}

#[tokio::test]
async fn a_state_behind_a_checkpoint_is_right_with_and_without_it() {
    let lasting = Lasting::new().await;
    let node = lasting.start().await;
    node.add_key(1, "http://127.0.0.1:9").await;
    node.stop().await;
    drop(node);
    let (_, states) = {
        let node = lasting.start().await;
        let all = all_of(&node, node.owner).await;
        node.stop().await;
        all
    };
    let mut state = states.last().unwrap().clone();
    appended(&*lasting.log, &mut state, 10_500).await;
    let wanted = state.clone();
    appended(&*lasting.log, &mut state, 100).await;

    let node = lasting.start().await;
    indexed(&node).await;
    let at = wanted.revision.0;
    let hash = wanted.hash().unwrap().to_string();
    let shown = async |node: &Node| node.get(&format!("/admin/v1/state?at={at}")).await.ok();
    assert_eq!(shown(&node).await["state_hash"], hash);
    let checkpoints = lasting.index().join("checkpoints");
    let kept = entries(&checkpoints);
    assert_eq!(kept.len(), 1, "{kept:?}");
    node.stop().await;
    drop(node);

    // Damaged, it is passed over, and written anew on the way.
    let file = kept[0].join("snapshot-a");
    let good = fs::read(&file).unwrap();
    fs::write(&file, b"damaged").unwrap();
    let node = lasting.start().await;
    indexed(&node).await;
    assert_eq!(shown(&node).await["state_hash"], hash);
    assert_eq!(fs::read(&file).unwrap().len(), good.len(), "it is healed");
    node.stop().await;
    drop(node);

    let node = lasting.start().await;
    assert_eq!(shown(&node).await["state_hash"], hash);
    let named = node.get("/admin/v1/state").await.ok();
    assert_eq!(named["keys"][0]["name"], json!("name 99"));
}
