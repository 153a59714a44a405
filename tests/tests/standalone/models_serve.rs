//! Models and keys made by the admin API, called through the proxy: on every
//! endpoint, by every form of name, after a restart, and after an undo.

use std::collections::{BTreeMap, BTreeSet};

use foldgate_tests::poll::SOON;
use foldgate_tests::{Reply, holds};
use serde_json::{Value, json};

use super::models_world::{ENDPOINTS, MODELS, World, asking, leading, secret};
use super::{CHAT, streamed};

const SERVED_BY: &str = "x-foldgate-served-by";

/// Asks every endpoint for a model, and where there are streams, for one: the
/// same target serves them all.
async fn all_serve(world: &World, model: &str, target: usize, upstream: &str, lead: bool) {
    let proxy = world.foldgate.proxy();
    let target_name = format!("t{target}");
    for (path, streams) in ENDPOINTS {
        let mut bodies = vec![asking(path, model)];
        if streams {
            let mut body = asking(path, model);
            body["stream"] = true.into();
            bodies.push(body);
        }
        for body in bodies {
            let answer = proxy.post(path, &body).await;
            assert_eq!(answer.status, 200, "{path} {body}: {}", answer.text());
            let served_by = answer.header(SERVED_BY);
            assert_eq!(served_by, lead.then_some(target_name.as_str()), "{path}");
            if body["stream"] == true {
                let events = answer.events();
                assert_eq!(events.last().map(String::as_str), Some("[DONE]"), "{path}");
            }
            assert!(world.upstream.last().line.ends_with(path));
            assert_eq!(world.last(), (upstream.to_owned(), secret(target)));
        }
    }
}

#[tokio::test]
async fn every_form_of_model_serves_every_endpoint_also_after_a_restart_and_an_undo() {
    let mut world = World::start(2).await;
    let wild = json!({"display_name": "acme/*", "model_name": "vendor-*", "level": 2});
    world.made(MODELS, &wild).await;
    let targets = json!([{"model": "t1"}, {"model": "t2"}]);
    let lead = leading("lead", "failover", &targets);
    world.made(MODELS, &lead).await;
    // A Model's name goes before LEVEL_MAPPER's.
    let mapper = json!({"LEVEL_MAPPER": {"t1": 2, "lead": 2, "acme/*": 1, "plain": 2}});
    world.admin().config(&mapper).await;
    for round in 0..2 {
        all_serve(&world, "t1", 1, "up-1", false).await;
        all_serve(&world, "acme/x", 2, "vendor-x", false).await;
        all_serve(&world, "lead", 1, "up-1", true).await;
        all_serve(&world, "plain", 2, "plain", false).await;
        let way = world.explain("acme/x").await;
        assert_eq!(way["kind"], "direct", "{way}");
        assert_eq!(way["upstream_model"], "vendor-x");
        let way = world.explain("lead").await;
        assert_eq!(way["kind"], "routing");
        let legs = way["legs"].as_array().expect("legs").iter();
        let legs: Vec<&Value> = legs.map(|leg| &leg["model"]).collect();
        assert_eq!(legs, ["t1", "t2"]);
        if round == 0 {
            world.foldgate.restart().await;
        }
    }

    // What a PUT changed an undo takes back, for the very next call.
    let admin = world.admin();
    let mut value = admin.get(&world.targets[0]).await.ok()["value"].clone();
    value["model_name"] = "up-new".into();
    let put = admin.put(&world.targets[0], &value).await;
    put.ok();
    all_serve(&world, "lead", 1, "up-new", true).await;
    let undo = format!("/admin/v1/history/{}/undo", put.revision());
    admin.post(&undo, &json!({})).await.ok();
    all_serve(&world, "lead", 1, "up-1", true).await;

    // A target that fails gives way to the next; streams as well.
    world.upstream.next(Reply::failing(503));
    let answer = world.chat("lead", &[]).await;
    answer.ok();
    assert_eq!(answer.header(SERVED_BY), Some("t2"));
    assert_eq!(world.last(), ("up-2".to_owned(), secret(2)));
    let way = world.explain("lead").await;
    assert_eq!(way["legs"][0]["state"], "asleep", "{way}");
    assert_eq!(way["legs"][1]["state"], "awake");
    let answer = world.foldgate.proxy().post(CHAT, &streamed("lead")).await;
    assert_eq!(answer.header(SERVED_BY), Some("t2"));
    assert_eq!(answer.events().last().map(String::as_str), Some("[DONE]"));
}

#[tokio::test]
async fn routing_models_choose_as_their_strategies_say() {
    let world = World::start(3).await;
    let turns = json!([{"model": "t1", "weight": 2}, {"model": "t2"}]);
    world
        .made(MODELS, &leading("turns", "round_robin", &turns))
        .await;
    let three = json!([{"model": "t1"}, {"model": "t2"}, {"model": "t3"}]);
    let mut hashed = leading("hashed", "consistent_hash", &three);
    hashed["routing"]["hash_on"] = json!([{"type": "api_key"}]);
    world.made(MODELS, &hashed).await;
    let tags = json!([{"model": "t1", "tags": ["eu"]}, {"model": "t2", "tags": ["default"]}]);
    world
        .made(MODELS, &leading("tagged", "failover", &tags))
        .await;
    let tiers = json!([{"model": "t1"}, {"model": "t3", "priority": 5}]);
    world
        .made(MODELS, &leading("tiers", "failover", &tiers))
        .await;

    let mut served: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..6 {
        world.chat("turns", &[]).await.ok();
        *served.entry(world.last().0).or_default() += 1;
    }
    let shares = BTreeMap::from([("up-1".to_owned(), 4), ("up-2".to_owned(), 2)]);
    assert_eq!(served, shares);

    // Each caller keeps its target, and not all have the same.
    let mut seen = BTreeSet::new();
    for number in 0..20 {
        let key = json!({"allowed_models": ["hashed"], "display_name": format!("caller {number}")});
        let (_, caller) = world.caller(&key).await;
        let mut own = BTreeSet::new();
        for _ in 0..3 {
            let answer = caller.post(CHAT, &super::chat("hashed")).await;
            answer.ok();
            own.insert(answer.header(SERVED_BY).expect("named").to_owned());
        }
        assert_eq!(own.len(), 1, "{own:?}");
        seen.extend(own);
    }
    assert!(seen.len() > 1, "{seen:?}");

    let tag = "x-foldgate-routing-tags";
    for (headers, target) in [
        (vec![(tag, "eu")], "t1"),
        (vec![(tag, "nowhere, eu")], "t1"),
        (vec![(tag, "nowhere"), (tag, "eu")], "t1"),
        (vec![(tag, "nowhere")], "t2"),
    ] {
        let answer = world.chat("tagged", &headers).await;
        answer.ok();
        assert_eq!(answer.header(SERVED_BY), Some(target), "{headers:?}");
        assert!(world.upstream.last().headers.get(tag).is_none());
    }
    let answer = world.chat("tiers", &[]).await;
    assert_eq!(answer.header(SERVED_BY), Some("t3"), "the greater priority");
    let id = answer.header("x-request-id").expect("an id");
    holds("the access log names the target", SOON, async || {
        let output = world.foldgate.output();
        let mut lines = output.lines().filter(|line| line.contains(id));
        lines.any(|line| line.contains("\"served_by\":\"t3\""))
    })
    .await;
}
