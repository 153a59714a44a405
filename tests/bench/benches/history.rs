//! How fast the history answers, on an embedded log in a temporary directory: a
//! page at 1,000 records and at many more, the state at any revision when nothing
//! is at hand, and how fast the index is made. 100,000 records are many; a
//! nightly run takes 1,000,000: `FOLDGATE_BENCH_NIGHTLY=1`.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use foldgate_bench::OWNER;
use foldgate_control_plane::history::{Filter, History, Term};
use foldgate_domain::State;
use foldgate_log::{Embedded, EventLog, Replica, replica};
use foldgate_proto::event::{ConfigPatched, KeyAdded, KeyPatched, NewsPublished, OwnerClaimed};
use foldgate_proto::{
    AccountNumber, Actor, ActorKind, Config, Encoded, Event, KeyId, KeyNumber, LogId, MaskedSecret,
    NewsId, NewsNumber, ProviderConfig, Record, RecordHash, RecordId, Revision, Sealed, Timestamp,
};
use foldgate_runtime::Health;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const FEW: u64 = 1_000;
const MANY: u64 = 100_000;
const NIGHTLY: u64 = 1_000_000;

/// Keys that the records change in turn.
const KEYS: u64 = 500;

/// Records per append: as many as one takes.
const GROUP: usize = 256;

/// Questions of each kind.
const QUESTIONS: u32 = 200;

/// States asked for, each of an index that was just opened.
const STATES: u64 = 10;

/// Longer than an index of a million records takes to make.
const LIMIT: Duration = Duration::from_mins(30);

const BEGAN: i64 = 1_735_689_600_000;

#[tokio::main]
async fn main() {
    let is_nightly = std::env::var_os("FOLDGATE_BENCH_NIGHTLY").is_some_and(|v| !v.is_empty());
    let many = if is_nightly { NIGHTLY } else { MANY };
    println!("history: embedded log, {KEYS} keys, pages of 50");
    let few = Subject::new(FEW).await;
    let few = few.pages().await;
    let subject = Subject::new(many).await;
    let pages = subject.pages().await;
    println!("\n{:<28}{:>14}{:>14}{:>8}", "page", FEW, many, "ratio");
    for ((name, few), (_, many)) in few.iter().zip(&pages) {
        let ratio = many.as_secs_f64() / few.as_secs_f64();
        println!("{name:<28}{few:>14.1?}{many:>14.1?}{ratio:>8.2}");
    }
    subject.states().await;
}

/// A log with the index of it.
struct Subject {
    log: Arc<dyn EventLog>,
    replica: Replica,
    count: u64,
    dir: tempfile::TempDir,
}

/// A history with the word that ends it.
struct Running {
    history: History,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Subject {
    async fn new(count: u64) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let log = filled(dir.path(), count).await;
        let began = Instant::now();
        let options = replica::Options::default();
        let replica = Replica::start(log.clone(), options)
            .await
            .expect("a replica");
        let folded = replica.wait_for(Revision(count), LIMIT).await;
        folded.expect("the log is folded");
        println!("\n{count} records folded in {:.1?}", began.elapsed());
        let subject = Self {
            log,
            replica,
            count,
            dir,
        };
        let began = Instant::now();
        let running = subject.start().await;
        let took = began.elapsed();
        let rate = rate(count, took);
        running.end().await;
        let size = |name: &str| bytes(&subject.dir.path().join(name)) / 1_000_000;
        println!(
            "{count} records indexed in {took:.1?}: {rate:.0} records/s; log {} MB, index with \
             checkpoints {} MB",
            size("log"),
            size("history")
        );
        subject
    }

    /// A history whose index holds everything.
    async fn start(&self) -> Running {
        let stop = CancellationToken::new();
        let (history, task) = History::new(
            self.log.clone(),
            self.replica.clone(),
            self.dir.path().join("history"),
            Health::new().component("history"),
            stop.clone(),
        );
        let task = tokio::spawn(task);
        let reached = history.reach_within(Revision(self.count), LIMIT).await;
        reached.expect("the log is indexed");
        Running {
            history,
            stop,
            task,
        }
    }

    async fn pages(&self) -> Vec<(&'static str, Duration)> {
        let running = self.start().await;
        let middle = Revision(self.count / 2);
        let of = |terms: Vec<Term>| Filter {
            all_of: terms.into_iter().map(|term| vec![term]).collect(),
            ..Filter::everything()
        };
        let actor = || Term::actor(ActorKind::Operator, "ops");
        let asked = [
            ("newest", Filter::everything()),
            ("by actor", of(vec![actor()])),
            ("by kind", of(vec![Term::kind("NewsPublished")])),
            ("by resource", of(vec![Term::resource("config")])),
            ("by sort of resource", of(vec![Term::class("key")])),
            ("by actor and sort", of(vec![actor(), Term::class("key")])),
            (
                "up to the middle",
                Filter {
                    range: (Revision::ZERO, middle),
                    ..Filter::everything()
                },
            ),
        ];
        let mut figures = Vec::new();
        for (name, filter) in asked {
            let mut took = Vec::new();
            for _ in 0..QUESTIONS {
                let began = Instant::now();
                let page = running
                    .history
                    .page(OWNER, filter.clone(), (None, 50))
                    .await;
                took.push(began.elapsed());
                page.expect("a page");
            }
            took.sort_unstable();
            figures.push((name, took[took.len() / 2]));
        }
        running.end().await;
        figures
    }

