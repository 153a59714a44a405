//! Endpoints that a vendor does not have.

use foldgate_proto::Dialect;

use super::{MESSAGE, MESSAGES, TO_MESSAGES, rig};
use crate::upstream::Script;

/// Sent in OpenAI's clothes, the credential would be taken for a bad one, and the key
/// put out of use by whoever calls so.
#[tokio::test]
async fn what_a_vendor_does_not_have_is_not_sent_to_it() {
    for dialect in [Dialect::Anthropic, Dialect::Gemini] {
        let (rig, upstream) = rig(dialect, Script::json(401, "{}")).await;
        for (path, body) in [
            ("/v1/moderations", r#"{"model":"m","input":"x"}"#),
            ("/v1/responses", r#"{"model":"m","input":"x"}"#),
            ("/v1/completions", r#"{"model":"m","prompt":"x"}"#),
            ("/v1/audio/speech", r#"{"model":"m","input":"x"}"#),
            ("/v1/rerank", r#"{"model":"m","query":"x"}"#),
            ("/v1/batches", r#"{"endpoint":"x"}"#),
        ] {
            let reply = rig.caller.post(path, body).await;
            let expected = (404, "endpoint_not_supported".to_owned());
            assert_eq!(reply.code(), expected, "{path}");
        }
        let reply = rig.caller.get("/v1/files").await;
        assert_eq!(reply.status, 404, "{}", reply.text());
        assert!(upstream.asked().is_empty());
        assert!(rig.pools.sleeps().all().is_empty());
    }
}

#[tokio::test]
async fn anthropic_turns_no_text_into_vectors() {
    let (rig, upstream) = rig(Dialect::Anthropic, Script::json(200, MESSAGE)).await;
    let body = r#"{"model":"m","input":"x"}"#;
    let reply = rig.caller.post("/v1/embeddings", body).await;
    assert_eq!(reply.code(), (404, "endpoint_not_supported".to_owned()));
    assert!(upstream.asked().is_empty());
    assert_eq!(rig.caller.post(MESSAGES, TO_MESSAGES).await.status, 200);
}
