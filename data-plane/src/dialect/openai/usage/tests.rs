use foldgate_proto::Quantities;

use super::{Made, of, read, write};
use crate::dialect::Json;

fn none() -> Quantities {
    Quantities::default()
}

/// `prompt_tokens` includes what is cached, written to the cache, heard and seen;
/// `completion_tokens` includes what is thought and said.
#[test]
fn chat_usage_counts_each_token_once() {
    let json = r#"{"prompt_tokens":1000,"completion_tokens":200,"total_tokens":1200,
        "prompt_tokens_details":{"cached_tokens":600,"audio_tokens":50,
            "cache_write_tokens":100,"image_tokens":40,"text_tokens":910},
        "completion_tokens_details":{"reasoning_tokens":120,"audio_tokens":30,
            "accepted_prediction_tokens":5,"rejected_prediction_tokens":7}}"#;
    let quantities = read(json).unwrap();
    let expected = Quantities {
        input: 210,
        cached: 600,
        cache_write: 100,
        input_audio: 50,
        input_image: 40,
        output: 50,
        reasoning: 120,
        output_audio: 30,
        ..none()
    };
    assert_eq!(quantities, expected);
    assert_eq!((quantities.read(), quantities.written()), (1000, 200));
}

#[test]
fn responses_usage_tells_how_long_the_cache_keeps() {
    let json = r#"{"input_tokens":100,"input_tokens_details":{"cached_tokens":20,
            "cache_write_tokens":50,"cache_write_tokens_details":{"ttl_30m_tokens":35,
            "ttl_12h_tokens":15}},
        "output_tokens":9,"output_tokens_details":{"reasoning_tokens":4},"total_tokens":109}"#;
    let expected = Quantities {
        input: 30,
        cached: 20,
        cache_write: 35,
        cache_write_long: 15,
        output: 5,
        reasoning: 4,
        ..none()
    };
    assert_eq!(read(json), Some(expected));
}

#[test]
fn realtime_usage_tells_cached_audio_apart() {
    let json = r#"{"total_tokens":300,"input_tokens":200,"output_tokens":100,
        "input_token_details":{"cached_tokens":64,"text_tokens":120,"audio_tokens":80,
            "cached_tokens_details":{"text_tokens":40,"audio_tokens":24}},
        "output_token_details":{"text_tokens":30,"audio_tokens":70}}"#;
    let expected = Quantities {
        input: 80,
        cached: 40,
        input_audio: 56,
        cached_audio: 24,
        output: 30,
        output_audio: 70,
        ..none()
    };
    assert_eq!(read(json), Some(expected));
}

#[test]
fn images_are_made_of_image_tokens() {
    let json = r#"{"input_tokens":50,"input_tokens_details":{"text_tokens":10,"image_tokens":40},
        "output_tokens":1056,"total_tokens":1106}"#;
    let expected = Quantities {
        input: 10,
        input_image: 40,
        output_image: 1056,
        ..none()
    };
    assert_eq!(of(json, Made::Images), Some(expected));
    let told = r#"{"input_tokens":5,"output_tokens":100,
        "output_tokens_details":{"text_tokens":30,"image_tokens":70}}"#;
    let quantities = of(told, Made::Images).unwrap();
    assert_eq!((quantities.output, quantities.output_image), (30, 70));
}

