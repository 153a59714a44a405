use bytes::Bytes;
use proptest::prelude::*;
use serde_json::Value;

use foldgate_proto::Quantities;

use super::{Keep, Tail, Usage, Watch, of_whole};
use crate::endpoint::{ENDPOINTS, Streams};
use crate::sse::{Event, Splitter};

fn event(text: &str) -> Event {
    let mut events = Vec::new();
    let mut splitter = Splitter::new(1 << 20);
    splitter.push(&Bytes::copy_from_slice(text.as_bytes()), |event| {
        events.push(event);
    });
    events.extend(splitter.finish());
    assert_eq!(events.len(), 1);
    events.remove(0)
}

/// What a client sees of an event, and the usage that was read from it.
fn seen(text: &str, hide: bool) -> (String, Option<Usage>) {
    let mut watch = Watch::new(Streams::Chunks, hide);
    let shown = match watch.see(&event(text)) {
        Keep::All => text.to_owned(),
        Keep::Without(at) => format!("{}{}", &text[..at.start], &text[at.end..]),
        Keep::Nothing => String::new(),
        Keep::Error(data) => format!("error {data}"),
    };
    (shown, watch.usage)
}

const USAGE: &str = r#"{"prompt_tokens":10,"completion_tokens":7,"total_tokens":17,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":2}}"#;

fn counted() -> Usage {
    Usage(Quantities {
        input: 6,
        cached: 4,
        output: 5,
        reasoning: 2,
        ..Quantities::default()
    })
}

#[test]
fn usage_is_read_leniently() {
    assert_eq!(Usage::read(USAGE), Some(counted()));
    let embedding = Usage(Quantities {
        input: 8,
        ..Quantities::default()
    });
    assert_eq!(
        Usage::read(r#"{"prompt_tokens":8,"total_tokens":8}"#),
        Some(embedding)
    );
    assert_eq!(
        Usage::read(r#"{"total_tokens":8,"prompt_tokens_details":null}"#),
        Some(embedding)
    );
    for none in ["null", "{}", "3", "{\"prompt_tokens\":-1}", "{"] {
        assert_eq!(Usage::read(none), None, "{none}");
    }
}

/// As proxies write it: OpenAI's counts, which include the cache, and Anthropic's names
/// beside them.
#[test]
fn stray_members_of_anthropics_do_not_hide_openais_counts() {
    let read = |json: &str| Usage::read(json).map(|usage| usage.0);
    let none = Quantities::default();
    let plain = r#"{"prompt_tokens":1000,"completion_tokens":7,"total_tokens":1007,
        "cache_creation_input_tokens":0,"cache_read_input_tokens":0,"server_tool_use":null}"#;
    let expected = Quantities {
        input: 1000,
        output: 7,
        ..none
    };
    assert_eq!(read(plain), Some(expected));
    let cached = r#"{"prompt_tokens":1000,"completion_tokens":7,
        "cache_creation_input_tokens":100,"cache_read_input_tokens":600,
        "server_tool_use":{"web_search_requests":2}}"#;
    let expected = Quantities {
        input: 300,
        cached: 600,
        cache_write: 100,
        output: 7,
        searches: 2,
        ..none
    };
    assert_eq!(read(cached), Some(expected));
    let own = r#"{"input_tokens":10,"output_tokens":7,"prompt_tokens":null,
        "cache_read_input_tokens":600}"#;
    let expected = Quantities {
        input: 10,
        cached: 600,
        output: 7,
        ..none
    };
    assert_eq!(read(own), Some(expected));
}

#[test]
fn the_usage_chunk_is_hidden_unless_asked_for() {
    let text = format!("data: {{\"id\":\"x\",\"choices\":[ ],\"usage\":{USAGE}}}\n\n");
    assert_eq!(seen(&text, true), (String::new(), Some(counted())));
    assert_eq!(seen(&text, false), (text.clone(), Some(counted())));
}

