//! Models written by several control planes: read on the other at once, and a
//! thousand at once for one name.

use std::collections::BTreeSet;

use foldgate_tests::client::{Answer, finish};
use foldgate_tests::poll::SOON;
use foldgate_tests::{Admin, Fleet, holds};
use http::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

const MODELS: &str = "/admin/v1/models";

/// How many come at once. A control plane serves 384 of the owner at a time.
const MANY: usize = 1000;

fn direct(name: &str) -> Value {
    json!({"display_name": name, "model_name": "gpt-4o", "level": 1})
}

fn id(entry: &Value) -> String {
    entry["id"].as_str().expect("an id").to_owned()
}

/// One POST for each of the names, all at once, in turn on either control plane.
async fn rush(controls: &[Admin; 2], names: impl Iterator<Item = String>) -> Vec<Answer> {
    let mut posts = JoinSet::new();
    for (number, name) in names.enumerate() {
        let admin = controls[number % 2].clone();
        posts.spawn(async move { admin.post(MODELS, &direct(&name)).await });
    }
    posts.join_all().await
}

/// What a control plane lists once it has folded a revision.
async fn listed(admin: &Admin, revision: u64) -> Vec<Value> {
    let request = admin.request(Method::GET, MODELS);
    let request = request.header("x-foldgate-min-revision", revision.to_string());
    let list = finish("GET models", request).await.ok();
    list.as_array().expect("an array").clone()
}

#[tokio::test]
async fn what_one_control_plane_writes_the_other_knows_at_once() {
    let fleet = Fleet::start(2, 1).await;
    let controls = [fleet.controls[0].admin(), fleet.controls[1].admin()];
    for round in 0..8 {
        let (one, other) = (&controls[round % 2], &controls[(round + 1) % 2]);
        let made = one.post(MODELS, &direct(&format!("m{round}"))).await.ok();
        let path = format!("{MODELS}/{}", id(&made));
        let mut seen = made.clone();
        seen.as_object_mut().expect("an entry").remove("warnings");
        assert_eq!(other.get(&path).await.ok(), seen);
        let put = format!("{path}?wait=fleet");
        let put = other.put(&put, &direct(&format!("n{round}"))).await;
        let entry = put.ok();
        assert_eq!(entry["fleet"]["reached"], true, "{entry}");
        assert_eq!(entry["revision"], put.revision());
        // Whoever is asked for that revision answers with it.
        let all = listed(one, put.revision()).await;
        assert_eq!(all[round]["revision"], put.revision());
        // A name that the other gave a moment ago is taken.
        let taken = one.post(MODELS, &direct(&format!("N{round}"))).await;
        assert_eq!(taken.refusal(409).code.as_deref(), Some("taken"));
        // The data plane has folded it.
        fleet.nodes[0].folded(put.revision()).await;
    }
    // A routing model may lead to what was made elsewhere, which then stays.
    let lead = json!({"display_name": "lead", "routing": {"targets": [{"model": "n0"}]}});
    controls[0].post(MODELS, &lead).await.ok();
    let target = listed(&controls[1], 0).await[0].clone();
    let path = format!("{MODELS}/{}", id(&target));
    let refused = controls[1].delete(&path, None).await;
    assert_eq!(refused.refusal(409).code.as_deref(), Some("referred"));
}

#[tokio::test]
async fn of_a_thousand_writers_of_one_name_one_wins() {
    let fleet = Fleet::start(2, 0).await;
    let controls = [fleet.controls[0].admin(), fleet.controls[1].admin()];
    let spelt = ["racing", "Racing", "RACING", "rAcInG"];
    let before = controls[0].get(MODELS).await.revision();
    let names = (0..MANY).map(|number| spelt[number % spelt.len()].to_owned());
    let answers = rush(&controls, names).await;
    let won: Vec<&Answer> = answers.iter().filter(|a| a.status == 200).collect();
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        let error = answer.refusal(409);
        assert_eq!(error.code.as_deref(), Some("taken"), "{}", answer.text());
        assert_eq!(error.param.as_deref(), Some("display_name"));
    }
    assert_eq!(won.len(), 1);
    let entry = won[0].ok();
    assert_eq!(entry["revision"], before + 1);
    for control in &controls {
        let all = listed(control, before + 1).await;
        assert_eq!(all.len(), 1);
        assert_eq!(all[0]["id"], entry["id"]);
    }
    assert_eq!(controls[1].get(MODELS).await.revision(), before + 1);
}

#[tokio::test]
async fn of_a_thousand_writers_of_as_many_names_none_is_lost_or_doubled() {
    let fleet = Fleet::start(2, 1).await;
    let controls = [fleet.controls[0].admin(), fleet.controls[1].admin()];
    let before = controls[0].get(MODELS).await.revision();
    let names = (0..MANY).map(|number| format!("m{number}"));
    let answers = rush(&controls, names).await;
    let entries: Vec<Value> = answers.iter().map(Answer::ok).collect();
    let revisions: BTreeSet<u64> = answers.iter().map(Answer::revision).collect();
    let last = before + MANY as u64;
    assert_eq!(revisions, (before + 1..=last).collect());
    let made: BTreeSet<(String, u64)> = entries
        .iter()
        .map(|entry| (id(entry), entry["revision"].as_u64().expect("a revision")))
        .collect();
    for control in &controls {
        let all = listed(control, last).await;
        assert_eq!(all.len(), MANY);
        let stored: BTreeSet<(String, u64)> = all
            .iter()
            .map(|entry| (id(entry), entry["revision"].as_u64().expect("a revision")))
            .collect();
        assert_eq!(stored, made, "what was answered is what is there");
        let names: BTreeSet<&str> = all
            .iter()
            .filter_map(|entry| entry["value"]["display_name"].as_str())
            .collect();
        assert_eq!(names.len(), MANY);
    }
    fleet.nodes[0].folded(last).await;
}

/// A retry that lands on the other control plane is answered, not done again.
#[tokio::test]
async fn a_retry_elsewhere_is_the_same_entry() {
    let fleet = Fleet::start(2, 0).await;
    let send = async |control: usize| {
        let admin = fleet.controls[control].admin();
        let request = admin.request(Method::POST, MODELS);
        let request = request.header("idempotency-key", "once");
        finish("POST", request.json(&direct("fast"))).await
    };
    let (first, again) = (send(0).await, send(1).await);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(first.revision(), again.revision());
    assert_eq!(id(&first.ok()), id(&again.ok()));
    let other = fleet.controls[1].admin();
    holds("one entry", SOON, async || {
        other.get(MODELS).await.ok().as_array().map(Vec::len) == Some(1)
    })
    .await;
}
