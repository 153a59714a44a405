//! Sessions over WebSockets: frames written by hand, so that what passes is known to
//! the byte.

mod paid;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use foldgate_domain::command::{Command, RotateOwnerKey};
use foldgate_proto::{Config, Measure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::rig::{KEY, PATIENCE, Rig, settings, until};
use crate::upstream::Upstream;

const SECRET: &str = "sk-realtime-0123456789-0123456789";
const DONE: &str =
    r#"{"type":"response.done","response":{"usage":{"input_tokens":5,"output_tokens":2}}}"#;

/// A provider of sessions: it answers each text by what it says.
struct Provider {
    url: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Provider {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let seen = heads.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(session(stream, seen.clone()));
            }
        });
        Self { url, heads }
    }

    fn head(&self) -> String {
        self.heads.lock().unwrap().pop().unwrap()
    }
}

async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let byte = stream.read_u8().await.unwrap();
        head.push(byte);
    }
    String::from_utf8(head).unwrap()
}

async fn session(mut stream: TcpStream, heads: Arc<Mutex<Vec<String>>>) {
    let head = head(&mut stream).await;
    heads.lock().unwrap().push(head);
    let answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: theirs\r\nSec-WebSocket-Protocol: realtime\r\nServer: secret\r\n\r\n";
    // The first event may come with the answer.
    let first = frame(0x81, b"hello", false);
    stream
        .write_all(&[answer.as_bytes(), &first].concat())
        .await
        .unwrap();
    while let Some((kind, payload)) = read(&mut stream).await {
        let echo = match payload.as_slice() {
            b"break" => return,
            b"close" => frame(0x88, &4001u16.to_be_bytes(), false),
            b"done" => frame(0x81, DONE.as_bytes(), false),
            _ => frame(kind, &payload, false),
        };
        if stream.write_all(&echo).await.is_err() || kind == 0x88 {
            return;
        }
    }
}

fn frame(kind: u8, payload: &[u8], masked: bool) -> Vec<u8> {
    let mask = if masked { 0x80 } else { 0 };
    let mut frame = vec![kind];
    match payload.len() {
        short @ 0..126 => frame.push(mask | u8::try_from(short).unwrap()),
        long => {
            frame.push(mask | 0x7e);
            frame.extend(u16::try_from(long).unwrap().to_be_bytes());
        }
    }
    if masked {
        frame.extend([0; 4]);
    }
    frame.extend(payload);
    frame
}

/// One frame; masks are of zeros here.
async fn read(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let kind = stream.read_u8().await.ok()?;
    let second = stream.read_u8().await.ok()?;
    let size = match second & 0x7f {
        126 => usize::from(stream.read_u16().await.ok()?),
        short => usize::from(short),
    };
    if second & 0x80 != 0 {
        assert_eq!(stream.read_u32().await.ok()?, 0, "a mask of zeros");
    }
    let mut payload = vec![0; size];
    stream.read_exact(&mut payload).await.ok()?;
    Some((kind, payload))
}

struct Client(TcpStream);

impl Client {
    /// Opens a session, or tells what it was refused with.
    async fn open(rig: &Rig, path: &str, headers: &str) -> Result<(Self, String), String> {
        let mut stream = TcpStream::connect(rig.address).await.unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n{headers}\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let head = head(&mut stream).await;
        if head.starts_with("HTTP/1.1 101") {
            Ok((Self(stream), head.to_ascii_lowercase()))
        } else {
            Err(head)
        }
    }

    async fn session(rig: &Rig) -> Self {
        let bearer = format!("Authorization: Bearer {KEY}\r\n");
        let (mut client, _) = Self::open(rig, "/v1/realtime?model=m", &bearer)
            .await
            .unwrap();
        assert_eq!(client.next().await, (0x81, b"hello".to_vec()));
        client
    }

    /// Has the provider say an event: it says again what it is told.
    async fn event(&mut self, event: &str) {
        self.say(0x81, event.as_bytes()).await;
        assert_eq!(self.next().await, (0x81, event.as_bytes().to_vec()));
    }

    async fn say(&mut self, kind: u8, payload: &[u8]) {
        self.0.write_all(&frame(kind, payload, true)).await.unwrap();
    }

