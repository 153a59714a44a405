//! Models in a fleet: written on one control plane, served by every data plane, and
//! left alone by all when one of them saw why.

use std::collections::BTreeSet;
use std::fs;

use foldgate_tests::poll::SOON;
use foldgate_tests::upstream::Hint;
use foldgate_tests::{Admin, FakeUpstream, Fleet, Foldgate, Reply, eventually};
use serde_json::{Value, json};

use super::{CHAT, chat, streamed};

const MODELS: &str = "/admin/v1/models";

/// Makes a resource and waits for the whole fleet; gives its id.
async fn made(admin: &Admin, all: &str, body: &Value) -> String {
    let entry = admin.post(&format!("{all}?wait=fleet"), body).await.ok();
    assert_eq!(entry["fleet"]["reached"], true, "{entry}");
    entry["id"].as_str().expect("an id").to_owned()
}

/// The status of a model on a control plane.
async fn status(admin: &Admin, name: &str) -> Value {
    let all = admin.get("/admin/v1/models/status").await.ok();
    let mut entries = all.as_array().expect("a list").iter();
    let found = entries.find(|entry| entry["display_name"] == name);
    found.unwrap_or_else(|| panic!("no {name}: {all}")).clone()
}

/// Waits until every control plane says this of a model.
async fn all_say(fleet: &Fleet, name: &str, wanted: &str) {
    for control in &fleet.controls {
        let admin = control.admin();
        let what = format!("{name} is {wanted} on {}", admin.base());
        eventually(&what, SOON, async || {
            let entry = status(&admin, name).await;
            let fits = entry["status"] == wanted;
            fits.then_some(()).ok_or_else(|| entry.to_string())
        })
        .await;
    }
}

/// The ports on which a process listens, as the kernel has it.
fn listening(process: u32) -> BTreeSet<u16> {
    let links = fs::read_dir(format!("/proc/{process}/fd")).expect("it runs");
    let own: BTreeSet<String> = links
        .filter_map(|link| fs::read_link(link.ok()?.path()).ok())
        .filter_map(|to| {
            let inode = to.to_str()?.strip_prefix("socket:[")?;
            Some(inode.strip_suffix(']')?.to_owned())
        })
        .collect();
    let mut ports = BTreeSet::new();
    for table in ["tcp", "tcp6"] {
        let text = fs::read_to_string(format!("/proc/{process}/net/{table}"));
        for line in text.unwrap_or_default().lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            // Its own address, its state (0A listens), and its inode.
            if fields[3] == "0A" && own.contains(fields[9]) {
                let port = fields[1].rsplit(':').next().expect("a port");
                ports.insert(u16::from_str_radix(port, 16).expect("hexadecimal"));
            }
        }
    }
    ports
}

fn port(base: &str) -> u16 {
    let port = base.rsplit(':').next().expect("a port");
    port.parse().expect("a number")
}

/// A data plane listens for callers and for its own status, nothing else, though it
/// was given an address for more.
async fn no_admin(node: &mut Foldgate) {
    assert!(!node.has_admin());
    let bound = BTreeSet::from([port(node.proxy().base()), port(node.status().base())]);
    assert_eq!(listening(node.process().id()), bound);
    for client in [node.proxy(), node.status()] {
        for path in [MODELS, "/x-keys", "/admin/openapi.json"] {
            assert_eq!(client.get(path).await.status, 404, "{path}");
        }
    }
}

#[tokio::test]
async fn models_of_one_control_plane_serve_and_rest_on_every_node() {
    let mut fleet = Fleet::start(2, 3).await;
    let upstream = FakeUpstream::start().await;
    let [one, other] = [fleet.controls[0].admin(), fleet.controls[1].admin()];
    for number in 1..=2 {
        let key = json!({
            "display_name": format!("key {number}"), "api_base": upstream.url(),
            "api_key": format!("sk-fleet-{number}-0123456789abcdef"),
        });
        let key = made(&one, "/admin/v1/provider_keys", &key).await;
        let model = json!({
            "display_name": format!("t{number}"), "model_name": format!("up-{number}"),
            "provider_key_id": key,
        });
        made(&one, MODELS, &model).await;
    }
    // On top of what the first control plane wrote, from the second.
    let targets = json!([{"model": "t1"}, {"model": "t2"}]);
    let lead = json!({"display_name": "lead", "routing": {"targets": targets}});
    made(&other, MODELS, &lead).await;
    for node in &fleet.nodes {
        // The write's answer is all the wait there is.
        for body in [chat("lead"), streamed("lead")] {
            let answer = node.proxy().post(CHAT, &body).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert_eq!(answer.header("x-foldgate-served-by"), Some("t1"));
        }
        assert_eq!(upstream.last().json()["model"], "up-1");
    }
    for node in &mut fleet.nodes {
        no_admin(node).await;
    }

    // One node is told to wait; all know, and so do both control planes.
    all_say(&fleet, "t1", "healthy").await;
    upstream.next(Reply::rate_limited(Hint::Seconds(300)));
    let limited = fleet.nodes[0].proxy().post(CHAT, &chat("t1")).await;
    limited.error(429);
    all_say(&fleet, "t1", "cooldown").await;
    for control in &fleet.controls {
        let admin = control.admin();
        assert_eq!(status(&admin, "t1").await["last_check_status"], 429);
        assert_eq!(status(&admin, "t2").await["status"], "healthy");
        let health = admin.get("/admin/v1/health").await.ok();
        assert_eq!(health["status"], "degraded", "{health}");
    }
    for node in &fleet.nodes {
        let proxy = node.proxy();
        eventually("the node leaves t1 alone", SOON, async || {
            let answer = proxy.post(CHAT, &chat("lead")).await;
            answer.ok();
            match answer.header("x-foldgate-served-by") {
                Some("t2") => Ok(()),
                by => Err(format!("{by:?}")),
            }
        })
        .await;
        let before = upstream.count();
        proxy.post(CHAT, &chat("t1")).await.error(429);
        assert_eq!(upstream.count(), before, "it is not even tried");
    }
}
