//! Logs that no one process of a test writes: of several owners, and long ones.
//! They are made as exports, record by record.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use foldgate_proto::event::{ConfigPatched, OwnerClaimed};
use foldgate_proto::{
    AccountNumber, Actor, Config, Event, LogId, OwnerId, Record, RecordHash, RecordId, Timestamp,
};
use foldgate_tests::cli::{Said, fed, in_directory, run};
use foldgate_tests::paths;
use serde_json::{Value, json};
use uuid::Uuid;

/// How long a command may take on a million records.
const LONG: Duration = Duration::from_mins(20);

/// A log on its way.
struct Made {
    log: LogId,
    prev: RecordHash,
    revision: u64,
    lines: String,
}

impl Made {
    fn new() -> Self {
        let log = LogId(Uuid::from_u128(1));
        Self {
            log,
            prev: RecordHash::genesis(log),
            revision: 0,
            lines: String::new(),
        }
    }

    fn record(&mut self, owner: OwnerId, command: &str, event: Event) {
        self.revision += 1;
        let kind = event.kind();
        let record = Record {
            id: RecordId(Uuid::from_u128(u128::from(self.revision))),
            schema: 1,
            writer_version: "test".to_owned(),
            at: Timestamp(i64::try_from(self.revision).expect("a short log") * 1000),
            owner,
            actor: Actor::owner("somebody"),
            address: None,
            request_id: None,
            reason: None,
            idempotency: None,
            command: command.to_owned(),
            prev: self.prev,
            events: vec![event],
        };
        let encoded = record.encode().expect("a small record");
        self.prev = encoded.hash;
        let line = json!({
            "revision": self.revision,
            "hash": encoded.hash.to_string(),
            "at": record.at.to_string(),
            "owner": owner,
            "actor": "owner:somebody",
            "command": command,
            "kinds": [kind],
            "bytes": STANDARD.encode(&encoded.bytes),
        });
        writeln!(self.lines, "{line}").expect("a string takes it");
    }

    fn claim(&mut self, owner: OwnerId, name: &str) {
        let event = Event::OwnerClaimed(OwnerClaimed {
            account: AccountNumber(self.revision + 1),
            name: name.to_owned(),
            key_hash: vec![u8::try_from(self.revision).expect("few owners"); 32],
            key_mask: "sk-...".to_owned(),
        });
        self.record(owner, "ClaimOwner", event);
    }

    fn config(&mut self, owner: OwnerId, smtp: String) {
        let patch = Config {
            email_smtp: Some(smtp),
            ..Config::default()
        };
        let event = Event::ConfigPatched(ConfigPatched { patch });
        self.record(owner, "PatchConfig", event);
    }

    fn text(self) -> String {
        let header = json!({
            "foldgate_log": 1,
            "log_id": self.log,
            "head": {"revision": self.revision, "hash": self.prev.to_string()},
        });
        format!("{header}\n{}", self.lines)
    }
}

fn owner(number: u128) -> OwnerId {
    OwnerId(Uuid::from_u128(number))
}

#[tokio::test]
async fn several_owners_are_shown_together_or_alone() {
    let mut made = Made::new();
    made.claim(owner(1), "first");
    made.claim(owner(2), "second");
    made.config(owner(2), "second.example.com".to_owned());
    let folder = paths::scratch();
    let data = folder.path().join("data");
    let import = in_directory(&data, &["log", "import", "-"]);
    fed(import, made.text().into_bytes()).await.ok();
    let ask = async |args: &[&str]| run(in_directory(&data, args)).await;

    let state = ask(&["state", "--json"]).await.json();
    let names = |state: &Value| -> Vec<Value> {
        let owners = state["owners"].as_array().expect("owners");
        owners
            .iter()
            .map(|owner| owner["owner"]["name"].clone())
            .collect()
    };
    assert_eq!(names(&state), ["first", "second"]);
    let second = ask(&["state", "--owner", "second", "--json"]).await.json();
    assert_eq!(names(&second), ["second"]);
    assert_eq!(second["state_hash"], state["state_hash"]);
    let id = owner(1).to_string();
    let first = ask(&["state", "--owner", &id, "--json"]).await.json();
    assert_eq!(names(&first), ["first"]);

    let diff = ask(&["state", "diff", "1"]).await.ok();
    assert!(diff.contains("OWNER") || diff.contains("second"), "{diff}");
    let diff = ask(&["state", "diff", "1", "--json", "--owner", "second"])
        .await
        .json();
    let changes = diff["changes"].as_array().expect("changes");
    assert!(
        changes.iter().all(|change| change["owner"] == "second"),
        "{diff}"
    );
    let smtp = changes
        .iter()
        .find(|change| change["field"] == "EMAIL_SMTP");
    assert_eq!(smtp.expect("it is there")["after"], "second.example.com");
    // From later to earlier, an owner goes.
    let back = ask(&["state", "diff", "3", "1", "--json"]).await.json();
    let changes = back["changes"].as_array().expect("changes");
    assert!(!changes.is_empty());
    assert!(
        changes.iter().all(|change| change["after"].is_null()),
        "{back}"
    );
    let shown = ask(&["log", "show", "3", "--json"]).await.json();
    assert_eq!(shown["owner"], json!(owner(2)));
    assert_eq!(shown["changes"][0]["after"], "second.example.com");
}

/// Whether the long variants run.
fn is_nightly() -> bool {
    std::env::var_os("FOLDGATE_NIGHTLY").is_some()
}

async fn timed(data: &Path, args: &[&str]) -> Said {
    let begun = Instant::now();
    let said = in_directory(data, args).output_within(LONG).await;
    println!("{args:?}: {:?}", begun.elapsed());
    said.into()
}

#[tokio::test]
async fn a_long_log_is_imported_verified_folded_and_exported() {
    let records = if is_nightly() { 1_000_000 } else { 3_000 };
    let mut made = Made::new();
    made.claim(owner(1), "first");
    for number in 2..=records {
        made.config(owner(1), format!("s{number}.example.com"));
    }
    let text = made.text();
    let folder = paths::scratch();
    let data = folder.path().join("data");
    let file = folder.path().join("export");
    std::fs::write(&file, &text).expect("there is room for it");
    timed(&data, &["log", "import", &file.to_string_lossy()])
        .await
        .ok();
    let verified = timed(&data, &["log", "verify", "--json"]).await.json();
    assert_eq!(verified["head"]["revision"], records);
    let state = timed(&data, &["state", "--json"]).await.json();
    let smtp = &state["owners"][0]["config"]["EMAIL_SMTP"];
    assert_eq!(smtp, &json!(format!("s{records}.example.com")));
    // Every field as a program of another make wrote it, in another order.
    let exported = timed(&data, &["log", "export"]).await.ok();
    let values = |text: &str| -> Vec<Value> {
        let lines = text.lines().map(serde_json::from_str);
        lines.map(|line| line.expect("JSON")).collect()
    };
    assert!(values(&exported) == values(&text), "it is the same export");
}
