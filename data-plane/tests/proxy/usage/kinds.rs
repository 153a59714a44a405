//! Every kind of thing that is counted, by endpoint and dialect, of answers that are no
//! streams.

use foldgate_proto::{Dialect, Measure, NanoDollars, Quantities};

use super::{CHAT, Meter, NOTHING, json};
use crate::upstream::Script;

/// What an answer to a request is counted as, and what that costs in nano-dollars.
struct Case {
    path: &'static str,
    body: &'static str,
    answer: &'static str,
    used: Quantities,
    measure: Measure,
    cost: i64,
}

const REPORTED: Case = Case {
    path: CHAT,
    body: r#"{"model":"gpt-4o"}"#,
    answer: "",
    used: NOTHING,
    measure: Measure::Reported,
    cost: 0,
};

async fn check(dialect: Dialect, cases: &[Case]) {
    let mut meter = Meter::new(dialect).await;
    for case in cases {
        let records = meter.call(case.path, case.body, json(case.answer)).await;
        let [record] = &records[..] else {
            panic!("{} gave {records:?}", case.answer);
        };
        assert_eq!(record.quantities, case.used, "{}", case.answer);
        assert_eq!(record.measure, case.measure, "{}", case.answer);
        assert_eq!(record.cost, NanoDollars(case.cost), "{record:?}");
    }
}

#[tokio::test]
async fn tokens_of_openais() {
    let all = r#"{"choices":[],"usage":{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,
        "prompt_tokens_details":{"cached_tokens":40,"audio_tokens":10},
        "completion_tokens_details":{"reasoning_tokens":20,"audio_tokens":5}}}"#;
    let all = Quantities {
        input: 50,
        cached: 40,
        input_audio: 10,
        output: 25,
        reasoning: 20,
        output_audio: 5,
        ..NOTHING
    }
    .said_by(all);
    // 2.5 and 1.25 and 2.5 dollars for a million read, 10 for all written.
    let chat = Case {
        cost: 50 * 2500 + 40 * 1250 + 10 * 2500 + 50 * 10_000,
        ..all
    };
    let response = Case {
        path: "/v1/responses",
        body: r#"{"model":"gpt-4o","input":"x"}"#,
        answer: r#"{"id":"resp_1","status":"incomplete","output":[],"usage":{"input_tokens":30,"output_tokens":9,"input_tokens_details":{"cached_tokens":10},"output_tokens_details":{"reasoning_tokens":4}}}"#,
        used: Quantities {
            input: 20,
            cached: 10,
            output: 5,
            reasoning: 4,
            ..NOTHING
        },
        cost: 20 * 2500 + 10 * 1250 + 9 * 10_000,
        ..REPORTED
    };
    let embedding = Case {
        path: "/v1/embeddings",
        body: r#"{"model":"text-embedding-3-small","input":"x"}"#,
        answer: r#"{"data":[{"embedding":[0.1]}],"usage":{"prompt_tokens":8,"total_tokens":8}}"#,
        used: Quantities {
            input: 8,
            ..NOTHING
        },
        cost: 8 * 20,
        ..REPORTED
    };
    let tuned = Case {
        body: r#"{"model":"ft:gpt-4o-2024-08-06:acme::7qTVM5AR"}"#,
        answer: r#"{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":10}}"#,
        used: Quantities {
            input: 10,
            output: 10,
            ..NOTHING
        },
        // 3.75 and 15 dollars for a million.
        cost: 10 * 3750 + 10 * 15_000,
        ..REPORTED
    };
    check(Dialect::OpenAi, &[chat, response, embedding, tuned]).await;
}

#[tokio::test]
async fn tokens_of_anthropics_exclude_the_cache() {
    let message = Case {
        path: "/v1/messages",
        body: r#"{"model":"claude-sonnet-4-5","max_tokens":9,"messages":[{"role":"user","content":"x"}]}"#,
        answer: r#"{"id":"m","type":"message","role":"assistant","content":[],"usage":{"input_tokens":10,
            "cache_read_input_tokens":100,"cache_creation_input_tokens":70,
            "cache_creation":{"ephemeral_5m_input_tokens":50,"ephemeral_1h_input_tokens":20},"output_tokens":5}}"#,
        used: Quantities {
            input: 10,
            cached: 100,
            cache_write: 50,
            cache_write_long: 20,
            output: 5,
            ..NOTHING
        },
        // 3, 0.3, 3.75, 6 and 15 dollars for a million.
        cost: 10 * 3000 + 100 * 300 + 50 * 3750 + 20 * 6000 + 5 * 15_000,
        ..REPORTED
    };
    // The same by a caller of another dialect.
    let chat = Case {
        path: CHAT,
        body: r#"{"model":"claude-sonnet-4-5","messages":[{"role":"user","content":"x"}]}"#,
        answer: r#"{"id":"m","type":"message","role":"assistant","model":"c","content":[{"type":"text","text":"x"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":10,"cache_creation_input_tokens":70,"cache_read_input_tokens":0,"output_tokens":5}}"#,
        used: Quantities {
            input: 10,
            cache_write: 70,
            output: 5,
            ..NOTHING
        },
        cost: 10 * 3000 + 70 * 3750 + 5 * 15_000,
        ..REPORTED
    };
    check(Dialect::Anthropic, &[message, chat]).await;
}

