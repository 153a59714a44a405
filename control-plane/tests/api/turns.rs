//! However many requests accounts leave lying about, the owner is served.

use reqwest::Method;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::node::{Node, eventually};

/// A request whose body does not come.
async fn hang(node: &Node, path: &str, key: &str) -> TcpStream {
    let address = node.base.strip_prefix("http://").unwrap();
    let mut line = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n\
         content-type: application/json\r\ncontent-length: 100\r\n\r\n{{"
    );
    line.write_all(head.as_bytes()).await.unwrap();
    line
}

#[tokio::test]
async fn accounts_leave_turns_to_each_other_and_to_the_owner() {
    let node = Node::start().await;
    let mut keys = Vec::new();
    for n in 0..18 {
        keys.push(node.add_user(&format!("team-{n}"), &json!({})).await.1);
    }
    let mut lines = Vec::new();
    // One may have 32 at once.
    for _ in 0..33 {
        lines.push(hang(&node, "/x-users", &keys[0]).await);
    }
    let status = async |key: &str| node.with(key).get("/dashboard/status").await;
    eventually("one account has all that it may have", async || {
        let answer = status(&keys[0]).await;
        (answer.status == 429).then(|| answer.refused(429, "too_many_requests"))
    })
    .await;
    status(&keys[17]).await.ok();
    // More of them together than there are turns for everybody.
    for key in &keys[1..17] {
        for _ in 0..33 {
            lines.push(hang(&node, "/x-users", key).await);
        }
    }
    eventually("the last has all that it may have", async || {
        let answer = status(&keys[16]).await;
        (answer.status == 429).then_some(())
    })
    .await;
    for path in ["/livez", "/readyz"] {
        let probe = node.request(Method::GET, path).send().await.unwrap();
        assert_eq!(probe.status(), 200, "{path}");
    }
    node.get("/admin/v1/api_keys").await.ok();
    let off = json!({"Status": false});
    node.put("/x-users/team-0", &off).await.ok();
    drop(lines);
    eventually("they are served again", async || {
        (status(&keys[1]).await.status == 200).then_some(())
    })
    .await;
}
