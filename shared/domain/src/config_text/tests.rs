use foldgate_proto::{Level, ModelLimit};
use proptest::prelude::*;

use super::{
    Error, MAX_MODEL_LIMITS, MAX_PATTERNS, MAX_RESOURCES, check_model_pattern, check_resource,
    check_target_model, level_mapper, model_limits, model_mapper, resources, switch_over,
};

fn lv(number: u64) -> Level {
    Level::new(number).unwrap()
}

fn message<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn the_documented_texts() {
    let mapper = model_mapper("gpt-3.5*=gpt-4o-mini, o*=gpt-4o").unwrap();
    assert_eq!(mapper.len(), 2);
    assert_eq!(mapper["gpt-3.5*"], "gpt-4o-mini");
    assert_eq!(mapper["o*"], "gpt-4o");
    let levels = level_mapper("gpt-4*=2, claude*=3").unwrap();
    assert_eq!((levels["gpt-4*"], levels["claude*"]), (lv(2), lv(3)));
    let switches = switch_over("1=2, 2=3").unwrap();
    assert_eq!((switches[&lv(1)], switches[&lv(2)]), (lv(2), lv(3)));
    let paths = resources("/v1/chat/completions, /v1/embeddings").unwrap();
    assert_eq!(
        paths.into_iter().collect::<Vec<_>>(),
        ["/v1/chat/completions", "/v1/embeddings"]
    );
    let limits = model_limits(r#"{"gpt-4o": {"rpm": 30, "tpm": 90000}}"#).unwrap();
    let expected = ModelLimit {
        rpm: Some(30),
        tpm: Some(90_000),
        ..ModelLimit::default()
    };
    assert_eq!(limits["gpt-4o"], expected);
}

#[test]
fn space_around_items_and_empty_items_do_not_count() {
    let mapper = model_mapper("\n a = b ,, c*=d ,\t").unwrap();
    assert_eq!(
        mapper.into_iter().collect::<Vec<_>>(),
        [
            ("a".to_owned(), "b".to_owned()),
            ("c*".to_owned(), "d".to_owned()),
        ]
    );
    for empty in ["", "  ", ",", " , ,"] {
        assert!(model_mapper(empty).unwrap().is_empty(), "{empty:?}");
        assert!(level_mapper(empty).unwrap().is_empty(), "{empty:?}");
        assert!(switch_over(empty).unwrap().is_empty(), "{empty:?}");
        assert_eq!(resources(empty), Err(Error::NoResources), "{empty:?}");
    }
    assert!(model_limits(" ").unwrap().is_empty() && model_limits("{}").unwrap().is_empty());
}

#[test]
fn refusals_name_the_item() {
    for (text, expected) in [
        ("a=b, c", "\"c\" is not of the form model=model"),
        ("a=b=c", "\"a=b=c\" is not of the form model=model"),
        ("=b", "\"=b\" is not of the form model=model"),
        ("a= ", "\"a=\" is not of the form model=model"),
        (
            "x y=b",
            "\"x y\" is no model pattern: a model pattern may not contain ' '",
        ),
        ("a=b c=d", "\"a=b c=d\" is not of the form model=model"),
        (
            "a=b c",
            "\"b c\" is no model name: a model pattern may not contain ' '",
        ),
        (
            "a*=b*",
            "\"b*\" is no model name: a target may not contain wildcards",
        ),
        ("a=b, a=c", "\"a\" stands twice, with different values"),
    ] {
        assert_eq!(message(model_mapper(text)), expected, "{text}");
    }
    let level =
        |item: &str| format!("{item:?} is no Level: a Level is a whole number from 0 to 9999");
    for (text, expected) in [
        ("gpt*=10000", level("10000")),
        ("gpt*=-1", level("-1")),
        ("gpt*=1.5", level("1.5")),
        ("gpt*=two", level("two")),
        (
            "gpt*=99999999999999999999999",
            level("99999999999999999999999"),
        ),
        (
            "gpt*=1,gpt*=2",
            "\"gpt*\" stands twice, with different values".to_owned(),
        ),
    ] {
        assert_eq!(message(level_mapper(text)), expected, "{text}");
    }
    for (text, expected) in [
        ("1", "\"1\" is not of the form level=level".to_owned()),
        ("a=1", level("a")),
        ("1=a", level("a")),
        ("1=+2", level("+2")),
        (
            "1=2, 01=3",
            "\"01\" stands twice, with different values".to_owned(),
        ),
    ] {
        assert_eq!(message(switch_over(text)), expected, "{text}");
    }
}

#[test]
fn the_same_said_twice_is_said_once() {
    assert_eq!(model_mapper("a=b, a=b").unwrap().len(), 1);
    assert_eq!(switch_over("1=2, 01=02").unwrap().len(), 1);
    assert_eq!(resources("/v1 /v1").unwrap().len(), 1);
    assert_eq!(
        model_limits(r#"{"a":{"rpm":1},"a":{"rpm":1}}"#)
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn circles_are_legal() {
    assert_eq!(switch_over("1=2, 2=3, 3=1").unwrap().len(), 3);
}

#[test]
fn resources_by_comma_or_space() {
    let paths = resources(" /v1/chat/completions,/v1/embeddings\n/v1/models  /a").unwrap();
    assert_eq!(paths.len(), 4);
    for fine in [
        "/",
        "/v1",
        "/v1/",
        "/v1/images/generations",
        "/a.b_c-d~e:f@g+h/...",
    ] {
        assert_eq!(check_resource(fine), Ok(()), "{fine}");
    }
    for (path, problem) in [
        ("v1", "it must begin with a slash"),
        ("https://h.example/v1", "it must begin with a slash"),
        ("*", "it must begin with a slash"),
        ("/v1//chat", "it has an empty segment"),
        ("//h.example", "it has an empty segment"),
        ("/v1/../x", "it has a dot segment"),
        ("/v1/.", "it has a dot segment"),
        (
            "/v1/*",
            "a path allows everything below it, without wildcards",
        ),
        ("/v1?x=1", "it may not carry a query or a fragment"),
        ("/v1#x", "it may not carry a query or a fragment"),
        (
            "/v1/%2e%2e",
            "only letters, digits and / - . _ ~ : @ + may stand in it",
        ),
        (
            "/v1\\x",
            "only letters, digits and / - . _ ~ : @ + may stand in it",
        ),
        (
            "/vé",
            "only letters, digits and / - . _ ~ : @ + may stand in it",
        ),
    ] {
        let expected = format!("{path:?} is no path: {problem}");
        assert_eq!(message(check_resource(path)), expected);
        assert_eq!(message(resources(&format!("/v1, {path}"))), expected);
    }
    assert!(check_resource("").is_err() && check_resource("/a b").is_err());
    assert!(check_resource(&format!("/{}", "a".repeat(255))).is_ok());
    assert!(check_resource(&format!("/{}", "a".repeat(256))).is_err());
}

#[test]
fn limits_are_whole_numbers_of_known_kinds() {
    for bad in [
        r#"{"m":{"rpm":1.5}}"#,
        r#"{"m":{"rpm":-1}}"#,
        r#"{"m":{"rpm":"30"}}"#,
        r#"{"m":{"rps":1}}"#,
        r#"{"m":{"rpm":1,"rpm":2}}"#,
        r#"{"m":{"rpm":99999999999999999999}}"#,
        r#"{"m":[1,2]}"#,
        r#"{"m":null}"#,
        r#"{"m":3}"#,
    ] {
        let said = message(model_limits(bad));
        assert!(
            said.starts_with("the limits of \"m\" are not valid: "),
            "{bad} {said}"
        );
    }
    for (bad, expected) in [
        (
            r#"{"a b":{}}"#,
            "\"a b\" is no model pattern: a model pattern may not contain ' '",
        ),
        (
            r#"{"a":{"rpm":1},"a":{"rpm":2}}"#,
            "\"a\" stands twice, with different values",
        ),
        ("[]", "must be a JSON object: it is another value"),
    ] {
        assert_eq!(message(model_limits(bad)), expected, "{bad}");
    }
    assert!(matches!(model_limits("{"), Err(Error::Json(_))));
    let all = r#"{"m":{"rpm":1,"rph":2,"rpd":3,"tpm":4,"tph":5,"tpd":null}}"#;
    assert_eq!(model_limits(all).unwrap()["m"].tph, Some(5));
}

#[test]
fn counts_are_limited() {
    let many = |n: usize| {
        (0..n)
            .map(|n| format!("m{n}=1"))
            .collect::<Vec<_>>()
            .join(",")
    };
    assert_eq!(
        level_mapper(&many(MAX_PATTERNS)).unwrap().len(),
        MAX_PATTERNS
    );
    let limit = MAX_PATTERNS;
    let count = limit + 1;
    assert_eq!(
        level_mapper(&many(count)),
        Err(Error::TooMany { count, limit })
    );
    assert!(model_mapper(&many(count)).is_err());
    let paths = |n: usize| {
        (0..n)
            .map(|n| format!("/p{n}"))
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(
        resources(&paths(MAX_RESOURCES)).unwrap().len(),
        MAX_RESOURCES
    );
    assert!(matches!(
        resources(&paths(MAX_RESOURCES + 1)),
        Err(Error::TooMany { .. })
    ));
    let limits = |n: usize| {
        let models: Vec<String> = (0..n).map(|n| format!("\"m{n}\":{{}}")).collect();
        format!("{{{}}}", models.join(","))
    };
    assert_eq!(
        model_limits(&limits(MAX_MODEL_LIMITS)).unwrap().len(),
        MAX_MODEL_LIMITS
    );
    assert!(matches!(
        model_limits(&limits(MAX_MODEL_LIMITS + 1)),
        Err(Error::TooMany { .. })
    ));
}

#[test]
fn items_of_any_form_obey_the_same_rules() {
    for text in ["gpt-4o", "gpt-*", "*", "模型"] {
        assert_eq!(check_model_pattern(text), Ok(()), "{text}");
    }
    assert_eq!(check_target_model("meta-llama/Llama-3:free"), Ok(()));
    for text in ["", "a b", "a,b", "a=b", "a\u{0}"] {
        assert!(check_model_pattern(text).is_err(), "{text:?}");
        assert!(check_target_model(text).is_err(), "{text:?}");
    }
    assert!(check_target_model("gpt-*").is_err());
}

#[test]
fn an_error_repeats_only_the_beginning_of_a_long_item() {
    let said = message(model_mapper(&format!("{}=b", "x".repeat(100_000))));
    assert!(said.len() < 300 && said.contains("xxx…"), "{said}");
}

proptest! {
    #[test]
    fn a_mapping_comes_back_from_its_text(
        map in prop::collection::btree_map("[a-z*.-]{1,8}", "[a-z.-]{1,8}", 0..20),
        gap in "[ \t\n]{0,2}",
    ) {
        let items: Vec<String> = map.iter().map(|(k, v)| format!("{gap}{k}{gap}={gap}{v}")).collect();
        prop_assert_eq!(model_mapper(&items.join(",")).unwrap(), map);
    }

    #[test]
    fn reading_is_total(text in "[a-z0-9=, *{}\":/é\u{0}]{0,40}") {
        let _ = (model_mapper(&text), level_mapper(&text), switch_over(&text));
        if let Ok(paths) = resources(&text) {
            prop_assert!(paths.iter().all(|path| check_resource(path).is_ok()));
        }
        let _ = model_limits(&text);
    }
}