#[tokio::test]
async fn tokens_of_geminis_include_thoughts() {
    let chat = Case {
        body: r#"{"model":"gemini-2.5-flash","messages":[{"role":"user","content":"x"}]}"#,
        answer: r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"x"}]},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":30,"cachedContentTokenCount":20,"candidatesTokenCount":5,"thoughtsTokenCount":7,"totalTokenCount":42}}"#,
        used: Quantities {
            input: 10,
            cached: 20,
            output: 5,
            reasoning: 7,
            ..NOTHING
        },
        // 0.3, 0.03 and 2.5 dollars for a million.
        cost: 10 * 300 + 20 * 30 + 12 * 2500,
        ..REPORTED
    };
    check(Dialect::Gemini, &[chat]).await;
}

#[tokio::test]
async fn images_by_size_and_by_tokens() {
    let drawn = Case {
        path: "/v1/images/generations",
        body: r#"{"model":"gpt-image-1","prompt":"x","n":2,"size":"1024x1536","quality":"high"}"#,
        answer: r#"{"created":1,"data":[{"b64_json":""},{"b64_json":""}]}"#,
        used: Quantities {
            images: 2,
            ..NOTHING
        },
        cost: 2 * 250_000_000,
        ..REPORTED
    };
    let unsaid = Case {
        body: r#"{"model":"gpt-image-1.5","prompt":"x"}"#,
        answer: r#"{"data":[{"url":"x"}]}"#,
        used: Quantities {
            images: 1,
            ..NOTHING
        },
        cost: 9_000_000,
        ..drawn
    };
    let tokens = Case {
        body: r#"{"model":"gpt-image-1","prompt":"x"}"#,
        answer: r#"{"data":[{"b64_json":""}],"usage":{"input_tokens":60,"input_tokens_details":{"text_tokens":10,"image_tokens":50},"output_tokens":100,"total_tokens":160}}"#,
        used: Quantities {
            input: 10,
            input_image: 50,
            output_image: 100,
            images: 1,
            ..NOTHING
        },
        // 5, 10 and 40 dollars for a million.
        cost: 10 * 5000 + 50 * 10_000 + 100 * 40_000,
        ..drawn
    };
    check(Dialect::OpenAi, &[drawn, unsaid, tokens]).await;
}

#[tokio::test]
async fn searches_of_rerankers() {
    let cohere = Case {
        path: "/v1/rerank",
        body: r#"{"model":"rerank-v3.5","query":"x","documents":["y"]}"#,
        answer: r#"{"results":[],"meta":{"billed_units":{"search_units":3}}}"#,
        used: Quantities {
            searches: 3,
            ..NOTHING
        },
        cost: 3 * 2_000_000,
        ..REPORTED
    };
    check(Dialect::OpenAi, &[cohere]).await;
}

#[tokio::test]
async fn speech_by_characters_and_by_its_length() {
    let mut meter = Meter::new(Dialect::OpenAi).await;
    let said = r#"{"model":"tts-1","input":"Grüße","voice":"x"}"#;
    let sound = Script::bytes("audio/mpeg", vec![0; 100]);
    let records = meter.call("/v1/audio/speech", said, sound).await;
    assert_eq!(
        records[0].quantities,
        Quantities {
            characters: 5,
            ..NOTHING
        }
    );
    // 15 dollars for a million characters.
    assert_eq!(records[0].cost, NanoDollars(5 * 15_000));
    assert_eq!(records[0].measure, Measure::Reported);
}

#[tokio::test]
async fn what_no_upstream_counts_is_estimated() {
    let mut meter = Meter::new(Dialect::OpenAi).await;
    let body = format!(r#"{{"model":"gpt-4o","x":"{}"}}"#, "x".repeat(75));
    assert_eq!(body.len(), 100);
    let answer = r#"{"choices":[{"message":{"content":"twelve chars"}}]}"#;
    let records = meter.call(CHAT, &body, json(answer)).await;
    let used = Quantities {
        input: 25,
        output: 3,
        ..NOTHING
    };
    assert_eq!(records[0].quantities, used);
    assert_eq!(records[0].measure, Measure::Estimated);
    assert_eq!(records[0].cost, NanoDollars(25 * 2500 + 3 * 10_000));
    // An embedding is no text.
    let body = r#"{"model":"text-embedding-3-small","input":"x"}"#;
    let answer = r#"{"data":[{"embedding":[0.5]}]}"#;
    let records = meter.call("/v1/embeddings", body, json(answer)).await;
    assert_eq!(
        records[0].quantities,
        Quantities {
            input: 12,
            ..NOTHING
        }
    );
    assert_eq!(records[0].measure, Measure::Estimated);
}

#[tokio::test]
async fn a_call_has_a_price_of_its_own() {
    let mut meter = Meter::new(Dialect::OpenAi).await;
    let pricing = r#"{"CallPricing":{"*":{"Call":0.5}}}"#.to_owned();
    let config = foldgate_proto::Config {
        pricing: Some(pricing),
        ..foldgate_proto::Config::default()
    };
    meter.rig.config(config).await;
    let answer = r#"{"choices":[],"usage":{"prompt_tokens":2,"completion_tokens":0}}"#;
    let records = meter.call(CHAT, REPORTED.body, json(answer)).await;
    assert_eq!(records[0].cost, NanoDollars(500_000_000 + 2 * 2500));
}

trait SaidBy {
    fn said_by(self, answer: &'static str) -> Case;
}

impl SaidBy for Quantities {
    fn said_by(self, answer: &'static str) -> Case {
        Case {
            answer,
            used: self,
            ..REPORTED
        }
    }
}
