//! The tree of accounts over two control planes and three data planes: found,
//! narrowed and refused by either, in force on every node.

use async_nats::jetstream;
use foldgate_tests::nats::User;
use foldgate_tests::poll::SOON;
use foldgate_tests::{Admin, Client, eventually};
use http::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::people::World;
use super::reads::{get_at, shown_once, with};

fn user(name: &str, more: &Value) -> Value {
    let mut body = json!({"Name": name, "Email": format!("{name}@example.com")});
    for (field, value) in more.as_object().into_iter().flatten() {
        body[field] = value.clone();
    }
    body
}

/// The names in a list of accounts.
async fn names(admin: &Admin, path: &str, revision: u64) -> Vec<String> {
    let listed = get_at(admin, path, revision).await.ok();
    let users = foldgate_tests::admin::list(&listed["users"]);
    users
        .iter()
        .map(|user| user["Name"].as_str().expect("a name").to_owned())
        .collect()
}

/// `team` with `alice` (with `bot-1`) and `berta`, and `other`, made by turns
/// through both control planes.
struct Tree {
    team: Value,
    bot: Value,
    /// Keys of `team` and `alice`.
    keys: [String; 2],
    /// Where the last of it was written.
    revision: u64,
}

async fn plant(world: &World) -> Tree {
    let terms = json!({
        "AllowLevels": "1 2 3", "AllowModels": "gpt-4o*, o3", "RPM": 100, "Rates": 1.5,
        "CreditGranted": 25,
    });
    let (team, team_key) = world.account("team", &terms).await;
    world.account("other", &json!({"AllowLevels": "3"})).await;
    let there = world.known(&team_key).await;
    let levels = json!({"AllowLevels": "1 2"});
    let alice = there.post("/x-users", &user("alice", &levels)).await.ok();
    let alice_key = shown_once(&alice["key"]);
    let off = user("berta", &json!({"Status": false}));
    there.post("/x-users?wait=fleet", &off).await.ok();
    let there = world.known(&alice_key).await;
    let bot = there
        .post("/x-users?wait=fleet", &user("bot-1", &json!({})))
        .await;
    Tree {
        team,
        revision: bot.revision(),
        bot: bot.ok()["user"].clone(),
        keys: [team_key, alice_key],
    }
}

#[tokio::test]
async fn accounts_are_found_and_paged_alike_by_both_control_planes() {
    let world = World::start().await;
    let tree = plant(&world).await;
    let path = |account: &Value| account["DNA"].as_str().expect("a path").to_owned();
    let found: [(String, &[&str]); 16] = [
        ("/x-users".to_owned(), &["team", "other"]),
        ("/x-users?name=TEAM".to_owned(), &["team"]),
        ("/x-users?email=other@example.com".to_owned(), &["other"]),
        (format!("/x-users?id={}", tree.team["ID"]), &["team"]),
        ("/x-users?status=false".to_owned(), &[]),
        (
            "/x-dna".to_owned(),
            &["team", "alice", "bot-1", "berta", "other"],
        ),
        (
            format!("/x-dna/{}", path(&tree.team)),
            &["team", "alice", "bot-1", "berta"],
        ),
        (format!("/x-dna/{}", path(&tree.bot)), &["bot-1"]),
        (format!("/x-dna/{}", tree.bot["ID"]), &["bot-1"]),
        ("/x-dna/BOT-1".to_owned(), &["bot-1"]),
        ("/x-dna/bot-1%40example.com".to_owned(), &["bot-1"]),
        ("/x-dna/L2".to_owned(), &["team", "alice", "bot-1", "berta"]),
        ("/x-dna/L3".to_owned(), &["team", "berta", "other"]),
        ("/x-dna?status=false".to_owned(), &["berta"]),
        ("/x-dna?name=Alice".to_owned(), &["alice"]),
        ("/x-dna?size=2&page=2".to_owned(), &["bot-1", "berta"]),
    ];
    for control in &world.controls {
        for (path, expected) in &found {
            assert_eq!(
                names(control, path, tree.revision).await,
                *expected,
                "{path}"
            );
        }
        for named in [
            "team".to_owned(),
            "TEAM%40example.com".to_owned(),
            tree.team["ID"].to_string(),
        ] {
            let one = control.get(&format!("/x-users/{named}")).await.ok();
            assert_eq!(one["user"]["ID"], tree.team["ID"], "{named}");
        }
        // A grandchild is no direct child.
        control.get("/x-users/bot-1").await.refusal(404);
        let paged = control.get("/x-dna?size=2&page=3").await;
        let told = ["x-total-count", "x-page", "x-per-page", "x-total-pages"];
        assert_eq!(
            told.map(|name| paged.header(name)),
            [Some("5"), Some("3"), Some("2"), Some("3")]
        );
    }
    // An account sees those below it, on either.
    for control in &world.fleet.controls {
        let [team, alice] = tree.keys.each_ref().map(|key| control.admin_with(key));
        assert_eq!(
            names(&team, "/x-users", tree.revision).await,
            ["alice", "berta"]
        );
        assert_eq!(
            names(&team, "/x-dna", tree.revision).await,
            ["alice", "bot-1", "berta"]
        );
        assert_eq!(names(&alice, "/x-dna", tree.revision).await, ["bot-1"]);
        alice.get("/x-dna/berta").await.refusal(404);
    }
}

