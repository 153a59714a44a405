//! Walls between owners: whatever one of them names of the other's, on whatever
//! route, is as good as not there.

use std::sync::Arc;

use foldgate_control_plane::ControlPlane;
use foldgate_domain::OwnerState;
use reqwest::Method;
use serde_json::{Value, json};

use crate::definitions::{MODELS, direct};
use crate::node::{Node, OWNER_KEY, answer, new_key};
use crate::people::{As, user};
use crate::walk::{filled, methods, told};

/// A word that stands in everything that is the second owner's.
const MARK: &str = "zebra";

/// One owner's things, as somebody else might name them.
struct Things {
    state: Arc<OwnerState>,
    names: Vec<String>,
    /// Where its records stand in the log, but for the last.
    revisions: Vec<String>,
}

/// Fills an owner: provider keys, news, accounts, caller keys, admin keys.
async fn fill(owner: &As<'_>, mark: &str, count: usize) -> Things {
    for number in 0..count {
        let mut key = new_key(1, &format!("https://{mark}-{number}.example.com"));
        key["Name"] = json!(format!("{mark} key"));
        owner.post("/x-keys", &key).await.ok();
        let news = json!({"title": format!("{mark} news"), "content": "c"});
        owner.post("/x-news", &news).await.ok();
        owner
            .post("/x-users", &user(&format!("{mark}-{number}"), &json!({})))
            .await
            .ok();
        let admin = json!({"name": format!("{mark}-{number}"), "role": "auditor"});
        owner.post("/admin/v1/admin_keys", &admin).await.ok();
        let model = direct(&format!("{mark}-{number}"));
        owner.post(MODELS, &model).await.ok();
    }
    let config = json!({"MODEL_MAPPER": {mark: "gpt-4o"}});
    owner.put("/x-config", &config).await.ok();
    let state = state(owner).await;
    let accounts = state.accounts.values();
    let mut names: Vec<String> = accounts
        .flat_map(|account| {
            [
                account.number.to_string(),
                account.id.to_string(),
                account.profile.name.clone(),
                account.profile.email.replace('@', "%40"),
                state.dna(account.number),
            ]
        })
        .collect();
    names.push(state.id.to_string());
    names.push(state.account.to_string());
    names.push(state.name.clone());
    names.push(state.dna(state.account));
    names.extend(state.admin_keys.values().map(|key| key.id.to_string()));
    names.extend(state.caller_keys.values().map(|key| key.id.to_string()));
    names.extend(state.definitions.values().map(|d| d.id.to_string()));
    // Numbers within an owner: only those that the other owner has not given out.
    names.push(state.last_key.to_string());
    let records = owner.node.records().await;
    let mine = (1_u64..).zip(&records).filter(|(_, r)| r.owner == state.id);
    let mut revisions: Vec<String> = mine.map(|(at, _)| at.to_string()).collect();
    revisions.pop();
    Things {
        state,
        names,
        revisions,
    }
}

async fn state(owner: &As<'_>) -> Arc<OwnerState> {
    let oid = owner.get("/x-config").await.ok()["oid"].as_u64().unwrap();
    let table = owner.node.replica.table();
    let mut owners = table.state.owners.values();
    let found = owners.find(|owner| owner.account.0 == oid);
    Arc::clone(found.unwrap())
}

/// A body that each route would take, so that what refuses is the name.
fn body(method: &Method, path: &str) -> Value {
    match (method.as_str(), path) {
        ("PUT" | "POST", "/x-users/{id}") => json!({"Alias": "taken over"}),
        ("PUT" | "POST", "/x-keys/{id}") | ("PUT", "/x-users/{id}/keys/{key}") => {
            json!({"Name": "taken over"})
        }
        ("PUT", path) if path.starts_with(MODELS) => direct("taken-over"),
        ("PUT", "/admin/v1/api_keys/{id}" | "/admin/v1/apikeys/{id}") => {
            json!({"allowed_models": [], "display_name": "taken over"})
        }
        ("PUT", "/admin/v1/provider_keys/{id}") => {
            json!({"display_name": "taken over", "provider": "openai", "api_key": "sk-taken-over"})
        }
        ("POST", "/x-news/{target}") => json!({"title": "t", "content": "c"}),
        _ => json!({}),
    }
}

/// An answer without what may differ: its own request's name, as a word.
fn comparable(status: u16, body: &Value, named: &str) -> (u16, String) {
    let named = named.replace("%40", "@");
    let body = body.to_string();
    let mut shown = String::new();
    let mut rest = body.as_str();
    while let Some(at) = rest.find(&named) {
        let (before, behind) = (&rest[..at], &rest[at + named.len()..]);
        let within =
            before.ends_with(char::is_alphanumeric) || behind.starts_with(char::is_alphanumeric);
        shown.push_str(before);
        shown.push_str(if within { &named } else { "NAME" });
        rest = behind;
    }
    (status, shown + rest)
}