    async fn next(&mut self) -> (u8, Vec<u8>) {
        timeout(PATIENCE, read(&mut self.0)).await.unwrap().unwrap()
    }

    /// The code that it is closed with.
    async fn closed(&mut self) -> u16 {
        let (kind, payload) = self.next().await;
        assert_eq!(kind, 0x88);
        u16::from_be_bytes(payload.try_into().unwrap())
    }
}

async fn rig(provider: &Provider) -> Rig {
    let mut rig = Rig::start().await;
    rig.key_at(1, &provider.url, SECRET).await;
    rig.all_to_level_1().await;
    rig
}

#[tokio::test]
async fn a_session_is_opened_with_the_mapped_model_and_the_keys_credential() {
    let provider = Provider::start().await;
    let mut rig = rig(&provider).await;
    rig.config(Config {
        model_mapper: Some([("my:rt".to_owned(), "gpt-realtime@1".to_owned())].into()),
        ..Config::default()
    })
    .await;
    let bearer = format!("Authorization: Bearer {KEY}\r\n");
    let protocol = format!(
        "Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.{KEY}, openai-beta.realtime-v1\r\n"
    );
    for (path, headers) in [
        ("/v1/realtime?model=my%3art&x=1", &bearer),
        ("/realtime?x=1&model=my:rt", &protocol),
    ] {
        let (mut client, head) = Client::open(&rig, path, headers).await.unwrap();
        assert!(head.contains("sec-websocket-accept: theirs"), "{head}");
        assert!(head.contains("sec-websocket-protocol: realtime"), "{head}");
        assert!(!head.contains("server: secret"), "{head}");
        assert_eq!(client.next().await, (0x81, b"hello".to_vec()));
        let asked = provider.head();
        let line = asked.lines().next().unwrap();
        assert!(
            line.contains("/v1/realtime?") && line.contains("model=gpt-realtime%401"),
            "{line}"
        );
        assert!(line.contains("x=1"), "{line}");
        let asked = asked.to_ascii_lowercase();
        assert!(
            asked.contains(&format!("authorization: bearer {SECRET}")),
            "{asked}"
        );
        assert!(
            asked.contains("sec-websocket-key: dghlihnhbxbszsbub25jzq=="),
            "{asked}"
        );
        assert!(
            // Some libraries refuse a handshake that announces a body, if an empty one.
            !asked.contains("content-length") && !asked.contains("transfer-encoding"),
            "{asked}"
        );
        assert!(
            !asked.contains("insecure-api-key") && !asked.contains("deflate"),
            "{asked}"
        );
    }
}

#[tokio::test]
async fn frames_pass_both_ways_as_they_are() {
    let provider = Provider::start().await;
    let rig = rig(&provider).await;
    let mut client = Client::session(&rig).await;
    for (kind, payload) in [
        (0x81, b"text".to_vec()),
        (0x82, vec![7; 5000]),
        (0x89, b"ping".to_vec()),
        (0x01, b"half".to_vec()),
        (0x80, b"".to_vec()),
    ] {
        client.say(kind, &payload).await;
        assert_eq!(client.next().await, (kind, payload));
    }
    client.say(0x81, b"done").await;
    assert_eq!(client.next().await, (0x81, DONE.as_bytes().to_vec()));
}

#[tokio::test]
async fn a_session_is_billed_for_all_of_its_responses() {
    let provider = Provider::start().await;
    let rig = rig(&provider).await;
    let mut outbox = rig.spool.outbox().unwrap();
    let mut client = Client::session(&rig).await;
    for _ in 0..3 {
        client.say(0x81, b"done").await;
        assert_eq!(client.next().await, (0x81, DONE.as_bytes().to_vec()));
    }
    assert_eq!(outbox.next_batch().unwrap(), None);
    client.say(0x88, &1000u16.to_be_bytes()).await;
    assert_eq!(client.closed().await, 1000);
    until("it is written down", || rig.spool.waiting() == 1).await;
    let written = outbox.next_batch().unwrap().unwrap();
    let record = &written.records[0];
    assert_eq!((&*record.endpoint, record.status), ("realtime", 101));
    assert_eq!(record.measure, Measure::Reported);
    assert_eq!((record.quantities.input, record.quantities.output), (15, 6));
}