/// What is refused of an account, by whom it is refused, and what it is told.
async fn refused(admin: &Admin, (method, path): (Method, &str), body: &Value) -> (u16, String) {
    let answer = admin.send(method, path, Some(body)).await;
    let error = answer.refusal(answer.status);
    let named = error.param.or(error.code).expect("a field or a code");
    assert!(!error.message.is_empty());
    (answer.status, named)
}

#[tokio::test]
async fn what_a_parent_may_not_give_is_given_by_no_control_plane() {
    let world = World::start().await;
    let tree = plant(&world).await;
    let before = world.newest().await;
    let (post, put) = (Method::POST, Method::PUT);
    for control in &world.fleet.controls {
        let team = control.admin_with(&tree.keys[0]);
        // Of the team's child: no more than the team itself has.
        for (param, more) in [
            ("RPM", json!({"RPM": 101})),
            ("Rates", json!({"Rates": 1.4})),
            ("AllowModels", json!({"AllowModels": "gpt*"})),
            ("AllowLevels", json!({"AllowLevels": "1 9"})),
            // Of bad bodies: what is unknown, of another type, or too long.
            ("Colour", json!({"Colour": "red"})),
            ("RPM", json!({"RPM": "many"})),
            ("Name", json!({"Name": "x".repeat(64)})),
            ("Name", json!({"Name": "123456"})),
        ] {
            let told = refused(&team, (post.clone(), "/x-users"), &user("child", &more)).await;
            assert_eq!(told, (400, param.to_owned()), "{more}");
        }
        let credit = user("child", &json!({"CreditGranted": 5}));
        let told = refused(&team, (post.clone(), "/x-users"), &credit).await;
        assert_eq!(
            told,
            (409, "CreditGranted".to_owned()),
            "only the owner grants"
        );
        let owner = control.admin();
        for name in ["TEAM", "Bot-1"] {
            let told = refused(&owner, (post.clone(), "/x-users"), &user(name, &json!({}))).await;
            assert_eq!(told, (409, "Name".to_owned()), "{name}");
        }
        // No account comes to stand below itself, nor loses its children.
        for parent in [&tree.bot["ID"], &tree.team["ID"]] {
            let moved = json!({"Parent": parent});
            let told = refused(&owner, (put.clone(), "/x-users/team"), &moved).await;
            assert_eq!(told, (400, "Parent".to_owned()));
        }
        let answer = owner.delete("/x-users/team", None).await.refusal(409);
        assert_eq!(answer.code.as_deref(), Some("has_children"));
        assert!(answer.message.contains("remove those first"), "{answer:?}");
    }
    assert_eq!(world.newest().await, before, "none of it was written");
}

#[tokio::test]
async fn a_parents_lists_and_standing_hold_for_those_below_on_every_node() {
    let world = World::start().await;
    let tree = plant(&world).await;
    let alice = &tree.keys[1];
    for (number, (change, model, status)) in [
        (json!({"AllowModels": "-o3"}), "o3", 403),
        (json!({"AllowModels": "o3"}), "o3", 200),
        (json!({"AllowModels": "-*"}), "gpt-4o", 403),
        (json!({"AllowModels": "*"}), "gpt-4o", 200),
        (json!({"AllowIPs": "-*"}), "gpt-4o", 200),
        (json!({"AllowIPs": "192.0.2.1"}), "gpt-4o", 403),
        (json!({"AllowIPs": "*"}), "gpt-4o", 200),
        (json!({"Resources": "/v1/embeddings"}), "gpt-4o", 403),
        (json!({"Resources": "*"}), "gpt-4o", 200),
        (json!({"Status": false}), "gpt-4o", 403),
        (json!({"Status": true}), "gpt-4o", 200),
    ]
    .into_iter()
    .enumerate()
    {
        let control = &world.controls[number % 2];
        control.put("/x-users/team?wait=fleet", &change).await.ok();
        assert_eq!(world.chats(alice, model).await, [status; 3], "{change}");
    }
    // The account's own mapper comes before the owner's, which goes on from it.
    let mapper = json!({"MODEL_MAPPER": "mine=theirs, half=whole"});
    world.controls[0].config(&mapper).await.ok();
    let own = json!({"ModelMapper": "mine=half"});
    let there = world.known(&tree.keys[0]).await;
    there.put("/x-users/alice?wait=fleet", &own).await.ok();
    for node in &world.fleet.nodes {
        let caller = node.proxy().with_key(Some(alice));
        super::must_chat(&caller, "mine").await;
        assert_eq!(world.upstream.last().json()["model"], "whole");
    }
}

