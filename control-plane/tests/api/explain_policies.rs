//! `GET /admin/v1/explain` of guardrails, policies and exporters: which apply to a
//! request, by their scopes, and which of them are enforced.

use serde_json::{Value, json};

use crate::api_keys::team;
use crate::entries::id;
use crate::node::Node;

/// What stands by itself below the owner: a key, two Models and one that leads to them,
/// a team with a child, a caller key of each.
struct World {
    node: Node,
    models: [String; 3],
    team: String,
    /// Of the team's child, with a user.
    key: String,
}

impl World {
    async fn start() -> Self {
        let node = Node::start().await;
        node.add_key(1, "http://127.0.0.1:9").await;
        node.put("/x-config", &json!({"MODEL_MAPPER": "alias=one"}))
            .await
            .ok();
        let (_, parent) = node.add_user("parent", &json!({})).await;
        let parents = node.with(&parent);
        parents.add_user("child", &json!({})).await;
        let child = parents.get("/x-users/child").await.ok()["user"]["UUID"].clone();
        let parent = team(&node, "parent").await;
        let mut world = Self {
            node,
            models: Default::default(),
            team: parent,
            key: String::new(),
        };
        let direct = |name: &str, provider: &str| json!({"display_name": name, "model_name": name, "level": 1, "provider": provider});
        world.models[0] = world.made("models", &direct("one", "openai")).await;
        world.models[1] = world.made("models", &direct("two", "acme")).await;
        let lead = json!({"display_name": "lead", "routing": {"targets": [
            {"model": "one"}, {"model": "two"},
        ]}});
        world.models[2] = world.made("models", &lead).await;
        let key = json!({"display_name": "ann's", "allowed_models": ["*"], "team_id": child, "user_id": "ann"});
        world.key = world.made("api_keys", &key).await;
        world
    }

    async fn made(&self, kind: &str, value: &Value) -> String {
        let path = format!("/admin/v1/{kind}");
        id(&self.node.post(&path, value).await.ok())
    }

    async fn explain(&self, query: &str) -> Value {
        let path = format!("/admin/v1/explain?{query}");
        self.node.get(&path).await.ok()
    }

    /// What applies to a request, of one sort.
    async fn policies(&self, query: &str, sort: &str) -> Vec<Value> {
        let told = self.explain(query).await;
        let all = told["policies"][sort].as_array().expect("a list").clone();
        // Of what is enforced there are limits in their plain form alone.
        for one in &all {
            let limits = one["value"].get("scope_ref").is_some();
            assert_eq!(one["enforced"], limits, "{one}");
        }
        all
    }

    /// The names of what applies, sorted.
    async fn names(&self, query: &str, sort: &str) -> Vec<String> {
        let all = self.policies(query, sort).await;
        let name = |one: &Value| one["value"]["name"].as_str().expect("a name").to_owned();
        let mut names: Vec<String> = all.iter().map(name).collect();
        names.sort();
        names
    }
}

