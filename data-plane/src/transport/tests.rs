use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use foldgate_domain::upstream_url::AddressPolicy;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::headers::{HOP, for_client, for_upstream};
use super::{Listeners, SendError, Transport, TransportSettings};
use crate::splice::Segments;

async fn upstream() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service_fn(|request: Request<hyper::body::Incoming>| async move {
                let mut answer = Response::new(Full::new(Bytes::from("hello")));
                if request.uri().path() == "/moved" {
                    *answer.status_mut() = StatusCode::FOUND;
                    answer
                        .headers_mut()
                        .insert(header::LOCATION, HeaderValue::from_static("/"));
                }
                Ok::<_, Infallible>(answer)
            });
            let http = hyper::server::conn::http1::Builder::new();
            tokio::spawn(http.serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

fn transport(policy: AddressPolicy, listeners: &Listeners) -> Transport {
    let settings = TransportSettings {
        policy,
        connect_timeout: Duration::from_secs(5),
        ..TransportSettings::default()
    };
    Transport::new(&settings, listeners.clone()).unwrap()
}

async fn get(transport: &Transport, url: String) -> Result<(StatusCode, Bytes), SendError> {
    let request = Request::get(url).body(Segments::default()).unwrap();
    let answer = transport.send(request).await?;
    let status = answer.status();
    Ok((
        status,
        answer.into_body().collect().await.unwrap().to_bytes(),
    ))
}

fn refusal(result: Result<(StatusCode, Bytes), SendError>) -> String {
    match result {
        Err(SendError::Connect(why)) => why,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn connects_where_the_policy_allows_and_nowhere_else() {
    let address = upstream().await;
    let port = address.port();
    let listeners = Listeners::default();
    let open = transport(AddressPolicy::loopback_and_private(), &listeners);
    let answer = get(&open, format!("http://{address}/")).await.unwrap();
    assert_eq!(answer, (StatusCode::OK, Bytes::from("hello")));
    let strict = transport(AddressPolicy::default(), &listeners);
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"] {
        let why = refusal(get(&strict, format!("http://{host}:{port}/")).await);
        assert!(why.contains("refused"), "{host}: {why}");
    }
    let why = refusal(get(&open, "http://169.254.169.254/".to_owned()).await);
    assert!(why.contains("never"), "{why}");
}

#[tokio::test]
async fn never_connects_to_the_system_s_own_listeners() {
    let address = upstream().await;
    let url = format!("http://{address}/");
    let listeners = Listeners::default();
    let open = transport(AddressPolicy::loopback_and_private(), &listeners);
    listeners.set_own([address]);
    assert!(refusal(get(&open, url.clone()).await).contains("listener"));
    listeners.set_own([SocketAddr::from(([0, 0, 0, 0], address.port()))]);
    assert!(refusal(get(&open, url.clone()).await).contains("listener"));
    listeners.set_own([]);
    listeners.set_node("other", &["nonsense".to_owned(), address.to_string()]);
    assert!(refusal(get(&open, url.clone()).await).contains("listener"));
    listeners.set_node("other", &[]);
    assert!(get(&open, url).await.is_ok());
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let address = upstream().await;
    let open = transport(AddressPolicy::loopback_and_private(), &Listeners::default());
    let (status, _) = get(&open, format!("http://{address}/moved")).await.unwrap();
    assert_eq!(status, StatusCode::FOUND);
}

#[tokio::test]
async fn a_closed_port_is_no_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let open = transport(AddressPolicy::loopback_and_private(), &Listeners::default());
    refusal(get(&open, format!("http://{address}/")).await);
}

#[test]
fn a_missing_ca_file_is_named() {
    let settings = TransportSettings {
        extra_ca: Some("/nonexistent/ca.pem".into()),
        ..TransportSettings::default()
    };
    let error = Transport::new(&settings, Listeners::default())
        .err()
        .unwrap();
    assert!(error.to_string().contains("/nonexistent/ca.pem"));
}

fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, HeaderValue::from_static(value));
    }
    headers
}

#[test]
fn only_named_headers_cross() {
    let client = map(&[
        ("authorization", "Bearer client"),
        ("x-api-key", "client"),
        ("cookie", "a=b"),
        ("host", "here"),
        ("openai-organization", "org-1"),
        ("content-type", "application/json"),
        ("user-agent", "test"),
        ("accept-encoding", "gzip"),
        ("connection", "keep-alive"),
    ]);
    let up = for_upstream(&client, "me").unwrap();
    let mut names: Vec<_> = up.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "accept-encoding",
            "content-type",
            "user-agent",
            "x-foldgate-hop"
        ]
    );
    assert_eq!(up[header::ACCEPT_ENCODING], "identity");
    let upstream = map(&[
        ("content-type", "text/event-stream"),
        ("set-cookie", "a=b"),
        ("server", "nginx"),
        ("openai-organization", "org-1"),
        ("x-request-id", "theirs"),
        ("alt-svc", "h3"),
    ]);
    let down = for_client(&upstream);
    assert_eq!(down.keys().collect::<Vec<_>>(), [header::CONTENT_TYPE]);
}

#[test]
fn a_loop_and_a_long_way_are_refused() {
    let hop = |value: &'static str| {
        for_upstream(&map(&[("x-foldgate-hop", value)]), "me").map(|headers| headers[HOP].clone())
    };
    assert_eq!(for_upstream(&HeaderMap::new(), "me").unwrap()[HOP], "me");
    assert_eq!(hop("a").unwrap(), "a,me");
    assert_eq!(hop("a, b").unwrap(), "a,b,me");
    for looped in ["me", "a, me", "a,b,c", "b,me,c"] {
        assert_eq!(
            hop(looped).unwrap_err().status,
            StatusCode::LOOP_DETECTED,
            "{looped}"
        );
    }
}
