//! A limit holds over all data planes together: when calls burst upon all of them at
//! once, and when NATS is gone.

use foldgate_tests::poll::SOON;
use foldgate_tests::{Client, FakeUpstream, Fleet, eventually};
use futures_util::future::join_all;
use serde_json::json;

use super::{CHAT, chat};

const LIMIT: usize = 60;

/// The most that may be let through: the stated bound of the worst burst.
const BOUND: usize = LIMIT + LIMIT / 20;

/// Three data planes on which the models `burst` and `apart` are limited: per minute,
/// and per hour lest a slow machine see the minute pass.
async fn limited() -> (Fleet, FakeUpstream) {
    let fleet = Fleet::start(1, 3).await;
    let upstream = FakeUpstream::start().await;
    let admin = fleet.admin();
    admin.serve_all(&upstream.url()).await;
    let limit = json!({"rpm": LIMIT, "rph": LIMIT});
    let limits = json!({"MODEL_LIMITS": {"burst": limit, "apart": limit}});
    let revision = admin.put("/x-config", &limits).await.revision();
    fleet.folded(revision).await;
    fleet.acquainted().await;
    (fleet, upstream)
}

/// So many calls at once at each node: how many of them each lets through.
async fn burst(nodes: &[Client], model: &str, each: usize) -> Vec<usize> {
    let of_node = async |node: &Client| {
        let body = chat(model);
        let calls = (0..each).map(|_| node.post(CHAT, &body));
        let answers = join_all(calls).await;
        for answer in &answers {
            assert!(matches!(answer.status, 200 | 429), "{}", answer.text());
        }
        answers.iter().filter(|answer| answer.status == 200).count()
    };
    join_all(nodes.iter().map(of_node)).await
}

fn proxies(fleet: &Fleet) -> Vec<Client> {
    fleet.nodes.iter().map(|node| node.proxy()).collect()
}

#[tokio::test]
async fn a_burst_at_all_nodes_keeps_to_the_limit_and_uses_all_of_it() {
    let (fleet, upstream) = limited().await;
    let nodes = proxies(&fleet);
    let mut taken: usize = burst(&nodes, "burst", 30).await.iter().sum();
    assert!(taken <= BOUND, "{taken}");
    // What is left is let through wherever it is asked for, and then nothing is.
    eventually("all of the limit is used", SOON, async || {
        taken += burst(&nodes, "burst", 1).await.iter().sum::<usize>();
        if taken >= LIMIT {
            Ok(())
        } else {
            Err(taken.to_string())
        }
    })
    .await;
    taken += burst(&nodes, "burst", 20).await.iter().sum::<usize>();
    assert!((LIMIT..=BOUND).contains(&taken), "{taken}");
    assert_eq!(upstream.count(), taken);
    for node in &nodes {
        let refused = node.post(CHAT, &chat("burst")).await;
        let code = refused.error(429).code;
        assert_eq!(code.as_deref(), Some("rate_limit_exceeded"));
        assert_eq!(refused.header("x-ratelimit-limit-requests"), Some("60"));
        assert_eq!(refused.header("x-ratelimit-remaining-requests"), Some("0"));
        let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!(wait <= 3600, "{wait}");
        // Another model is another count.
        node.post(CHAT, &chat("free")).await.ok();
    }
}

#[tokio::test]
async fn a_burst_at_one_node_gets_what_the_others_do_not_need() {
    let (fleet, _upstream) = limited().await;
    let nodes = proxies(&fleet);
    let one = &nodes[..1];
    let mut taken = burst(one, "burst", LIMIT).await[0];
    eventually("all of the limit is used", SOON, async || {
        taken += burst(one, "burst", 1).await[0];
        if taken >= LIMIT {
            Ok(())
        } else {
            Err(taken.to_string())
        }
    })
    .await;
    let more: usize = burst(&nodes, "burst", 10).await.iter().sum();
    assert!(taken + more <= BOUND, "{taken} and {more}");
}

#[tokio::test]
async fn without_nats_each_node_keeps_to_its_last_share() {
    let (mut fleet, _upstream) = limited().await;
    let nodes = proxies(&fleet);
    let mut taken: usize = burst(&nodes, "apart", 4).await.iter().sum();
    fleet.nats.kill();
    // What a node wanted before may have been told to some but not to all: shares are
    // small then, but soon they are even.
    let mut apart = vec![0; nodes.len()];
    let mut each = LIMIT;
    eventually("each has its share", SOON, async || {
        for (all, more) in apart.iter_mut().zip(burst(&nodes, "apart", each).await) {
            *all += more;
            taken += more;
        }
        each = 2;
        let shared = apart.iter().all(|all| *all >= LIMIT / 6);
        shared.then_some(()).ok_or_else(|| format!("{apart:?}"))
    })
    .await;
    assert!(taken <= BOUND, "{taken}, {apart:?}");
    // With NATS again they find what is left.
    fleet.nats.restart().await;
    eventually("all of the limit is used", SOON, async || {
        taken += burst(&nodes, "apart", 1).await.iter().sum::<usize>();
        if taken >= LIMIT {
            Ok(())
        } else {
            Err(taken.to_string())
        }
    })
    .await;
    taken += burst(&nodes, "apart", 10).await.iter().sum::<usize>();
    assert!(taken <= BOUND, "{taken}");
}
