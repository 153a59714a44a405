//! Conversations, which an upstream keeps and no call through the gateway makes.

use serde_json::json;

use super::{by, rig};
use crate::client::Caller;

/// Conversations are made elsewhere, so nobody but the owner may name one first; the key
/// that went on with it then is the one that has it.
#[tokio::test]
async fn a_conversation_stays_with_the_key_that_has_it() {
    let (rig, upstream) = rig().await;
    let team = Caller::new(rig.address, "team-one");
    let spellings = [json!("conv_1"), json!({"id": "conv_1"})];
    let asks = |conversation: &serde_json::Value| {
        json!({"model": "m", "conversation": conversation}).to_string()
    };
    for conversation in &spellings {
        let reply = team.post("/v1/responses", asks(conversation)).await;
        assert_eq!(reply.code(), (400, "not_found".to_owned()));
        assert_eq!(reply.json()["error"]["param"], "conversation");
    }
    for wrong in [json!(7), json!({}), json!({"id": null}), json!(["conv_1"])] {
        let reply = rig.caller.post("/v1/responses", asks(&wrong)).await;
        assert_eq!(reply.code(), (400, "invalid_request".to_owned()), "{wrong}");
        assert_eq!(reply.json()["error"]["param"], "conversation");
    }
    assert!(upstream.asked().is_empty(), "nobody was asked");
    let reply = rig.caller.post("/v1/responses", asks(&spellings[0])).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let has_it = by(&upstream);
    for turn in 0..4 {
        let reply = rig.caller.post("/v1/responses", asks(&spellings[turn % 2]));
        assert_eq!(reply.await.status, 200);
        assert_eq!(by(&upstream), has_it);
    }
    // The owner's is no account's.
    let asked = upstream.asked().len();
    let reply = team.post("/v1/responses", asks(&spellings[1])).await;
    assert_eq!(reply.code(), (400, "not_found".to_owned()));
    assert_eq!(upstream.asked().len(), asked, "nobody was asked");
    // No conversation is none, and elsewhere the name means nothing.
    let none = asks(&serde_json::Value::Null);
    assert_eq!(team.post("/v1/responses", none).await.status, 200);
    let reply = team.post("/v1/completions", asks(&json!(7))).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
}
