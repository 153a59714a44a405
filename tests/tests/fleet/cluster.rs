//! A hub of three servers loses one.

use foldgate_tests::fleet::{REGION, log_command, on};
use foldgate_tests::nats::User;
use foldgate_tests::poll::SOON;
use foldgate_tests::{FakeUpstream, NatsServer, Settings, eventually};
use serde_json::json;

use super::must_chat;

fn urls(servers: &[NatsServer], user: User) -> String {
    let urls: Vec<String> = servers.iter().map(|server| server.url(user)).collect();
    urls.join(",")
}

#[tokio::test]
async fn a_hub_of_three_goes_on_with_two() {
    let mut servers = NatsServer::cluster().await;
    let bootstrap = urls(&servers, User::Bootstrap);
    eventually("the log is made", SOON, async || {
        let output = log_command("init", &bootstrap)
            .env("FOLDGATE_NATS_REPLICAS", "3")
            .output()
            .await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() {
            Ok(())
        } else {
            Err(said)
        }
    })
    .await;
    let monitors: Vec<String> = servers.iter().map(NatsServer::monitor_url).collect();
    let control = on(Settings::control_plane(), "control-1", REGION)
        .env("FOLDGATE_NATS_URL", &urls(&servers, User::Control))
        .env("FOLDGATE_NATS_MONITOR_URL", &monitors.join(","))
        .start()
        .await;
    let node = on(Settings::data_plane(), "node-1", REGION)
        .env("FOLDGATE_NATS_URL", &urls(&servers, User::Node))
        .start()
        .await;
    let upstream = FakeUpstream::start().await;
    let admin = control.admin();
    admin.serve_all(&upstream.url()).await;
    let mut revision = admin.get("/x-keys").await.revision();
    for server in &mut servers {
        node.folded(revision).await;
        server.kill();
        must_chat(&node.proxy(), "m").await;
        let name = format!("s{revision}.example.com");
        revision = eventually("a write goes through", SOON, async || {
            let answer = admin.put("/x-config", &json!({"EMAIL_SMTP": name})).await;
            match answer.status {
                200 => Ok(answer.revision()),
                _ => Err(answer.text()),
            }
        })
        .await;
        node.folded(revision).await;
        server.restart().await;
    }
    let output = log_command("verify", &urls(&servers, User::Control))
        .output()
        .await;
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