#[test]
fn a_null_usage_is_cut_out_with_one_comma() {
    for (before, after) in [
        (r#"{"a":1,"usage":null}"#, r#"{"a":1}"#),
        (r#"{"a":1 , "usage" : null , "b":2}"#, r#"{"a":1  , "b":2}"#),
        (r#"{ "usage":null, "b":2}"#, r#"{  "b":2}"#),
        (r#"{"usage":null}"#, "{}"),
    ] {
        let text = |json: &str| format!("data: {json}\r\n\r\n");
        assert_eq!(seen(&text(before), true).0, text(after));
        assert_eq!(seen(&text(before), false).0, text(before));
    }
}

#[test]
fn other_events_pass() {
    for text in [
        "data: [DONE]\n\n",
        ": \"usage\"\n\n",
        "data: \"usage\"\n\n",
        "data: {\"x\":\"\\\"usage\\\":null\"}\n\n",
        "data: {\"delta\":{\"usage\":null}}\n\n",
        "data: {\"us\\u0061ge\":null}\n\n",
        "data: {\"usage\":null,\"usage\":null}\n\n",
        "data: {\"error\":null}\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"\\\"error\\\"\"}}]}\n\n",
    ] {
        assert_eq!(seen(text, true), (text.to_owned(), None));
    }
    let last =
        format!("data: {{\"choices\":[{{\"finish_reason\":\"stop\"}}],\"usage\":{USAGE}}}\n\n");
    assert_eq!(seen(&last, true), (last.clone(), Some(counted())));
}

#[test]
fn an_error_is_seen() {
    let mut watch = Watch::default();
    let error = r#"{"error":{"message":"overloaded"}}"#;
    let text = format!("event: error\ndata: {error}\n\n");
    assert_eq!(watch.see(&event(&text)), Keep::Error(error.to_owned()));
}

#[test]
fn errors_are_seen_in_every_shape() {
    for text in [
        "event: error\ndata: boom\n\n",
        "event: error\ndata: {\"code\":1}\n\n",
        "event: error\ndata: {\"choices\":[]}\n\n",
        "data: {\"choices\":[]}\nevent: error\n\n",
        "data: {\"object\":\"error\",\"message\":\"boom\",\"code\":500}\n\n",
        "data: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}\n\n",
        "data: {\"detail\":\"boom\"}\n\n",
        "data: {\"detail\":[{\"msg\":\"boom\"}]}\n\n",
        "data: {\"message\":\"boom\"}\n\n",
        "data: {\"error\":{\"code\":502},\"choices\":[]}\n\n",
    ] {
        assert!(seen(text, true).0.starts_with("error "), "{text}");
    }
    for text in [
        "event: message\ndata: {\"a\":1}\n\n",
        "data: {\"choices\":[{\"message\":\"x\"}],\"detail\":\"x\"}\n\n",
        "event: error\n: without data\n\n",
    ] {
        assert_eq!(seen(text, true).0, text);
    }
}

/// As Moonshot sends it: in the choice that ends the stream, and nowhere else.
#[test]
fn usage_within_a_choice_counts_and_passes() {
    for (before, after) in [("", ""), (r#""usage":null,"#, "")] {
        let text = format!(
            "data: {{{before}\"choices\":[{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"stop\",\"usage\":{USAGE}}}]}}\n\n"
        );
        let shown = text.replace(before, after);
        let shown = if before.is_empty() {
            text.clone()
        } else {
            shown
        };
        assert_eq!(seen(&text, true), (shown, Some(counted())));
        assert_eq!(seen(&text, false), (text.clone(), Some(counted())));
    }
    // What a model says is none.
    let said = r#"data: {"choices":[{"delta":{"content":"\"usage\":{\"prompt_tokens\":1}"}}]}"#;
    let said = format!("{said}\n\n");
    assert_eq!(seen(&said, true), (said.clone(), None));
}

#[test]
fn the_end_of_an_answer_is_seen() {
    let complete = |texts: &[&str]| {
        let mut watch = Watch::default();
        for text in texts {
            watch.see(&event(text));
        }
        watch.complete
    };
    let open = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":null}]}\n\n";
    let empty = "data: {\"choices\":[{\"finish_reason\":\"\"}]}\n\n";
    let two = "data: {\"choices\":[{\"finish_reason\": null},{\"finish_reason\" : \"stop\"}]}\n\n";
    assert!(!complete(&[
        open,
        open,
        empty,
        open,
        ": c\n\n",
        "data: {}\n\n"
    ]));
    assert!(complete(&[open, open, two, open]));
    assert!(complete(&[open, &open.replace("null", "\"length\"")]));
    assert!(complete(&[open, "data: [DONE]\n\n"]));
    let quoted = "data: {\"choices\":[{\"delta\":{\"content\":\"\\\"finish_reason\\\":1\"}}]}\n\n";
    assert!(!complete(&[quoted, quoted]));
}

#[test]
fn the_tail_of_a_large_answer_is_enough() {
    let body = format!(
        "{{\"data\":[{}0],\"usage\": {USAGE} , \"x\":1}}",
        "1,".repeat(100_000)
    );
    let [chat, ..] = &ENDPOINTS;
    assert_eq!(of_whole(chat, body.as_bytes()), Some(counted()));
    for size in [1, 1000, 70_000, 1_000_000] {
        let mut tail = Tail::of(chat);
        for piece in body.as_bytes().chunks(size) {
            tail.push(&Bytes::copy_from_slice(piece));
        }
        assert_eq!(tail.usage(), Some(counted()), "pieces of {size}");
    }
    assert_eq!(Tail::of(chat).usage(), None);
}

/// A response says its metadata again, behind its usage; tools may be named so too.
#[test]
fn what_the_client_sent_does_not_hide_the_usage_of_a_large_answer() {
    let [chat, ..] = &ENDPOINTS;
    let tail = |body: &str| {
        let mut tail = Tail::of(chat);
        tail.push(&Bytes::copy_from_slice(body.as_bytes()));
        (tail.usage(), tail.heard())
    };
    let long = "x".repeat(40_000);
    for behind in [
        r#""metadata":{"usage":"x"}"#,
        r#""metadata":{"k":"usage"}"#,
        r#""metadata":{"k":"usage","l":"{\"usage\":{\"input_tokens\":1}}"}"#,
        r#""tools":[{"usage":{"type":"object"}},{"usage":{}},{"usage":null}]"#,
        &format!("\"metadata\":{{\"k\":\"{long}\"}}"),
    ] {
        let body = format!("{{\"text\":\"hello\",\"usage\" : {USAGE},{behind}}}");
        assert_eq!(tail(&body), (Some(counted()), 5), "{behind}");
    }
    let none = format!("{{\"text\":\"{long}\",\"metadata\":{{\"usage\":\"x\"}}}}");
    assert_eq!(tail(&none), (None, 40_000));
}

proptest! {
    #[test]
    fn cutting_leaves_the_rest_equal(
        before in proptest::collection::btree_map("[a-f]{1,3}", "\\PC{0,6}", 0..3),
        after in proptest::collection::btree_map("[g-m]{1,3}", "\\PC{0,6}", 0..3),
        space in "[ \t]{0,2}",
    ) {
        let pair = |(k, v): (&String, &String)| format!("{}{space}:{}", Value::from(k.as_str()), Value::from(v.as_str()));
        let members = before.iter().map(pair)
            .chain([format!("\"usage\"{space}:{space}null")])
            .chain(after.iter().map(pair))
            .collect::<Vec<_>>();
        let text = format!("data: {{{space}{}{space}}}\n\n", members.join(&format!("{space},{space}")));
        let (shown, _) = seen(&text, true);
        let json = |text: &str| -> Value { serde_json::from_str(text.strip_prefix("data: ").unwrap()).unwrap() };
        let mut expected = json(&text);
        expected.as_object_mut().unwrap().remove("usage");
        prop_assert_eq!(json(&shown), expected);
    }
}

/// Anthropic's counts are cumulative, and exclude the cache.
#[test]
fn a_stream_of_messages_counts_up() {
    let mut watch = Watch::new(Streams::Messages, false);
    let mut see = |name: &str, data: &str| {
        let keep = watch.see(&event(&format!("event: {name}\ndata: {data}\n\n")));
        (keep, watch.usage, watch.complete)
    };
    let counted = |prompt, output, cached| {
        Some(Usage(Quantities {
            input: prompt - cached,
            cached,
            output,
            ..Quantities::default()
        }))
    };
    let start = r#"{"type":"message_start","message":{"usage":{"input_tokens":10,"cache_read_input_tokens":20,"output_tokens":1}}}"#;
    assert_eq!(
        see("message_start", start),
        (Keep::All, counted(30, 1, 20), false)
    );
    let delta = r#"{"type":"message_delta","delta":{},"usage":{"output_tokens":5}}"#;
    assert_eq!(
        see("message_delta", delta),
        (Keep::All, counted(30, 5, 20), false)
    );
    let delta = r#"{"type":"message_delta","usage":{"input_tokens":12,"output_tokens":9}}"#;
    assert_eq!(
        see("message_delta", delta),
        (Keep::All, counted(32, 9, 20), false)
    );
    assert_eq!(see("parade", "{\"type\":\"parade\"}").0, Keep::All);
    assert_eq!(
        see("ping", "nonsense"),
        (Keep::All, counted(32, 9, 20), false)
    );
    let stop = r#"{"type":"message_stop"}"#;
    assert_eq!(
        see("message_stop", stop),
        (Keep::All, counted(32, 9, 20), true)
    );
    let last = r#"{"type":"message_delta","usage":{"output_tokens":-9}}"#;
    assert_eq!(see("message_delta", last), (Keep::All, None, true));
    let error = r#"{"type":"error","error":{"type":"overloaded_error"}}"#;
    assert_eq!(see("error", error).0, Keep::Error(error.to_owned()));
}

#[test]
fn a_reranker_that_counts_what_cannot_be_counts_nothing() {
    let read = |json: &str| Usage::of_rerank(json).is_some();
    assert!(read(r#"{"total_tokens":38}"#));
    assert!(read(r#"{"total_tokens":"38"}"#));
    assert!(!read(r#"{"total_tokens":-38}"#));
    assert!(!read(
        r#"{"billed_units":{"search_units":18446744073709551615}}"#
    ));
}
