//! A caller.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::rig::PATIENCE;

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {:?}", self.body))
    }

    pub(crate) fn code(&self) -> (u16, String) {
        let code = self.json()["error"]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        (self.status.as_u16(), code)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// Calls one proxy.
#[derive(Clone)]
pub(crate) struct Caller {
    client: Client<HttpConnector, Full<Bytes>>,
    address: SocketAddr,
    key: String,
}

impl Caller {
    pub(crate) fn new(address: SocketAddr, key: &str) -> Self {
        Self {
            client: Client::builder(TokioExecutor::new()).build_http(),
            address,
            key: key.to_owned(),
        }
    }

    pub(crate) fn request(
        &self,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
    ) -> Request<Full<Bytes>> {
        Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address))
            .header("authorization", format!("Bearer {}", self.key))
            .header("content-type", "application/json")
            .body(Full::new(body.into()))
            .unwrap()
    }

    pub(crate) async fn open(&self, request: Request<Full<Bytes>>) -> Response<Incoming> {
        self.client.request(request).await.unwrap()
    }

    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Reply {
        let (parts, body) = self.open(request).await.into_parts();
        Reply {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes(),
        }
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<Bytes>) -> Reply {
        self.send(self.request(Method::POST, path, body)).await
    }

    /// Reads the first piece of an answer, lets the second come, and reads it.
    pub(crate) async fn in_pieces(
        &self,
        request: Request<Full<Bytes>>,
        first: &[u8],
        go: &Notify,
    ) -> Reply {
        let mut read = Vec::new();
        let first_read = async {
            let (head, mut body) = self.open(request).await.into_parts();
            while read.len() < first.len() {
                let frame = body.frame().await.expect("more").expect("no error");
                read.extend_from_slice(&frame.into_data().expect("bytes"));
            }
            (head, body)
        };
        let first_read = timeout(PATIENCE, first_read).await;
        let (head, body) = first_read.expect("the first piece does not wait for the second");
        assert_eq!(read, first);
        go.notify_one();
        read.extend_from_slice(&body.collect().await.unwrap().to_bytes());
        Reply {
            status: head.status,
            headers: head.headers,
            body: read.into(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(self.request(Method::GET, path, "")).await
    }

    pub(crate) async fn chat(&self, model: &str) -> Reply {
        let body = format!(r#"{{"model":"{model}","messages":[]}}"#);
        self.post("/v1/chat/completions", body).await
    }

    pub(crate) async fn chat_stream(&self, model: &str) -> Reply {
        let body = format!(r#"{{"model":"{model}","stream":true}}"#);
        self.post("/v1/chat/completions", body).await
    }
}
