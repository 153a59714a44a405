//! Accounts written by several control planes at once.

use foldgate_tests::client::Answer;
use foldgate_tests::{Admin, Fleet};
use serde_json::{Value, json};

fn user(name: &str, email: &str) -> Value {
    json!({"Name": name, "Email": email})
}

/// Both at once.
async fn race(controls: &[Admin; 2], path: &str, bodies: [Value; 2]) -> [Answer; 2] {
    let [one, other] = bodies;
    let (one, other) = tokio::join!(controls[0].post(path, &one), controls[1].post(path, &other));
    [one, other]
}

#[tokio::test]
async fn of_two_racing_writers_one_gets_the_name() {
    let fleet = Fleet::start(2, 3).await;
    let controls = [fleet.controls[0].admin(), fleet.controls[1].admin()];
    for round in 0..8 {
        let name = format!("alice-{round}");
        let same_name = [
            user(&name, &format!("one-{round}@example.com")),
            user(&name.to_uppercase(), &format!("other-{round}@example.com")),
        ];
        one_wins(&race(&controls, "/x-users", same_name).await, "Name");
        let mail = format!("mail-{round}@example.com");
        let same_mail = [
            user(&format!("first-{round}"), &mail),
            user(&format!("second-{round}"), &mail),
        ];
        one_wins(&race(&controls, "/x-users", same_mail).await, "Email");
    }
    let revision = controls[0].get("/x-users").await.revision();
    fleet.folded(revision).await;
    for control in &controls {
        foldgate_tests::holds(
            "both see the same",
            foldgate_tests::poll::SOON,
            async || {
                let listed = control.get("/x-users").await;
                let count = listed.ok()["users"].as_array().map(Vec::len);
                listed.revision() >= revision && count == Some(16)
            },
        )
        .await;
    }
}

#[track_caller]
fn one_wins(answers: &[Answer; 2], param: &str) {
    let mut statuses = answers.each_ref().map(|answer| answer.status);
    statuses.sort_unstable();
    assert_eq!(
        statuses,
        [200, 409],
        "{}{}",
        answers[0].text(),
        answers[1].text()
    );
    let lost = answers.iter().find(|answer| answer.status == 409);
    let error = lost.expect("one of them").refusal(409);
    assert_eq!(error.code.as_deref(), Some("taken"));
    assert_eq!(error.param.as_deref(), Some(param));
}

#[tokio::test]
async fn two_owners_of_one_name_are_not_made_at_once() {
    let fleet = Fleet::start(2, 0).await;
    let controls = [fleet.controls[0].admin(), fleet.controls[1].admin()];
    for round in 0..4 {
        let bodies = [
            json!({"name": format!("Acme {round}")}),
            json!({"name": format!("ACME {round}")}),
        ];
        let answers = race(&controls, "/admin/v1/owners", bodies).await;
        let mut statuses = answers.each_ref().map(|answer| answer.status);
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409]);
    }
}

/// What one control plane made is there for a write on the other at once.
#[tokio::test]
async fn another_control_plane_knows_a_new_account() {
    let fleet = Fleet::start(2, 1).await;
    let controls = [fleet.controls[0].admin(), fleet.controls[1].admin()];
    for round in 0..8 {
        let name = format!("alice-{round}");
        let body = user(&name, &format!("{name}@example.com"));
        let (made_by, changed_by) = (&controls[round % 2], &controls[(round + 1) % 2]);
        let made = made_by.post("/x-users", &body).await.ok();
        let path = format!("/x-users/{name}");
        let change = json!({"Alias": "changed elsewhere"});
        let changed = changed_by.put(&path, &change).await.ok();
        assert_eq!(changed["user"]["ID"], made["user"]["ID"]);
        let keys = format!("{path}/keys");
        changed_by
            .post(&keys, &json!({"Name": "second"}))
            .await
            .ok();
        let fleet_wide = made_by
            .put(&format!("{path}?wait=fleet"), &json!({"RPM": 5}))
            .await;
        assert_eq!(
            fleet_wide.ok()["fleet"]["reached"],
            true,
            "{}",
            fleet_wide.text()
        );
    }
    let key = format!("/x-users/alice-0/keys/{}", 1);
    controls[1].delete(&key, None).await.ok();
    controls[0].delete("/x-users/alice-0", None).await.ok();
    controls[1].get("/x-users/alice-0").await.refusal(404);
}

/// A retry that lands on the other control plane is answered, not done again.
#[tokio::test]
async fn a_retry_elsewhere_is_the_same_account() {
    let fleet = Fleet::start(2, 0).await;
    let send = async |control: usize| {
        let admin = fleet.controls[control].admin();
        let request = admin.request(http::Method::POST, "/x-users");
        let request = request.header("idempotency-key", "once");
        let body = user("alice", "alice@example.com");
        foldgate_tests::client::finish("POST /x-users", request.json(&body)).await
    };
    let (first, again) = (send(0).await.ok(), send(1).await.ok());
    assert_eq!(first["user"]["ID"], again["user"]["ID"]);
    assert_eq!(first["key"]["Mask"], again["key"]["Mask"]);
    assert!(first["key"]["SecretKey"].is_string());
    assert!(again["key"].get("SecretKey").is_none());
}
