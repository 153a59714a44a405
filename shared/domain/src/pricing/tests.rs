use proptest::prelude::*;

use super::{Fault, MAX_BYTES, MAX_ENTRIES, PerCall, PerToken, PricingError, Rate, validate};

fn chat(number: &str) -> Result<PerToken, Fault> {
    let text = format!(r#"{{"ChatPricing":{{"m":{{"InputText":{number}}}}}}}"#);
    match validate(&text) {
        Ok(pricing) => Ok(pricing.chat["m"].input_text.unwrap()),
        Err(PricingError::At { path, fault }) => {
            assert_eq!(path, r#"$.ChatPricing["m"].InputText"#);
            Err(fault)
        }
        Err(other) => panic!("{other}"),
    }
}

fn refusal(text: &str) -> String {
    validate(text).unwrap_err().to_string()
}

const EVERYTHING: &str = r#"{
  "ChatPricing": {"gpt-4o": {"InputText": 3.5, "OutputText": 12, "CachedText": 0.25,
    "CacheWrite": 1, "ReasonText": 2, "InputAudio": 3, "OutputAudio": 4, "CachedAudio": 5,
    "InputImage": 6, "OutputImage": 7, "Rates": 1.5}},
  "ImgPricing": {"dall-e-*": {"Call": 0.04, "Rates": 1,
    "Sizes": {"1024x1024": 0.05, "high:1024x1536": 0, "hd/1024-x-1792": 1e-2}}},
  "AudioPricing": {"whisper-1": {"Input": 1, "Output": 2, "InputAudio": 3, "OutputAudio": 4,
    "Call": 0.006, "Rates": 2}},
  "RerankPricing": {"rerank-v3.5": {"Input": 1, "Call": 0.002, "Rates": 1}},
  "CallPricing": {"search": {"Call": 0.01, "Rates": 1}},
  "FineTuningPricing": {"gpt-4o": {"InputText": 1, "OutputText": 2, "Rates": 1}}
}"#;

#[test]
fn every_section_and_field() {
    let pricing = validate(EVERYTHING).unwrap();
    let chat = &pricing.chat["gpt-4o"];
    assert_eq!(chat.input_text, Some(PerToken(3_500_000)));
    assert_eq!(chat.cached_text, Some(PerToken(250_000)));
    assert_eq!(chat.cached_audio, Some(PerToken(5_000_000)));
    assert_eq!(chat.output_image, Some(PerToken(7_000_000)));
    assert_eq!(chat.rates, Some(Rate(1_500_000)));
    let image = &pricing.img["dall-e-*"];
    assert_eq!(image.call, Some(PerCall(40_000_000_000)));
    let sizes = image.sizes.as_ref().unwrap();
    assert_eq!(sizes["1024x1024"], PerCall(50_000_000_000));
    assert_eq!(sizes["hd/1024-x-1792"], PerCall(10_000_000_000));
    assert_eq!(
        pricing.audio["whisper-1"].output_audio,
        Some(PerToken(4_000_000))
    );
    assert_eq!(
        pricing.rerank["rerank-v3.5"].call,
        Some(PerCall(2_000_000_000))
    );
    assert_eq!(pricing.call["search"].rates, Some(Rate::ONE));
    assert_eq!(
        pricing.fine_tuning["gpt-4o"].output_text,
        Some(PerToken(2_000_000))
    );
}

#[test]
fn only_the_shipped_table_may_have_fields_of_its_own() {
    for (section, field, value) in [
        ("ChatPricing", "_CacheWriteLong", "1"),
        ("ChatPricing", "_Above", r#"{"Tokens": 1, "InputText": 2}"#),
        ("ChatPricing", "_Search", "0.01"),
        ("AudioPricing", "_PerSecond", "0.0001"),
        ("AudioPricing", "_PerMChar", "15"),
        ("FineTuningPricing", "_CachedText", "1"),
    ] {
        let text = format!(r#"{{"{section}": {{"m": {{"{field}": {value}}}}}}}"#);
        let refused = format!(r#"$.{section}["m"].{field}: unknown field"#);
        assert_eq!(refusal(&text), refused);
        super::shipped(&text).unwrap();
    }
    let above = r#"{"ChatPricing": {"m": {"_Above": {"Tokens": 9.5}}}}"#;
    let refused = super::shipped(above).unwrap_err().to_string();
    assert_eq!(
        refused,
        r#"$.ChatPricing["m"]._Above.Tokens: must be a whole number"#
    );
}

#[test]
fn what_is_not_said_is_not_set() {
    let pricing = validate(r#"{"ChatPricing":{"gpt-4o":{"InputText":0},"x":{}}}"#).unwrap();
    assert_eq!(pricing.chat["gpt-4o"].input_text, Some(PerToken(0)));
    assert_eq!(pricing.chat["gpt-4o"].output_text, None);
    assert_eq!(pricing.chat["x"], super::ChatPrice::default());
    assert_eq!(validate(" {} ").unwrap(), super::Pricing::default());
    assert_eq!(
        validate(r#"{"ChatPricing":{}}"#).unwrap(),
        super::Pricing::default()
    );
}

#[test]
fn numbers_are_exact() {
    for (text, pico) in [
        ("0", 0),
        ("-0", 0),
        ("-0.0e5", 0),
        ("0e999999999999999999999", 0),
        ("1", 1_000_000),
        ("0.1", 100_000),
        ("3.5", 3_500_000),
        ("3.50000000000000000000000", 3_500_000),
        ("0.000001", 1),
        ("1e-6", 1),
        ("10e-7", 1),
        ("0.01E+2", 1_000_000),
        ("1.5e3", 1_500_000_000),
        ("0.15000000000000002", 150_000),
        ("0.1499999999999999", 150_000),
        ("0.0000015", 2),
        ("0.0000014", 1),
        ("0.0000005", 1),
        ("18446744073709.551615", u64::MAX),
        ("18446744073709551615e-6", u64::MAX),
    ] {
        assert_eq!(chat(text), Ok(PerToken(pico)), "{text}");
    }
}

#[test]
fn numbers_that_are_none_or_do_not_fit() {
    for (text, fault) in [
        ("-1", Fault::Negative),
        ("-1e-400", Fault::Negative),
        ("1e999", Fault::TooLarge),
        ("1e99999999999999999999999", Fault::TooLarge),
        ("18446744073709.551616", Fault::TooLarge),
        ("18446744073709.5516155", Fault::TooLarge),
        ("99999999999999", Fault::TooLarge),
        ("1e-7", Fault::TooSmall),
        ("0.0000004", Fault::TooSmall),
        ("1e-999", Fault::TooSmall),
        ("1e-99999999999999999999999", Fault::TooSmall),
        ("\"3.5\"", Fault::NotANumber),
        ("\"-1\"", Fault::NotANumber),
        ("null", Fault::NotANumber),
        ("true", Fault::NotANumber),
        ("[1]", Fault::NotANumber),
        ("{}", Fault::NotANumber),
    ] {
        assert_eq!(chat(text), Err(fault), "{text}");
    }
    for text in [
        "NaN",
        "Infinity",
        "-Infinity",
        "01",
        "+1",
        ".5",
        "1.",
        "0x1",
        "1e",
        "-",
    ] {
        let all = format!(r#"{{"ChatPricing":{{"m":{{"InputText":{text}}}}}}}"#);
        assert!(
            matches!(validate(&all), Err(PricingError::Syntax(_))),
            "{text}"
        );
    }
}

#[test]
fn refusals_name_the_place() {
    for (text, message) in [
        (r#"{"Chat":{}}"#, "$.Chat: unknown field"),
        (r#"{"chatpricing":{}}"#, "$.chatpricing: unknown field"),
        (r#"{"_source":{}}"#, "$._source: unknown field"),
        (r#"{"a b":{}}"#, r#"$["a b"]: unknown field"#),
        (
            r#"{"ChatPricing":{"gpt-4o":{"Input":1}}}"#,
            r#"$.ChatPricing["gpt-4o"].Input: unknown field"#,
        ),
        (
            r#"{"CallPricing":{"m":{"InputText":1}}}"#,
            r#"$.CallPricing["m"].InputText: unknown field"#,
        ),
        (r#"{"ChatPricing":[]}"#, "$.ChatPricing: must be an object"),
        (
            r#"{"ChatPricing":{"m":1}}"#,
            r#"$.ChatPricing["m"]: must be an object"#,
        ),
        (
            r#"{"ImgPricing":{"m":{"Sizes":1}}}"#,
            r#"$.ImgPricing["m"].Sizes: must be an object"#,
        ),
        (
            r#"{"ImgPricing":{"m":{"Sizes":{"a b":1}}}}"#,
            r#"$.ImgPricing["m"].Sizes["a b"]: is not the name of an image size"#,
        ),
        (
            r#"{"ImgPricing":{"m":{"Sizes":{"1x1":-1}}}}"#,
            r#"$.ImgPricing["m"].Sizes["1x1"]: must not be negative"#,
        ),
        (
            r#"{"ChatPricing":{"a,b":{}}}"#,
            r#"$.ChatPricing["a,b"]: a model pattern may not contain ','"#,
        ),
        (
            r#"{"ChatPricing":{"":{}}}"#,
            r#"$.ChatPricing[""]: a model pattern may not be empty"#,
        ),
        ("[]", "$: must be an object"),
        ("3", "$: must be an object"),
    ] {
        assert_eq!(refusal(text), message, "{text}");
    }
}

#[test]
fn doubled_keys_are_refused_at_every_depth() {
    for (text, path) in [
        (
            r#"{"ChatPricing":{},"ChatPricing":{}}"#,
            r#"$["ChatPricing"]"#,
        ),
        (
            r#"{"ChatPricing":{"m":{},"\u006d":{}}}"#,
            r#"$.ChatPricing["m"]"#,
        ),
        (
            r#"{"ChatPricing":{"m":{"Rates":1,"Rates":1}}}"#,
            r#"$.ChatPricing["m"]["Rates"]"#,
        ),
        (
            r#"{"ImgPricing":{"m":{"Sizes":{"1x1":1,"1x1":1}}}}"#,
            r#"$.ImgPricing["m"].Sizes["1x1"]"#,
        ),
    ] {
        assert_eq!(
            refusal(text),
            format!("{path}: the key stands twice"),
            "{text}"
        );
    }
}

#[test]
fn not_json() {
    for text in [
        "",
        " ",
        "{",
        "{}x",
        "{\"a\":}",
        "{'a':1}",
        "\u{feff}{}",
        "{\"a\":1,}",
    ] {
        assert!(
            matches!(validate(text), Err(PricingError::Syntax(_))),
            "{text:?}"
        );
    }
    let deep = format!("{{\"ChatPricing\":{}", "[".repeat(100_000));
    assert!(validate(&deep).is_err());
    let closed = format!(
        "{{\"ChatPricing\":{}{}}}",
        "[".repeat(50_000),
        "]".repeat(50_000)
    );
    assert!(validate(&closed).is_err());
}

#[test]
fn limits() {
    let entries = |section: &str, n: usize| {
        let models: Vec<String> = (0..n).map(|n| format!("\"m{n}\":{{}}")).collect();
        format!("\"{section}\":{{{}}}", models.join(","))
    };
    let full = format!(
        "{{{},{}}}",
        entries("ChatPricing", 1_000),
        entries("ImgPricing", 24)
    );
    assert_eq!(MAX_ENTRIES, 1_024);
    assert!(validate(&full).is_ok());
    let over = format!(
        "{{{},{}}}",
        entries("ChatPricing", 1_000),
        entries("ImgPricing", 25)
    );
    assert_eq!(validate(&over), Err(PricingError::TooManyEntries));
    let padded = |n: usize| format!("{{}}{}", " ".repeat(n - 2));
    assert!(validate(&padded(MAX_BYTES)).is_ok());
    assert_eq!(
        validate(&padded(MAX_BYTES + 1)),
        Err(PricingError::TooLong(MAX_BYTES + 1))
    );
}

#[test]
fn an_error_repeats_only_the_beginning_of_a_long_key() {
    let message = refusal(&format!("{{\"{}\":{{}}}}", "k".repeat(10_000)));
    assert!(message.len() < 200 && message.contains("kkk…"), "{message}");
}

proptest! {
    #[test]
    fn decimals_agree_with_integers(pico in 1_u64..1_000_000_000_000_000, shift in 0_usize..9) {
        // The same amount in many spellings: the point moved, the exponent moved back.
        let digits = format!("{pico:0>20}");
        let (whole, fraction) = digits.split_at(20 - shift);
        let whole = whole.trim_start_matches('0');
        let whole = if whole.is_empty() { "0" } else { whole };
        let point = if shift == 0 { String::new() } else { format!(".{fraction}") };
        let exponent = i64::try_from(shift).unwrap() - 6;
        prop_assert_eq!(chat(&format!("{whole}{point}e{exponent}")), Ok(PerToken(pico)));
    }

    #[test]
    fn validation_is_total(text in r#"[{}\[\]":,0-9eE.\-a-z ]{0,60}"#) {
        let _ = validate(&text);
    }
}
