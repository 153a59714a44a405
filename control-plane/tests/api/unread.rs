//! Connections are kept across refusals that came before a request's body.

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::node::{Node, OWNER_KEY, SOON};

const BODY: &str = r#"{"display_name": "fast", "model_name": "gpt-4o", "level": 1}"#;

/// One connection, of which nothing is lost unseen.
struct Line(TcpStream);

impl Line {
    async fn to(node: &Node) -> Self {
        let address = node.base.strip_prefix("http://").unwrap();
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
        // The server runs on this very thread: it sees this much alone.
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
    }

    /// The head of an answer; its body is passed over. Nothing, if there is none.
    async fn answer(&mut self) -> Option<String> {
        let mut read = Vec::new();
        let mut chunk = [0; 4096];
        loop {
            let text = String::from_utf8_lossy(&read).to_ascii_lowercase();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.split_once("content-length: ").unwrap().1;
                let length: usize = length.lines().next().unwrap().parse().unwrap();
                if body.len() >= length {
                    return Some(head.to_owned());
                }
            }
            match timeout(SOON, self.0.read(&mut chunk)).await.unwrap() {
                Ok(0) | Err(_) => return None,
                Ok(count) => read.extend_from_slice(&chunk[..count]),
            }
        }
    }
}

fn head(method: &str, path: &str, key: &str, more: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n{more}\r\n")
}

#[tokio::test]
async fn a_refusal_before_the_body_keeps_the_connection() {
    let node = Node::start().await;
    let auditor = node.add_admin_key("auditor").await;
    let models = "/admin/v1/models";
    let json = "content-type: application/json\r\n";
    let mut line = Line::to(&node).await;
    for (method, path, key, kind, status) in [
        ("POST", models, auditor.as_str(), json, 403),
        ("POST", models, "nobody's-key-at-all-0123", json, 401),
        ("POST", "/admin/v1/health", OWNER_KEY, json, 405),
        ("POST", "/admin/v1/nothing", OWNER_KEY, json, 404),
        ("POST", "/admin/v1/models?bogus=1", OWNER_KEY, json, 400),
        ("POST", models, OWNER_KEY, "content-encoding: gzip\r\n", 415),
        ("GET", models, OWNER_KEY, json, 200),
    ] {
        let more = format!("{kind}content-length: {}\r\n", BODY.len());
        line.send(&head(method, path, key, &more)).await;
        line.send(BODY).await;
        let told = line.answer().await.expect("an answer");
        let expected = format!("http/1.1 {status} ");
        assert!(told.starts_with(&expected), "{method} {path}: {told}");
        assert!(!told.contains("connection: close"), "{told}");
        line.send(&head("GET", models, OWNER_KEY, "")).await;
        let next = line.answer().await;
        let next = next.unwrap_or_else(|| panic!("no answer behind {status} of {path}"));
        assert!(next.starts_with("http/1.1 200 "), "{next}");
    }
    assert_eq!(node.get(models).await.ok(), json!([]));
}

#[tokio::test]
async fn a_body_that_is_not_read_ends_the_connection_and_is_told() {
    let node = Node::start().await;
    for more in [
        // Whoever asks before it sends is told by the refusal.
        "expect: 100-continue\r\ncontent-length: 9\r\n",
        "content-length: 99999999\r\n",
    ] {
        let mut line = Line::to(&node).await;
        let asked = head("POST", "/admin/v1/nothing", OWNER_KEY, more);
        line.send(&asked).await;
        let told = line.answer().await.expect("an answer");
        assert!(told.starts_with("http/1.1 404 "), "{told}");
        assert!(told.contains("connection: close"), "{told}");
        assert_eq!(line.answer().await, None);
    }
}