    async fn states(&self) {
        let mut took = Vec::new();
        for n in 1..=STATES {
            // Spread over the log, and never at a checkpoint.
            let revision = Revision((self.count / STATES * n).saturating_sub(n * 37 + 1));
            let running = self.start().await;
            let began = Instant::now();
            let state = running.history.state_at(revision).await.expect("a state");
            took.push(began.elapsed());
            assert_eq!(state.revision, revision);
            running.end().await;
        }
        took.sort_unstable();
        println!(
            "\nstate at any of {} revisions, cold: median {:.1?}, longest {:.1?}",
            self.count,
            took[took.len() / 2],
            took[took.len() - 1]
        );
    }
}

impl Running {
    async fn end(self) {
        self.stop.cancel();
        self.task.await.expect("the historian ends");
    }
}

async fn filled(dir: &Path, count: u64) -> Arc<dyn EventLog> {
    let id = LogId(Uuid::from_u128(9));
    let log = Embedded::create(&dir.join("log"), id).await.expect("a log");
    let mut prev = State::new(id).chain;
    let mut group: Vec<Encoded> = Vec::with_capacity(GROUP);
    let mut written = 0;
    for revision in 1..=count {
        let encoded = record(revision, prev).encode().expect("a small record");
        prev = encoded.hash;
        group.push(encoded);
        if group.len() == GROUP || revision == count {
            let appended = log.append(Revision(written), &group).await;
            appended.expect("it is appended");
            written += group.len() as u64;
            group.clear();
        }
    }
    Arc::new(log)
}

/// What stands at a revision: keys first, then changes of keys, configuration and
/// news in turn, by three people.
fn record(revision: u64, prev: RecordHash) -> Record {
    let (command, event) = match revision {
        1 => (
            "ClaimOwner",
            Event::OwnerClaimed(OwnerClaimed {
                account: AccountNumber(1),
                name: "root".to_owned(),
                key_hash: vec![7; 32],
                key_mask: "sk".to_owned(),
            }),
        ),
        2..=KEYS => ("AddKey", Event::KeyAdded(key(revision))),
        _ => match revision % 10 {
            0 => (
                "PatchConfig",
                Event::ConfigPatched(ConfigPatched {
                    patch: Config {
                        email_smtp: Some(format!("smtp-{revision}.example.com")),
                        ..Config::default()
                    },
                }),
            ),
            5 => ("PublishNews", Event::NewsPublished(news(revision))),
            _ => (
                "PatchKey",
                Event::KeyPatched(KeyPatched {
                    number: KeyNumber(revision % KEYS + 1),
                    name: Some(format!("key at {revision}")),
                    ..KeyPatched::default()
                }),
            ),
        },
    };
    let (kind, name) = match revision % 3 {
        0 => (ActorKind::Operator, "ops"),
        _ => (ActorKind::Owner, "root"),
    };
    Record {
        id: RecordId(Uuid::from_u128(u128::from(revision))),
        schema: 1,
        writer_version: "bench".to_owned(),
        at: Timestamp(BEGAN + revision.cast_signed() * 100),
        owner: OWNER,
        actor: Actor {
            kind,
            name: name.to_owned(),
        },
        address: Some("10.0.0.1".to_owned()),
        request_id: Some(Uuid::from_u128(u128::from(revision)).to_string()),
        reason: None,
        idempotency: None,
        command: command.to_owned(),
        prev,
        events: vec![event],
    }
}

fn key(number: u64) -> KeyAdded {
    KeyAdded {
        id: KeyId(Uuid::from_u128(u128::from(number) + 1000)),
        number: KeyNumber(number),
        name: format!("key {number}"),
        level: foldgate_bench::level(1),
        provider: "https://llm.example.com".to_owned(),
        config: ProviderConfig::STANDARD,
        secret: MaskedSecret {
            sealed: Sealed(vec![7; 96]),
            mask: "sk-...1234".to_owned(),
        },
        enabled: true,
        more: None,
        more_secrets: std::collections::BTreeMap::new(),
    }
}

/// News over a hundred numbers in turn: later ones take the places of earlier.
fn news(revision: u64) -> NewsPublished {
    NewsPublished {
        id: NewsId(Uuid::from_u128(u128::from(revision))),
        number: NewsNumber(revision / 10 % 100),
        title: format!("news at {revision}"),
        content: "text".to_owned(),
        target: None,
        expires_at: Timestamp(BEGAN + 86_400_000),
    }
}

fn rate(count: u64, took: Duration) -> f64 {
    u32::try_from(count).map_or(0.0, f64::from) / took.as_secs_f64()
}

/// What a folder takes on disk.
fn bytes(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).into_iter().flatten();
    let sizes = entries.filter_map(Result::ok).map(|entry| {
        let metadata = entry.metadata();
        match metadata {
            Ok(metadata) if metadata.is_dir() => bytes(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        }
    });
    sizes.sum()
}
