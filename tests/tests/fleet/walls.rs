//! Two owners in one log, over two control planes and three data planes: whatever
//! the one names of the other's, on whatever route, is as good as not there.

use foldgate_tests::admin::CANARY;
use foldgate_tests::{Admin, FakeUpstream};
use http::Method;
use serde_json::{Value, json};

use super::people::World;
use super::reads::{get_at, shown_once};
use super::roles::{filled, routes, told};

/// One owner's things.
struct Things {
    /// As others might name them.
    names: Vec<String>,
    /// Where its records stand.
    revisions: Vec<String>,
    /// A key of its account.
    key: String,
    last: u64,
}

/// Fills an owner; `mark` stands in all that it has. Both owners have an account of
/// one name.
async fn fill(owner: &Admin, mark: &str, provider: &str) -> Things {
    let key = json!({"SecretKey": CANARY, "Name": format!("{mark} key"), "Level": 1, "Provider": provider});
    let mut revisions = vec![owner.post("/x-keys", &key).await.revision()];
    let body = json!({"Name": "Shared", "Email": "shared@example.com", "Alias": mark});
    let account = owner.post("/x-users", &body).await;
    let body = json!({"Name": format!("{mark}-1"), "Email": format!("{mark}@example.com")});
    let second = owner.post("/x-users", &body).await;
    let news = json!({"title": format!("{mark} news"), "content": "c"});
    let admin = json!({"name": format!("{mark} books"), "role": "auditor"});
    let admin = owner.post("/admin/v1/admin_keys", &admin).await;
    let mapper = json!({"MODEL_MAPPER": {mark: "gpt-4o"}, "LEVEL_MAPPER": {mark: 1, "gpt-4o": 1}});
    for answer in [
        &account,
        &second,
        &admin,
        &owner.post("/x-news/shared", &news).await,
        &owner.post("/x-news", &news).await,
        &owner.config(&mapper).await,
    ] {
        answer.ok();
        revisions.push(answer.revision());
    }
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let user = &second.ok()["user"];
    let mut names: Vec<String> = ["ID", "UUID", "Name", "DNA"]
        .map(|field| text(&user[field]))
        .into();
    names.push(format!("{mark}%40example.com"));
    names.push(text(&admin.ok()["id"]));
    names.push(text(&account.ok()["key"]["UUID"]));
    names.retain(|name| name != "null");
    assert!(names.len() >= 6, "{names:?}");
    Things {
        names,
        last: *revisions.last().expect("some"),
        revisions: revisions.iter().map(u64::to_string).collect(),
        key: shown_once(&account.ok()["key"]),
    }
}

/// Names each of the other's things on each route that takes a name.
async fn knock(callers: [&Admin; 2], theirs: &Things) {
    let routes = routes(callers[0]).await;
    let by_name = routes.iter().filter(|(_, path, _)| path.contains('{'));
    for (number, (method, path, _)) in by_name.enumerate() {
        let of_history = path.contains("{revision}");
        let names = if of_history {
            &theirs.revisions
        } else {
            &theirs.names
        };
        for name in names {
            let mut target = filled(path, name);
            // News may be addressed to nobody.
            let is_news = path.starts_with("/x-news");
            if is_news {
                target.push_str("?dry_run=1");
            }
            let body = match path.as_str() {
                "/x-users/{id}" => json!({"Alias": "taken over"}),
                "/x-news/{target}" => json!({"title": "t", "content": "c"}),
                _ => json!({}),
            };
            let request = callers[number % 2].request(method.clone(), &target);
            let (status, body) = told(request.json(&body)).await;
            assert!(
                (400..500).contains(&status) || is_news,
                "{method} {target}: {status} {body}"
            );
            assert_ne!(status, 401, "{method} {target}");
            if *method == Method::GET {
                assert_eq!(status, 404, "{method} {target}: {body}");
            }
        }
    }
}

#[tokio::test]
async fn owners_see_and_change_nothing_of_each_other_on_either_control_plane() {
    let world = World::start().await;
    let made = world.controls[0]
        .post("/admin/v1/owners", &json!({"name": "zebra inc"}))
        .await;
    let second_key = shown_once(&made.ok()["key"]);
    let other = world.known(&second_key).await;
    let second = [world.fleet.controls[0].admin_with(&second_key), other];
    let own = FakeUpstream::start().await;
    let theirs = fill(&second[1], "zebra", &own.url()).await;
    let mine = fill(&world.controls[0], "camel", &world.upstream.url()).await;
    for control in world.controls.iter().chain(&second) {
        get_at(control, "/x-config", mine.last.max(theirs.last))
            .await
            .ok();
    }
    // No list of the one holds a word of the other.
    let of_all = ["/admin/v1/owners", "/admin/v1/log"];
    for (number, control) in world.fleet.controls.iter().enumerate() {
        let keys = [
            foldgate_tests::foldgate::OWNER_KEY,
            &mine.key,
            &second_key,
            &theirs.key,
        ];
        for (key, foreign) in keys.into_iter().zip(["zebra", "zebra", "camel", "camel"]) {
            let caller = control.admin_with(key);
            for (method, path, _) in routes(&caller).await {
                if method != Method::GET || path.contains('{') {
                    continue;
                }
                let (status, body) = told(caller.request(method, &path)).await;
                let known = of_all.contains(&path.as_str()) && key == keys[0];
                let told = body.to_string();
                assert!(known || !told.contains(foreign), "{number} {path}: {told}");
                assert!(status < 500, "{path}: {status}");
            }
        }
    }
    let state = async |of: &Admin| of.get("/admin/v1/state").await.ok();
    let before = (state(&world.controls[0]).await, state(&second[0]).await);
    knock([&second[0], &second[1]], &mine).await;
    knock([&world.controls[0], &world.controls[1]], &theirs).await;
    assert_eq!(
        (state(&world.controls[1]).await, state(&second[1]).await),
        before
    );

    // Named alike and addressed alike, each has the news of its own owner.
    for (key, mark) in [(&mine.key, "camel news"), (&theirs.key, "zebra news")] {
        let read = world.known(key).await.get("/dashboard/news").await.ok();
        assert_eq!(
            read["user_news"].as_array().map(Vec::len),
            Some(1),
            "{read}"
        );
        assert_eq!(read["user_news"][0]["title"], mark, "{read}");
    }
    // On the nodes each calls what its own owner has.
    world.fleet.folded(mine.last.max(theirs.last)).await;
    assert_eq!(world.chats(&theirs.key, "zebra").await, [200; 3]);
    assert_eq!((own.count(), world.upstream.count()), (3, 0));
    assert_eq!(world.chats(&theirs.key, "camel").await, [404; 3]);
    assert_eq!((own.count(), world.upstream.count()), (3, 0));
}
