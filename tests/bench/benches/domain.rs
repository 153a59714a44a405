//! The hot paths of the domain, by criterion: `cargo bench -p foldgate-bench`.
//!
//! Aims (README states what was measured): resolve a model to a key with 10,000
//! patterns and 100,000 keys under 1 us, with 10,000 Models beside them too; fold 500,000 events/s; apply one key
//! event to a table of 100,000 keys in under 50 us; 100,000 accounts with a key
//! each in at most 100 MB, and who presents a key, with its standing, in under
//! 200 ns.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use foldgate_bench::accounts::{hash_of, resident_kilobytes, state_with_accounts};
use foldgate_bench::models::{model_event, names, state_with_models};
use foldgate_bench::{OWNER, full_pool, key_event, level, log_of_keys, models, state_with};
use foldgate_domain::pool::{Ask, Outcome, Pick};
use foldgate_domain::{State, Table, provider};
use foldgate_proto::{Generation, KeyId, RecordHash, Revision, SleepCause, SleepReport, Timestamp};

const KEYS: u64 = 100_000;
const ACCOUNTS: u64 = 100_000;
const PATTERNS: usize = 10_000;
const NOW: Timestamp = Timestamp(1_735_689_600_000);

fn resolve(c: &mut Criterion) {
    let state = state_with(KEYS, PATTERNS);
    let table = Table::new(&state);
    let names = models(PATTERNS);
    let mut group = c.benchmark_group("resolve");
    let mut at = 0;
    group.bench_function("model to Level, 10,000 patterns", |b| {
        b.iter(|| {
            at = (at + 1) % names.len();
            let owner = table.owner(OWNER).expect("claimed");
            black_box(
                owner
                    .resolve(&names[at])
                    .ok()
                    .and_then(|route| route.level()),
            )
        });
    });
    let mut pool = full_pool(&state, level(1));
    group.bench_function("model to key, 10,000 patterns, 100,000 keys", |b| {
        b.iter(|| {
            at = (at + 1) % names.len();
            let owner = table.owner(OWNER).expect("claimed");
            let route = owner.resolve(&names[at]).expect("every name is mapped");
            let ask = Ask {
                model: route.model,
                serves: provider::serves(route.model),
                tried: &[],
            };
            if let Pick::Key(lease) = pool.pick(&ask, NOW) {
                black_box(pool.finish(lease, &Outcome::Success, NOW));
            }
        });
    });
    group.finish();
}

/// Names that lead to Models and names that do not, and what a Model costs to change.
fn models_of_the_owner(c: &mut Criterion) {
    const MODELS: u64 = 10_000;
    let mut state = state_with_models(PATTERNS, MODELS);
    let mut table = Table::new(&state);
    let (led, others) = names(MODELS);
    let owner = Arc::clone(table.owner(OWNER).expect("claimed"));
    let mut group = c.benchmark_group("resolve");
    for (what, names) in [("to Model", &led), ("to Level past Models", &others)] {
        let mut at = 0;
        group.bench_function(
            format!("model {what}, 10,000 patterns, 10,000 Models"),
            |b| {
                b.iter(|| {
                    at = (at + 7919) % names.len();
                    black_box(owner.resolve(&names[at]).is_ok())
                });
            },
        );
    }
    group.finish();
    let mut group = c.benchmark_group("apply");
    // Of four numbers one has a wildcard; those compile more when their name changes.
    let mut number = 2;
    group.bench_function("one Model event to a table of 10,000 Models", |b| {
        b.iter(|| {
            number = (number + 4) % MODELS;
            apply_to(&mut state, &mut table, &model_event(number));
        });
    });
    group.finish();
}