/// Names every one of `theirs` on every route that takes a name, and one that
/// nobody has; both must be told the same.
async fn knock(caller: &As<'_>, theirs: &Things) {
    for path in ControlPlane::paths()
        .into_iter()
        .filter(|path| path.contains('{'))
    {
        for method in methods(caller.node, path).await {
            let names = if path.contains("{revision}") {
                &theirs.revisions
            } else {
                &theirs.names
            };
            for name in names {
                let nobody = nobody(name);
                let ask = async |name: &str| {
                    let target = filled(path, name);
                    let target = match method {
                        Method::GET => target,
                        // What names nothing of the caller's own changes nothing; news
                        // may be addressed to nobody.
                        _ if path.starts_with("/x-news") => format!("{target}?dry_run=1"),
                        _ => target,
                    };
                    let request = caller.request(method.clone(), &target);
                    told(request.json(&body(&method, path))).await
                };
                let ((status, known), unknown) = (ask(name).await, ask(&nobody).await);
                let news = path.starts_with("/x-news") && status == 200;
                if !news {
                    assert_eq!(
                        comparable(status, &known, name),
                        comparable(unknown.0, &unknown.1, &nobody),
                        "{method} {path} {name} {nobody}"
                    );
                    assert!(status >= 400, "{method} {path} {name}: {known}");
                }
            }
        }
    }
}

/// A name of the same sort that nobody has.
fn nobody(name: &str) -> String {
    match name {
        path if path.starts_with('.') => ".987654.".to_owned(),
        mail if mail.contains("%40") => "nobody-at-all%40example.com".to_owned(),
        uuid if uuid.len() == 36 => "01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
        number if number.bytes().all(|b| b.is_ascii_digit()) => "987654".to_owned(),
        _ => "nobody-at-all".to_owned(),
    }
}

#[tokio::test]
async fn nothing_of_another_owner_is_seen_or_changed() {
    let node = Node::start().await;
    let second = node.with(&node.add_owner(&format!("{MARK} inc")).await).key;
    let (first, second) = (node.with(OWNER_KEY), node.with(&second));
    // Their numbers overlap no more than they must.
    let mine = fill(&first, "camel", 1).await;
    let theirs = fill(&second, MARK, 4).await;
    knock(&first, &theirs).await;
    let after = state(&second).await;
    assert_eq!(*after, *theirs.state, "the second owner is as it was");
    // The other way, with numbers that the second owner has not given out.
    let mut mine = mine;
    let own = theirs.state.last_key.0;
    mine.names
        .retain(|name| name.parse::<u64>().ok().is_none_or(|number| number > own));
    let before = state(&first).await;
    knock(&second, &mine).await;
    assert_eq!(*state(&first).await, *before, "and so is the first");
}

#[tokio::test]
async fn no_list_holds_anything_of_another_owner() {
    let node = Node::start().await;
    let second = node.add_owner(&format!("{MARK} inc")).await;
    let second = node.with(&second);
    fill(&second, MARK, 2).await;
    fill(&node.with(OWNER_KEY), "camel", 2).await;
    let auditor = node.add_admin_key("auditor").await;
    let (_, account) = node.add_user("alice", &json!({})).await;
    // What only the first owner may, it may see of all.
    let of_all = ["/admin/v1/owners", "/admin/v1/log"];
    let plain = ControlPlane::paths().into_iter();
    for path in plain.filter(|path| !path.contains('{')) {
        if !methods(&node, path).await.contains(&Method::GET) {
            continue;
        }
        for key in [OWNER_KEY, &auditor, &account] {
            let (_, shown) = told(node.with(key).request(Method::GET, path)).await;
            let shown = shown.to_string();
            let known = of_all.contains(&path) && key == OWNER_KEY;
            assert!(known || !shown.contains(MARK), "{path}: {shown}");
        }
        let (status, shown) = told(second.request(Method::GET, path)).await;
        let shown = shown.to_string();
        assert!(!of_all.contains(&path) || status == 403, "{path}: {shown}");
        assert!(
            !shown.contains("camel") && !shown.contains("root"),
            "{path}: {shown}"
        );
    }
}

#[tokio::test]
async fn two_owners_may_have_accounts_of_one_name() {
    let node = Node::start().await;
    let second = node.add_owner("Acme").await;
    let second = node.with(&second);
    let (mine, _) = node.add_user("alice", &json!({"Alias": "mine"})).await;
    let (theirs, key) = second.add_user("Alice", &json!({"Alias": "theirs"})).await;
    assert_ne!(mine, theirs);
    let shown = second.get("/x-users/ALICE").await.ok();
    assert_eq!(
        (&shown["user"]["ID"], &shown["user"]["Alias"]),
        (&json!(theirs), &json!("theirs"))
    );
    assert_eq!(shown["user"]["DNA"], format!(".2.{theirs}."));
    second.put("/x-users/alice", &json!({"RPM": 1})).await.ok();
    assert_eq!(
        node.get("/x-users/alice").await.ok()["user"]["RPM"],
        Value::Null
    );
    // Named alike and addressed by name, they get their own owner's news.
    let news = json!({"title": "for mine", "content": "c"});
    node.post("/x-news/alice", &news).await.ok();
    let read = node.with(&key).get("/dashboard/news").await.ok();
    assert_eq!(read["user_news"], json!([]));
    // One retry key, two owners.
    let send = async |caller: &As<'_>| {
        let request = caller.request(Method::POST, "/x-users");
        let request = request.header("idempotency-key", "1");
        answer(request.json(&user("berta", &json!({})))).await.ok()
    };
    let (one, other) = (send(&node.with(OWNER_KEY)).await, send(&second).await);
    assert_ne!(one["user"]["ID"], other["user"]["ID"]);
}
