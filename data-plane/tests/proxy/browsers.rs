//! Pages that call from a browser: of the origins that may, and of others.

use http::{HeaderValue, Method};

use crate::client::Reply;
use crate::rig::{Rig, settings};
use crate::upstream::{Script, Upstream};

const SECRET: &str = "sk-browsers-0123456789-0123456789";
const CHAT: &str = "/v1/chat/completions";
const PAGE: &str = "https://app.example.com";

async fn rig(origins: &[&str]) -> (Rig, Upstream) {
    let upstream = Upstream::start().await;
    let mut open = settings();
    open.allowed_origins = origins.iter().map(|origin| (*origin).to_owned()).collect();
    let mut rig = Rig::with(open).await;
    rig.key(1, &upstream, SECRET).await;
    rig.all_to_level_1().await;
    (rig, upstream)
}

/// What a browser asks before it lets a page call.
async fn asks(rig: &Rig, origin: &str) -> Reply {
    let mut request = rig.caller.request(Method::OPTIONS, CHAT, "");
    let headers = request.headers_mut();
    headers.remove("authorization");
    for (name, value) in [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        (
            "access-control-request-headers",
            "authorization,content-type,x-stainless-os",
        ),
    ] {
        headers.insert(name, HeaderValue::from_str(value).unwrap());
    }
    rig.caller.send(request).await
}

async fn calls(rig: &Rig, origin: &str, body: &str) -> Reply {
    let mut request = rig.caller.request(Method::POST, CHAT, body.to_owned());
    let origin = HeaderValue::from_str(origin).unwrap();
    request.headers_mut().insert("origin", origin);
    rig.caller.send(request).await
}

const ALLOWED: &str = "access-control-allow-origin";

#[tokio::test]
async fn no_page_may_call_unless_the_operator_says_so() {
    let (rig, _upstream) = rig(&[]).await;
    let refused = asks(&rig, PAGE).await;
    assert_eq!(refused.status, 405);
    assert_eq!(refused.header(ALLOWED), None);
    let answer = calls(&rig, PAGE, r#"{"model":"m"}"#).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header(ALLOWED)),
        (200, None)
    );
}

#[tokio::test]
async fn pages_of_an_allowed_origin_may_call_and_see_all_of_an_answer() {
    let (rig, upstream) = rig(&[PAGE, "http://localhost:5173"]).await;
    for origin in [PAGE, "http://localhost:5173"] {
        let told = asks(&rig, origin).await;
        assert_eq!(told.status, 200);
        assert_eq!(told.header(ALLOWED), Some(origin));
        let headers = told.header("access-control-allow-headers").unwrap();
        assert!(headers.contains("x-stainless-os"), "{headers}");
        let methods = told.header("access-control-allow-methods").unwrap();
        assert!(methods.contains("POST"), "{methods}");
    }
    assert_eq!(upstream.asked().len(), 0);
    let text = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    upstream.script(SECRET, Script::stream(text));
    let answer = calls(&rig, PAGE, r#"{"model":"m","stream":true}"#).await;
    assert_eq!(
        (answer.text().as_str(), answer.header(ALLOWED)),
        (text, Some(PAGE))
    );
    assert_eq!(answer.header("access-control-expose-headers"), Some("*"));
    assert!(!upstream.asked()[0].headers.contains_key("origin"));
    // A page must be able to read what went wrong.
    let wrong = calls(&rig, PAGE, "{}").await;
    assert_eq!(
        (wrong.status.as_u16(), wrong.header(ALLOWED)),
        (400, Some(PAGE))
    );
}

#[tokio::test]
async fn pages_of_other_origins_are_told_nothing() {
    let (rig, _upstream) = rig(&[PAGE]).await;
    for origin in [
        "https://evil.example",
        "null",
        "https://app.example.com.evil",
    ] {
        assert_eq!(asks(&rig, origin).await.header(ALLOWED), None, "{origin}");
        let answer = calls(&rig, origin, r#"{"model":"m"}"#).await;
        assert_eq!(answer.header(ALLOWED), None, "{origin}");
    }
}

#[tokio::test]
async fn a_star_is_any_origin() {
    let (rig, _upstream) = rig(&["*"]).await;
    assert_eq!(asks(&rig, PAGE).await.header(ALLOWED), Some("*"));
}
