//! What the tests of the history stand on: a log with a bit of everything, a
//! second owner, and the naive way to look things up, which reads all of it.

use std::time::Duration;

use foldgate_control_plane::{Settled, Stamp, Submission};
use foldgate_domain::command::{
    AddAccount, ClaimOwner, IssueAdminKey, IssueCallerKey, NewKey, ProfileEdit, TermsEdit,
};
use foldgate_domain::history::diff;
use foldgate_domain::{Command, State};
use foldgate_proto::{
    AccountId, AccountNumber, Actor, ActorKind, AdminKeyId, AdminRole, CallerKeyId, Event, KeyHash,
    OwnerId, Record, ResourceId, Revision,
};
use foldgate_vault::digest;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::node::{Answer, Node, SOON, answer};

/// The key of the second owner.
pub(crate) const SECOND_KEY: &str = "sk-Xvs-second-owner-key-0123456789-abcdef";

/// The mail password that must stand nowhere.
pub(crate) const PASSWORD: &str = "canary horse battery staple";

pub(crate) const OPENAI: &str = "https://api.openai.com";

/// One record as reading all of the log tells of it.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) revision: u64,
    pub(crate) record: Record,
    pub(crate) resources: Vec<String>,
}

/// Submits a command as somebody.
pub(crate) async fn submit(node: &Node, owner: OwnerId, actor: Actor, command: Command) -> Settled {
    let submission = Submission {
        owner,
        command,
        actor,
        stamp: Stamp::default(),
        precondition: None,
    };
    node.control.writer().submit(submission).await.unwrap()
}

/// Makes the second owner.
pub(crate) async fn second_owner(node: &Node) -> OwnerId {
    let owner = OwnerId(Uuid::now_v7());
    let claim = ClaimOwner {
        name: "second".to_owned(),
        key_hash: digest(SECOND_KEY),
        key_mask: "sk-...cdef".to_owned(),
    };
    let settled = submit(
        node,
        owner,
        Actor::system("bootstrap"),
        Command::ClaimOwner(claim),
    );
    let settled = settled.await;
    node.replica
        .wait_for(settled.revision(), SOON)
        .await
        .unwrap();
    owner
}

/// Issues an admin key of a role and gives it.
pub(crate) async fn admin_key(node: &Node, role: AdminRole) -> String {
    let key = format!("fgadmin-{role}-0123456789abcdef");
    let issue = IssueAdminKey {
        id: AdminKeyId(Uuid::now_v7()),
        name: format!("the {role}"),
        role,
        hash: KeyHash(digest(&key)),
        mask: "fga...cdef".to_owned(),
        expires_at: None,
    };
    let root = Actor::owner("root");
    let settled = submit(node, node.owner, root, Command::IssueAdminKey(issue)).await;
    node.replica
        .wait_for(settled.revision(), SOON)
        .await
        .unwrap();
    key
}

/// A caller key of this text.
pub(crate) fn caller_key(text: &str) -> NewKey {
    NewKey {
        id: CallerKeyId(Uuid::now_v7()),
        name: String::new(),
        hash: KeyHash(digest(text)),
        mask: "sk-...".to_owned(),
        terms: TermsEdit::default(),
    }
}

/// Adds an account with a key of this text below another; its number.
pub(crate) async fn account(
    node: &Node,
    (actor, parent): (Actor, u64),
    name: &str,
    key: &str,
) -> u64 {
    let profile = ProfileEdit {
        name: Some(name.to_owned()),
        email: Some(format!("{name}@example.com")),
        ..ProfileEdit::default()
    };
    let add = AddAccount {
        id: AccountId(Uuid::now_v7()),
        parent: AccountNumber(parent),
        profile,
        credit: None,
        key: caller_key(key),
    };
    let command = Command::AddAccount(Box::new(add));
    let settled = submit(node, node.owner, actor, command).await;
    node.replica
        .wait_for(settled.revision(), SOON)
        .await
        .unwrap();
    settled.subject().unwrap()
}

/// An account as an actor.
pub(crate) fn person(name: &str) -> Actor {
    Actor {
        kind: ActorKind::Account,
        name: name.to_owned(),
    }
}

/// Some sixty records: keys, configuration, news, accounts, admin keys, by
/// several actors, with another owner's in between.
pub(crate) async fn eventful(node: &Node) {
    second_owner(node).await;
    let root = || Actor::owner("root");
    let root_account = node.replica.state().owner(node.owner).unwrap().account.0;
    for n in 0..12_u64 {
        let key = node.add_key(n % 3, OPENAI).await;
        let rename = json!({"Name": format!("key {n}")});
        node.put(&format!("/x-keys/{key}"), &rename).await.ok();
        if n % 4 == 3 {
            node.delete(&format!("/x-keys/{key}")).await.ok();
            let body = json!({"title": format!("n{n}"), "content": "text"});
            as_key(node, SECOND_KEY, Method::POST, "/x-news", Some(&body))
                .await
                .ok();
        }
        let mapper = json!({"MODEL_MAPPER": format!("a{n}=b{n}")});
        node.put("/x-config", &mapper).await.ok();
    }
    let operator = admin_key(node, AdminRole::Operator).await;
    let levels = json!({"LEVEL_MAPPER": "my-*=5"});
    as_key(node, &operator, Method::PUT, "/x-config", Some(&levels))
        .await
        .ok();
    let password = json!({"EMAIL_PASS": PASSWORD});
    node.put("/x-config", &password).await.ok();
    let ann = account(
        node,
        (root(), root_account),
        "ann1",
        "sk-ann-key-0123456789",
    )
    .await;
    let bob = account(node, (person("ann1"), ann), "bob1", "sk-bob-key-0123456789").await;
    let more = IssueCallerKey {
        account: AccountNumber(bob),
        key: caller_key("sk-bob-other-key-0123456789"),
        own_name: false,
    };
    let command = Command::IssueCallerKey(more);
    submit(node, node.owner, person("bob1"), command).await;
    let body = json!({"title": "t", "content": "c"});
    node.post("/x-news", &body).await.ok();
}

