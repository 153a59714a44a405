//! An upstream on a loopback socket. It answers each credential by its script,
//! remembers what it was asked, and sees who leaves.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::{Stream, stream};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// One thing an answer's body does.
#[derive(Clone)]
pub(crate) enum Step {
    Send(String),
    Bytes(Bytes),
    /// Breaks the connection.
    Break,
    /// Says nothing for ever.
    Hang,
    /// Goes on when it is told to.
    Wait(Arc<Notify>),
}

/// An answer.
#[derive(Clone)]
pub(crate) struct Script {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) steps: Vec<Step>,
}

impl Script {
    pub(crate) fn json(status: u16, body: &str) -> Self {
        Self::body(
            "application/json",
            status,
            vec![Step::Send(body.to_owned())],
        )
    }

    pub(crate) fn events(steps: Vec<Step>) -> Self {
        Self::body("text/event-stream", 200, steps)
    }

    pub(crate) fn stream(text: &str) -> Self {
        Self::events(vec![Step::Send(text.to_owned())])
    }

    /// Closes the connection without an answer.
    pub(crate) fn slam() -> Self {
        Self::json(1, "")
    }

    /// Never answers.
    pub(crate) fn hang() -> Self {
        Self::json(0, "")
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Bytes of some kind.
    pub(crate) fn bytes(kind: &str, bytes: impl Into<Bytes>) -> Self {
        Self::body(kind, 200, vec![Step::Bytes(bytes.into())])
    }

    /// Two pieces, the second once it is said.
    pub(crate) fn pieces(kind: &str, pieces: [Bytes; 2], go: &Arc<Notify>) -> Self {
        let [first, second] = pieces.map(Step::Bytes);
        Self::body(kind, 200, vec![first, Step::Wait(Arc::clone(go)), second])
    }

    fn body(kind: &str, status: u16, steps: Vec<Step>) -> Self {
        Self {
            status,
            headers: vec![("content-type", kind.to_owned())],
            steps,
        }
    }
}

/// What was asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

#[derive(Default)]
struct Shared {
    scripts: Mutex<HashMap<String, VecDeque<Script>>>,
    /// By method and path.
    pages: Mutex<HashMap<String, Script>>,
    asked: Mutex<Vec<Asked>>,
    left: AtomicUsize,
    begun: AtomicUsize,
    broken: AtomicUsize,
}

/// A running upstream.
#[derive(Clone)]
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

impl Upstream {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = Self {
            address: listener.local_addr().unwrap(),
            shared: Arc::default(),
        };
        let shared = upstream.shared.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                let shared = shared.clone();
                tokio::spawn(async move {
                    let service = service_fn(move |request| answer(shared.clone(), request));
                    let http = auto::Builder::new(TokioExecutor::new());
                    let _ = http.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        upstream
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What the credential's next call gets; the last one stays.
    pub(crate) fn script(&self, secret: &str, script: Script) {
        let mut scripts = self.shared.scripts.lock().unwrap();
        scripts
            .entry(secret.to_owned())
            .or_default()
            .push_back(script);
    }

    /// What every call of a method and a path gets, whoever calls, from now on.
    pub(crate) fn page(&self, line: &str, script: Script) {
        let mut pages = self.shared.pages.lock().unwrap();
        pages.insert(line.to_owned(), script);
    }

    /// Forgets what was planned for a credential.
    pub(crate) fn clear(&self, secret: &str) {
        self.shared.scripts.lock().unwrap().remove(secret);
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// Requests whose head has come.
    pub(crate) fn begun(&self) -> usize {
        self.shared.begun.load(Ordering::SeqCst)
    }

    /// Requests whose body broke off.
    pub(crate) fn broken(&self) -> usize {
        self.shared.broken.load(Ordering::SeqCst)
    }

    /// Answers that were dropped before their end.
    pub(crate) fn left(&self) -> usize {
        self.shared.left.load(Ordering::SeqCst)
    }
}

struct Running {
    steps: VecDeque<Step>,
    shared: Arc<Shared>,
    over: bool,
}

impl Running {
    fn finish(&mut self) {
        self.over = true;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.over {
            self.shared.left.fetch_add(1, Ordering::SeqCst);
        }
    }
}

type Frames = Result<Frame<Bytes>, std::io::Error>;

fn run(steps: Vec<Step>, shared: Arc<Shared>) -> impl Stream<Item = Frames> + Send {
    let running = Running {
        steps: steps.into(),
        shared,
        over: false,
    };
    stream::unfold(running, |mut running| async move {
        loop {
            match running.steps.pop_front() {
                Some(Step::Send(text)) => return Some((Ok(Frame::data(text.into())), running)),
                Some(Step::Bytes(bytes)) => return Some((Ok(Frame::data(bytes)), running)),
                Some(Step::Wait(notify)) => notify.notified().await,
                Some(Step::Hang) => std::future::pending().await,
                Some(Step::Break) => {
                    // Lets what was sent before reach the wire.
                    tokio::task::yield_now().await;
                    running.finish();
                    return Some((Err(std::io::Error::other("broken on purpose")), running));
                }
                None => {
                    running.finish();
                    return None;
                }
            }
        }
    })
}

async fn answer(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<StreamBody<impl Stream<Item = Frames> + Send>>, std::io::Error> {
    let (parts, body) = request.into_parts();
    shared.begun.fetch_add(1, Ordering::SeqCst);
    let body = body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes);
    let body = body.unwrap_or_else(|_| {
        shared.broken.fetch_add(1, Ordering::SeqCst);
        Bytes::new()
    });
    shared.asked.lock().unwrap().push(Asked {
        method: parts.method.clone(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().map(str::to_owned),
        headers: parts.headers.clone(),
        body,
    });
    let header = |name: &str| parts.headers.get(name)?.to_str().ok();
    let secret = header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let bare = ["api-key", "x-api-key", "x-goog-api-key"];
    let secret = secret.or_else(|| bare.iter().find_map(|name| header(name)));
    let line = format!("{} {}", parts.method, parts.uri.path());
    let page = shared.pages.lock().unwrap().get(&line).cloned();
    let script = page.unwrap_or_else(|| {
        let mut scripts = shared.scripts.lock().unwrap();
        let queue = scripts
            .entry(secret.unwrap_or_default().to_owned())
            .or_default();
        let next = queue.front().cloned();
        if queue.len() > 1 {
            queue.pop_front();
        }
        next.unwrap_or_else(|| Script::json(200, r#"{"id":"default","choices":[]}"#))
    });
    if script.status == 1 {
        return Err(std::io::Error::other("slammed on purpose"));
    }
    if script.status == 0 {
        let running = Running {
            steps: VecDeque::new(),
            shared,
            over: false,
        };
        std::future::pending::<()>().await;
        drop(running);
        unreachable!("a hanging upstream never answers");
    }
    let mut response = Response::new(StreamBody::new(run(script.steps, shared)));
    *response.status_mut() = StatusCode::from_u16(script.status).unwrap();
    for (name, value) in script.headers {
        response
            .headers_mut()
            .insert(name, HeaderValue::try_from(value).unwrap());
    }
    Ok(response)
}
