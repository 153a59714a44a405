//! Azure OpenAI behind the proxy: what its upstream is asked, and what of its answers
//! reaches the client or the key.

use std::collections::BTreeMap;

use foldgate_domain::command::{Command, ConfigFields, ConfigPatch, PatchKey};
use foldgate_proto::{KeyId, KeyNumber};
use serde_json::json;

use crate::rig::Rig;
use crate::upstream::{Script, Upstream};

const SECRET: &str = "azure-key-0123456789-0123456789";
const OTHER: &str = "sk-other-0123456789-0123456789";

fn config(mapping: &[(&str, &str)], versions: &[(&str, &str)]) -> ConfigPatch {
    let texts = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        let pairs = pairs.iter();
        pairs
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect()
    };
    ConfigPatch {
        is_named: true,
        fields: ConfigFields::Azure {
            model_mapping: Some(texts(mapping)),
            api_versions: Some(texts(versions)),
        },
    }
}

async fn azure(rig: &mut Rig, url: &str, mapping: &[(&str, &str)]) -> KeyId {
    let config = config(mapping, &[("chat", "2025-01-01-preview")]);
    rig.key_with(1, (url, SECRET), |_| config).await
}

#[tokio::test]
async fn a_deployment_is_called_by_its_path_with_the_keys_own_header() {
    let upstream = Upstream::start().await;
    let mut rig = Rig::start().await;
    azure(
        &mut rig,
        &upstream.url(),
        &[("gpt-4o", "four"), ("text*", "vectors")],
    )
    .await;
    rig.all_to_level_1().await;
    let answer =
        r#"{"id":"x","model":"gpt-4o-2024-11-20","choices":[],"usage":{"prompt_tokens":1}}"#;
    upstream.script(SECRET, Script::json(200, answer));
    let chat = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"x"}]}"#;
    let reply = rig.caller.post("/v1/chat/completions", chat).await;
    assert_eq!(
        (reply.status.as_u16(), reply.text().as_str()),
        (200, answer)
    );
    let embeddings = r#"{"model":"text-embedding-3-small","input":"x","encoding_format":"base64"}"#;
    assert_eq!(
        rig.caller.post("/v1/embeddings", embeddings).await.status,
        200
    );
    let asked = upstream.asked();
    let seen: Vec<_> = asked
        .iter()
        .map(|asked| (asked.path.as_str(), asked.query.as_deref(), &asked.body[..]))
        .collect();
    assert_eq!(
        seen,
        [
            (
                "/openai/deployments/four/chat/completions",
                Some("api-version=2025-01-01-preview"),
                chat.as_bytes(),
            ),
            (
                "/openai/deployments/vectors/embeddings",
                Some("api-version=2024-02-01"),
                embeddings.as_bytes(),
            ),
        ]
    );
    for asked in asked {
        assert_eq!(asked.headers["api-key"], SECRET);
        assert_eq!(asked.headers.get("authorization"), None);
    }
}

#[tokio::test]
async fn the_v1_shape_has_the_deployment_as_its_model() {
    let upstream = Upstream::start().await;
    let mut rig = Rig::start().await;
    let url = format!("{}/openai/v1", upstream.url());
    let config = config(&[("*", "rest")], &[]);
    rig.key_with(1, (&url, SECRET), |_| config).await;
    rig.all_to_level_1().await;
    let body = r#"{ "model" : "gpt-4o", "stream":false, "x":1.00 }"#;
    assert_eq!(
        rig.caller.post("/v1/chat/completions", body).await.status,
        200
    );
    let asked = upstream.asked().remove(0);
    assert_eq!(
        (asked.path.as_str(), asked.query),
        ("/openai/v1/chat/completions", None)
    );
    assert_eq!(
        asked.body,
        r#"{ "model" : "rest", "stream":false, "x":1.00 }"#
    );
    assert_eq!(asked.headers["api-key"], SECRET);
}