#[tokio::test]
async fn an_event_that_is_too_long_to_be_read_ends_the_session() {
    let provider = Provider::start().await;
    let rig = rig(&provider).await;
    let mut client = Client::session(&rig).await;
    let piece = vec![b'x'; 65_000];
    for part in 0..17 {
        let kind = u8::from(part == 0);
        client.say(kind, &piece).await;
        let (kind, payload) = client.next().await;
        if kind == 0x88 {
            assert_eq!((part, payload), (16, 1009u16.to_be_bytes().to_vec()));
            return;
        }
    }
    panic!("it went on");
}

#[tokio::test]
async fn close_codes_pass_and_a_break_has_one() {
    let provider = Provider::start().await;
    let rig = rig(&provider).await;
    let mut client = Client::session(&rig).await;
    client.say(0x88, &1000u16.to_be_bytes()).await;
    assert_eq!(client.closed().await, 1000);
    let mut client = Client::session(&rig).await;
    client.say(0x81, b"close").await;
    assert_eq!(client.closed().await, 4001);
    let mut client = Client::session(&rig).await;
    client.say(0x81, b"break").await;
    assert_eq!(client.closed().await, 1011);
}

#[tokio::test]
async fn a_session_in_which_nothing_moves_is_closed() {
    let provider = Provider::start().await;
    let mut hasty = settings();
    hasty.limits.silence = Duration::from_millis(100);
    let mut rig = Rig::with(hasty).await;
    rig.key_at(1, &provider.url, SECRET).await;
    rig.all_to_level_1().await;
    assert_eq!(Client::session(&rig).await.closed().await, 1001);
}

#[tokio::test]
async fn a_shutdown_closes_sessions() {
    let provider = Provider::start().await;
    let rig = rig(&provider).await;
    let mut client = Client::session(&rig).await;
    rig.shutdown.begin();
    assert_eq!(client.closed().await, 1001);
    timeout(PATIENCE, rig.served).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_key_that_is_no_longer_good_ends_its_sessions() {
    let provider = Provider::start().await;
    let mut rig = rig(&provider).await;
    let mut client = Client::session(&rig).await;
    rig.write(&Command::RotateOwnerKey(RotateOwnerKey {
        hash: foldgate_proto::KeyHash(foldgate_vault::digest("another")),
        mask: "sk".to_owned(),
    }))
    .await;
    assert_eq!(client.closed().await, 1008);
}

#[tokio::test]
async fn sessions_are_refused_as_calls_are() {
    let provider = Provider::start().await;
    let rig = rig(&provider).await;
    let bearer = format!("Authorization: Bearer {KEY}\r\n");
    for (path, headers, status) in [
        ("/v1/realtime?model=m", "", "401"),
        (
            "/v1/realtime?model=m",
            "Sec-WebSocket-Protocol: openai-insecure-api-key.no\r\n",
            "401",
        ),
        ("/v1/realtime", bearer.as_str(), "400"),
        ("/v1/realtime?model=m&model=n", bearer.as_str(), "400"),
        ("/v1/realtime?model=m&mod%65l=n", bearer.as_str(), "400"),
        ("/v1/realtime?model=m&deployment=n", bearer.as_str(), "400"),
    ] {
        let refused = Client::open(&rig, path, headers).await.err().unwrap();
        assert!(
            refused.starts_with(&format!("HTTP/1.1 {status}")),
            "{path}: {refused}"
        );
    }
    let reply = rig.caller.get("/v1/realtime?model=m").await;
    assert_eq!(reply.code(), (426, "upgrade_required".to_owned()));
}

#[tokio::test]
async fn a_provider_that_does_not_switch_is_passed_over() {
    let (provider, other) = (Provider::start().await, Upstream::start().await);
    let mut rig = rig(&provider).await;
    rig.key(1, &other, "sk-other-0123456789-0123456789").await;
    for _ in 0..3 {
        let mut client = Client::session(&rig).await;
        client.say(0x81, b"x").await;
        assert_eq!(client.next().await, (0x81, b"x".to_vec()));
    }
    assert!(other.asked().len() <= 1);
}
