//! The list of models has one path for callers of either dialect.

use foldgate_proto::{Config, Dialect, Level};
use http::Method;
use serde_json::json;

use super::rig;
use crate::client::{Caller, Reply};
use crate::upstream::Script;

async fn ask(caller: &Caller, path: &str, headers: &[(&'static str, &str)]) -> Reply {
    let mut request = caller.request(Method::GET, path, "");
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    caller.send(request).await
}

#[tokio::test]
async fn who_names_anthropics_version_is_shown_anthropics_list() {
    let (mut rig, _) = rig(Dialect::Anthropic, Script::json(200, "{}")).await;
    let one = Level::new(1).unwrap();
    let map = ["claude-a", "gpt-b"].map(|name| (name.to_owned(), one));
    rig.config(Config {
        level_mapper: Some(map.into()),
        ..Config::default()
    })
    .await;
    let version = [("anthropic-version", "2023-06-01")];
    for path in ["/v1/models", "/models?limit=1000"] {
        let reply = ask(&rig.caller, path, &version).await;
        let said = reply.json();
        assert_eq!(reply.status, 200);
        assert!(reply.header("request-id").is_some());
        assert_eq!(
            (&said["has_more"], &said["first_id"], &said["last_id"]),
            (&json!(false), &json!("claude-a"), &json!("gpt-b"))
        );
        let first = &said["data"][0];
        assert_eq!(
            (&first["type"], &first["display_name"]),
            (&json!("model"), &json!("claude-a"))
        );
        assert!(first["created_at"].as_str().unwrap().ends_with('Z'));
    }
    let one = ask(&rig.caller, "/v1/models/gpt-b", &version).await.json();
    assert_eq!(
        (&one["type"], &one["id"]),
        (&json!("model"), &json!("gpt-b"))
    );
    let none = ask(&rig.caller, "/v1/models/none", &version).await;
    assert_eq!(none.status, 404);
    assert_eq!(none.json()["error"]["type"], "not_found_error");
    let stranger = [version[0], ("authorization", "Bearer sk-nobody-0123456789")];
    let refused = ask(&rig.caller, "/v1/models", &stranger).await;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.json()["error"]["type"], "authentication_error");

    let openais = ask(&rig.caller, "/v1/models", &[]).await;
    assert_eq!(openais.json()["object"], "list");
    assert_eq!(openais.json()["data"][1]["id"], "gpt-b");
    assert!(openais.header("request-id").is_none());
}