#[tokio::test]
async fn a_stream_that_begins_with_a_filters_word_passes() {
    let upstream = Upstream::start().await;
    let mut rig = Rig::start().await;
    azure(&mut rig, &upstream.url(), &[("*", "d")]).await;
    rig.all_to_level_1().await;
    let words = concat!(
        "data: {\"choices\":[],\"created\":0,\"id\":\"\",\"model\":\"\",\"object\":\"\",",
        "\"prompt_filter_results\":[{\"prompt_index\":0,\"content_filter_results\":{}}]}\n\n",
        "data: {\"choices\":[{\"content_filter_results\":{},\"delta\":{\"content\":\"hi\"},",
        "\"finish_reason\":null,\"index\":0}]}\n\n",
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\",\"index\":0}]}\n\n",
    );
    let counted = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"total_tokens\":2}}\n\n";
    let done = "data: [DONE]\n\n";
    upstream.script(SECRET, Script::stream(&format!("{words}{counted}{done}")));
    let reply = rig.caller.chat_stream("gpt-4o").await;
    assert_eq!(reply.text(), format!("{words}{done}"));
    let asked: serde_json::Value = serde_json::from_slice(&upstream.asked()[0].body).unwrap();
    assert_eq!(asked["stream_options"], json!({"include_usage": true}));
}

#[tokio::test]
async fn an_old_version_is_not_asked_for_the_usage_of_a_stream() {
    let upstream = Upstream::start().await;
    let mut rig = Rig::start().await;
    let config = config(&[("*", "d")], &[("chat", "2024-06-01")]);
    rig.key_with(1, (&upstream.url(), SECRET), |_| config).await;
    rig.all_to_level_1().await;
    let chunks = concat!(
        "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"},\"index\":0}]}\n\n",
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\",\"index\":0}]}\n\n",
        "data: [DONE]\n\n",
    );
    upstream.script(SECRET, Script::stream(chunks));
    let body = r#"{"model":"gpt-4o","stream":true,"messages":[]}"#;
    let reply = rig.caller.post("/v1/chat/completions", body).await;
    assert_eq!(reply.text(), chunks);
    assert_eq!(upstream.asked()[0].body, body);
    let body = r#"{"model":"gpt-4o","stream":true,"max_tokens":5,"messages":[]}"#;
    let reply = rig.caller.post("/v1/messages", body).await;
    assert!(reply.text().contains("message_stop"), "{}", reply.text());
    let asked: serde_json::Value = serde_json::from_slice(&upstream.asked()[1].body).unwrap();
    let expected = json!({"model": "gpt-4o", "messages": [], "max_tokens": 5, "stream": true});
    assert_eq!(asked, expected);
}

#[tokio::test]
async fn a_model_without_a_deployment_is_the_next_keys_and_no_call_is_made() {
    let (upstream, other) = (Upstream::start().await, Upstream::start().await);
    let mut rig = Rig::start().await;
    azure(&mut rig, &upstream.url(), &[("gpt-4o", "four")]).await;
    rig.all_to_level_1().await;
    let alone = rig.caller.chat("gpt-5").await;
    assert_eq!(alone.code(), (404, "model_not_found".to_owned()));
    // What is mended serves at once: the key was not put to sleep.
    let patch = PatchKey {
        number: KeyNumber(1),
        config: Some(config(&[("gpt-4o", "four"), ("gpt-5", "five")], &[])),
        ..PatchKey::default()
    };
    rig.write(&Command::PatchKey(patch)).await;
    assert_eq!(rig.caller.chat("gpt-5").await.status, 200);
    assert_eq!(
        upstream.asked()[0].path,
        "/openai/deployments/five/chat/completions"
    );
    rig.key(1, &other, OTHER).await;
    for _ in 0..4 {
        assert_eq!(rig.caller.chat("o3").await.status, 200);
    }
    assert_eq!((upstream.asked().len(), other.asked().len()), (1, 4));
}

#[tokio::test]
async fn a_filtered_request_is_the_clients_and_a_missing_deployment_is_not() {
    let (upstream, other) = (Upstream::start().await, Upstream::start().await);
    let mut rig = Rig::start().await;
    azure(&mut rig, &upstream.url(), &[("*", "d")]).await;
    rig.all_to_level_1().await;
    let filtered = r#"{"error":{"message":"The response was filtered due to the prompt","type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation"}}}"#;
    upstream.script(SECRET, Script::json(400, filtered));
    let reply = rig.caller.chat("gpt-4o").await;
    assert_eq!(reply.code(), (400, "content_filter".to_owned()));
    upstream.clear(SECRET);
    assert_eq!(rig.caller.chat("gpt-4o").await.status, 200, "no key sleeps");
    upstream.clear(SECRET);
    let missing = r#"{"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}}"#;
    upstream.script(SECRET, Script::json(404, missing));
    assert_eq!(rig.caller.chat("gpt-4o").await.code().0, 404);
    rig.key(1, &other, OTHER).await;
    assert_eq!(rig.caller.chat("gpt-4o").await.status, 200);
    assert_eq!(other.asked().len(), 1);
}
