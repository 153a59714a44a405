//! Secrets in definitions, over HTTP: sealed in the log, masks everywhere else, kept
//! by their masks, and for the owner alone to write.

use foldgate_proto::{Definition, DefinitionKind};
use foldgate_vault::{SealContext, mask};
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::history_world::indexed;
use crate::node::{Answer, Node, SECRET, answer};

const EXPORTERS: &str = "/admin/v1/observability_exporters";
const GUARDRAILS: &str = "/admin/v1/guardrails";

/// Nothing that looks like a key: only care keeps it out of answers.
const PHRASE: &str = "correct horse battery";

fn exporter(name: &str, headers: &Value) -> Value {
    json!({
        "kind": "otlp_http",
        "name": name,
        "endpoint": "https://otel.example.com/v1/traces",
        "headers": headers,
    })
}

fn bedrock(secret: &str) -> Value {
    json!({
        "kind": "bedrock",
        "name": "bedrock",
        "guardrail_id": "g1",
        "guardrail_version": "1",
        "region": "eu-west-1",
        "aws_credentials": {
            "kind": "static", "access_key_id": "AKIDEXAMPLE", "secret_access_key": secret,
        },
        "latency_mode": {"kind": "serial"},
    })
}

fn path(all: &str, entry: &Value) -> String {
    format!("{all}/{}", entry["id"].as_str().expect("an id"))
}

/// The one definition of a kind, as the state holds it.
fn stored(node: &Node, kind: DefinitionKind) -> Definition {
    let state = node.replica.state();
    let owner = state.owner(node.owner).expect("the owner");
    let mut all = owner.definitions_of(kind);
    let one = all.next().expect("one definition");
    Definition::clone(one)
}

/// What a secret of a definition opens to.
fn opened(node: &Node, definition: &Definition, pointer: &str, field: &'static str) -> String {
    let context = SealContext {
        owner: node.owner,
        resource: definition.id.0,
        field,
    };
    let sealed = &definition.secrets[pointer].sealed;
    let secret = node.vault.open(&context, sealed).unwrap();
    secret.expose_secret().to_owned()
}

