//! A fake upstream: an OpenAI-shaped server in the test's own process. It
//! answers like the real one until told otherwise, and remembers every request.

mod server;
mod tls;

pub mod reply;
pub mod shape;
pub mod vendor;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, Version};
use serde_json::Value;
use tokio::task::JoinHandle;

pub use reply::{Hint, Reply, Step};
pub(crate) use tls::Identity;
pub use vendor::Vendor;

use crate::poll::{SOON, eventually};

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Method and path with query (`POST /v1/chat/completions`).
    pub line: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, byte for byte.
    pub body: Bytes,
    /// The protocol it was sent in.
    pub version: Version,
    /// Which of the upstream's connections it came over; they count from 0.
    pub connection: usize,
    /// Set when the client left before the answer was over.
    left: Arc<AtomicBool>,
}

impl Seen {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{}: no JSON: {e}", self.line))
    }

    /// The credential it was sent with.
    pub fn credential(&self) -> Option<&str> {
        let value = self.headers.get("authorization")?.to_str().ok()?;
        value.strip_prefix("Bearer ")
    }

    /// Whether the client left before the answer was over.
    pub fn left(&self) -> bool {
        self.left.load(Ordering::SeqCst)
    }
}

type Rule = Box<dyn Fn(&Seen) -> Option<Reply> + Send>;

#[derive(Default)]
struct Script {
    next: VecDeque<Reply>,
    rule: Option<Rule>,
    seen: Vec<Seen>,
}

/// The server; it ends with the value.
pub struct FakeUpstream {
    address: SocketAddr,
    script: Arc<Mutex<Script>>,
    serving: JoinHandle<()>,
    identity: Option<tls::Identity>,
}

impl FakeUpstream {
    /// Starts one that answers everything like the real upstream.
    pub async fn start() -> Self {
        Self::with(None).await
    }

    /// Starts one that is reached over TLS only and offers these protocols
    /// (`h2`, `http/1.1`). Nobody trusts it without its [`ca_file`](Self::ca_file).
    pub async fn start_tls(protocols: &[&str]) -> Self {
        Self::with(Some(tls::Identity::draw(protocols))).await
    }

    async fn with(identity: Option<tls::Identity>) -> Self {
        let script = Arc::new(Mutex::new(Script::default()));
        let acceptor = identity.as_ref().map(|identity| identity.acceptor.clone());
        let (address, serving) = server::start(Arc::clone(&script), acceptor).await;
        Self {
            address,
            script,
            serving,
            identity,
        }
    }

    /// Its base URL, as a provider.
    pub fn url(&self) -> String {
        match self.identity {
            None => format!("http://{}", self.address),
            Some(_) => format!("https://{}:{}", tls::NAME, self.address.port()),
        }
    }

    /// The certificate of the authority that vouches for it, as a PEM file.
    pub fn ca_file(&self) -> PathBuf {
        let identity = self.identity.as_ref();
        identity.expect("it speaks TLS").ca_file()
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Answers the next request with this; several queue up.
    pub fn next(&self, reply: Reply) {
        lock(&self.script).next.push_back(reply);
    }

    /// Answers every request with this from now on.
    pub fn always(&self, reply: Reply) {
        self.when(move |_| Some(reply.clone()));
    }

    /// Answers by a rule from now on; where it gives nothing, like the real one.
    pub fn when(&self, rule: impl Fn(&Seen) -> Option<Reply> + Send + 'static) {
        lock(&self.script).rule = Some(Box::new(rule));
    }

    /// Answers like the real upstream again.
    pub fn recover(&self) {
        let mut script = lock(&self.script);
        script.next.clear();
        script.rule = None;
    }

    /// The requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.script).seen.clone()
    }

    /// How many requests came so far.
    pub fn count(&self) -> usize {
        lock(&self.script).seen.len()
    }

    /// The last request.
    pub fn last(&self) -> Seen {
        let seen = self.seen();
        seen.last().expect("the upstream was called").clone()
    }

    /// Waits until this many requests came.
    pub async fn called(&self, count: usize) {
        eventually("calls of the upstream", SOON, async || {
            let seen = self.count();
            if seen >= count {
                Ok(())
            } else {
                Err(format!("{seen} of {count}"))
            }
        })
        .await;
    }
}

impl Drop for FakeUpstream {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// A test that failed while it held the script leaves it usable.
fn lock(script: &Mutex<Script>) -> MutexGuard<'_, Script> {
    script.lock().unwrap_or_else(PoisonError::into_inner)
}
