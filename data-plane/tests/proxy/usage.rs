//! What is written down of a call: before it goes upstream, and before the last byte of
//! its answer leaves.

mod before;
mod elsewhere;
mod forms;
mod kinds;
mod media;
mod shapes;
mod streams;

use std::time::Instant;

use foldgate_domain::command::{Change, ConfigFields, ConfigPatch};
use foldgate_log::usage::spool::Outbox;
use foldgate_proto::{
    Config, Dialect, Measure, NanoDollars, Quantities, Rates, Revision, UsageRecord,
};
use http::Method;
use http_body_util::BodyExt as _;

use crate::rig::{PATIENCE, Rig};
use crate::upstream::{Script, Upstream};

const SECRET: &str = "sk-usage-0123456789-0123456789";
const CHAT: &str = "/v1/chat/completions";
const NOTHING: Quantities = Quantities {
    input: 0,
    cached: 0,
    cache_write: 0,
    cache_write_long: 0,
    input_audio: 0,
    cached_audio: 0,
    input_image: 0,
    output: 0,
    reasoning: 0,
    output_audio: 0,
    output_image: 0,
    images: 0,
    sound_ms: 0,
    characters: 0,
    searches: 0,
};

/// A gateway with one key, and what it writes down.
struct Meter {
    rig: Rig,
    upstream: Upstream,
    outbox: Outbox,
}

impl Meter {
    async fn new(dialect: Dialect) -> Self {
        let upstream = Upstream::start().await;
        let mut rig = Rig::start().await;
        let at = (upstream.url(), SECRET);
        let config = ConfigPatch {
            is_named: true,
            fields: ConfigFields::Standard {
                dialect: Change::Set(dialect),
            },
        };
        rig.key_with(1, (&at.0, at.1), |_| config).await;
        rig.all_to_level_1().await;
        let outbox = rig.spool.outbox().unwrap();
        Self {
            rig,
            upstream,
            outbox,
        }
    }

    /// Calls once, and gives what was written down when the answer's last byte came.
    async fn call(&mut self, path: &str, body: &str, script: Script) -> Vec<UsageRecord> {
        self.upstream.clear(SECRET);
        self.upstream.script(SECRET, script);
        let request = self.rig.caller.request(Method::POST, path, body.to_owned());
        let reply = self.rig.caller.open(request).await;
        // A stream that breaks off ends like that.
        let _ = reply.into_body().collect().await;
        self.written()
    }

    /// What was written down and not yet taken from here.
    fn written(&mut self) -> Vec<UsageRecord> {
        let mut records = Vec::new();
        while let Some(batch) = self.outbox.next_batch().unwrap() {
            records.extend(batch.records);
            self.outbox.arrived().unwrap();
        }
        records
    }

    /// The next record, as soon as there is one.
    async fn next(&mut self) -> UsageRecord {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(record) = self.written().pop() {
                return record;
            }
            assert!(Instant::now() < deadline, "nothing was written down");
            tokio::task::yield_now().await;
        }
    }
}

fn json(body: &str) -> Script {
    Script::json(200, body)
}

#[tokio::test]
async fn a_record_says_who_used_what_of_whom_and_what_it_costs() {
    let mut meter = Meter::new(Dialect::OpenAi).await;
    let revision = meter.rig.config(Config {
        model_mapper: Some([("mine".to_owned(), "gpt-4o".to_owned())].into()),
        pricing: Some(r#"{"ChatPricing":{"gpt-4o":{"InputText":3}}}"#.to_owned()),
        ..Config::default()
    });
    let revision = revision.await;
    let answer = r#"{"choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":10}}"#;
    let body = r#"{"model":"mine","messages":[]}"#;
    let [record] = &meter.call(CHAT, body, json(answer)).await[..] else {
        panic!("not one record");
    };
    assert_eq!(record.owner, crate::rig::OWNER);
    assert_eq!(record.caller_key, None);
    assert_eq!(record.provider_key.map(|key| key.0), Some(1));
    assert_eq!(record.level.map(foldgate_proto::Level::get), Some(1));
    assert_eq!(record.endpoint, "chat");
    assert_eq!((&*record.requested, &*record.model), ("mine", "gpt-4o"));
    assert_eq!((record.status, record.measure), (200, Measure::Reported));
    // 1000 at 3 dollars for a million, the owner's; 10 at 10, the shipped table's.
    assert_eq!(record.cost, NanoDollars(3_100_000));
    assert_eq!(record.prices.pricing, revision);
    assert!(record.first_byte_ms.is_some());
    // A later price is a later price.
    meter
        .rig
        .config(Config {
            pricing: Some(r#"{"ChatPricing":{"gpt-4o":{"InputText":9}}}"#.to_owned()),
            ..Config::default()
        })
        .await;
    let dearer = meter.call(CHAT, body, json(answer)).await;
    assert_eq!(dearer[0].cost, NanoDollars(9_100_000));
    assert!(dearer[0].prices.pricing > revision && revision > Revision::ZERO);
}

/// Rates of a call of the owner's are 1.
#[tokio::test]
async fn the_factor_of_the_moment_is_in_the_cost_and_on_the_record() {
    let mut meter = Meter::new(Dialect::OpenAi).await;
    let answer = r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1}}"#;
    let body = r#"{"model":"gpt-4o","messages":[]}"#;
    let mut told = Vec::new();
    for factor in [None, Some(Rates(1_150_000)), Some(Rates(333_333))] {
        let config = Config {
            factor,
            ..Config::default()
        };
        if factor.is_some() {
            meter.rig.config(config).await;
        }
        told.extend(meter.call(CHAT, body, json(answer)).await);
    }
    let told: Vec<_> = told.iter().map(|r| (r.cost.0, r.factor.0)).collect();
    // 3 x 2,500 + 1 x 10,000 = 17,500; x 1.15 = 20,125; x 0.333333 = 5,833.3275.
    assert_eq!(
        told,
        [(17_500, 1_000_000), (20_125, 1_150_000), (5_833, 333_333)]
    );
}