/// Every record of an owner, and the state behind each revision of the log.
pub(crate) async fn all_of(node: &Node, owner: OwnerId) -> (Vec<Told>, Vec<State>) {
    let log = node.log.log_id().await.unwrap();
    let mut states = vec![State::new(log)];
    let mut told = Vec::new();
    loop {
        let from = Revision(states.len() as u64);
        let chunk = node.log.read(from, 256).await.unwrap();
        if chunk.is_empty() {
            return (told, states);
        }
        for stored in chunk {
            let record = Record::decode(&stored.bytes).unwrap();
            let before = states.last().unwrap();
            let mut after = before.clone();
            after.apply(stored.revision, stored.hash, &record);
            if record.owner == owner {
                let was = before.owner(owner).map(AsRef::as_ref);
                let differences = diff(was, after.owner(owner).unwrap());
                let ids = differences.iter().map(|d| d.resource);
                told.push(Told {
                    revision: stored.revision.0,
                    record,
                    resources: ids.map(|id: ResourceId| id.to_string()).collect(),
                });
            }
            states.push(after);
        }
    }
}

impl Told {
    /// Whether it is of a kind, or was asked for by a command of that name.
    pub(crate) fn is_of(&self, kind: &str) -> bool {
        let mut kinds = self.record.events.iter().map(Event::kind);
        self.record.command == kind || kinds.any(|of| of == kind)
    }

    /// Whether somebody did it, by name or by kind and name.
    pub(crate) fn is_by(&self, actor: &str) -> bool {
        self.record.actor.to_string() == actor || self.record.actor.name == actor
    }

    /// Whether it changed a resource, or one of a sort.
    pub(crate) fn touches(&self, resource: &str) -> bool {
        let sort = format!("{resource}/");
        let mut all = self.resources.iter();
        all.any(|of| of == resource || of.starts_with(&sort))
    }
}

/// A request with another key.
pub(crate) async fn as_key(
    node: &Node,
    key: &str,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Answer {
    let url = format!("{}{path}", node.base);
    let request = node.client.request(method, url).bearer_auth(key);
    answer(match body {
        Some(body) => request.json(body),
        None => request,
    })
    .await
}

/// The revisions of a whole history, page by page; each page is no longer than
/// `limit`, and none but the last shorter.
pub(crate) async fn pages(node: &Node, query: &str, limit: usize) -> Vec<u64> {
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/admin/v1/history?limit={limit}{query}{cursor}");
        let page = node.get(&path).await.ok();
        let items = page["items"].as_array().unwrap();
        seen.extend(items.iter().map(|item| item["revision"].as_u64().unwrap()));
        match page["next_cursor"].as_str() {
            None => return seen,
            Some(next) => {
                assert_eq!(items.len(), limit, "{path}");
                cursor = format!("&cursor={next}");
            }
        }
    }
}

/// Reads an event stream, event by event.
pub(crate) struct Events {
    response: reqwest::Response,
    text: String,
}

impl Events {
    pub(crate) fn new(response: reqwest::Response) -> Self {
        Self {
            response,
            text: String::new(),
        }
    }

    /// The next block of lines; `None` at the end of the stream.
    pub(crate) async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(block);
            }
            let chunk = tokio::time::timeout(SOON, self.response.chunk());
            let chunk = chunk.await.expect("the stream goes on");
            self.text
                .push_str(std::str::from_utf8(&chunk.ok()??).unwrap());
        }
    }

    /// The next record: its id and its data.
    pub(crate) async fn record(&mut self) -> Option<(u64, Value)> {
        loop {
            let block = self.block().await?;
            let line = |name: &str| {
                let mut lines = block.lines();
                lines.find_map(|line| line.strip_prefix(name).map(str::to_owned))
            };
            if line("event: ").as_deref() == Some("record") {
                let id = line("id: ").unwrap().parse().unwrap();
                let data = serde_json::from_str(&line("data: ").unwrap()).unwrap();
                return Some((id, data));
            }
        }
    }
}

/// Waits until the index has what the table has.
pub(crate) async fn indexed(node: &Node) {
    let head = node.log.head().await.unwrap().revision;
    node.replica.poke();
    node.replica.wait_for(head, SOON).await.unwrap();
    let limit = Duration::from_mins(1);
    let reached = node.control.history().reach_within(head, limit).await;
    reached.unwrap();
}
