//! What `explain` says of a caller key and of limits is what the proxy does.

use serde_json::json;

use super::models_world::World;

#[tokio::test]
async fn a_caller_key_fares_as_explain_says() {
    let world = World::start(2).await;
    let value = json!({"display_name": "ci", "allowed_models": ["t1"]});
    let (path, caller) = world.caller(&value).await;
    let policy = json!({"name": "few", "scope": "model", "scope_ref": "t2", "window": "day",
        "max_requests": 1});
    world.made("/admin/v1/rate_limit_policies", &policy).await;
    let id = path.rsplit('/').next().expect("an id");
    let explain = async |model: &str| world.explain(&format!("{model}&api_key={id}")).await;

    let way = explain("t1").await;
    assert_eq!(way["api_key"]["passes"], true, "{way}");
    assert_eq!(way["policies"]["rate_limit_policies"], json!([]));
    caller.post(super::CHAT, &super::chat("t1")).await.ok();
    let way = explain("t2").await;
    assert_eq!(way["api_key"]["refused_by"], json!(["allowed_models"]));
    let refused = caller.post(super::CHAT, &super::chat("t2")).await;
    assert_eq!(refused.status, 403, "{way}");
    // The one that applies is enforced, and says so.
    let limit = &way["policies"]["rate_limit_policies"][0];
    assert_eq!(
        (&limit["enforced"], &limit["value"]["name"]),
        (&json!(true), &json!("few"))
    );
    world.chat("t2", &[]).await.ok();
    assert_eq!(world.chat("t2", &[]).await.status, 429);

    let off = json!({"display_name": "ci", "allowed_models": ["t1"], "disabled": true});
    world.admin().put(&path, &off).await.ok();
    let way = explain("t1").await;
    assert_eq!(way["refused"]["code"], "disabled", "{way}");
    let refused = caller.post(super::CHAT, &super::chat("t1")).await;
    assert_eq!(refused.status, 401);
}
