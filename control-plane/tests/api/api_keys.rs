//! `/admin/v1/api_keys`: caller keys in the admin API's words, and the same ones at
//! `/x-users/{id}/keys`.

use foldgate_vault::caller_key::is_well_formed;
use foldgate_vault::digest;
use reqwest::Method;
use serde_json::{Value, json};

use crate::entries::{UNDATED, assert_goes_back, id, told, walk, warnings, with_header};
use crate::node::Node;
use crate::people::secret;

pub(crate) const KEYS: &str = "/admin/v1/api_keys";

/// A key of its own whose hash is given.
const OWN: &str = "my own key, of any form!";

pub(crate) fn hash(text: &str) -> String {
    hex::encode(digest(text))
}

/// Makes a key; gives the path of its entry, and the answer.
pub(crate) async fn made(node: &Node, body: &Value) -> (String, Value) {
    let entry = node.post(KEYS, body).await.ok();
    (format!("{KEYS}/{}", id(&entry)), entry)
}

pub(crate) async fn works(node: &Node, key: &str) -> bool {
    node.with(key).get("/dashboard/status").await.status == 200
}

/// The UUID of an account.
pub(crate) async fn team(node: &Node, name: &str) -> String {
    let shown = node.get(&format!("/x-users/{name}")).await.ok();
    shown["user"]["UUID"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_key_is_drawn_shown_once_replaced_and_revoked() {
    let node = Node::start().await;
    let before = node.records().await.len() as u64;
    let created = node.post(KEYS, &json!({"allowed_models": ["*"]})).await;
    let etag = created.header("etag").to_owned();
    let entry = created.ok();
    let plaintext = entry["plaintext"].as_str().unwrap().to_owned();
    assert!(is_well_formed(&plaintext));
    let value = json!({
        "key_hash": hash(&plaintext), "masked_key": entry["value"]["masked_key"],
        "allowed_models": ["*"],
    });
    assert_eq!(
        entry,
        json!({
            "id": entry["id"], "value": value, "revision": before + 1, "plaintext": plaintext,
        })
    );
    assert_eq!(etag, format!("\"{}\"", before + 1));
    assert!(works(&node, &plaintext).await);
    let path = format!("{KEYS}/{}", id(&entry));
    let read = node.get(&path).await;
    assert_eq!(read.header("etag"), etag);
    let read = read.ok();
    assert_eq!(read["value"], value);
    assert!(read.get("plaintext").is_none());
    assert_eq!(node.get(KEYS).await.ok(), json!([read]));
    assert_eq!(node.get("/admin/v1/apikeys").await.ok(), json!([read]));
    assert_goes_back(&node, &path).await;
    // Without a hash, the key stays.
    let put = json!({"allowed_models": ["gpt-4o"], "display_name": "one"});
    let replaced = node.put(&path, &put).await.ok();
    assert_eq!(replaced["value"]["key_hash"], value["key_hash"]);
    assert_eq!(replaced["value"]["display_name"], "one");
    let stale = with_header(&node, (Method::PUT, &path), ("if-match", &etag), &put).await;
    let message = told(&stale, 412);
    assert!(
        message.starts_with("this API key is not as you saw it"),
        "{message}"
    );
    let removed = node.delete(&path).await.ok();
    assert_eq!(removed, json!({"deleted": true, "id": entry["id"]}));
    assert!(!works(&node, &plaintext).await);
    told(&node.get(&path).await, 404);
    let records = node.records().await;
    let kinds: Vec<&str> = records
        .iter()
        .skip(usize::try_from(before).unwrap())
        .map(|record| record.events[0].kind())
        .collect();
    assert_eq!(
        kinds,
        ["CallerKeyIssued", "CallerKeyPatched", "CallerKeyRevoked"]
    );
}

#[tokio::test]
async fn a_key_of_ones_own_is_known_by_its_hash_alone() {
    let node = Node::start().await;
    let body = json!({"allowed_models": ["*"], "key_hash": hash(OWN).to_uppercase()});
    let (path, entry) = made(&node, &body).await;
    assert!(entry.get("plaintext").is_none(), "{entry}");
    assert_eq!(
        entry["value"],
        json!({"allowed_models": ["*"], "key_hash": hash(OWN)})
    );
    assert_goes_back(&node, &path).await;
    told(&node.post(KEYS, &body).await, 409);
    // Another hash takes its place.
    let other = json!({"allowed_models": ["*"], "key_hash": hash("another-1")});
    node.put(&path, &other).await.ok();
    assert!(works(&node, "another-1").await);
    made(&node, &body).await;
    told(&node.put(&path, &body).await, 409);
    // Nor may it be the owner's, or an admin key's.
    let owners = json!({"allowed_models": [], "key_hash": hash(crate::node::OWNER_KEY)});
    told(&node.post(KEYS, &owners).await, 409);
    let admin = node.add_admin_key("operator").await;
    let admins = json!({"allowed_models": [], "key_hash": hash(&admin)});
    told(&node.post(KEYS, &admins).await, 409);
    // Nor another tenant's.
    let second = node.add_owner("second").await;
    let second = node.with(&second);
    let theirs = second.post(KEYS, &json!({"allowed_models": []})).await.ok();
    let taken = json!({"allowed_models": [], "key_hash": theirs["value"]["key_hash"]});
    told(&node.post(KEYS, &taken).await, 409);
    told(&node.get(&format!("{KEYS}/{}", id(&theirs))).await, 404);
}

#[tokio::test]
async fn every_field_comes_back_as_it_was_written() {
    let node = Node::start().await;
    node.add_user("team-1", &json!({"RPM": 100})).await;
    let mut value = json!({
        "display_name": "batch", "key_hash": hash(OWN), "team_id": team(&node, "team-1").await,
        "allowed_models": ["claude*", "gpt-4o"],
        "rate_limit": {
            "rps": 1, "rpm": 20, "rph": 300, "rpd": 4000, "tpm": 5, "tpd": 6, "concurrency": 7,
        },
        "expires_at": "2099-01-31T10:00:00Z", "disabled": true,
        "allowed_tools": [], "allowed_agents": ["planner"], "allowed_routes": ["r"],
        "user_id": "u-1", "user_name": "Ann", "jwt_provider": "p", "jwt_subject": "s",
        "mcp_access": {"allow": ["a/*"], "deny": ["a/b"]},
        "mcp_rate_limits": {"a": {"rpm": 5, "concurrency": 1}},
    });
    let (path, entry) = made(&node, &value).await;
    assert_eq!(entry["value"], value);
    let expected = [
        "allowed_tools",
        "allowed_agents",
        "allowed_routes",
        "jwt_provider",
        "jwt_subject",
        "mcp_access",
        "mcp_rate_limits",
    ];
    let expected: Vec<String> = expected
        .iter()
        .map(|field| format!("{field} is stored but not yet acted upon"))
        .collect();
    assert_eq!(warnings(&entry), expected);
    assert_goes_back(&node, &path).await;
    // The history shows what is kept as what it is.
    let revision = entry["revision"].as_u64().unwrap();
    let shown = node.get(&format!("/admin/v1/history/{revision}")).await;
    let changes = shown.ok()["changes"].as_array().unwrap().clone();
    let more = changes.iter().find(|change| change["field"] == "more");
    assert_eq!(more.unwrap()["after"]["user_name"], "Ann");
    // What is left out is gone, but for the hash and the team.
    let bare = json!({"allowed_models": []});
    let replaced = node.put(&path, &bare).await.ok();
    for gone in ["key_hash", "team_id", "allowed_models"] {
        value.as_object_mut().unwrap().remove(gone);
    }
    for (field, _) in value.as_object().unwrap() {
        assert_eq!(replaced["value"].get(field), None, "{field}");
    }
    assert_eq!(replaced["value"]["key_hash"], hash(OWN));
    let back = json!(["it was disabled, and is in use again"]);
    assert_eq!(replaced["warnings"], back);
    assert_eq!(replaced["value"]["allowed_models"], json!([]));
}

#[tokio::test]
async fn a_key_is_the_same_in_both_apis() {
    let node = Node::start().await;
    node.add_user("team-1", &json!({})).await;
    let body = json!({
        "Name": "laptop", "AllowModels": "gpt-4o", "RPM": 5, "TPH": 9, "RPS": 2,
        "Concurrency": 3, "Status": false,
    });
    let issued = node.post("/x-users/team-1/keys", &body).await.ok();
    let key = secret(&issued["key"]);
    let path = format!("{KEYS}/{}", issued["key"]["UUID"].as_str().unwrap());
    let entry = node.get(&path).await.ok();
    let value = json!({
        "display_name": "laptop", "key_hash": hash(&key), "masked_key": issued["key"]["Mask"],
        "team_id": team(&node, "team-1").await, "allowed_models": ["gpt-4o"],
        "rate_limit": {"rps": 2, "rpm": 5, "concurrency": 3}, "disabled": true,
    });
    assert_eq!(entry["value"], value);
    assert_goes_back(&node, &path).await;
    node.with(&key)
        .get("/dashboard/status")
        .await
        .refused(401, "disabled_api_key");
    // What is changed here shows there; what has no name here stays.
    let put = json!({
        "allowed_models": ["*"], "rate_limit": {"rpd": 8},
        "expires_at": "2099-01-31T12:00:00.5+02:00",
    });
    node.put(&path, &put).await.ok();
    let shown = node.get("/x-users/team-1/keys/2").await.ok()["key"].clone();
    for (field, expected) in [
        ("Name", json!("default")),
        ("Status", json!(true)),
        ("AllowModels", json!(null)),
        ("RPM", json!(null)),
        ("RPD", json!(8)),
        ("TPH", json!(9)),
        ("RPS", json!(null)),
        ("Concurrency", json!(null)),
        ("ExpiresAt", json!("2099-01-31T10:00:00Z")),
    ] {
        assert_eq!(shown[field], expected, "{field}");
    }
    assert!(works(&node, &key).await);
    // One made here is changed and revoked there.
    let (path, _) = made(&node, &json!({"allowed_models": [], "key_hash": hash(OWN)})).await;
    let listed = node.get("/x-users/1/keys").await.ok();
    let number = &listed["keys"][0]["ID"];
    assert_eq!(listed["keys"][0]["AllowModels"], json!(["-*"]));
    assert_eq!(listed["keys"][0]["Mask"], "");
    let there = format!("/x-users/1/keys/{number}");
    let change = json!({"Name": "changed", "AllowModels": "o3"});
    node.put(&there, &change).await.ok();
    let value = node.get(&path).await.ok()["value"].clone();
    assert_eq!(value["display_name"], "changed");
    assert_eq!(value["allowed_models"], json!(["o3"]));
    node.delete(&there).await.ok();
    told(&node.get(&path).await, 404);
}

#[tokio::test]
async fn limits_that_only_the_owner_api_takes_are_shown_and_stay() {
    let node = Node::start().await;
    let most = 1_u64 << 60;
    let body = json!({"Name": "odd", "RPM": 0, "TPM": most});
    let issued = node.post("/x-users/1/keys", &body).await.ok();
    let path = format!("{KEYS}/{}", issued["key"]["UUID"].as_str().unwrap());
    let value = node.get(&path).await.ok()["value"].clone();
    assert_eq!(value["rate_limit"], json!({"rpm": 0, "tpm": most}));
    assert_goes_back(&node, &path).await;
}

#[tokio::test]
async fn a_rotated_key_is_good_beside_its_successor_as_long_as_asked() {
    let node = Node::start().await;
    let body = json!({"allowed_models": ["*"], "key_hash": hash(OWN), "display_name": "one"});
    let (path, entry) = made(&node, &body).await;
    let rotate = format!("{path}/rotate");
    let first = node
        .post(&rotate, &json!({"overlap_seconds": 60}))
        .await
        .ok();
    let new = first["plaintext"].as_str().unwrap().to_owned();
    assert_eq!(first["entry"]["id"], entry["id"]);
    assert_eq!(first["entry"]["value"]["key_hash"], hash(&new));
    assert_eq!(first["entry"]["value"]["display_name"], "one");
    let until = first["entry"]["value"]["previous_until"].clone();
    let number = node.get("/x-users/1/keys").await.ok()["keys"][0].clone();
    assert_eq!(
        (until.is_string(), &until),
        (true, &number["PreviousUntil"])
    );
    assert_goes_back(&node, &path).await;
    assert!(works(&node, OWN).await);
    for (key, good) in [(new.as_str(), true), (OWN, true), ("my own key", false)] {
        assert_eq!(works(&node, key).await, good, "{key}");
    }
    let alias = rotate.replace("api_keys", "apikeys");
    // The field's name of old still means the same.
    let old = json!({"OverlapSeconds": 0});
    let second = node.post(&alias, &old).await.ok();
    let last = second["plaintext"].as_str().unwrap().to_owned();
    assert!(works(&node, &last).await && !works(&node, &new).await);
    // A retry shows no key.
    let send = async || {
        let header = ("idempotency-key", "again");
        with_header(&node, (Method::POST, &rotate), header, &json!({})).await
    };
    assert!(send().await.ok()["plaintext"].is_string());
    let again = send().await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert!(again.ok().get("plaintext").is_none());
    let dry = node
        .post(&format!("{rotate}?dry_run=1"), &json!({}))
        .await
        .ok();
    assert!(dry.get("plaintext").is_none(), "{dry}");
    for body in [
        json!({"overlap_seconds": -1}),
        json!({"seconds": 1}),
        json!({"overlap_seconds": 31 * 24 * 3600}),
        json!({"overlap_seconds": 1, "OverlapSeconds": 1}),
    ] {
        let message = told(&node.post(&rotate, &body).await, 400);
        assert!(
            message.contains("seconds") && !message.contains("Overlap"),
            "{message}"
        );
    }
}

#[tokio::test]
async fn writes_take_what_all_writes_take() {
    let node = Node::start().await;
    let body = json!({"allowed_models": ["*"], "display_name": "one"});
    let before = node.records().await.len();
    let dry = node.post(&format!("{KEYS}?dry_run=true"), &body).await.ok();
    assert_eq!(
        (&dry["dry_run"], dry.get("plaintext")),
        (&json!(true), None)
    );
    assert_eq!(dry["changes"]["before"], json!(null));
    assert_eq!(dry["changes"]["after"]["value"]["display_name"], "one");
    assert_eq!(node.records().await.len(), before);
    let send = async || {
        let header = ("idempotency-key", "once");
        with_header(&node, (Method::POST, KEYS), header, &body).await
    };
    let (first, again) = (send().await.ok(), send().await.ok());
    assert!(first["plaintext"].is_string() && again.get("plaintext").is_none());
    assert_eq!(first["id"], again["id"]);
    let path = format!("{KEYS}/{}", id(&first));
    let waited = node.put(&format!("{path}?wait=fleet"), &body).await.ok();
    assert!(waited["fleet"].is_object(), "{waited}");
    let revoke = async || {
        let header = ("idempotency-key", "gone");
        with_header(&node, (Method::DELETE, &path), header, &json!(null)).await
    };
    assert_eq!(revoke().await.ok()["deleted"], true);
    assert_eq!(revoke().await.header("idempotency-replayed"), "true");
    let undo = format!("/admin/v1/history/{}/undo", node.records().await.len());
    node.post(&undo, &json!({})).await.ok();
    assert_eq!(node.get(&path).await.ok()["value"], first["value"]);
}

#[tokio::test]
async fn lists_are_paged_and_searched() {
    let node = Node::start().await;
    let mut all = Vec::new();
    for name in ["Alpha-1", "beta", "alpha-2", "gamma"] {
        let body = json!({"allowed_models": ["*"], "display_name": name});
        all.push(id(&made(&node, &body).await.1));
    }
    assert_eq!(walk(&node, KEYS, 4).await, all);
    for limit in [1, 3, 4, 1000] {
        let pages = format!("{KEYS}?limit={limit}");
        assert_eq!(walk(&node, &pages, 4).await, all, "{limit}");
    }
    let found = walk(&node, &format!("{KEYS}?q=ALPHA&limit=1"), 2).await;
    assert_eq!(found, [all[0].clone(), all[2].clone()]);
    let behind = node.get(&format!("{KEYS}?after={}", all[2])).await;
    assert_eq!(id(&behind.ok()[0]), all[3]);
    for query in ["limit=0", "limit=1001", "after=x", "page=1"] {
        told(&node.get(&format!("{KEYS}?{query}")).await, 400);
    }
    told(&node.get(&format!("{KEYS}?after={UNDATED}")).await, 400);
}

/// A key that was disabled is refused with words of its own, and comes back.
#[tokio::test]
async fn a_disabled_key_is_refused_until_it_is_back() {
    let node = Node::start().await;
    let (path, entry) = made(&node, &json!({"allowed_models": ["*"]})).await;
    let key = entry["plaintext"].as_str().unwrap();
    let back = json!(["it was disabled, and is in use again"]);
    for (disabled, warnings) in [(false, json!(null)), (true, json!(null)), (false, back)] {
        let body = json!({"allowed_models": ["*"], "disabled": disabled});
        let put = node.put(&path, &body).await.ok();
        assert_eq!(works(&node, key).await, !disabled, "{disabled}");
        assert_eq!(
            put["warnings"], warnings,
            "a PUT without the field brings it back"
        );
    }
}
