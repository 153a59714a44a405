use foldgate_domain::Whose;
use foldgate_domain::limits::{Kind, Period, Rule, id_of};

use super::*;

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

#[test]
fn an_estimate_is_a_quarter_of_the_bytes_and_the_answer_s_bound() {
    let limits = [limited(Unit::Tokens)];
    let body = br#"{"model":"m","max_tokens":500}  "#;
    assert_eq!(tokens(&limits, body, true), 508);
    let body = br#"{"model":"m","max_output_tokens":7,"max_tokens":null}"#;
    assert_eq!(tokens(&limits, body, true), 20);
    assert_eq!(tokens(&limits, b"no json", false), 1);
    assert_eq!(tokens(&limits, &vec![b' '; 1_000_000], false), 32_768);
    // Nobody bounds it.
    let body = br#"{"model":"m","prompt":"hello"}  "#;
    assert_eq!(tokens(&limits, body, true), 1_008);
    // Nobody asks.
    assert_eq!(tokens(&[limited(Unit::Requests)], body, true), 0);
}

#[tokio::test]
async fn what_was_not_used_is_given_back() {
    let place = Place {
        node: "node".to_owned(),
        region: "here".to_owned(),
    };
    let meters = Meters::new(&Reports::local(), &place);
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
