//! Against a token endpoint that speaks real HTTPS under an authority of its own.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;

use foldgate_domain::upstream_url::AddressPolicy;
use futures_util::future::join_all;
use http::Response;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::transport::{Listeners, TransportSettings};

const PEM: &str = include_str!("../../../../fixtures/vertex/pkcs8.pem");
const EMAIL: &str = "robot@proj.iam.gserviceaccount.com";
const DEADLINE: Duration = Duration::from_secs(20);

/// What the endpoint was asked, and what it answers next; the last answer stays.
#[derive(Default)]
struct Desk {
    asked: Mutex<Vec<HashMap<String, String>>>,
    answers: Mutex<VecDeque<(u16, String)>>,
    /// Answers wait for it, if it is there.
    gate: Mutex<Option<Arc<Notify>>>,
}

struct Endpoint {
    desk: Arc<Desk>,
    url: String,
    ca: PathBuf,
    _dir: TempDir,
}

impl Desk {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        assert_eq!(request.method(), Method::POST);
        assert_eq!(request.uri().path(), "/token");
        let kind = request.headers()[CONTENT_TYPE].clone();
        assert_eq!(kind, "application/x-www-form-urlencoded");
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let form = String::from_utf8(body.to_vec()).unwrap();
        let pairs = form.split('&').map(|pair| pair.split_once('=').unwrap());
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.replace("%3A", ":")));
        let count = {
            let mut asked = self.asked.lock().unwrap();
            asked.push(pairs.collect());
            asked.len()
        };
        let gate = self.gate.lock().unwrap().clone();
        if let Some(gate) = gate {
            gate.notified().await;
        }
        let mut answers = self.answers.lock().unwrap();
        let (status, text) = match answers.len() {
            0 => (
                200,
                r#"{"access_token":"ya29.#","expires_in":3599,"token_type":"Bearer"}"#.to_owned(),
            ),
            1 => answers[0].clone(),
            _ => answers.pop_front().unwrap(),
        };
        let text = text.replace('#', &count.to_string());
        Response::builder()
            .status(status)
            .body(Full::from(text))
            .unwrap()
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    fn will(&self, status: u16, text: &str) {
        self.answers
            .lock()
            .unwrap()
            .push_back((status, text.to_owned()));
    }
}

impl Endpoint {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let ca = dir.path().join("ca.pem");
        std::fs::write(&ca, cert.pem()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = rustls_pki_types::PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let desk = Arc::new(Desk::default());
        let behind = Arc::clone(&desk);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, desk) = (acceptor.clone(), Arc::clone(&behind));
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let service = service_fn(move |request| {
                        let desk = Arc::clone(&desk);
                        async move { Ok::<_, hyper::Error>(desk.answer(request).await) }
                    });
                    let http = auto::Builder::new(TokioExecutor::new());
                    let _ = http.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self {
            desk,
            url: format!("https://localhost:{port}/token"),
            ca,
            _dir: dir,
        }
    }

    fn transport(&self) -> Transport {
        transport(Some(self.ca.clone()))
    }

    fn tokens(&self) -> Arc<Tokens> {
        let account = Account::new(EMAIL, &SecretString::from(PEM), Some(&self.url));
        Arc::new(Tokens::new(account.unwrap()))
    }
}

fn transport(extra_ca: Option<PathBuf>) -> Transport {
    let settings = TransportSettings {
        policy: AddressPolicy::loopback_and_private(),
        extra_ca,
        ..TransportSettings::default()
    };
    Transport::new(&settings, Listeners::default()).unwrap()
}

fn shown(token: &Token) -> &str {
    token.authorization().to_str().unwrap()
}

