//! A running control plane, asked over its admin listener.

use std::time::Duration;

use bytes::Bytes;
use foldgate_log::Stored;
use foldgate_log::export::{Header, Line};
use foldgate_proto::Revision;
use foldgate_runtime::{Settings, data_dir};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Builder;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::exit::Failure;
use crate::https;
use crate::storage::OWNER_KEY_FILE;

/// The longest answer: a page of 256 records and 4 MiB, in base64 and told of
/// once more; or the state of a large owner.
const MAX_ANSWER_BYTES: usize = 256 * 1024 * 1024;

/// The longest wait for an answer's head, or for its body.
const PATIENCE: Duration = Duration::from_mins(1);

/// See the module.
pub(crate) struct Remote {
    http: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    base: String,
    key: SecretString,
}

impl Remote {
    /// The one that the settings name.
    ///
    /// # Errors
    /// When they name no key for it.
    pub(crate) fn named(settings: &Settings) -> Result<Self, Failure> {
        let Some(key) = &settings.owner.key else {
            return Err(Failure::usage(
                "a control plane is asked with the owner's key: set FOLDGATE_OWNER_KEY",
            ));
        };
        Self::new(&settings.admin_url, key.clone(), settings)
    }

    /// The process that holds a data directory, if it tells where it listens and
    /// its key is known.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub(super) fn beside(settings: &Settings) -> Result<Option<Self>, Failure> {
        let file = |name: &str| data_dir::read_text(&settings.data_dir.join(name));
        let Some(listeners) = file(data_dir::LISTENERS_FILE)? else {
            return Ok(None);
        };
        let listeners: Value =
            serde_json::from_str(listeners.expose_secret()).unwrap_or(Value::Null);
        let Some(mut address) = listeners["admin"]
            .as_str()
            .and_then(|text| text.parse::<std::net::SocketAddr>().ok())
        else {
            return Ok(None);
        };
        if address.ip().is_unspecified() {
            address.set_ip(match address {
                std::net::SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                std::net::SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
            });
        }
        let key = match &settings.owner.key {
            Some(key) => Some(key.clone()),
            None => file(OWNER_KEY_FILE)?,
        };
        let key = key.map(|key| SecretString::from(key.expose_secret().trim()));
        key.map(|key| Self::new(&format!("http://{address}"), key, settings))
            .transpose()
    }

    fn new(base: &str, key: SecretString, settings: &Settings) -> Result<Self, Failure> {
        Ok(Self {
            http: https::client(settings.upstream.ca_file.as_deref())?,
            base: base.trim_end_matches('/').to_owned(),
            key,
        })
    }

    /// Some stored records, and which log they are of.
    ///
    /// # Errors
    /// When there is no answer, or one that is damaged.
    pub(super) async fn page(
        &self,
        from: Revision,
        limit: usize,
    ) -> Result<(Header, Vec<Stored>), Failure> {
        let path = format!("/admin/v1/log?from={from}&limit={limit}");
        let text = self.text(&path).await?;
        let wrong = |reason: String| Failure::io(format!("{}{path}: {reason}", self.base));
        let mut lines = text.lines();
        let header = Header::read(lines.next().unwrap_or_default()).map_err(wrong)?;
        let stored: Result<Vec<Stored>, String> = lines.map(Line::read).collect();
        Ok((header, stored.map_err(wrong)?))
    }

    /// A JSON answer.
    ///
    /// # Errors
    /// When there is none.
    pub(super) async fn json(&self, path: &str) -> Result<Value, Failure> {
        let text = self.text(path).await?;
        serde_json::from_str(&text)
            .map_err(|error| Failure::io(format!("{}{path}: {error}", self.base)))
    }

    async fn text(&self, path: &str) -> Result<String, Failure> {
        let answer = self.get(path).await?;
        let (_, text) = self.body(path, answer).await?;
        Ok(text)
    }

    /// An answer whose body is still to be read; a refusal is an error.
    ///
    /// # Errors
    /// When nobody answers, or the answer is a refusal.
    pub(super) async fn get(&self, path: &str) -> Result<Response<Incoming>, Failure> {
        let request = self.request(Method::GET, path).body(Full::default());
        self.send(path, request.map_err(Failure::usage)?).await
    }

    /// The JSON answer to a write.
    ///
    /// # Errors
    /// As [`Self::get`], and when the answer is no JSON.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        let request = self
            .request(Method::POST, path)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::from(body.to_string()));
        let answer = self.send(path, request.map_err(Failure::usage)?).await?;
        let (_, text) = self.body(path, answer).await?;
        serde_json::from_str(&text)
            .map_err(|error| Failure::io(format!("{}{path}: {error}", self.base)))
    }

    fn request(&self, method: Method, path: &str) -> Builder {
        Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(
                AUTHORIZATION,
                format!("Bearer {}", self.key.expose_secret()),
            )
    }

    async fn send(
        &self,
        path: &str,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Failure> {
        let answer = tokio::time::timeout(PATIENCE, self.http.request(request)).await;
        let unanswered = |why: String| Failure::io(format!("{}: {why}", self.base));
        let answer = answer
            .map_err(|_| unanswered("no answer in time".to_owned()))?
            .map_err(|error| unanswered(cause(&error)))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let (status, text) = self.body(path, answer).await?;
        let body: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        let said = body["error_msg"].as_str();
        let said = match said.or_else(|| body["error"]["message"].as_str()) {
            Some(message) => message.to_owned(),
            None => format!("it answers {status}"),
        };
        let said = format!("{}: {said}", self.base);
        Err(if status.is_client_error() {
            Failure::usage(said)
        } else {
            Failure::io(said)
        })
    }

    async fn body(
        &self,
        path: &str,
        answer: Response<Incoming>,
    ) -> Result<(StatusCode, String), Failure> {
        let status = answer.status();
        let wrong = |why: String| Failure::io(format!("{}{path}: {why}", self.base));
        let body = Limited::new(answer.into_body(), MAX_ANSWER_BYTES).collect();
        let body = tokio::time::timeout(PATIENCE, body).await;
        let body = body
            .map_err(|_| wrong("the answer does not end".to_owned()))?
            .map_err(|error| wrong(error.to_string()))?;
        let text = String::from_utf8(body.to_bytes().into());
        Ok((status, text.map_err(|error| wrong(error.to_string()))?))
    }
}

/// What lies at the bottom of an error: its top only says that sending failed.
fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
