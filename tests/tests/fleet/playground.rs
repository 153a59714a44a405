//! The playground of a control plane, which has no data plane of its own.

use foldgate_tests::{Fleet, Settings};

use super::chat;

const PLAYGROUND: &str = "/playground/chat/completions";

#[tokio::test]
async fn a_control_plane_plays_through_the_data_node_it_is_given() {
    let mut fleet = Fleet::start(1, 1).await;
    let upstream = foldgate_tests::FakeUpstream::start().await;
    fleet.admin().serve_all(&upstream.url()).await;
    let revision = fleet.admin().get("/x-conf").await.revision();
    fleet.folded(revision).await;
    let none = fleet.admin().post(PLAYGROUND, &chat("m")).await;
    assert_eq!(none.status, 501, "{}", none.text());
    assert!(none.text().contains("FOLDGATE_PLAYGROUND_URL"));

    let proxy = fleet.nodes[0].proxy();
    let settings = |url: &str| -> Settings {
        fleet
            .control_settings("control-2")
            .env("FOLDGATE_PLAYGROUND_URL", url)
    };
    let control = settings(proxy.base()).start().await;
    let answer = control.admin().post(PLAYGROUND, &chat("m")).await.ok();
    assert_eq!(answer["choices"][0]["message"]["content"], "echo: hello");
    let answer = control
        .admin()
        .post(PLAYGROUND, &super::streamed("m"))
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.events().last().map(String::as_str), Some("[DONE]"));

    // One that stands still is not waited for longer than it gives itself.
    let impatient = fleet
        .control_settings("control-3")
        .env("FOLDGATE_PLAYGROUND_URL", proxy.base())
        .env("FOLDGATE_UPSTREAM_REQUEST_TIMEOUT", "500ms");
    let impatient = impatient.start().await;
    fleet.nodes[0].process().freeze();
    let answer = impatient.admin().post(PLAYGROUND, &chat("m")).await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert!(answer.text().contains("in time"), "{}", answer.text());

    fleet.nodes[0].kill();
    let answer = control.admin().post(PLAYGROUND, &chat("m")).await;
    assert_eq!(answer.status, 502, "{}", answer.text());
}
