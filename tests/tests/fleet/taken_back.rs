//! What one control plane wrote, told in full, asked for as it was, and brought back
//! by the other, over three data planes.

use foldgate_tests::admin::{CANARY, list};
use foldgate_tests::foldgate::OWNER_KEY;
use http::Method;
use serde_json::{Value, json};

use super::people::World;
use super::reads::{get_at, with};

#[tokio::test]
async fn a_record_is_told_in_full_and_the_states_around_it_by_time() {
    let world = World::start().await;
    let [one, other] = &world.controls;
    let body = json!({"SecretKey": CANARY, "Name": "more", "Level": 3, "Provider": "https://llm.example.com"});
    let headers = [
        ("x-foldgate-reason", "more capacity"),
        ("x-request-id", "mine-1"),
    ];
    let made = with(one, Method::POST, "/x-keys", &headers, Some(&body)).await;
    let (at, key) = (made.revision(), made.ok()["key"]["ID"].clone());
    let path = format!("/x-keys/{key}");
    let last = other.put(&path, &json!({"Level": 4})).await.revision();
    let mut told = Vec::new();
    for control in [one, other] {
        let line = get_at(control, &format!("/admin/v1/history/{at}"), last).await;
        assert!(!line.text().contains(CANARY), "{}", line.text());
        let line = line.ok();
        for (field, expected) in [
            ("revision", json!(at)),
            ("actor", json!("owner:owner")),
            ("kind", json!("KeyAdded")),
            ("resource", json!(format!("key/{key}"))),
            ("address", json!("127.0.0.1")),
            ("request_id", json!("mine-1")),
            ("reason", json!("more capacity")),
        ] {
            assert_eq!(line[field], expected, "{field}: {line}");
        }
        let changes = list(&line["changes"]);
        let of = |field: &str| {
            changes
                .iter()
                .find(|change| change["field"] == field)
                .cloned()
        };
        let level = of("level").expect("a level");
        assert_eq!(
            (&level["before"], &level["after"]),
            (&Value::Null, &json!(3))
        );
        let mask = of("secret").expect("a secret")["after"].to_string();
        assert!(mask.contains(&CANARY[CANARY.len() - 4..]), "{mask}");
        let page = format!("/admin/v1/history?from={at}&to={at}");
        let row = control.get(&page).await.ok()["items"][0].clone();
        for field in ["revision", "at", "actor", "kind", "resource"] {
            assert_eq!(row[field], line[field], "{row}");
        }
        let time = line["at"].as_str().expect("a time").replace('+', "%2B");
        let then = control
            .get(&format!("/admin/v1/state?at={time}"))
            .await
            .ok();
        assert_eq!(then["revision"], at, "{then}");
        let by_number = control.get(&format!("/admin/v1/state?at={at}")).await.ok();
        assert_eq!(then["state_hash"], by_number["state_hash"]);
        let since = control
            .get(&format!("/admin/v1/state/diff?from={time}"))
            .await
            .ok();
        let since = list(&since["changes"]);
        let level = since.iter().find(|change| change["field"] == "level");
        let level = level.expect("it changed");
        assert_eq!((&level["before"], &level["after"]), (&json!(3), &json!(4)));
        for beginning in ["0", "2001-01-01T00:00:00Z"] {
            let early = control
                .get(&format!("/admin/v1/state?at={beginning}"))
                .await;
            let early = early.refusal(404);
            assert!(early.message.contains("begins at revision 1"), "{early:?}");
        }
        told.push((line, then));
    }
    assert_eq!(told[0], told[1], "both tell the same");
}

#[tokio::test]
async fn one_resource_comes_back_and_then_all_on_every_node() {
    let world = World::start().await;
    let [one, other] = &world.controls;
    let (_, key) = world.account("team-a", &json!({"RPM": 60})).await;
    let good = one.config(&json!({"MODEL_MAPPER": "a=b"})).await.revision();
    one.config(&json!({"MODEL_MAPPER": "a=c"})).await.ok();
    other.delete("/x-users/team-a", None).await.ok();
    let gone = one.delete("/x-keys/1?wait=fleet", None).await;
    assert_eq!(gone.ok()["fleet"]["reached"], true);
    assert!(
        world
            .chats(OWNER_KEY, "a")
            .await
            .iter()
            .all(|status| *status != 200)
    );
    let explained = get_at(other, "/admin/v1/explain?model=a", gone.revision())
        .await
        .ok();
    assert_eq!(explained["upstream_model"], "c", "{explained}");

    // One of them: first how it would be, then so.
    let before = world.newest().await;
    let path = format!("/admin/v1/state/restore?at={good}");
    let restore = format!("{path}&resource=key/1");
    let dry = other
        .post(&format!("{restore}&dry_run=true"), &json!({}))
        .await
        .ok();
    assert!(!list(&dry["changes"]).is_empty(), "{dry}");
    for change in list(&dry["changes"]) {
        assert_eq!(change["resource"], "key/1", "{dry}");
    }
    assert_eq!(world.newest().await, before, "a dry run writes nothing");
    let back = other
        .post(&format!("{restore}&wait=fleet"), &json!({}))
        .await
        .ok();
    assert_eq!(back["fleet"]["reached"], true, "{back}");
    assert_eq!(world.chats(OWNER_KEY, "a").await, [200; 3]);
    assert_eq!(
        world.upstream.last().json()["model"],
        "c",
        "the mapper is as it was"
    );
    assert_eq!(world.upstream.last().credential(), Some(CANARY));
    assert_eq!(world.chats(&key, "a").await, [401; 3]);

    // And all of them, the account with the key it had.
    let dry = one
        .post(&format!("{path}&dry_run=true"), &json!({}))
        .await
        .ok();
    let told = dry["changes"].to_string();
    assert!(
        told.contains("account/") && told.contains("caller_key/") && told.contains("config"),
        "{told}"
    );
    let all = one.post(&format!("{path}&wait=fleet"), &json!({})).await;
    assert_eq!(all.ok()["fleet"]["reached"], true);
    assert_eq!(world.chats(&key, "a").await, [200; 3]);
    assert_eq!(world.upstream.last().json()["model"], "b");
    let line = format!("/admin/v1/history/{}", all.revision());
    let line = get_at(other, &line, all.revision()).await.ok();
    assert_eq!(
        (&line["kind"], &line["restored"]),
        (&json!("StateRestored"), &json!(good))
    );

    // The restore itself is taken back, in a record that names it.
    let undo = format!("/admin/v1/history/{}/undo?wait=fleet", all.revision());
    let undone = other.post(&undo, &json!({})).await;
    assert_eq!(undone.ok()["undid"], all.revision());
    assert_eq!(world.chats(&key, "a").await, [401; 3]);
    let line = format!("/admin/v1/history/{}", undone.revision());
    let line = get_at(one, &line, undone.revision()).await.ok();
    assert_eq!(
        (&line["kind"], &line["undid"]),
        (&json!("RecordUndone"), &json!(all.revision()))
    );
    for resource in ["nothing", "key/x"] {
        let odd = format!("{path}&resource={resource}");
        let error = one.post(&odd, &json!({})).await.refusal(400);
        assert_eq!(error.param.as_deref(), Some("resource"), "{error:?}");
    }
}