/// A chat of which the node has all but the end.
struct Half(TcpStream);

const BODY: &str = r#"{"model":"gpt-4o","messages":[]}"#;

impl Half {
    async fn open(proxy: &Client, key: &str) -> Self {
        let address = proxy.base().trim_start_matches("http://");
        let mut socket = TcpStream::connect(address).await.expect("it listens");
        let head = format!(
            "POST {} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\
             connection: close\r\n\r\n",
            super::CHAT,
            BODY.len(),
        );
        socket.write_all(head.as_bytes()).await.expect("it reads");
        // It asks for the body, so it has let the key in.
        let mut goes_on = [0; 25];
        socket.read_exact(&mut goes_on).await.expect("it answers");
        assert_eq!(&goes_on, b"HTTP/1.1 100 Continue\r\n\r\n");
        Self(socket)
    }

    async fn end(mut self) -> String {
        self.0.write_all(BODY.as_bytes()).await.expect("it reads");
        let mut answer = String::new();
        self.0
            .read_to_string(&mut answer)
            .await
            .expect("it answers");
        answer
    }
}

/// The bytes of the log's records up to a revision, as the server has them.
async fn stored(world: &World, revision: u64) -> Vec<u8> {
    let context = jetstream::new(world.fleet.nats.connect(User::Bootstrap).await);
    let stream = context.get_stream("FOLDGATE_LOG").await.expect("the log");
    let mut bytes = Vec::new();
    for number in 1..=revision {
        let record = stream.get_raw_message(number).await.expect("a record");
        bytes.extend(record.payload);
    }
    bytes
}

#[tokio::test]
async fn a_revoked_key_ends_calls_that_are_still_coming_on_every_node() {
    let world = World::start().await;
    let (_, key) = world.account("team-a", &json!({})).await;
    let mut halves = Vec::new();
    for node in &world.fleet.nodes {
        halves.push(Half::open(&node.proxy(), &key).await);
    }
    let [one, other] = &world.controls;
    let revoke = "/x-users/team-a/keys/1?wait=fleet";
    let revoked = other.delete(revoke, None).await;
    assert_eq!(revoked.ok()["fleet"]["reached"], true);
    for half in halves {
        let answer = half.end().await;
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    }
    assert_eq!(world.upstream.count(), 0, "nothing was sent on");

    // A key with a name and limits of its own; its text is kept nowhere.
    let issue = json!({"Name": "desk", "RPM": 99, "TPD": 900_000});
    let keys = "/x-users/team-a/keys";
    let desk = one.post(&format!("{keys}?wait=fleet"), &issue).await;
    let (at, desk) = (desk.revision(), desk.ok()["key"].clone());
    let first = shown_once(&desk);
    assert!(first.starts_with("sk-"), "{first}");
    let shown = get_at(other, &format!("{keys}/{}", desk["ID"]), at)
        .await
        .ok();
    let told = ["Name", "RPM", "TPD"].map(|field| shown["key"][field].clone());
    assert_eq!(told, [json!("desk"), json!(99), json!(900_000)], "{shown}");
    let log = stored(&world, at).await;
    let holds = |text: &str| log.windows(text.len()).any(|at| at == text.as_bytes());
    assert!(holds("desk"), "it is read as it is stored");
    for secret in [&key, &first] {
        assert!(!holds(secret), "a key stands in the log");
        assert!(!shown.to_string().contains(secret.as_str()), "{shown}");
    }
    // The old key is good for as long as was asked, then it ends by itself.
    let rotate = format!("{keys}/{}/rotate?wait=fleet", desk["ID"]);
    let brief = json!({"OverlapSeconds": 1});
    let rotated = with(other, Method::POST, &rotate, &[], Some(&brief))
        .await
        .ok();
    let second = shown_once(&rotated["key"]);
    eventually("the overlap ends on every node", SOON, async || {
        let all = world.chats(&first, "gpt-4o").await;
        if all == [401; 3] {
            Ok(())
        } else {
            Err(format!("{all:?}"))
        }
    })
    .await;
    assert_eq!(world.chats(&second, "gpt-4o").await, [200; 3]);
}