#[test]
fn transcriptions_are_paid_by_token_or_by_length() {
    let tokens = r#"{"type":"tokens","total_tokens":60,"input_tokens":14,
        "input_token_details":{"text_tokens":4,"audio_tokens":10},"output_tokens":46}"#;
    let expected = Quantities {
        input: 4,
        input_audio: 10,
        output: 46,
        ..none()
    };
    assert_eq!(read(tokens), Some(expected));
    let expected = Quantities {
        sound_ms: 9000,
        ..none()
    };
    assert_eq!(read(r#"{"type":"duration","seconds":9}"#), Some(expected));
    let fraction = read(r#"{"type":"duration","seconds":1.25}"#).unwrap();
    assert_eq!(fraction.sound_ms, 1250);
    assert_eq!(read(r#"{"type":"duration","seconds":-1}"#), None);
    assert_eq!(read(r#"{"type":"duration"}"#), None);
}

#[test]
fn embeddings_are_input_alone() {
    let expected = Quantities { input: 8, ..none() };
    let json = r#"{"prompt_tokens":8,"total_tokens":8}"#;
    assert_eq!(read(json), Some(expected));
    assert_eq!(read(r#"{"total_tokens":8}"#), Some(expected));
}

#[test]
fn others_name_the_cache_their_own_way() {
    let deepseek = r#"{"prompt_tokens":10,"completion_tokens":1,"total_tokens":11,
        "prompt_cache_hit_tokens":7,"prompt_cache_miss_tokens":3}"#;
    assert_eq!(read(deepseek).unwrap().cached, 7);
    let moonshot = r#"{"prompt_tokens":10,"completion_tokens":1,"cached_tokens":4}"#;
    let quantities = read(moonshot).unwrap();
    assert_eq!((quantities.input, quantities.cached), (6, 4));
    let perplexity = r#"{"prompt_tokens":10,"completion_tokens":1,"num_search_queries":2}"#;
    assert_eq!(read(perplexity).unwrap().searches, 2);
}

/// xAI and Google's OpenAI-shaped endpoint leave thoughts out of the completion.
#[test]
fn what_the_total_has_more_than_its_parts_are_thoughts() {
    let told = r#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":45,
        "completion_tokens_details":{"reasoning_tokens":30}}"#;
    let untold = r#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":45}"#;
    for json in [told, untold] {
        let quantities = read(json).unwrap();
        assert_eq!((quantities.output, quantities.reasoning), (5, 30));
    }
}

#[test]
fn thoughts_that_nobody_counted_are_believed_up_to_a_bound() {
    let read = |surplus: u64, details: &str| {
        let total = 15 + surplus;
        let json = format!(
            r#"{{"prompt_tokens":10,"completion_tokens":5,"total_tokens":{total}{details}}}"#
        );
        read(&json).map(|quantities| quantities.reasoning)
    };
    let most = super::MOST_THOUGHTS;
    assert_eq!(read(most, ""), Some(most));
    assert_eq!(read(most + 1, ""), None);
    let zero = r#","completion_tokens_details":{"reasoning_tokens":0}"#;
    assert_eq!(read(most, zero), Some(most));
    assert_eq!(read(most + 1, zero), None);
    // No more than it says it had.
    let told = r#","completion_tokens_details":{"reasoning_tokens":30}"#;
    assert_eq!(read(30, told), Some(30));
    assert_eq!(read(1_000_000_000, told), Some(30));
}

#[test]
fn parts_greater_than_the_whole_are_cut() {
    let json = r#"{"prompt_tokens":10,"completion_tokens":5,
        "prompt_tokens_details":{"cached_tokens":99,"audio_tokens":3},
        "completion_tokens_details":{"reasoning_tokens":99}}"#;
    let quantities = read(json).unwrap();
    assert_eq!((quantities.read(), quantities.written()), (10, 5));
    assert_eq!((quantities.cached, quantities.reasoning), (10, 5));
}

#[test]
fn what_is_no_usage_is_none() {
    for json in [
        "null",
        "{}",
        "[]",
        "7",
        "{",
        r#"{"prompt_tokens":-4}"#,
        r#"{"usage":{}}"#,
    ] {
        assert_eq!(read(json), None, "{json}");
    }
}

#[test]
fn what_is_written_reads_the_same() {
    let quantities = Quantities {
        input: 3,
        cached: 5,
        cache_write: 7,
        input_audio: 2,
        output: 11,
        reasoning: 13,
        output_audio: 4,
        ..none()
    };
    let mut json = Json::default();
    write(&quantities, &mut json);
    let text = String::from_utf8(json.into_vec()).unwrap();
    assert_eq!(read(&text), Some(quantities));
}

#[test]
fn details_that_are_null_do_not_hide_others() {
    let json = r#"{"prompt_tokens":100,"prompt_tokens_details":null,
        "input_tokens_details":{"cached_tokens":20},"completion_tokens":9,
        "completion_tokens_details":null,
        "output_tokens_details":{"reasoning_tokens":4},"total_tokens":null}"#;
    let expected = Quantities {
        input: 80,
        cached: 20,
        output: 5,
        reasoning: 4,
        ..none()
    };
    assert_eq!(read(json), Some(expected));
}

#[test]
fn counts_that_cannot_be_count_nothing() {
    for json in [
        r#"{"prompt_tokens":-1,"completion_tokens":9}"#,
        r#"{"prompt_tokens":"many","completion_tokens":9}"#,
        r#"{"prompt_tokens":18446744073709551615,"completion_tokens":9}"#,
        r#"{"prompt_tokens":1e30,"completion_tokens":9}"#,
        r#"{"prompt_tokens":1.5,"completion_tokens":9}"#,
        r#"{"input_tokens":1,"output_tokens":1099511627777}"#,
        r#"{"prompt_tokens":1,"completion_tokens":9,"total_tokens":-10}"#,
        r#"{"prompt_tokens":1,"completion_tokens":9,"total_tokens":9}"#,
        r#"{"prompt_tokens":1,"completion_tokens":9,"total_tokens":1099511627777}"#,
    ] {
        assert_eq!(read(json), None, "{json}");
    }
    let most = read(r#"{"prompt_tokens":1099511627776,"total_tokens":0}"#);
    assert_eq!(most.unwrap().input, 1 << 40);
    let digits = read(r#"{"prompt_tokens":"12","completion_tokens":"9"}"#).unwrap();
    assert_eq!((digits.input, digits.output), (12, 9));
}
