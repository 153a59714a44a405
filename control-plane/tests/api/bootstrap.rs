//! The first owner.

use foldgate_control_plane::ensure_owner;
use foldgate_log::{Replica, replica};
use foldgate_proto::Revision;
use secrecy::{ExposeSecret, SecretString};

use crate::node::{SOON, embedded};

#[tokio::test]
async fn a_drawn_key_is_given_once() {
    let dir = tempfile::tempdir().unwrap();
    let log = embedded(dir.path()).await;
    let replica = Replica::start(log.clone(), replica::Options::default())
        .await
        .unwrap();
    let first = ensure_owner(&log, &replica, "root", None, SOON)
        .await
        .unwrap();
    let key = first.generated.unwrap();
    assert!(first.claimed);
    let hash = foldgate_vault::digest(key.expose_secret());
    assert_eq!(replica.table().caller(&hash).unwrap().owner, first.owner);

    let again = ensure_owner(&log, &replica, "root", None, SOON)
        .await
        .unwrap();
    assert!(!again.claimed && again.generated.is_none());
    assert_eq!(again.owner, first.owner);
    assert_eq!(replica.revision(), Revision(1));
}

#[tokio::test]
async fn a_given_key_is_taken_only_at_the_first_start() {
    let dir = tempfile::tempdir().unwrap();
    let log = embedded(dir.path()).await;
    let replica = Replica::start(log.clone(), replica::Options::default())
        .await
        .unwrap();
    for key in ["sk-first-owner-key-000000", "sk-other-owner-key-000000"] {
        let key = SecretString::from(key);
        let ensured = ensure_owner(&log, &replica, "root", Some(&key), SOON)
            .await
            .unwrap();
        assert!(ensured.generated.is_none());
    }
    let is_known = |key: &str| {
        replica
            .table()
            .caller(&foldgate_vault::digest(key))
            .is_some()
    };
    assert!(is_known("sk-first-owner-key-000000"));
    assert!(!is_known("sk-other-owner-key-000000"));
}

#[tokio::test]
async fn of_many_that_start_at_once_one_wins() {
    let dir = tempfile::tempdir().unwrap();
    let log = embedded(dir.path()).await;
    let starts = (0..8).map(|n| {
        let log = log.clone();
        tokio::spawn(async move {
            let options = replica::Options::default();
            let replica = Replica::start(log.clone(), options).await.unwrap();
            let name = format!("root-{n}");
            ensure_owner(&log, &replica, &name, None, SOON)
                .await
                .unwrap()
        })
    });
    let starts: Vec<_> = starts.collect();
    let mut ensured = Vec::new();
    for start in starts {
        ensured.push(start.await.unwrap());
    }
    assert_eq!(ensured.iter().filter(|one| one.claimed).count(), 1);
    assert_eq!(
        ensured.iter().filter(|one| one.generated.is_some()).count(),
        1
    );
    assert!(ensured.iter().all(|one| one.owner == ensured[0].owner));
    assert_eq!(log.head().await.unwrap().revision, Revision(1));
}