#[tokio::test]
async fn a_record_says_that_its_model_has_no_price() {
    let mut meter = Meter::new(Dialect::OpenAi).await;
    let answer = r#"{"choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":10}}"#;
    for (model, unpriced) in [("house", true), ("GPT-4O", true), ("gpt-4o", false)] {
        let body = format!(r#"{{"model":"{model}","messages":[]}}"#);
        let records = meter.call(CHAT, &body, json(answer)).await;
        assert_eq!(records[0].unpriced, unpriced, "{model}");
        assert_eq!(records[0].cost == NanoDollars(0), unpriced, "{model}");
    }
    let moderation = r#"{"id":"m","results":[]}"#;
    let body = r#"{"input":"x"}"#;
    let free = meter.call("/v1/moderations", body, json(moderation)).await;
    assert!(!free[0].unpriced && free[0].cost == NanoDollars(0));
}

#[tokio::test]
async fn what_is_refused_and_what_is_free_costs_nothing() {
    let mut meter = Meter::new(Dialect::OpenAi).await;
    let usage = r#"{"usage":{"prompt_tokens":9},"choices":[]}"#;
    let chat = r#"{"model":"gpt-4o"}"#;
    let error = r#"{"error":{"message":"no","type":"invalid_request_error"}}"#;
    for status in [400, 413, 422] {
        let script = Script::json(status, error);
        assert_eq!(meter.call(CHAT, chat, script).await, []);
    }
    assert_eq!(
        meter.call(CHAT, r#"{"messages":[]}"#, json(usage)).await,
        []
    );
    let moderation = r#"{"id":"m","results":[]}"#;
    let records = meter
        .call("/v1/moderations", r#"{"input":"x"}"#, json(moderation))
        .await;
    assert_eq!((records.len(), records[0].cost), (1, NanoDollars(0)));
    assert_eq!(records[0].quantities, NOTHING);
    let counted = r#"{"input_tokens":7}"#;
    let body = r#"{"model":"claude-sonnet-4-5","messages":[{"role":"user","content":"x"}]}"#;
    let mut meter = Meter::new(Dialect::Anthropic).await;
    let records = meter
        .call("/v1/messages/count_tokens", body, json(counted))
        .await;
    assert_eq!((records.len(), records[0].cost), (1, NanoDollars(0)));
    // What the owner asks for each call it does not ask for these.
    let call = r#"{"CallPricing":{"*":{"Call":1}}}"#;
    let pricing = Some(call.to_owned());
    let config = Config {
        pricing,
        ..Config::default()
    };
    meter.rig.config(config).await;
    let records = meter
        .call("/v1/messages/count_tokens", body, json(counted))
        .await;
    assert_eq!(records[0].cost, NanoDollars(0));
}

#[tokio::test]
async fn a_call_that_moves_on_to_another_key_is_billed_once() {
    let mut meter = Meter::new(Dialect::OpenAi).await;
    let other = "sk-usage-other-0123456789-012345";
    let at = meter.upstream.url();
    meter.rig.key_at(1, &at, other).await;
    meter.upstream.script(SECRET, Script::json(500, "{}"));
    let answer = r#"{"choices":[],"usage":{"prompt_tokens":4,"completion_tokens":1}}"#;
    meter.upstream.script(other, json(answer));
    for _ in 0..3 {
        let reply = meter.rig.caller.chat("gpt-4o").await;
        assert_eq!(reply.status, 200);
    }
    // The key that failed was asked once, and sleeps since.
    assert_eq!(meter.upstream.asked().len(), 4);
    let records = meter.written();
    assert_eq!(records.len(), 3);
    assert!(records.iter().all(|record| record.quantities.input == 4));
}

#[tokio::test]
async fn what_cannot_be_written_down_is_not_called() {
    let meter = Meter::new(Dialect::OpenAi).await;
    // Its folder is gone, and the next segment cannot be made.
    std::fs::remove_dir_all(meter.rig.spooled.path()).unwrap();
    let answer = r#"{"choices":[],"usage":{"prompt_tokens":4}}"#;
    let large = format!(r#"{{"model":"gpt-4o","user":"{}"}}"#, "x".repeat(100));
    let mut last = None;
    for _ in 0..20_000 {
        meter.upstream.script(SECRET, json(answer));
        let reply = meter.rig.caller.post(CHAT, large.clone()).await;
        if reply.status != 200 {
            last = Some(reply);
            break;
        }
    }
    let refused = last.expect("calls went on without a spool");
    assert_eq!(refused.code(), (503, "usage_not_recorded".to_owned()));
    assert!(refused.header("retry-after").is_some());
}