/// One key of many serves the model; the others sleep for it, and for it alone.
fn around_sleepers(c: &mut Criterion) {
    const ALL: u64 = 10_000;
    let mut pool = full_pool(&state_with(ALL, 1), level(1));
    let keys: Vec<KeyId> = pool.keys().skip(1).collect();
    for key in &keys {
        assert!(pool.fold(&not_here(*key, "rare"), NOW));
    }
    let ask = Ask {
        model: "rare",
        serves: provider::serves("rare"),
        tried: &[],
    };
    let mut group = c.benchmark_group("resolve");
    group.bench_function("a key of 10,000, of which 9,999 sleep for the model", |b| {
        b.iter(|| {
            if let Pick::Key(lease) = pool.pick(&ask, NOW) {
                black_box(pool.finish(lease, &Outcome::Success, NOW));
            }
        });
    });
    group.finish();
}

/// A node's word that a key does not serve a model.
fn not_here(key: KeyId, model: &str) -> SleepReport {
    SleepReport {
        owner: OWNER,
        key,
        model: Some(model.to_owned()),
        generation: Generation {
            secret: Revision(u64::MAX),
            wake: 0,
        },
        until: NOW.after(Duration::from_hours(1)),
        cause: SleepCause::NotHere,
        status: Some(404),
        detail: String::new(),
        failures: 1,
        confirmed: false,
        at: NOW,
        node: "bench".to_owned(),
        region: "bench".to_owned(),
    }
}

fn fold(c: &mut Criterion) {
    let records = log_of_keys(10_000);
    let empty = state_with(0, 0);
    let mut group = c.benchmark_group("fold");
    group.throughput(Throughput::Elements(10_000));
    group.bench_function("10,000 KeyAdded", |b| {
        b.iter_batched(
            || empty.clone(),
            |mut state| {
                for record in &records {
                    let revision = state.revision.next();
                    state.apply(revision, RecordHash([0; 32]), record);
                }
                state
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

fn apply_one(c: &mut Criterion) {
    let mut state = state_with(KEYS, PATTERNS);
    let mut table = Table::new(&state);
    let mut pool = full_pool(&state, level(1));
    let mut number = 0;
    let mut group = c.benchmark_group("apply");
    group.bench_function("one key event to a table of 100,000 keys", |b| {
        b.iter(|| {
            number = number % KEYS + 1;
            let record = key_event(number);
            apply_to(&mut state, &mut table, &record);
            foldgate_bench::upsert(&mut pool, &state, number);
        });
    });
    group.finish();
}

fn apply_to(state: &mut State, table: &mut Table, record: &foldgate_proto::Record) {
    let revision = state.revision.next();
    state.apply(revision, RecordHash([0; 32]), record);
    *table = table.advance(state, [record]);
}

/// Who calls, and what that one may do; with the memory it takes to know it.
fn callers(c: &mut Criterion) {
    let before = resident_kilobytes();
    let state = state_with_accounts(ACCOUNTS);
    let folded = resident_kilobytes();
    let table = Table::new(&state);
    let compiled = resident_kilobytes();
    if let (Some(before), Some(folded), Some(compiled)) = (before, folded, compiled) {
        let (state, table) = (
            folded.saturating_sub(before),
            compiled.saturating_sub(folded),
        );
        println!(
            "100,000 accounts with a key each: state {} MB, table {} MB more",
            state / 1000,
            table / 1000
        );
    }
    let owner = table.owner(OWNER).expect("claimed");
    let hashes: Vec<[u8; 32]> = (1..=ACCOUNTS).map(hash_of).collect();
    let mut at = 0;
    let mut next = || {
        at = (at + 7919) % hashes.len();
        &hashes[at]
    };
    let mut group = c.benchmark_group("callers");
    group.bench_function("key to caller, 100,000 accounts", |b| {
        b.iter(|| black_box(table.caller(next()).is_some()));
    });
    group.bench_function("key to caller and its standing, 100,000 accounts", |b| {
        b.iter(|| {
            let caller = table.caller(next()).expect("everybody's key is known");
            black_box(owner.access(caller, NOW).is_ok())
        });
    });
    group.finish();
}

criterion_group!(
    benches,
    callers,
    resolve,
    models_of_the_owner,
    around_sleepers,
    fold,
    apply_one
);
criterion_main!(benches);
