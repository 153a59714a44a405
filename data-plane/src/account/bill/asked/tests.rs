use std::time::Duration;

use foldgate_proto::Timestamp;

use super::*;
use crate::endpoint::ENDPOINTS;

fn asked(path: &str, body: &str) -> Asked {
    let endpoint = ENDPOINTS.iter().find(|endpoint| endpoint.path == path);
    Asked::of(endpoint.unwrap(), body.as_bytes())
}

fn ended(usage: Option<Quantities>, heard: u64, whole: bool) -> Ended {
    Ended {
        usage,
        heard,
        searched: 0,
        whole,
        bytes_in: 48_000,
        status: 200,
        at: Timestamp(0),
        took: Duration::ZERO,
        first_byte: None,
    }
}

#[test]
fn a_long_prompt_counts_as_a_whole() {
    let body = "x ".repeat(500_000);
    let chat = asked("/v1/chat/completions", &body).before();
    assert_eq!((chat.input, chat.output), (250_000, 256));
    let embedding = asked("/v1/embeddings", &body).before();
    assert_eq!((embedding.input, embedding.output), (250_000, 0));
}

#[test]
fn base64_counts_for_an_image_and_not_for_its_length() {
    let tokens = |body: &str| asked("/v1/chat/completions", body).before().input;
    let text = "some words ".repeat(4_000);
    let long = "aB+/".repeat(50_000);
    for (before, after) in [
        (r#"{"url":"data:image/png;base64,"#, "\"}"),
        (r#"{"data":""#, "\"}"),
        (r#"{"data": ""#, r#"\/w==","format":"wav"}"#),
    ] {
        let with = |data: &str| tokens(&format!("{text}{before}{data}{after}"));
        let around = with("");
        let image = with(&long) - around;
        assert!((1_020..=1_024).contains(&image), "{before}: {image}");
        let two = tokens(&format!("{before}{long}{after}{before}{long}{after}"));
        assert!((2_040..2_080).contains(&two), "{before}: {two}");
        // Words are none, wherever they stand.
        assert_eq!(with(&text), around + 11_000, "{before}");
    }
    let other = format!("{{\"text\":\"{long}\"}}");
    assert_eq!(tokens(&other), (other.len() as u64).div_ceil(4));
    let twice = format!("{{\"data\":\"data:image/png;base64,{long}\"}}");
    assert!((1_024..1_040).contains(&tokens(&twice)));
}

#[test]
fn images_are_as_many_and_as_large_as_asked_for() {
    let size = |body: &str| {
        let asked = asked("/v1/images/generations", body);
        (asked.before().images, asked.size().unwrap().to_owned())
    };
    for (body, images, expected) in [
        (r"{}", 1, "1024x1024"),
        (r#"{"n":3,"size":"512x512"}"#, 3, "512x512"),
        (r#"{"size":"auto","quality":"auto"}"#, 1, "1024x1024"),
        (
            r#"{"quality":"high","size":"1024x1536"}"#,
            1,
            "high:1024x1536",
        ),
        (r#"{"n":1000000000}"#, 100, "1024x1024"),
        (r#"{"n":"x","size":7}"#, 1, "1024x1024"),
        ("--form", 1, "1024x1024"),
    ] {
        assert_eq!(size(body), (images, expected.to_owned()), "{body}");
    }
}

#[test]
fn sound_that_nobody_measured_is_as_long_as_its_bytes() {
    let asked = asked("/v1/audio/transcriptions", "--form");
    let (used, measure) = asked.after(&ended(None, 0, true));
    assert_eq!((used.sound_ms, measure), (3_000, Measure::Estimated));
}

#[test]
fn counts_that_lag_behind_the_text_are_raised_to_it() {
    let asked = asked("/v1/messages", "12345678");
    let said = Quantities {
        input: 50,
        output: 3,
        reasoning: 2,
        ..Quantities::default()
    };
    let (used, _) = asked.after(&ended(Some(said), 40, false));
    assert_eq!((used.input, used.output, used.reasoning), (50, 8, 2));
    let (used, measure) = asked.after(&ended(Some(said), 40, true));
    assert_eq!((used, measure), (said, Measure::Reported));
}

#[test]
fn what_only_reads_uses_nothing() {
    let asked = asked("/v1/responses/{id}", "");
    let said = Quantities {
        input: 5,
        ..Quantities::default()
    };
    let (used, measure) = asked.after(&ended(Some(said), 9, true));
    assert_eq!(used, Quantities::default());
    assert_eq!(measure, Measure::Reported);
}
