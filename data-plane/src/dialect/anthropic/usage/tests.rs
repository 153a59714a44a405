use foldgate_proto::Quantities;

use super::{Said, read, write};
use crate::dialect::Json;

fn none() -> Quantities {
    Quantities::default()
}

#[test]
fn input_tokens_exclude_the_cache() {
    let json = r#"{"input_tokens":30,"cache_creation_input_tokens":10,
        "cache_read_input_tokens":60,"output_tokens":20,"service_tier":"standard",
        "output_tokens_details":{"thinking_tokens":8}}"#;
    let quantities = read(json).unwrap();
    let expected = Quantities {
        input: 30,
        cached: 60,
        cache_write: 10,
        output: 12,
        reasoning: 8,
        ..none()
    };
    assert_eq!(quantities, expected);
    assert_eq!((quantities.read(), quantities.written()), (100, 20));
}

#[test]
fn an_hour_in_the_cache_is_told_from_five_minutes() {
    let json = r#"{"input_tokens":1,"cache_creation_input_tokens":10,
        "cache_creation":{"ephemeral_5m_input_tokens":4,"ephemeral_1h_input_tokens":6},
        "output_tokens":2,"server_tool_use":{"web_search_requests":3,"web_fetch_requests":9}}"#;
    let expected = Quantities {
        input: 1,
        cache_write: 4,
        cache_write_long: 6,
        output: 2,
        searches: 3,
        ..none()
    };
    assert_eq!(read(json), Some(expected));
}

#[test]
fn the_split_alone_is_enough() {
    let json = r#"{"input_tokens":1,"output_tokens":2,
        "cache_creation":{"ephemeral_5m_input_tokens":4,"ephemeral_1h_input_tokens":6}}"#;
    let quantities = read(json).unwrap();
    assert_eq!(
        (quantities.cache_write, quantities.cache_write_long),
        (4, 6)
    );
}

/// Later counts replace earlier ones; what an event does not say stays.
#[test]
fn a_stream_counts_up() {
    let mut said = Said::default();
    assert_eq!(said.quantities(), None);
    said.hear(r#"{"input_tokens":25,"cache_read_input_tokens":60,"output_tokens":1}"#);
    said.hear(r#"{"output_tokens":15}"#);
    said.hear(r#"{"output_tokens":40,"cache_read_input_tokens":70,"input_tokens":null}"#);
    said.hear("nonsense");
    let expected = Quantities {
        input: 25,
        cached: 70,
        output: 40,
        ..none()
    };
    assert_eq!(said.quantities(), Some(expected));
}

#[test]
fn what_is_no_usage_is_none() {
    for json in ["null", "{}", "[]", "{", r#"{"input_tokens":"many"}"#] {
        assert_eq!(read(json), None, "{json}");
    }
}

#[test]
fn what_is_written_reads_the_same() {
    let quantities = Quantities {
        input: 3,
        cached: 5,
        cache_write: 7,
        cache_write_long: 2,
        output: 11,
        reasoning: 13,
        ..none()
    };
    let mut json = Json::default();
    write(&quantities, &mut json);
    let text = String::from_utf8(json.into_vec()).unwrap();
    assert_eq!(read(&text), Some(quantities));
}

/// Until a later event says what can be.
#[test]
fn counts_that_cannot_be_count_nothing() {
    for json in [
        r#"{"input_tokens":-1,"output_tokens":9}"#,
        r#"{"input_tokens":"many","output_tokens":9}"#,
        r#"{"input_tokens":18446744073709551615,"output_tokens":9}"#,
        r#"{"input_tokens":5,"output_tokens":1e30}"#,
        r#"{"input_tokens":5,"cache_read_input_tokens":1099511627777}"#,
    ] {
        assert_eq!(read(json), None, "{json}");
    }
    let digits = read(r#"{"input_tokens":"12","output_tokens":"9"}"#).unwrap();
    assert_eq!((digits.input, digits.output), (12, 9));
    let mut said = Said::default();
    said.hear(r#"{"input_tokens":25,"output_tokens":-1}"#);
    assert_eq!(said.quantities(), None);
    said.hear(r#"{"output_tokens":4}"#);
    assert_eq!(said.quantities().unwrap().output, 4);
}