/// Neither the log nor any answer holds a secret in plain.
async fn nothing_tells(node: &Node, entry: &str) {
    indexed(node).await;
    let mut told = node.log_text().await;
    for path in [
        entry,
        EXPORTERS,
        GUARDRAILS,
        "/admin/v1/state",
        "/admin/v1/state/diff?from=1",
        "/admin/v1/history",
        "/admin/v1/history/2",
        "/admin/v1/access_log",
        "/admin/v1/log",
    ] {
        let response = node.request(Method::GET, path).send().await.unwrap();
        told += &response.text().await.unwrap();
    }
    for secret in [SECRET, PHRASE] {
        assert!(!told.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn secrets_are_sealed_and_their_masks_shown() {
    let node = Node::start().await;
    let headers = json!({"Authorization": SECRET, "X-Api/Key": PHRASE});
    let made = node.post(EXPORTERS, &exporter("otel", &headers)).await;
    made.refused(400, "invalid_field");
    let headers = json!({"Authorization": SECRET, "X-Key": PHRASE});
    let made = node.post(EXPORTERS, &exporter("otel", &headers)).await.ok();
    let masks = json!({"Authorization": mask(SECRET), "X-Key": mask(PHRASE)});
    assert_eq!(made["value"]["headers"], masks);
    let entry = path(EXPORTERS, &made);
    assert_eq!(node.get(&entry).await.ok()["value"]["headers"], masks);
    assert_eq!(node.get(EXPORTERS).await.ok()[0]["value"]["headers"], masks);
    let definition = stored(&node, DefinitionKind::ObservabilityExporter);
    let open = |pointer: &str| opened(&node, &definition, pointer, "/headers/*");
    assert_eq!(open("/headers/Authorization"), SECRET);
    assert_eq!(open("/headers/X-Key"), PHRASE);
    nothing_tells(&node, &entry).await;

    let made = node.post(GUARDRAILS, &bedrock(PHRASE)).await.ok();
    let shown = &made["value"]["aws_credentials"];
    assert_eq!(shown["secret_access_key"], mask(PHRASE), "{made}");
    assert_eq!(shown["access_key_id"], "AKIDEXAMPLE");
    let definition = stored(&node, DefinitionKind::Guardrail);
    let place = "/aws_credentials/secret_access_key";
    assert_eq!(opened(&node, &definition, place, place), PHRASE);
    nothing_tells(&node, &path(GUARDRAILS, &made)).await;
}

#[tokio::test]
async fn what_was_read_may_be_put_back_and_masks_keep_their_secrets() {
    let node = Node::start().await;
    let headers = json!({"A": SECRET, "B": PHRASE});
    let made = node.post(EXPORTERS, &exporter("otel", &headers)).await.ok();
    let entry = path(EXPORTERS, &made);
    let before = node.records().await.len();
    let again = node.put(&entry, &made["value"]).await.ok();
    assert_eq!(again["revision"], made["revision"]);
    assert_eq!(node.records().await.len(), before, "nothing new was said");
    // One changes, one stays, one goes, one comes.
    let mut value = made["value"].clone();
    value["name"] = json!("otel-2");
    value["headers"] = json!({"A": mask(SECRET), "C": PHRASE});
    node.put(&entry, &value).await.ok();
    let definition = stored(&node, DefinitionKind::ObservabilityExporter);
    assert_eq!(
        definition.secrets.keys().collect::<Vec<_>>(),
        ["/headers/A", "/headers/C"]
    );
    let open = |pointer: &str| opened(&node, &definition, pointer, "/headers/*");
    assert_eq!(open("/headers/A"), SECRET);
    assert_eq!(open("/headers/C"), PHRASE);
    // A mask stands for nothing where its secret is not.
    let refused = |answer: Answer, param: &str| {
        let error = answer.refused(400, "invalid_field");
        assert_eq!(error["param"], param, "{error}");
        assert!(
            error["message"].as_str().unwrap().contains("mask"),
            "{error}"
        );
    };
    for (header, text) in [
        ("A", mask(PHRASE)),
        ("B", mask(SECRET)),
        ("D", mask(SECRET)),
    ] {
        let value = exporter("otel-2", &json!({header: text}));
        refused(node.put(&entry, &value).await, &format!("headers.{header}"));
    }
    let value = exporter("other", &json!({"A": mask(SECRET)}));
    refused(node.post(EXPORTERS, &value).await, "headers.A");
    nothing_tells(&node, &entry).await;
}

#[tokio::test]
async fn no_refusal_repeats_what_may_be_a_secret() {
    let node = Node::start().await;
    let made = node
        .post(EXPORTERS, &exporter("otel", &json!({})))
        .await
        .ok();
    let entry = path(EXPORTERS, &made);
    let bad = [
        (exporter("x", &json!(PHRASE)), "headers"),
        (exporter("x", &json!([PHRASE])), "headers"),
        (exporter("x", &json!({"A": [PHRASE]})), "headers.A"),
        (exporter("x", &json!({"A": {"key": PHRASE}})), "headers.A"),
        (exporter("x", &json!({"A": 40_414_243})), "headers.A"),
        (exporter("x", &json!({"A": ""})), "headers.A"),
        (
            exporter("x", &json!({"A": format!("{PHRASE}\r\nX: y")})),
            "headers.A",
        ),
        (
            exporter("x", &json!({"A": PHRASE.repeat(4000)})),
            "headers.A",
        ),
        // Something else is wrong.
        (exporter(" x", &json!({"A": PHRASE})), "name"),
        (
            exporter("x", &json!({"A": PHRASE, "a b": PHRASE})),
            "headers",
        ),
    ];
    for (body, param) in bad {
        for answer in [
            node.post(EXPORTERS, &body).await,
            node.put(&entry, &body).await,
        ] {
            let text = answer.body.to_string();
            assert!(!text.contains(PHRASE) && !text.contains("4041"), "{text}");
            let error = answer.refused(400, "invalid_field");
            assert_eq!(error["param"], param, "{error}");
        }
    }
    assert_eq!(node.get(&entry).await.ok()["revision"], made["revision"]);
    nothing_tells(&node, &entry).await;
}

#[tokio::test]
async fn a_retry_with_another_secret_is_another_request() {
    let node = Node::start().await;
    let send = async |secret: &str| {
        let request = node.request(Method::POST, EXPORTERS);
        let request = request.header("idempotency-key", "once");
        answer(request.json(&exporter("otel", &json!({"A": secret})))).await
    };
    let first = send("winter-2026-abcd").await.ok();
    let again = send("winter-2026-abcd").await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.ok()["id"], first["id"]);
    send("summer-2026-wxyz")
        .await
        .refused(422, "idempotency_mismatch");
}

#[tokio::test]
async fn credentials_are_the_owner_s_to_write() {
    let node = Node::start().await;
    let made = node
        .post(EXPORTERS, &exporter("otel", &json!({"A": PHRASE})))
        .await
        .ok();
    let entry = path(EXPORTERS, &made);
    for role in ["operator", "auditor"] {
        let key = node.add_admin_key(role).await;
        let admin = node.with(&key);
        let shown = admin.get(&entry).await.ok();
        assert_eq!(shown["value"]["headers"]["A"], mask(PHRASE));
        for answer in [
            admin.post(EXPORTERS, &exporter("more", &json!({}))).await,
            admin.put(&entry, &exporter("otel", &json!({}))).await,
            admin.delete(&entry).await,
            admin.post(GUARDRAILS, &bedrock(PHRASE)).await,
        ] {
            answer.refused(403, "role_not_allowed");
        }
    }
    node.delete(&entry).await.ok();
}

#[tokio::test]
async fn a_secret_comes_back_with_its_definition() {
    let node = Node::start().await;
    let made = node
        .post(EXPORTERS, &exporter("otel", &json!({"A": PHRASE})))
        .await
        .ok();
    let entry = path(EXPORTERS, &made);
    node.put(&entry, &exporter("otel", &json!({"A": SECRET})))
        .await
        .ok();
    node.delete(&entry).await.ok();
    let at = &made["revision"];
    let id = made["id"].as_str().unwrap();
    let back = format!("/admin/v1/state/restore?at={at}&resource=observability_exporter/{id}");
    node.post(&back, &json!({})).await.ok();
    assert_eq!(node.get(&entry).await.ok()["value"], made["value"]);
    let definition = stored(&node, DefinitionKind::ObservabilityExporter);
    assert_eq!(
        opened(&node, &definition, "/headers/A", "/headers/*"),
        PHRASE
    );
    nothing_tells(&node, &entry).await;
}
