//! Histories at random, asked over HTTP: the state at every revision is the fold of
//! so many records.

use foldgate_domain::testing::{History, Wish};
use foldgate_log::{Embedded, EventLog as _, Reports};
use foldgate_proto::Revision;
use proptest::prelude::*;
use std::sync::Arc;

use crate::node::{Node, OWNER_KEY};

async fn asked(history: &History) {
    let home = tempfile::tempdir().unwrap();
    let log = Embedded::create(home.path(), history.states[0].log);
    let log = log.await.unwrap();
    log.append(Revision::ZERO, &history.records).await.unwrap();
    let node = Node::on(Arc::new(log), Reports::local()).await;
    for (at, state) in history.states.iter().enumerate().skip(1) {
        let shown = node.get(&format!("/admin/v1/state?at={at}")).await.ok();
        assert_eq!(shown["revision"], at);
        assert_eq!(
            shown["state_hash"],
            state.hash().unwrap().to_string(),
            "at {at}"
        );
    }
    node.stop().await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, ..ProptestConfig::default() })]

    #[test]
    fn the_state_shown_at_each_revision_is_the_fold_of_so_many_records(
        wishes in proptest::collection::vec(any::<Wish>(), 20..60),
    ) {
        let mut history = History::new(foldgate_vault::digest(OWNER_KEY));
        for wish in wishes {
            history.wish(wish);
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(asked(&history));
    }
}
