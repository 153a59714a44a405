//! Google Vertex AI behind the proxy: tokens, addresses, and what happens to a key
//! whose service account is refused.

use foldgate_domain::command::{Change, ConfigFields, ConfigPatch, PrivateKey, VertexPatch};
use foldgate_proto::Measure;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::rig::{Rig, until};
use crate::upstream::{Script, Upstream};

const PEM: &str = include_str!("../../fixtures/vertex/pkcs8.pem");
const UNUSED: &str = "sk-placeholder-51chars-xxxxxxxxxxxxxxxxxxxxxxxx";
const PLACE: &str = "/v1/projects/my-project/locations/us-central1";

/// A Vertex key at `upstream`, with tokens from `desk`.
async fn vertex(rig: &mut Rig, (upstream, desk): (&Upstream, &Upstream), pem: &str) {
    let url = upstream.url();
    let base_url = format!("{url}/v1/projects/{{project}}/locations/us-central1");
    let token_uri = format!("{}/token", desk.url());
    rig.key_with(1, (&url, UNUSED), |seal| ConfigPatch {
        is_named: true,
        fields: ConfigFields::Vertex(VertexPatch {
            base_url: Change::Set(base_url),
            project_id: Some("my-project".to_owned()),
            client_email: Some("robot@my-project.iam.gserviceaccount.com".to_owned()),
            private_key: Some(PrivateKey::Sealed(seal(pem))),
            token_uri: Change::Set(token_uri),
            ..VertexPatch::default()
        }),
    })
    .await;
}

fn grant(desk: &Upstream, token: &str) {
    let grant = json!({"access_token": token, "expires_in": 3599, "token_type": "Bearer"});
    desk.script("", Script::json(200, &grant.to_string()));
}

#[tokio::test]
async fn a_gemini_model_is_called_in_openais_shape_with_one_token_for_all() {
    let (upstream, desk) = (Upstream::start().await, Upstream::start().await);
    let mut rig = Rig::start().await;
    vertex(&mut rig, (&upstream, &desk), PEM).await;
    // Another key of the same account: the same token.
    vertex(&mut rig, (&upstream, &desk), &PEM.replace('\n', "\\n")).await;
    rig.all_to_level_1().await;
    grant(&desk, "ya29.one");
    let calls = (0..50).map(|_| rig.caller.chat("gemini-2.5-pro"));
    for reply in join_all(calls).await {
        assert_eq!(reply.status, 200);
    }
    assert_eq!(desk.asked().len(), 1);
    assert_eq!(desk.asked()[0].path, "/token");
    let asked = upstream.asked();
    assert_eq!(asked.len(), 50);
    for asked in asked {
        assert_eq!(
            asked.path,
            format!("{PLACE}/endpoints/openapi/chat/completions")
        );
        assert_eq!(asked.headers["authorization"], "Bearer ya29.one");
        let body: Value = serde_json::from_slice(&asked.body).unwrap();
        assert_eq!(body["model"], "google/gemini-2.5-pro");
    }
}

#[tokio::test]
async fn a_refused_token_is_got_anew_once() {
    let (upstream, desk) = (Upstream::start().await, Upstream::start().await);
    let mut rig = Rig::start().await;
    vertex(&mut rig, (&upstream, &desk), PEM).await;
    rig.all_to_level_1().await;
    grant(&desk, "ya29.old");
    grant(&desk, "ya29.new");
    let refused = r#"{"error":{"code":401,"message":"Request had invalid authentication credentials.","status":"UNAUTHENTICATED"}}"#;
    upstream.script("ya29.old", Script::json(401, refused));
    assert_eq!(rig.caller.chat("gemini-2.5-pro").await.status, 200);
    assert_eq!(rig.caller.chat("gemini-2.5-pro").await.status, 200);
    assert_eq!((desk.asked().len(), upstream.asked().len()), (2, 3));
    // A second refusal is the key's.
    upstream.script("ya29.new", Script::json(401, refused));
    let reply = rig.caller.chat("gemini-2.5-pro").await;
    assert_eq!(reply.status, 503, "{}", reply.text());
    assert_eq!((desk.asked().len(), upstream.asked().len()), (3, 5));
    assert!(!reply.text().contains("ya29"));
}

#[tokio::test]
async fn a_service_account_that_is_refused_is_dead_with_that_reason() {
    let (upstream, desk) = (Upstream::start().await, Upstream::start().await);
    let mut rig = Rig::start().await;
    vertex(&mut rig, (&upstream, &desk), PEM).await;
    rig.all_to_level_1().await;
    let refused = r#"{"error":"invalid_grant","error_description":"Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."}"#;
    desk.script("", Script::json(400, refused));
    assert_eq!(rig.caller.chat("gemini-2.5-pro").await.status, 503);
    assert_eq!(upstream.asked().len(), 0);
    let sleeps = || rig.pools.sleeps().all();
    until("a sleep", || !sleeps().is_empty()).await;
    let report = sleeps().remove(0);
    assert_eq!(report.cause, foldgate_proto::SleepCause::Dead);
    assert!(
        report.detail.contains("invalid_grant: Invalid JWT"),
        "{}",
        report.detail
    );
}

#[tokio::test]
async fn imagen_makes_pictures_for_a_caller_of_openais() {
    let (upstream, desk) = (Upstream::start().await, Upstream::start().await);
    let mut rig = Rig::start().await;
    vertex(&mut rig, (&upstream, &desk), PEM).await;
    rig.all_to_level_1().await;
    grant(&desk, "ya29.one");
    let answer = json!({"predictions": [{"bytesBase64Encoded": "aaaa", "mimeType": "image/png"}]});
    upstream.script("ya29.one", Script::json(200, &answer.to_string()));
    let body = r#"{"model":"imagen-4.0-generate-001","prompt":"a gate","size":"1024x1024"}"#;
    let reply = rig.caller.post("/v1/images/generations", body).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.json()["data"], json!([{"b64_json": "aaaa"}]));
    assert!(reply.json()["created"].as_i64().unwrap() > 1_700_000_000);
    let asked = upstream.asked().remove(0);
    let path = format!("{PLACE}/publishers/google/models/imagen-4.0-generate-001:predict");
    assert_eq!(asked.path, path);
    let sent: Value = serde_json::from_slice(&asked.body).unwrap();
    assert_eq!(sent["instances"], json!([{"prompt": "a gate"}]));
    let written = rig.spool.outbox().unwrap().next_batch().unwrap().unwrap();
    let record = &written.records[0];
    assert_eq!(
        (record.measure, record.quantities.images),
        (Measure::Reported, 1)
    );
    let wide = body.replace("1024x1024", "1536x1024");
    let refused = rig.caller.post("/v1/images/generations", wide).await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.json()["error"]["param"], "size");
    assert!(rig.pools.sleeps().all().is_empty());
}

#[tokio::test]
async fn what_vertex_serves_in_no_dialect_of_the_caller_is_not_asked_for() {
    let (upstream, desk) = (Upstream::start().await, Upstream::start().await);
    let mut rig = Rig::start().await;
    vertex(&mut rig, (&upstream, &desk), PEM).await;
    rig.all_to_level_1().await;
    let reply = rig
        .caller
        .post(
            "/v1/completions",
            r#"{"model":"gemini-2.5-pro","prompt":"x"}"#,
        )
        .await;
    assert_eq!(reply.code(), (404, "endpoint_not_supported".to_owned()));
    assert_eq!((desk.asked().len(), upstream.asked().len()), (0, 0));
}
