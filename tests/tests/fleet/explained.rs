//! What a request would meet, asked of either control plane, is what requests meet
//! on every node.

use foldgate_tests::poll::SOON;
use foldgate_tests::upstream::Hint;
use foldgate_tests::{Admin, FakeUpstream, Reply, eventually};
use serde_json::{Value, json};

use super::people::World;
use super::reads::get_at;

/// Asks both control planes until the first key of the first Level is like this, and
/// gives the whole answer, which is the same on both.
async fn explained(world: &World, state: &str) -> Value {
    let mut told = Vec::new();
    for control in &world.controls {
        let way = eventually(&format!("the key is {state}"), SOON, async || {
            let way = explain(control).await;
            let key = &way["levels"][0]["keys"][0];
            if key["state"] == state {
                Ok(way)
            } else {
                Err(way.to_string())
            }
        })
        .await;
        told.push(way);
    }
    for field in ["steps", "level", "switch_over", "limits", "upstream_model"] {
        assert_eq!(told[0][field], told[1][field], "{field}");
    }
    told.remove(1)
}

async fn explain(control: &Admin) -> Value {
    let path = "/admin/v1/explain?model=asked&account=team-a";
    control.get(path).await.ok()
}

#[tokio::test]
async fn both_control_planes_explain_what_every_node_does() {
    let world = World::start().await;
    let [one, other] = &world.controls;
    let (_, key) = world.account("team-a", &json!({"RPM": 60})).await;
    let second = FakeUpstream::start().await;
    other.add_key(2, &second.url()).await;
    let routing = json!({
        "MODEL_MAPPER": "ask*=large, *=small", "LEVEL_MAPPER": {"large": 1, "*": 2},
        "SWITCH_OVER": "1=2",
    });
    let last = one.put("/x-config?wait=fleet", &routing).await.revision();
    for control in [one, other] {
        get_at(control, "/x-config", last).await.ok();
    }
    let way = explained(&world, "awake").await;
    assert_eq!(way["steps"][1]["pattern"], "ask*", "{way}");
    assert_eq!(way["steps"][1]["losing"][0]["pattern"], "*", "{way}");
    assert_eq!(
        (&way["level"], &way["switch_over"]),
        (&json!(1), &json!([2]))
    );
    assert_eq!(way["upstream_model"], "large", "{way}");
    assert_eq!(way["limits"]["limits"][0]["limit"]["rpm"], 60, "{way}");
    assert_eq!(world.chats(&key, "asked").await, [200; 3]);
    assert_eq!(world.upstream.last().json()["model"], "large");
    assert_eq!((world.upstream.count(), second.count()), (3, 0));

    // One node is told to wait; all of them leave the key alone from then on.
    world
        .upstream
        .always(Reply::rate_limited(Hint::Seconds(600)));
    let caller = world.fleet.nodes[1].proxy().with_key(Some(&key));
    super::must_chat(&caller, "asked").await;
    let way = explained(&world, "asleep").await;
    assert_eq!(way["levels"][0]["keys"][0]["cause"], "rate_limit", "{way}");
    assert_eq!(way["levels"][1]["keys"][0]["state"], "awake", "{way}");
    assert_eq!(way["routed"], true, "{way}");
    eventually("every node knows", SOON, async || {
        let before = world.upstream.count();
        assert_eq!(world.chats(&key, "asked").await, [200; 3]);
        let asked = world.upstream.count() - before;
        if asked == 0 {
            Ok(())
        } else {
            Err(format!("{asked} asked"))
        }
    })
    .await;
    other.put("/x-keys/1", &json!({"Status": false})).await.ok();
    let way = explained(&world, "disabled").await;
    let reason = &way["levels"][0]["keys"][0]["reason"];
    assert!(reason.is_string(), "{way}");
}
