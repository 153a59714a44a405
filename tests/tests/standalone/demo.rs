//! `foldgate demo`: the main job on one screen, then it keeps serving.

use foldgate_tests::foldgate::OWNER_KEY;
use foldgate_tests::poll::SOON;
use foldgate_tests::{Settings, eventually, sse};

use super::{CHAT, streamed};

#[tokio::test]
async fn the_demo_shows_a_chat_and_its_events_and_goes_on() {
    let settings = Settings::new(&["demo"]).env("FOLDGATE_OWNER_KEY", OWNER_KEY);
    let foldgate = settings.start().await;
    eventually("the demo's story", SOON, async || {
        let output = foldgate.output();
        let missing = ["You said: Hello", "KeyAdded", "curl"]
            .into_iter()
            .find(|part| !output.contains(part));
        missing.map_or(Ok(()), |part| Err(format!("no {part} in: {output}")))
    })
    .await;
    let keys = foldgate.admin().keys().await;
    assert_eq!(keys.len(), 1, "{keys:?}");
    let models = foldgate.proxy().get("/v1/models").await;
    assert!(models.text().contains("\"echo-1\""), "{}", models.text());
    // It keeps serving, also the model that it tells to try.
    let output = foldgate.output();
    let (_, rest) = output
        .split_once("\"model\": \"")
        .expect("a curl line names a model");
    let model = rest.split('"').next().unwrap_or_default();
    let answer = foldgate.proxy().post(CHAT, &streamed(model)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(!sse::chat_text(&answer.events()).is_empty());
}
