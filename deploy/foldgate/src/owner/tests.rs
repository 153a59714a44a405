//! Claiming on a real embedded log.

use foldgate_log::{Embedded, Error, replica};
use foldgate_runtime::Health;
use foldgate_vault::digest;

use super::*;
use crate::storage::LOG_FOLDER;

/// The log of a replica that stopped is closed by a thread of its own.
async fn opened(data: &DataDir) -> Embedded {
    let begun = std::time::Instant::now();
    loop {
        match Embedded::open(&data.file(LOG_FOLDER)).await {
            Err(Error::InUse(_)) if begun.elapsed() < PATIENCE => {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            opened => return opened.unwrap(),
        }
    }
}

async fn claim(data: &DataDir, given: Option<&SecretString>) -> (Option<Claimed>, [u8; 32]) {
    let log: Arc<dyn EventLog> = Arc::new(opened(data).await);
    let replica = Replica::start(log.clone(), replica::Options::default())
        .await
        .unwrap();
    let claim = Claim {
        log,
        replica: replica.clone(),
        name: "owner",
        given,
        data,
    };
    let health = Health::new();
    let drawn = claim.ensure(&health.component("owner")).await.unwrap();
    assert!(health.is_ready());
    let state = replica.table().state.clone();
    let hash = state.first_owner().unwrap().key_hash.clone();
    replica.stop().await;
    (drawn, hash.as_slice().try_into().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drawn_key_is_kept_and_given_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = DataDir::open(folder.path()).unwrap();
    let (drawn, hash) = claim(&data, None).await;
    let Claimed { key: drawn, is_new } = drawn.unwrap();
    assert!(is_new);
    let kept = data.read(OWNER_KEY_FILE).unwrap().unwrap();
    assert_eq!(kept.expose_secret().trim(), drawn.expose_secret());
    assert_eq!(hash, digest(drawn.expose_secret()));
    assert!(claim(&data, None).await.0.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_kept_before_a_crash_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let data = DataDir::open(folder.path()).unwrap();
    data.write(OWNER_KEY_FILE, b"sk-fg-kept-before-the-crash\n")
        .unwrap();
    let (drawn, hash) = claim(&data, None).await;
    let kept = drawn.unwrap();
    assert_eq!(kept.key.expose_secret(), "sk-fg-kept-before-the-crash");
    assert!(!kept.is_new, "it is not to be shown as new");
    assert_eq!(hash, digest("sk-fg-kept-before-the-crash"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_given_key_is_neither_kept_nor_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let data = DataDir::open(folder.path()).unwrap();
    let given = SecretString::from("sk-fg-given-0123456789abcdef");
    let (drawn, hash) = claim(&data, Some(&given)).await;
    assert!(drawn.is_none());
    assert_eq!(hash, digest(given.expose_secret()));
    assert!(data.read(OWNER_KEY_FILE).unwrap().is_none());
}
