//! One control plane in this process: a log in a temporary directory, the real
//! router behind the real accept loop, and a client that knows the owner key.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use foldgate_control_plane::{ControlPlane, Keeping, Mails, Settings, Setup, ensure_owner, error};
use foldgate_domain::upstream_url::AddressPolicy;
use foldgate_domain::zone::Zone;
use foldgate_log::usage::Streams;
use foldgate_log::{Board, Embedded, EventLog, Replica, Reports, replica};
use foldgate_proto::{OwnerId, Record, Revision, Role};
use foldgate_runtime::{AccessLog, Health, Limits, Metrics, Server, Shutdown, StatusPages};
use foldgate_vault::{MasterKey, Vault};
use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder, StatusCode};
use secrecy::SecretString;
use serde_json::Value;

/// The owner key of every node here.
pub(crate) const OWNER_KEY: &str = "sk-Xvs-owner-key-of-the-tests-0123456789";

/// 32 zero bytes: nothing here is worth sealing well.
const MASTER_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// Answers that are not one JSON value, and may have no end.
use crate::document;

const STREAMS: [&str; 2] = ["text/event-stream", "application/x-ndjson"];

/// Far longer than anything here takes.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// A provider's secret, easy to find where it must not be.
pub(crate) const SECRET: &str = "sk-live-canary-5f1d9b7c3e2a4680-WXYZ";

/// A running control plane.
pub(crate) struct Node {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) replica: Replica,
    pub(crate) reports: Reports,
    /// Where what requests used is handed over.
    pub(crate) usage: Streams,
    pub(crate) vault: Vault,
    pub(crate) control: ControlPlane,
    pub(crate) owner: OwnerId,
    pub(crate) base: String,
    pub(crate) client: reqwest::Client,
    pub(crate) health: Health,
    shutdown: Shutdown,
    dir: Option<tempfile::TempDir>,
    /// What the control plane keeps beside the log.
    _data: Arc<tempfile::TempDir>,
}