#[tokio::test]
async fn attachments_are_told_by_their_scopes_with_their_guardrails() {
    let world = World::start().await;
    let guardrail = |name: &str, more: Value| {
        let mut value = json!({"kind": "keyword", "name": name, "hook_point": "input",
            "enforcement_mode": "monitor", "patterns": [{"kind": "literal", "value": "x"}]});
        for (field, more) in more.as_object().expect("an object") {
            value[field] = more.clone();
        }
        value
    };
    let young = json!({"created_at": "2026-02-01T00:00:00Z"});
    let old = json!({"created_at": "2026-01-01T00:00:00+09:00"});
    let young = world.made("guardrails", &guardrail("young", young)).await;
    let old = world.made("guardrails", &guardrail("old", old)).await;
    let off = json!({"enabled": false});
    let off = world.made("guardrails", &guardrail("off", off)).await;
    let attached = async |guardrail: &str, scope: &str, id: Option<&str>, priority: i32| {
        let value = json!({"guardrail_id": guardrail, "scope_type": scope, "scope_id": id, "priority": priority});
        world.made("guardrail_attachments", &value).await
    };
    let everywhere = attached(&young, "env", None, 1).await;
    attached(&off, "env", None, 1).await;
    let on_two = attached(&young, "model", Some(&world.models[1]), 5).await;
    let on_lead = attached(&old, "model", Some(&world.models[2]), 1).await;
    let on_team = attached(&old, "team", Some(&world.team), 2).await;
    let on_key = attached(&old, "api_key", Some(&world.key), i32::MIN).await;

    let told = async |query: &str| -> Vec<(String, bool, Value)> {
        let all = world.policies(query, "guardrails").await;
        let one = |one: &Value| {
            let counts = one["counts"].as_bool().expect("on or off");
            (id(one), counts, one["legs"].clone())
        };
        all.iter().map(one).collect()
    };
    let all = Value::Null;
    let whole = world.policies("model=one", "guardrails").await;
    assert_eq!(whole.len(), 1);
    assert_eq!(
        whole[0]["guardrail"],
        json!({"id": young, "kind": "keyword", "name": "young", "hook_point": "input",
            "enforcement_mode": "monitor"})
    );
    assert_eq!(whole[0]["value"]["scope_type"], "env");
    // Of one guardrail's attachments the greatest priority counts; the older guardrail
    // goes first.
    assert_eq!(
        told("model=two").await,
        [
            (everywhere.clone(), false, all.clone()),
            (on_two.clone(), true, all.clone())
        ]
    );
    let query = format!("model=one&api_key={}", world.key);
    assert_eq!(
        told(&query).await,
        [
            (on_team.clone(), true, all.clone()),
            (on_key, false, all.clone()),
            (everywhere.clone(), true, all.clone()),
        ]
    );
    assert_eq!(
        told("model=one&account=child").await,
        [
            (on_team.clone(), true, all.clone()),
            (everywhere.clone(), true, all.clone())
        ]
    );
    // Behind a Model that routes, target by target.
    assert_eq!(
        told("model=lead&account=parent").await,
        [
            (on_lead, false, all.clone()),
            (on_team, true, all),
            (everywhere, true, json!(["one"])),
            (on_two, true, json!(["two"])),
        ]
    );
}

#[tokio::test]
async fn cache_policies_are_told_by_what_they_apply_to() {
    let world = World::start().await;
    for (name, applies_to) in [
        ("everything", "all".to_owned()),
        ("of one", "model:one".to_owned()),
        ("of alias", "model:alias".to_owned()),
        ("of two", "model:two".to_owned()),
        ("of ann", format!("api_key:{}", world.key)),
    ] {
        let value = json!({"name": name, "applies_to": applies_to});
        world.made("cache_policies", &value).await;
    }
    let off = json!({"name": "off", "enabled": false});
    world.made("cache_policies", &off).await;
    let key = format!("&api_key={}", world.key);
    for (query, expected) in [
        ("model=one", vec!["everything", "of one"]),
        ("model=alias", vec!["everything", "of alias", "of one"]),
        // Nobody asked for its targets.
        ("model=lead", vec!["everything"]),
        ("model=nowhere", vec!["everything"]),
        (
            &format!("model=two{key}"),
            vec!["everything", "of ann", "of two"],
        ),
    ] {
        assert_eq!(
            world.names(query, "cache_policies").await,
            expected,
            "{query}"
        );
    }
}

