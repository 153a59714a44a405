//! Bills of several control planes, each of which folds all usage by itself: through
//! batches that come twice, kills, and a start long after.

use async_nats::{HeaderMap, jetstream};
use foldgate_proto::{
    AccountNumber, Measure, NanoDollars, OwnerId, PriceVersion, Quantities, Timestamp, UsageBatch,
    UsageRecord, names, report,
};
use foldgate_tests::fleet::REGION;
use foldgate_tests::nats::User;
use foldgate_tests::poll::SOON;
use foldgate_tests::{Admin, Fleet, eventually};
use serde_json::Value;
use uuid::Uuid;

/// 2026-11-20T12:00:00Z
const AT: Timestamp = Timestamp(1_795_176_000_000);

const BILL: &str = "/dashboard/bill?start=2026-11-01&end=2026-11-30";

/// A node, as far as the streams know it.
struct Sender {
    client: async_nats::Client,
    spool: Uuid,
    owner: OwnerId,
    account: AccountNumber,
}

impl Sender {
    async fn new(fleet: &Fleet) -> Self {
        let status = fleet.admin().get("/dashboard/status").await.ok();
        let context = jetstream::new(fleet.nats.connect(User::Bootstrap).await);
        let stream = context.get_stream(names::LOG_STREAM).await;
        let first = stream.expect("the log").get_raw_message(1).await;
        let first = first.expect("its first record");
        // foldgate.log.<owner>.<command>
        let owner = first.subject.split('.').nth(2).expect("an owner");
        Self {
            client: fleet.nats.connect(User::Node).await,
            spool: Uuid::new_v4(),
            owner: OwnerId(owner.parse().expect("a UUID")),
            account: AccountNumber(status["id"].as_u64().expect("a number")),
        }
    }

    /// Hands a batch of one request over, and waits until the stream has it.
    async fn send(&self, number: u64) {
        let record = UsageRecord {
            id: Uuid::new_v4(),
            owner: self.owner,
            account: self.account,
            caller_key: None,
            provider_key: None,
            level: None,
            endpoint: "chat/completions".to_owned(),
            requested: "gpt-4o".to_owned(),
            model: "gpt-4o".to_owned(),
            upstream: None,
            quantities: Quantities::default(),
            image_size: None,
            measure: Measure::Reported,
            cost: cost(number),
            unpriced: false,
            factor: foldgate_proto::Rates::ONE,
            prices: PriceVersion::default(),
            status: 200,
            at: AT,
            took_ms: 1,
            first_byte_ms: None,
        };
        let batch = UsageBatch {
            node: "n".to_owned(),
            region: REGION.to_owned(),
            spool: self.spool,
            number,
            records: vec![record],
        };
        let bytes = report::encode(&batch).expect("it can be written");
        let subject = names::usage_subject(REGION, "n");
        // Without the id that would keep it from being stored twice.
        let stored = self
            .client
            .request_with_headers(subject, HeaderMap::new(), bytes.into());
        let stored = stored.await.expect("an answer");
        let stored: Value = serde_json::from_slice(&stored.payload).expect("JSON");
        assert_eq!(stored["stream"], names::USAGE_STREAM, "{stored}");
    }
}

/// Each number costs something else: no other set of them has the same sum.
fn cost(number: u64) -> NanoDollars {
    NanoDollars(1 << number)
}

/// Waits until a control plane bills all numbers up to this one, and that once each.
async fn bills(admin: &Admin, up_to: u64) -> Value {
    let wanted: i64 = (1..=up_to).map(|number| cost(number).0).sum();
    eventually("the bill is whole", SOON, async || {
        let bill: Value = admin.get(BILL).await.json();
        let total = bill["total_usage"]["cost_nano_usd"].as_i64();
        if total == Some(wanted) {
            return Ok(bill);
        }
        assert!(
            total.is_none_or(|total| total < wanted),
            "billed twice: {bill}"
        );
        Err(bill.to_string())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn control_planes_agree_on_bills_whatever_dies() {
    let mut fleet = Fleet::start(2, 0).await;
    let sender = Sender::new(&fleet).await;
    for number in 1..=5 {
        sender.send(number).await;
    }
    for control in &fleet.controls {
        bills(&control.admin(), 5).await;
    }
    // One dies, more than once, while batches come, some of them twice.
    for number in 6..=20 {
        if number % 5 == 1 {
            fleet.controls[1].kill();
        }
        sender.send(number).await;
        sender.send(number - 3).await;
        if number % 5 == 3 {
            let settings = fleet.controls[1].settings().clone();
            fleet.controls[1] = settings.start().await;
        }
    }
    fleet.nats.kill();
    fleet.nats.restart().await;
    eventually("NATS is back", SOON, async || {
        let connected = sender.client.flush().await;
        connected.map_err(|error| error.to_string())
    })
    .await;
    sender.send(21).await;
    let mut told = Vec::new();
    for control in &fleet.controls {
        told.push(bills(&control.admin(), 21).await);
    }
    // One that joins now has all of it from the stream.
    let late = fleet.control_settings("control-late").start().await;
    told.push(bills(&late.admin(), 21).await);
    for bill in &told {
        assert_eq!(bill, &told[0]);
        assert_eq!(bill["data"][0]["n_requests"], 21);
        assert_eq!(bill["complete_since"], Value::Null);
    }
}
