//! Work in the background, in a fleet: its end is seen by several nodes, and by one that
//! was dead meanwhile, and is billed once.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use chrono::Utc;
use foldgate_tests::poll::SOON;
use foldgate_tests::upstream::Seen;
use foldgate_tests::{Client, FakeUpstream, Fleet, Reply, eventually};
use serde_json::{Value, json};

const RESPONSES: &str = "/v1/responses";
const BATCHES: &str = "/v1/batches";

/// What everything that ends has used: a dollar for a million tokens, two for written ones.
const USED: (u64, u64) = (1_000_000, 500_000);
const COST: i64 = 2_000_000_000;

/// An upstream that works on everything until it is told that it is done.
#[derive(Clone, Default)]
struct Works(Arc<Mutex<HashSet<String>>>);

impl Works {
    fn finish(&self, id: &str) {
        self.0.lock().expect("no panic").insert(id.to_owned());
    }

    fn answer(&self, seen: &Seen) -> Option<Reply> {
        let (method, path) = seen.line.split_once(' ')?;
        let path = path.split('?').next()?;
        let id = if method == "POST" {
            let name = seen.json()["metadata"]["name"].as_str()?.to_owned();
            let kind = if path == BATCHES { "batch" } else { "resp" };
            format!("{kind}_{name}")
        } else {
            path.rsplit('/').next()?.to_owned()
        };
        let done = self.0.lock().expect("no panic").contains(&id);
        Some(Reply::json(200, &object(&id, done)))
    }
}

fn object(id: &str, done: bool) -> Value {
    let usage = json!({"input_tokens": USED.0, "output_tokens": USED.1,
        "total_tokens": USED.0 + USED.1});
    json!({
        "id": id, "created_at": Utc::now().timestamp(), "background": true,
        "status": if done { "completed" } else { "in_progress" },
        // What the upstream calls it costs nothing: a node that was not told would show.
        "model": if id.starts_with("batch") { "m-batch" } else { "theirs" },
        "usage": if done { usage } else { Value::Null }, "output": [],
        "endpoint": "/v1/responses", "output_file_id": null,
    })
}

async fn begin(proxy: &Client, name: &str) -> String {
    let body = json!({"model": format!("m-{name}"), "input": "x", "background": true,
        "metadata": {"name": name}});
    let made = proxy.post(RESPONSES, &body).await.ok();
    made["id"].as_str().expect("an id").to_owned()
}

async fn look(proxy: &Client, id: &str) {
    let seen = proxy.get(&format!("{RESPONSES}/{id}")).await.ok();
    assert_eq!(seen["status"], "completed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_in_the_background_is_billed_once_whoever_sees_its_end() {
    let mut fleet = Fleet::start(1, 2).await;
    let upstream = FakeUpstream::start().await;
    let works = Works::default();
    let ours = works.clone();
    upstream.when(move |seen| ours.answer(seen));
    let admin = fleet.admin();
    admin.serve_all(&upstream.url()).await;
    let prices = json!({"ChatPricing": {"m-*": {"InputText": 1, "OutputText": 2}}});
    let config = json!({"PRICING": prices.to_string()});
    let written = admin.put("/x-config", &config).await;
    fleet.folded(written.revision()).await;

    let [one, two] = [0, 1].map(|number| fleet.nodes[number].proxy());
    // Both see the end at once.
    let both = begin(&one, "both").await;
    works.finish(&both);
    tokio::join!(look(&one, &both), look(&two, &both));
    // The node that saw the beginning dies before the end, which the other sees.
    let cut = begin(&one, "cut").await;
    // And before that of a batch, after which nobody asks.
    let body = json!({"input_file_id": "file-1", "endpoint": "/v1/responses",
        "completion_window": "24h", "metadata": {"name": "late"}});
    let batch = one.post(BATCHES, &body).await.ok();
    assert_eq!(batch["id"], "batch_late");
    fleet.nodes[0].kill();
    works.finish(&cut);
    look(&two, &cut).await;
    works.finish("batch_late");
    let settings = fleet.nodes[0].settings().clone();
    fleet.nodes[0] = settings.start().await;

    // What is billed meanwhile was seen before, or is the batch, at half the price.
    let wanted = 2 * COST + COST / 2;
    let told_again = "foldgate_usage_jobs_repeated_total 0";
    let bill: Value = eventually("each is billed, and told again", SOON, async || {
        let bill: Value = admin.get("/dashboard/bill").await.json();
        let total = bill["total_usage"]["cost_nano_usd"].as_i64();
        assert!(total.is_none_or(|total| total <= wanted), "twice: {bill}");
        let metrics = fleet.controls[0].metrics().await;
        let repeated = metrics.contains("foldgate_usage_jobs_repeated_total");
        if total == Some(wanted) && repeated && !metrics.contains(told_again) {
            return Ok(bill);
        }
        Err(format!("{repeated}: {bill}"))
    })
    .await;
    let days = bill["data"].as_array().expect("days");
    for (model, cost) in [("m-both", COST), ("m-cut", COST), ("m-batch", COST / 2)] {
        let billed = days.iter().find_map(|day| {
            let details = &day["usage_details"][model];
            details["cost_nano_usd"].as_i64()
        });
        assert_eq!(billed, Some(cost), "{model}: {bill}");
    }
}