/// Polls until `done`, or fails.
async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !done().await {
        assert!(Instant::now() < deadline, "never came about: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_hundred_at_once_fetch_one_token() {
    let endpoint = Endpoint::start().await;
    let (tokens, transport) = (endpoint.tokens(), endpoint.transport());
    let asking = (0..100).map(|_| {
        let (tokens, transport) = (Arc::clone(&tokens), transport.clone());
        tokio::spawn(async move { tokens.get(&transport).await.unwrap() })
    });
    for token in join_all(asking).await {
        let token = token.unwrap();
        assert_eq!(shown(&token), "Bearer ya29.1");
        assert!(token.authorization().is_sensitive());
    }
    assert_eq!(
        shown(&tokens.get(&transport).await.unwrap()),
        "Bearer ya29.1"
    );
    let asked = endpoint.desk.asked.lock().unwrap();
    let [form] = asked.as_slice() else {
        panic!("{} fetches", asked.len());
    };
    assert_eq!(
        form["grant_type"],
        "urn:ietf:params:oauth:grant-type:jwt-bearer"
    );
    assert_eq!(form["assertion"].split('.').count(), 3);
    assert_eq!(form.len(), 2);
}

#[tokio::test]
async fn a_fetch_outlives_whoever_began_it() {
    let endpoint = Endpoint::start().await;
    let (tokens, transport) = (endpoint.tokens(), endpoint.transport());
    let gate = Arc::new(Notify::new());
    *endpoint.desk.gate.lock().unwrap() = Some(Arc::clone(&gate));
    let (first, way) = (Arc::clone(&tokens), transport.clone());
    let first = tokio::spawn(async move { first.get(&way).await });
    until("a fetch", async || endpoint.desk.asked() == 1).await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    gate.notify_one();
    assert_eq!(
        shown(&tokens.get(&transport).await.unwrap()),
        "Bearer ya29.1"
    );
    assert_eq!(endpoint.desk.asked(), 1);
}

#[tokio::test]
async fn a_refused_token_is_dropped_once() {
    let endpoint = Endpoint::start().await;
    let (tokens, transport) = (endpoint.tokens(), endpoint.transport());
    let first = tokens.get(&transport).await.unwrap();
    tokens.forget(&first);
    let second = tokens.get(&transport).await.unwrap();
    assert_eq!(shown(&second), "Bearer ya29.2");
    // Another request that still had the first one.
    tokens.forget(&first);
    assert_eq!(
        shown(&tokens.get(&transport).await.unwrap()),
        "Bearer ya29.2"
    );
    assert_eq!(endpoint.desk.asked(), 2);
}

#[tokio::test]
async fn a_token_is_renewed_before_its_end_and_serves_until_then() {
    let granted = |expires_in| Granted {
        access_token: Zeroizing::new("t".to_owned()),
        expires_in,
    };
    let now = Instant::now();
    for (said, renewed, ends) in [
        (Some(3_600), 3_375, 3_600),
        (None, 3_375, 3_600),
        (Some(u64::MAX), 3_375, 3_600),
        (Some(300), 150, 300),
    ] {
        let kept = Kept::new(&granted(said), 0, now).unwrap();
        assert_eq!(kept.renewed, now + Duration::from_secs(renewed));
        assert_eq!(kept.ends, now + Duration::from_secs(ends));
    }
    let endpoint = Endpoint::start().await;
    let (tokens, transport) = (endpoint.tokens(), endpoint.transport());
    let grant = r#"{"access_token":"ya29.#","expires_in":30}"#;
    endpoint.desk.will(200, grant);
    endpoint.desk.will(503, "busy");
    endpoint.desk.will(200, grant);
    tokens.get(&transport).await.unwrap();
    let due = || {
        let mut state = tokens.state();
        state.rests = None;
        state.kept.as_mut().unwrap().renewed = Instant::now();
    };
    // A renewal that fails leaves the old one, and is not tried again at once.
    due();
    assert_eq!(
        shown(&tokens.get(&transport).await.unwrap()),
        "Bearer ya29.1"
    );
    until("a failed renewal", async || tokens.state().rests.is_some()).await;
    assert_eq!(
        shown(&tokens.get(&transport).await.unwrap()),
        "Bearer ya29.1"
    );
    assert_eq!(endpoint.desk.asked(), 2);
    due();
    until("a new token", async || {
        shown(&tokens.get(&transport).await.unwrap()) == "Bearer ya29.3"
    })
    .await;
    assert_eq!(endpoint.desk.asked(), 3);
}

#[tokio::test]
async fn what_the_endpoint_says_decides_what_the_key_is_told() {
    let endpoint = Endpoint::start().await;
    let (tokens, transport) = (endpoint.tokens(), endpoint.transport());
    let skew = r#"{"error":"invalid_grant","error_description":"Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."}"#;
    let upstream = FailureClass::Transient(Transience::Upstream);
    for (status, body, class, detail) in [
        (
            400,
            skew,
            FailureClass::Dead,
            "no access token: invalid_grant: Invalid JWT: Token must be",
        ),
        (
            401,
            r#"{"error":"invalid_client"}"#,
            FailureClass::Dead,
            "no access token: invalid_client",
        ),
        (
            400,
            r#"{"error":"invalid_scope"}"#,
            FailureClass::Dead,
            "no access token: invalid_scope",
        ),
        (
            404,
            "nothing here",
            upstream,
            "no access token: nothing here",
        ),
        (503, "", upstream, "no access token: "),
        (
            200,
            r#"{"token_type":"Bearer"}"#,
            upstream,
            "the token endpoint's answer holds no token",
        ),
        (
            200,
            r#"{"access_token":""}"#,
            upstream,
            "the token endpoint's token fits no header",
        ),
        (
            200,
            "<html>",
            upstream,
            "the token endpoint's answer holds no token",
        ),
    ] {
        endpoint.desk.answers.lock().unwrap().clear();
        endpoint.desk.will(status, body);
        let failure = tokens.get(&transport).await.unwrap_err();
        assert_eq!(failure.class, class, "{status} {body}");
        assert!(
            failure.detail.starts_with(detail.trim_end()),
            "{}",
            failure.detail
        );
    }
}

#[tokio::test]
async fn an_endpoint_of_an_unknown_authority_gets_no_assertion() {
    let endpoint = Endpoint::start().await;
    let failure = endpoint.tokens().get(&transport(None)).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Transient(Transience::Connect));
    assert_eq!(endpoint.desk.asked(), 0);
}
