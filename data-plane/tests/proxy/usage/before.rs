//! What ends before its answer has begun.

use foldgate_proto::Dialect;

use super::{CHAT, Meter, json};
use crate::rig::until;
use crate::upstream::Script;

/// Nobody knows what the upstream counts of it, and the client has nothing: it is not
/// charged, and there is no setting that would.
#[tokio::test]
async fn who_leaves_before_the_answer_begins_pays_nothing() {
    let mut meter = Meter::new(Dialect::OpenAi).await;
    meter.upstream.script(super::SECRET, Script::hang());
    let caller = meter.rig.caller.clone();
    let waiting = tokio::spawn(async move { caller.chat("gpt-4o").await.status });
    let upstream = meter.upstream.clone();
    until("the upstream was asked", || upstream.asked().len() == 1).await;
    waiting.abort();
    until("the call is dropped", || upstream.left() == 1).await;
    // What is written down of a later call comes behind what was of this one.
    let answer = r#"{"choices":[],"usage":{"prompt_tokens":4,"completion_tokens":1}}"#;
    let body = r#"{"model":"gpt-4o","messages":[]}"#;
    let records = meter.call(CHAT, body, json(answer)).await;
    assert_eq!(records.len(), 1, "{records:?}");
    assert_eq!((records[0].status, records[0].quantities.input), (200, 4));
}
