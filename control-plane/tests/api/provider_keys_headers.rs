//! The headers that requests of a provider key get: sealed, shown as masks, kept where
//! a mask comes back; also those that were kept in plain before such were sealed.

use foldgate_proto::event::KeyPatched;
use foldgate_proto::{Event, JsonText, KeyNumber, ProviderKey, RecordId, Revision};
use foldgate_vault::{SealContext, mask};
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::entries::{assert_goes_back, told};
use crate::node::Node;
use crate::node::eventually;
use crate::provider_keys::{KEYS, made, openai};

const TOKEN: &str = "tok-live-parrot-0123456789abcdef";
const OTHER: &str = "tok-live-parrot-fedcba9876543210";

/// A key whose requests get this header.
fn with_token(token: &str) -> Value {
    let mut body = openai("main");
    body["request"] = json!({"default_headers": {"X-Secret-Token": token}});
    body
}

fn shown(entry: &Value) -> &Value {
    &entry["value"]["request"]["default_headers"]["X-Secret-Token"]
}

/// The one key, as the state holds it.
fn stored(node: &Node) -> ProviderKey {
    let state = node.replica.state();
    let owner = state.owner(node.owner).expect("the owner");
    let key = owner.keys.get(&KeyNumber(1)).expect("the key");
    ProviderKey::clone(key)
}

/// What the header's secret opens to.
fn opened(node: &Node) -> String {
    let key = stored(node);
    let context = SealContext {
        owner: node.owner,
        resource: key.id.0,
        field: "/request/default_headers/*",
    };
    let secret = &key.more_secrets["/request/default_headers/X-Secret-Token"];
    let opened = node.vault.open(&context, &secret.sealed).unwrap();
    opened.expose_secret().to_owned()
}

/// What every page tells together.
async fn pages(node: &Node) -> String {
    let revision = node.replica.state().revision.0;
    let newest = format!("/admin/v1/history/{revision}");
    eventually("it is indexed", async || {
        (node.get(&newest).await.status == 200).then_some(())
    })
    .await;
    let mut told = String::new();
    for path in [
        KEYS,
        "/x-keys",
        "/admin/v1/state",
        "/admin/v1/state/diff?from=1",
        "/admin/v1/history",
        &newest,
        "/admin/v1/access_log",
    ] {
        let response = node.request(Method::GET, path).send().await.unwrap();
        told += &response.text().await.unwrap();
    }
    told
}

#[tokio::test]
async fn the_values_of_headers_are_sealed_and_shown_as_masks() {
    let node = Node::start().await;
    let dry_run = format!("{KEYS}?dry_run=true");
    let dry = node.post(&dry_run, &with_token(TOKEN)).await.ok();
    assert!(!dry.to_string().contains(TOKEN), "{dry}");
    let (path, entry) = made(&node, &with_token(TOKEN)).await;
    assert_eq!(shown(&entry), &json!(mask(TOKEN)));
    assert_eq!(opened(&node), TOKEN);
    // A mask that comes back leaves what it stands for.
    assert_goes_back(&node, &path).await;
    let mut renamed = entry["value"].clone();
    renamed["display_name"] = json!("renamed");
    node.put(&path, &renamed).await.ok();
    assert_eq!(opened(&node), TOKEN);
    // Another's does not.
    let mut strange = renamed.clone();
    strange["request"]["default_headers"]["X-Secret-Token"] = json!(mask(OTHER));
    let refused = node
        .put(&path, &strange)
        .await
        .refused(400, "invalid_field");
    assert_eq!(refused["param"], "request.default_headers.X-Secret-Token");
    let mut replaced = renamed.clone();
    replaced["request"]["default_headers"]["X-Secret-Token"] = json!(OTHER);
    let replaced = node.put(&path, &replaced).await.ok();
    assert_eq!(shown(&replaced), &json!(mask(OTHER)));
    assert_eq!(opened(&node), OTHER);
    // It comes back with what is put back.
    let undo = format!("/admin/v1/history/{}/undo", replaced["revision"]);
    node.post(&undo, &json!({})).await.ok();
    assert_eq!(opened(&node), TOKEN);
    assert_eq!(shown(&node.get(&path).await.ok()), &json!(mask(TOKEN)));
    let told = pages(&node).await;
    assert!(told.contains(&mask(TOKEN)), "{told}");
    let all = told + &node.log_text().await;
    assert!(!all.contains("parrot"), "a value in plain");
    // Without headers there are no secrets left.
    let bare =
        json!({"display_name": "main", "api_key": entry["value"]["api_key"], "provider": "openai"});
    node.put(&path, &bare).await.ok();
    assert!(stored(&node).more_secrets.is_empty());
}

#[tokio::test]
async fn a_value_that_cannot_be_sealed_is_refused_without_repeating_it() {
    let node = Node::start().await;
    for wrong in [
        json!(""),
        json!(" tok-parrot"),
        json!(["tok-parrot"]),
        json!("parrot\n"),
    ] {
        let mut body = with_token("x");
        body["request"]["default_headers"]["X-Secret-Token"] = wrong.clone();
        let message = told(&node.post(KEYS, &body).await, 400);
        assert!(!message.contains("parrot"), "{wrong}: {message}");
    }
}

#[tokio::test]
async fn what_was_kept_in_plain_is_masked_and_sealed_when_it_is_put_back() {
    let node = Node::start().await;
    let (path, _) = made(&node, &openai("main")).await;
    let plain =
        json!({"provider": "openai", "request": {"default_headers": {"X-Secret-Token": TOKEN}}});
    // As an earlier version wrote it.
    let (revision, hash) = {
        let state = node.replica.state();
        (state.revision, state.chain)
    };
    let mut record = node.records().await.pop().unwrap();
    record.id = RecordId(Uuid::now_v7());
    record.prev = hash;
    record.events = vec![Event::KeyPatched(KeyPatched {
        number: KeyNumber(1),
        more: Some(JsonText(plain.to_string())),
        ..KeyPatched::default()
    })];
    let record = record.encode().unwrap();
    node.log.append(revision, &[record]).await.unwrap();
    node.replica.poke();
    eventually("it is folded", async || {
        (node.replica.state().revision == Revision(revision.0 + 1)).then_some(())
    })
    .await;
    let entry = node.get(&path).await.ok();
    assert_eq!(shown(&entry), &json!(mask(TOKEN)));
    let told = pages(&node).await;
    assert!(!told.contains("parrot"), "{told}");
    assert!(stored(&node).more_secrets.is_empty(), "not sealed as yet");
    node.put(&path, &entry["value"]).await.ok();
    assert_eq!(opened(&node), TOKEN);
    let kept = stored(&node).more.expect("something is kept");
    assert!(!kept.0.contains("parrot"), "{kept:?}");
    let told = pages(&node).await;
    assert!(!told.contains("parrot"), "{told}");
    assert_goes_back(&node, &path).await;
}