#[tokio::test]
async fn rate_limit_policies_are_told_by_scope_and_conditions() {
    let world = World::start().await;
    let plain = |name: &str, scope: &str, named: &str| json!({"name": name, "scope": scope, "scope_ref": named, "window": "day", "max_tokens": 9});
    let [one, two, _] = &world.models;
    for value in [
        plain("key", "api_key", &world.key),
        plain("model one", "model", "ONE"),
        plain("model two", "model", two),
        plain("team", "team", &world.team),
        plain("ann", "member", "ann"),
        plain("bob", "member", "bob"),
        plain("members", "team_member", &world.team),
        json!({"name": "all", "limits": {"rpm": 1}, "schedules": [
            {"days_of_week": ["sat"], "start_time": "00:00", "end_time": "24:00", "timezone": "UTC"},
        ]}),
        json!({"name": "acme's", "limits": {"rpm": 1}, "conditions": [
            {"dimension": "provider", "operator": "~*", "value": "^ACME$"},
        ]}),
        json!({"name": "not one", "limits": {"rpm": 1}, "conditions": [
            {"dimension": "model", "operator": "~=", "value": one},
        ]}),
    ] {
        world.made("rate_limit_policies", &value).await;
    }
    let key = format!("model=two&api_key={}", world.key);
    for (query, expected) in [
        ("model=one", vec!["all", "model one"]),
        ("model=alias", vec!["all", "model one"]),
        (
            "model=two&account=child",
            vec!["acme's", "all", "model two", "not one", "team"],
        ),
        (
            &key,
            vec![
                "acme's",
                "all",
                "ann",
                "key",
                "members",
                "model two",
                "not one",
                "team",
            ],
        ),
        ("model=lead", vec!["acme's", "all", "not one"]),
    ] {
        assert_eq!(
            world.names(query, "rate_limit_policies").await,
            expected,
            "{query}"
        );
    }
    let legs = |all: &[Value]| -> Vec<(String, Value)> {
        let told = all.iter();
        told.map(|one| {
            (
                one["value"]["name"].as_str().unwrap().to_owned(),
                one["legs"].clone(),
            )
        })
        .collect()
    };
    let lead = world.policies("model=lead", "rate_limit_policies").await;
    let expected = [
        ("all", Value::Null),
        ("acme's", json!(["two"])),
        ("not one", json!(["two"])),
    ];
    assert_eq!(
        legs(&lead),
        expected.map(|(name, legs)| (name.to_owned(), legs))
    );
    // As it is stored, so that all of it is told: when it is not in force, too.
    assert_eq!(
        lead[0]["value"]["schedules"][0]["days_of_week"],
        json!(["sat"])
    );
}

#[tokio::test]
async fn exporters_that_are_on_are_told_without_their_secrets() {
    let world = World::start().await;
    let otlp = json!({"kind": "otlp_http", "name": "traces", "endpoint": "https://otlp.example.com",
        "headers": {"authorization": "canary-header-0123456789"}});
    let traces = world.made("observability_exporters", &otlp).await;
    let off = json!({"kind": "datadog", "name": "off", "enabled": false, "site": "datadoghq.eu",
        "credential_ref": "dd", "service": "llm"});
    world.made("observability_exporters", &off).await;
    let told = world
        .policies("model=nowhere", "observability_exporters")
        .await;
    let value = json!({"kind": "otlp_http", "name": "traces"});
    assert_eq!(
        told,
        [json!({"id": traces, "enforced": false, "value": value})]
    );
    let told = world.explain("model=nowhere").await;
    assert_eq!(told["policies"]["not_listed"], 0);
    assert_eq!(told["policies"]["guardrails"], json!([]));
}

/// Another owner's are none of a request's.
#[tokio::test]
async fn policies_of_another_owner_do_not_apply() {
    let world = World::start().await;
    world.made("cache_policies", &json!({"name": "ours"})).await;
    let other = world.node.add_owner("other").await;
    let other = world.node.with(&other);
    let told = other.get("/admin/v1/explain?model=one").await.ok();
    assert_eq!(told["policies"]["cache_policies"], json!([]));
    let path = format!("/admin/v1/explain?model=one&api_key={}", world.key);
    other.get(&path).await.refused(404, "caller_key_not_found");
    world.node.get(&path).await.ok();
}