/// What a request came to.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) path: String,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Node {
    /// A control plane on a log of its own.
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let log = embedded(dir.path()).await;
        let mut node = Self::on(log, Reports::local()).await;
        node.dir = Some(dir);
        node
    }

    /// A control plane on a log that others may share.
    pub(crate) async fn on(log: Arc<dyn EventLog>, reports: Reports) -> Self {
        let data = Arc::new(tempfile::tempdir().unwrap());
        Self::over(log, reports, data).await
    }

    /// A control plane with what an earlier one kept.
    pub(crate) async fn over(
        log: Arc<dyn EventLog>,
        reports: Reports,
        data: Arc<tempfile::TempDir>,
    ) -> Self {
        let options = replica::Options::default();
        let replica = Replica::start(Arc::clone(&log), options).await.unwrap();
        let key = SecretString::from(OWNER_KEY);
        let ensured = ensure_owner(&log, &replica, "root", Some(&key), SOON);
        let owner = ensured.await.unwrap().owner;
        replica.wait_for(Revision(1), SOON).await.unwrap();
        let address = "127.0.0.1:0".parse().unwrap();
        let server = Server::bind("admin", address, Limits::default());
        let server = server.await.unwrap();
        let listener = server.local_addr().to_string();
        let master = MasterKey::from_base64(MASTER_KEY).unwrap();
        let vault = Vault::new(&master, &[]);
        let shutdown = Shutdown::new();
        let health = Health::new();
        let usage = Streams::local();
        let control = ControlPlane::start(Setup {
            log: Arc::clone(&log),
            replica: replica.clone(),
            reports: reports.clone(),
            usage: usage.clone(),
            vault: vault.clone(),
            settings: settings(&listener),
            access: AccessLog::off(),
            keeping: Keeping {
                history: data.path().join("history"),
                access_log: data.path().join("access_log"),
                usage: data.path().join("usage"),
                usage_health: health.component("usage"),
                health: health.component("history"),
                status: StatusPages::new(health.clone(), Metrics::install("test").unwrap()),
                ending: shutdown.token(),
            },
            playground: None,
            mails: Mails {
                board: Board::local(&data.path().join("mail")).unwrap(),
                extra_ca: None,
            },
        });
        let serve = server.serve_tower(control.router(), error::panicked, shutdown.clone());
        tokio::spawn(serve);
        Self {
            log,
            replica,
            reports,
            usage,
            vault,
            control,
            owner,
            base: format!("http://{listener}"),
            client: reqwest::Client::builder().build().unwrap(),
            health,
            shutdown,
            dir: None,
            _data: data,
        }
    }

    /// A request with the owner key.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.base);
        self.client.request(method, url).bearer_auth(OWNER_KEY)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        answer(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        answer(self.request(Method::POST, path).json(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        answer(self.request(Method::PUT, path).json(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        answer(self.request(Method::DELETE, path)).await
    }

    pub(crate) async fn delete_with(&self, path: &str, body: &Value) -> Answer {
        answer(self.request(Method::DELETE, path).json(body)).await
    }

    /// Adds a standard key and gives its number.
    pub(crate) async fn add_key(&self, level: u64, provider: &str) -> u64 {
        let body = new_key(level, provider);
        let added = self.post("/x-keys", &body).await.ok();
        added["key"]["ID"].as_u64().unwrap()
    }

    /// Ends the control plane as a process does.
    pub(crate) async fn stop(&self) {
        self.shutdown.begin();
        self.control.stop().await;
    }

    /// Every record of the log, decoded.
    pub(crate) async fn records(&self) -> Vec<Record> {
        let stored = self.log.read(Revision(1), 256).await.unwrap();
        let records = stored.iter().map(|s| Record::decode(&s.bytes).unwrap());
        records.collect()
    }

    /// Every byte of the log, as text as far as it is.
    pub(crate) async fn log_text(&self) -> String {
        let stored = self.log.read(Revision(1), 256).await.unwrap();
        let bytes: Vec<u8> = stored.iter().flat_map(|s| s.bytes.to_vec()).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.shutdown.abort();
    }
}

impl Answer {
    /// The body of a success.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.body);
        self.body
    }

    /// What a refusal with this status and code says, in the form of its path:
    /// `message` and perhaps `param`.
    #[track_caller]
    pub(crate) fn refused(self, status: u16, code: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        let error = self.error();
        assert_eq!(error["code"], code, "{}", self.body);
        assert!(error["message"].is_string(), "{}", self.body);
        error
    }

    /// As [`Self::refused`], of whatever status and code.
    #[track_caller]
    pub(crate) fn error(&self) -> Value {
        let first = self.path.split('/').nth(1).unwrap_or_default();
        if ["admin", "playground"].contains(&first) {
            assert!(self.body.get("success").is_none(), "{}", self.body);
            assert!(self.body.get("error").is_none(), "{}", self.body);
            let mut error = self.body.clone();
            error["message"] = error["error_msg"].take();
            return error;
        }
        assert_eq!(self.body["success"], false, "{}", self.body);
        assert!(self.body["error"]["type"].is_string(), "{}", self.body);
        self.body["error"].clone()
    }

    /// A header's text.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        let value = value.unwrap_or_else(|| panic!("no header {name}: {:?}", self.headers));
        value.to_str().unwrap()
    }
}

/// Sends a request and reads its JSON answer, which must be as the API's document
/// says; of a stream, only its head.
pub(crate) async fn answer(request: RequestBuilder) -> Answer {
    let (client, request) = request.build_split();
    let request = request.unwrap();
    let method = request.method().clone();
    let response = client.execute(request).await.unwrap();
    let status = response.status();
    let url = response.url().clone();
    let path = url.path().to_owned();
    let headers = response.headers().clone();
    let kind = headers
        .get("content-type")
        .map(|kind| kind.to_str().unwrap());
    if kind.is_some_and(|kind| STREAMS.contains(&kind)) {
        return Answer {
            path,
            status,
            headers,
            body: Value::Null,
        };
    }
    let text = response.text().await.unwrap();
    let body = if status == StatusCode::NOT_MODIFIED {
        assert_eq!(text, "", "{path}");
        Value::Null
    } else {
        serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{status}: no JSON ({error}): {text}"))
    };
    document::check((&method, &url), (status, &headers), &body).await;
    Answer {
        path,
        status,
        headers,
        body,
    }
}

/// The body of a standard key.
pub(crate) fn new_key(level: u64, provider: &str) -> Value {
    serde_json::json!({"SecretKey": SECRET, "Level": level, "Provider": provider})
}

/// Opens a log in a directory.
pub(crate) async fn embedded(dir: &Path) -> Arc<dyn EventLog> {
    Arc::new(Embedded::open(dir).await.unwrap())
}

/// Asks until the answer is there.
pub(crate) async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + SOON;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(tokio::time::Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn settings(listener: &str) -> Settings {
    Settings {
        node: "control-1".to_owned(),
        region: "eu".to_owned(),
        role: Role::ControlPlane,
        version: "0.0.0-test".to_owned(),
        listeners: vec![listener.to_owned()],
        owner_key: None,
        addresses: AddressPolicy::loopback_and_private(),
        zone: Zone::UTC,
        user_min_balance: "2".to_owned(),
        user_api_balance: "20".to_owned(),
    }
}
