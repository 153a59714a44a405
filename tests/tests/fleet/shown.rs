//! What callers and administrators are shown over two control planes and three data
//! planes: written through the one control plane, asked of the other.

use foldgate_tests::cli::{self, Said, run};
use foldgate_tests::foldgate::OWNER_KEY;
use foldgate_tests::poll::SOON;
use foldgate_tests::{Admin, Settings, eventually, paths};
use http::Method;
use serde_json::{Value, json};

use super::people::World;

/// Asks until the answer is this.
async fn becomes(control: &Admin, path: &str, pointer: &str, expected: &Value) -> Value {
    eventually(&format!("{path} tells {expected}"), SOON, async || {
        let answer = control.get(path).await;
        let body = answer.json();
        match body.pointer(pointer) {
            Some(told) if told == expected => Ok(body),
            told => Err(format!("{told:?}")),
        }
    })
    .await
}

#[tokio::test]
async fn an_account_is_told_of_itself_wherever_it_asks() {
    let world = World::start().await;
    let [one, _] = &world.controls;
    let more = json!({
        "CreditGranted": 22.5, "Days": 30, "Alias": "A", "Rates": 1.2, "HardLimit": 9,
        "SoftLimit": 7, "RPM": 60, "RPH": 600, "RPD": 6000, "TPM": 1000, "TPH": 10_000,
        "TPD": 100_000, "AllowModels": "gpt-4o*", "BillingEmail": "bills@example.com",
        "ModelLimits": {"gpt-4o": {"rpm": 3}}, "ModelMapper": "mine=gpt-4o",
    });
    let (user, key) = world.account("team-a", &more).await;
    let names = json!({"LEVEL_MAPPER": {"gpt-4o": 1, "gpt-4o-mini": 1, "o3": 1, "*": 1}});
    let revision = one.config(&names).await.revision();
    world.fleet.folded(revision).await;
    let there = world.fleet.controls[1].admin_with(&key);
    let status = becomes(&there, "/dashboard/status", "/balance", &json!(22.5)).await;
    assert_eq!(
        (&status["name"], &status["admin"]),
        (&json!("team-a"), &json!(false))
    );
    let info = there.get("/dashboard/info").await.ok();
    assert_eq!(info["balance"]["credits"][0]["amount"], 22.5, "{info}");
    assert_eq!(info["user"]["rates"], 1.2, "{info}");
    for (limit, expected) in [
        ("rpm", 60),
        ("rph", 600),
        ("rpd", 6000),
        ("tpm", 1000),
        ("tph", 10_000),
        ("tpd", 100_000),
        ("hard_limit", 9),
        ("soft_limit", 7),
    ] {
        assert_eq!(info["limits"][limit], expected, "{limit}: {info}");
    }
    let conf = there.get("/dashboard/conf").await.ok();
    assert_eq!(conf["ModelMapper"], json!({"mine": "gpt-4o"}), "{conf}");
    assert_eq!(conf["ModelLimits"]["gpt-4o"]["rpm"], 3, "{conf}");
    assert_eq!(conf["AllowModels"], json!(["gpt-4o*"]), "{conf}");

    // What it may name is the same list on every node, and on both control planes.
    let mut lists = vec![there.get("/v1/models").await.ok()["data"].clone()];
    for path in ["/models", "/dashboard/models"] {
        lists.push(there.get(path).await.ok()["data"].clone());
    }
    let ids = |list: &Value| -> Vec<String> {
        let all = list.as_array().into_iter().flatten();
        all.map(|model| model["id"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    for node in &world.fleet.nodes {
        let caller = node.proxy().with_key(Some(&key));
        lists.push(caller.get("/v1/models").await.ok()["data"].clone());
    }
    assert!(ids(&lists[0]).contains(&"gpt-4o".to_owned()), "{lists:?}");
    for list in &lists {
        assert_eq!(ids(list), ids(&lists[0]));
        assert!(
            ids(list)
                .iter()
                .all(|id| id.starts_with("gpt-4o") || id == "mine")
        );
    }

    // What it did itself stands in its log, what others did does not.
    let body = json!({"Name": "bot-1", "Email": "bot@example.com"});
    world.fleet.controls[0]
        .admin_with(&key)
        .post("/x-users", &body)
        .await
        .ok();
    one.config(&json!({"EMAIL_SMTP": "smtp.example.com"}))
        .await
        .ok();
    let logs = becomes(
        &there,
        "/dashboard/logs",
        "/logs/0/action",
        &json!("add_user"),
    )
    .await;
    assert_eq!(logs["logs"][0]["operator_id"], user["ID"], "{logs}");
    assert!(!logs.to_string().contains("smtp.example.com"), "{logs}");
}

#[tokio::test]
async fn a_keys_own_terms_hold_on_every_node() {
    let world = World::start().await;
    let [one, other] = &world.controls;
    world
        .account("team-a", &json!({"AllowModels": "gpt-4o*, o3"}))
        .await;
    let keys = "/x-users/team-a/keys?wait=fleet";
    let narrow = json!({"Name": "narrow", "AllowModels": "gpt-4o-mini"});
    let issued = one.post(keys, &narrow).await.ok();
    let narrow = issued["key"]["SecretKey"]
        .as_str()
        .expect("shown once")
        .to_owned();
    assert_eq!(world.chats(&narrow, "gpt-4o-mini").await, [200, 200, 200]);
    assert_eq!(world.chats(&narrow, "gpt-4o").await, [403, 403, 403]);
    assert_eq!(world.chats(&narrow, "o3").await, [403, 403, 403]);

    let soon = chrono::Utc::now() + chrono::Duration::seconds(8);
    let brief = json!({"Name": "brief", "ExpiresAt": soon.to_rfc3339()});
    let issued = other.post(keys, &brief).await.ok();
    let brief = issued["key"]["SecretKey"]
        .as_str()
        .expect("shown once")
        .to_owned();
    assert_eq!(world.chats(&brief, "o3").await, [200, 200, 200]);
    eventually(
        "the key ends by itself everywhere",
        SOON,
        async || match world.chats(&brief, "o3").await {
            all if all == [401, 401, 401] => Ok(()),
            others => Err(format!("{others:?}")),
        },
    )
    .await;
    let listed = other.get("/x-users/team-a/keys").await.ok().to_string();
    assert!(listed.contains("narrow") && !listed.contains(&narrow));
}

/// The revisions of a history, page by page, by turns of both control planes.
async fn paged(world: &World, query: &str) -> Vec<u64> {
    let mut revisions = Vec::new();
    let mut cursor = String::new();
    for turn in 0.. {
        let control = &world.controls[turn % 2];
        let path = format!("/admin/v1/history?limit=2&{query}{cursor}");
        let page = control.get(&path).await.ok();
        let items = page["items"].as_array().into_iter().flatten();
        revisions.extend(items.filter_map(|item| item["revision"].as_u64()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    revisions
}

#[tokio::test]
async fn a_history_is_narrowed_alike_by_both_control_planes() {
    let world = World::start().await;
    let [one, other] = &world.controls;
    let issue = json!({"name": "ci", "role": "operator"});
    let issued = one
        .post("/admin/v1/admin_keys?wait=fleet", &issue)
        .await
        .ok();
    let operator = issued["key"].as_str().expect("shown once");
    let operator = world.fleet.controls[1].admin_with(operator);
    let mut of_config = Vec::new();
    let mut times = Vec::new();
    for number in 0..3 {
        let control = if number == 1 { &operator } else { one };
        let patch = json!({"MODEL_MAPPER": format!("a=b{number}")});
        let written = control.put("/x-config", &patch).await;
        let revision = written.revision();
        of_config.push(revision);
        let line = format!("/admin/v1/history/{revision}");
        let line = eventually("it is indexed", SOON, async || {
            let line = other.get(&line).await;
            if line.status == 200 {
                Ok(line.json())
            } else {
                Err(line.text())
            }
        })
        .await;
        times.push(line["at"].as_str().expect("a time").to_owned());
    }
    let body = json!({"Name": "team-a", "Email": "a@example.com"});
    let made = one.post("/x-users?wait=fleet", &body).await.revision();
    let up = |revisions: &[u64]| revisions.to_vec();
    let mut down = of_config.clone();
    down.reverse();
    // The first configuration is the harness's own.
    let kind = paged(&world, "kind=ConfigPatched&order=desc").await;
    assert_eq!(kind[..3], down);
    let mine = paged(&world, "actor=operator:ci&order=asc").await;
    assert_eq!(mine, [of_config[1]]);
    let since = of_config[0] - 1;
    let since = paged(&world, &format!("resource=config&since={since}&order=asc")).await;
    assert_eq!(since, up(&of_config));
    let within = format!("from={}&to={}&order=asc", of_config[0], of_config[2]);
    assert_eq!(paged(&world, &within).await.first(), of_config.first());
    let from = times[1].replace('+', "%2B");
    let by_time = paged(&world, &format!("from={from}&order=asc")).await;
    assert_eq!(by_time, [of_config[1], of_config[2], made]);
    let to = paged(&world, &format!("from={from}&to={from}&order=asc")).await;
    assert_eq!(to, [of_config[1]]);
    let account = paged(&world, "kind=AccountAdded&order=asc").await;
    assert_eq!(account, [made]);
}

#[tokio::test]
async fn what_cannot_be_taken_back_is_refused_by_both() {
    let world = World::start().await;
    let [one, other] = &world.controls;
    let first = one.config(&json!({"MODEL_MAPPER": "a=b"})).await.revision();
    let second = other
        .config(&json!({"MODEL_MAPPER": "a=c"}))
        .await
        .revision();
    let refuse = async |control: &Admin, revision: u64, code: &str| {
        let path = format!("/admin/v1/history/{revision}/undo");
        let answer = control
            .request(Method::POST, &path)
            .header("x-foldgate-min-revision", second.to_string());
        let answer = foldgate_tests::client::finish(&path, answer).await;
        assert_eq!(answer.status, 409, "{}", answer.text());
        assert!(answer.text().contains(code), "{code}: {}", answer.text());
    };
    for control in [one, other] {
        refuse(control, first, "built_upon").await;
        refuse(control, 1, "not_undoable").await;
    }
    let undo = format!("/admin/v1/history/{second}/undo?wait=fleet");
    let undone = one.post(&undo, &json!({})).await.ok();
    let undone = undone["revision"].as_u64().expect("a revision");
    for control in [one, other] {
        refuse(control, undone, "undo_of_undo").await;
    }
    // An owner key stays rotated.
    // A wrong confirmation is told the right one.
    let wrong = one.post("/x-self", &json!({"confirm": "yes"})).await;
    let told = wrong.refusal(400).message;
    let confirm = told.split('"').nth(1).expect("it stands in quotes");
    let confirm = json!({"confirm": confirm});
    let rotated = one.post("/x-self?wait=fleet", &confirm).await;
    let at = rotated.revision();
    let body = rotated.ok();
    let key = body["key"]["SecretKey"]
        .as_str()
        .or(body["SecretKey"].as_str());
    let owner = world.fleet.controls[1].admin_with(key.expect("shown once"));
    let answer = owner
        .post(&format!("/admin/v1/history/{at}/undo"), &json!({}))
        .await;
    assert_eq!(answer.status, 409, "{}", answer.text());
    assert!(
        answer.text().contains("rotate it again"),
        "{}",
        answer.text()
    );
}

/// A command that asks the second control plane.
fn asking(world: &World, key: &str, args: &[&str]) -> Settings {
    cli::asking(world.controls[1].base(), key, args)
}

async fn asked(world: &World, key: &str, args: &[&str]) -> Said {
    run(asking(world, key, args)).await
}

#[tokio::test]
async fn every_command_tells_of_the_fleets_history() {
    let world = World::start().await;
    let [one, other] = &world.controls;
    let auditor = json!({"name": "books", "role": "auditor"});
    let issued = one
        .post("/admin/v1/admin_keys?wait=fleet", &auditor)
        .await
        .ok();
    let auditor = issued["key"].as_str().expect("shown once").to_owned();
    let written = one
        .config(&json!({"EMAIL_SMTP": "smtp.example.com"}))
        .await
        .revision();
    becomes(
        other,
        &format!("/admin/v1/history/{written}"),
        "/kind",
        &json!("ConfigPatched"),
    )
    .await;
    let (at, before) = (written.to_string(), (written - 1).to_string());
    for key in [OWNER_KEY, auditor.as_str()] {
        let shown = asked(&world, key, &["log", "show", &at, "--json"])
            .await
            .json();
        assert_eq!(shown["changes"][0]["field"], "EMAIL_SMTP", "{shown}");
        let state = asked(&world, key, &["state", "--at", &at, "--json"])
            .await
            .json();
        assert_eq!(state["revision"], written, "{state}");
        let diff = ["state", "diff", &before, &at, "--json"];
        let diff = asked(&world, key, &diff).await.json();
        assert!(diff.to_string().contains("smtp.example.com"), "{diff}");
        // For people it is a table.
        let shown = asked(&world, key, &["log", "show", &at]).await.ok();
        assert!(
            !shown.starts_with('{') && shown.contains("EMAIL_SMTP"),
            "{shown}"
        );
    }
    // An auditor reads what is shown, not what is stored.
    let said = asked(&world, &auditor, &["log", "export"])
        .await
        .refused(64);
    assert!(said.contains("auditor"), "{said}");
    let owner = ["owner", "create", "--name", "Mine"];
    asked(&world, &auditor, &owner).await.refused(64);
    let mut tail = asking(&world, OWNER_KEY, &["log", "tail", "-n", "1", "--json"]).spawn();
    let written = one
        .config(&json!({"EMAIL_SMTP": "b.example.com"}))
        .await
        .revision();
    let row = format!("\"revision\":{written}");
    eventually("the tail tells what the other wrote", SOON, async || {
        let told = tail.output();
        told.contains(&row).then_some(()).ok_or(told)
    })
    .await;
    tail.interrupt();
    assert_eq!(tail.end(SOON).await.code(), Some(0), "{}", tail.output());
    let verified = asked(&world, OWNER_KEY, &["log", "verify", "--json"])
        .await
        .json();
    assert_eq!(verified["whole"], true, "{verified}");
    let owner = ["owner", "create", "--name", "Acme", "--json"];
    let owner = asked(&world, OWNER_KEY, &owner).await.json();
    let acme = owner["key"].as_str().expect("a key").to_owned();
    let exported = asked(&world, OWNER_KEY, &["log", "export"]).await.ok();
    let folder = paths::scratch();
    let file = folder.path().join("export");
    std::fs::write(&file, &exported).expect("a file can be written");
    let target = Settings::standalone();
    let data = target.data();
    let import = ["log", "import", &file.to_string_lossy()];
    run(foldgate_tests::cli::in_directory(&data, &import))
        .await
        .ok();
    let state = run(foldgate_tests::cli::in_directory(
        &data,
        &["state", "--json"],
    ))
    .await
    .json();
    let there = one.get("/admin/v1/state").await.ok();
    assert_eq!(state["state_hash"], there["state_hash"], "the same log");
    // The second owner sees its own history and nothing of the first one's.
    let refused = asked(&world, &acme, &["log", "show", &at]).await;
    assert_ne!(refused.code, Some(0), "{refused:?}");
    assert!(!refused.out.contains("smtp.example.com"));
}
