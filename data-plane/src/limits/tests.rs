use foldgate_domain::Whose;
use foldgate_domain::limits::{Kind, Period, Rule, id_of};

use super::*;
use crate::account::bill::Asked;
use crate::endpoint::ENDPOINTS;

fn limited(unit: Unit) -> Limited {
    let kind = Kind {
        unit,
        period: Period::Minute,
    };
    Limited {
        whose: Whose::Account,
        id: id_of(&[b"one"]),
        rule: Rule { kind, limit: 100 },
    }
}

fn estimated(unit: Unit, path: &str, body: &str) -> u64 {
    let endpoint = ENDPOINTS.iter().find(|endpoint| endpoint.path == path);
    let asked = Asked::of(endpoint.expect("is one"), body.as_bytes());
    tokens(&[limited(unit)], &asked, || answer(&asked, body.as_bytes()))
}

#[test]
fn an_estimate_is_that_of_the_bill_and_the_answer_s_bound() {
    let chat = |body: &str| estimated(Unit::Tokens, "/v1/chat/completions", body);
    assert_eq!(chat(r#"{"model":"m","max_tokens":500}  "#), 508);
    let body = r#"{"model":"m","max_output_tokens":7,"max_tokens":null}"#;
    assert_eq!(chat(body), 21);
    // Several answers to one prompt.
    let body = r#"{"model":"m","max_tokens":50,"n":4}     "#;
    assert_eq!(chat(body), 10 + 200);
    assert_eq!(chat(r#"{"model":"m","n":1000000}"#), 7 + 128_000);
    // Nobody bounds it.
    assert_eq!(chat(r#"{"model":"m","prompt":"hello"}  "#), 1_008);
    // A long prompt counts as a whole, and so it is taken to be by the bill.
    let long = " ".repeat(1_000_000);
    assert_eq!(chat(&long), 251_000);
    let embeddings = |body: &str| estimated(Unit::Tokens, "/v1/embeddings", body);
    assert_eq!(embeddings(&long), 250_000);
    // An image counts as one, not for the length of its data.
    let image = format!("data:image/png;base64,{}", "A".repeat(400_000));
    assert!((2_024..2_040).contains(&chat(&image)), "{}", chat(&image));
    // An answer that is not made of tokens has none.
    assert_eq!(embeddings(r#"{"model":"m","max_tokens":5}"#), 7);
    assert_eq!(estimated(Unit::Tokens, "/v1/moderations", &long), 1);
    // Nobody asks.
    assert_eq!(estimated(Unit::Requests, "/v1/embeddings", &long), 0);
}

#[tokio::test]
async fn what_was_not_used_is_given_back() {
    let place = Place {
        node: "node".to_owned(),
        region: "here".to_owned(),
    };
    let meters = Meters::new(&Reports::local(), &place, Zone::UTC);
    let limits = [limited(Unit::Tokens), limited(Unit::Requests)];
    let (standing, reserved) = meters.enter(&limits, 90).await;
    assert_eq!(standing.tokens.map(|one| one.remaining), Some(10));
    let (_, refused) = meters.enter(&limits, 20).await;
    let problem = refused.expect_err("there is no room");
    assert_eq!(problem.code.as_deref(), Some("rate_limit_exceeded"));
    assert!(
        problem.message.contains("100 tokens per minute"),
        "{problem}"
    );
    let reserved = reserved.expect("has room").expect("is limited");
    reserved.settle(Some(15));
    let (standing, other) = meters.enter(&limits, 20).await;
    assert_eq!(standing.tokens.map(|one| one.remaining), Some(65));
    // A call of which nothing is known keeps what it took.
    other.expect("has room").expect("is limited").settle(None);
    let (standing, _) = meters.enter(&limits, 1).await;
    assert_eq!(standing.tokens.map(|one| one.remaining), Some(64));
    assert_eq!(standing.requests.map(|one| one.remaining), Some(97));
}
