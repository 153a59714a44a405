//! The accept loop over real sockets: both protocols, every limit, shutdown.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;

use super::*;

mod streams;

/// Longer than anything here takes; a test that waits this long has failed.
const DEADLINE: Duration = Duration::from_secs(20);

/// A free loopback port.
pub(crate) fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// Status and body of a GET.
pub(crate) async fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let uri = format!("http://{address}{path}").parse().unwrap();
    let response = client.get(uri).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

fn text(body: &'static str) -> Response<Full<Bytes>> {
    Response::new(Full::new(Bytes::from_static(body.as_bytes())))
}

fn broken() -> Response<Full<Bytes>> {
    let mut response = text("our fault");
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

async fn answer(request: Request<Incoming>, peer: Peer) -> Response<Full<Bytes>> {
    match request.uri().path() {
        "/panic" => panic!("asked to"),
        "/refused" => {
            let mut response = text("no, thank you");
            *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
            response
        }
        "/failed" => {
            let _ = request.into_body().collect().await;
            broken()
        }
        "/peer" => Response::new(Full::new(Bytes::from(peer.address.ip().to_string()))),
        _ => {
            let _ = request.into_body().collect().await;
            text("hello")
        }
    }
}

async fn start(limits: Limits) -> (SocketAddr, Shutdown, JoinHandle<()>) {
    let server = Server::bind("test", loopback(), limits).await.unwrap();
    let address = server.local_addr();
    let shutdown = Shutdown::new();
    let serving = tokio::spawn(server.serve(answer, broken, shutdown.clone()));
    (address, shutdown, serving)
}

fn short() -> Limits {
    Limits {
        header_timeout: Duration::from_millis(200),
        idle_timeout: Duration::from_millis(600),
        write_timeout: Duration::from_millis(300),
        ..Limits::default()
    }
}

/// Everything the server sends until it closes.
async fn read_to_close(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let read = stream.read_to_end(&mut bytes);
    // A reset is a close, too.
    let _ = tokio::time::timeout(DEADLINE, read)
        .await
        .expect("the server closes");
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn it_speaks_http1_and_http2_on_one_port() {
    let (address, _shutdown, _serving) = start(Limits::default()).await;
    assert_eq!(get(address, "/").await, (200, "hello".to_owned()));
    assert_eq!(get(address, "/peer").await.1, "127.0.0.1");
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http();
    let uri: http::Uri = format!("http://{address}/").parse().unwrap();
    let response = client.get(uri).await.unwrap();
    assert_eq!(response.version(), http::Version::HTTP_2);
    assert_eq!(
        response.into_body().collect().await.unwrap().to_bytes(),
        "hello"
    );
}

#[tokio::test]
async fn a_request_that_comes_byte_by_byte_is_served() {
    let (address, _shutdown, _serving) = start(Limits::default()).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    for byte in b"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok" {
        stream.write_all(&[*byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    let answer = read_to_close(&mut stream).await;
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with("hello"),
        "{answer}"
    );
}

#[tokio::test]
async fn an_axum_router_is_served_with_its_peer() {
    let router = axum::Router::new().route(
        "/who",
        axum::routing::get(
            |peer: axum::Extension<Peer>| async move { peer.address.ip().to_string() },
        ),
    );
    let server = Server::bind("axum", loopback(), Limits::default())
        .await
        .unwrap();
    let address = server.local_addr();
    let shutdown = Shutdown::new();
    let serving = tokio::spawn(server.serve_tower(
        router,
        axum::response::Response::default,
        shutdown.clone(),
    ));
    assert_eq!(get(address, "/who").await, (200, "127.0.0.1".to_owned()));
    assert_eq!(get(address, "/other").await.0, 404);
    shutdown.begin();
    serving.await.unwrap();
}

#[tokio::test]
async fn a_panic_is_answered_and_the_connection_lives_on() {
    let (address, _shutdown, _serving) = start(Limits::default()).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"GET /panic HTTP/1.1\r\nhost: x\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let answers = read_to_close(&mut stream).await;
    assert!(
        answers.contains("500 Internal") && answers.contains("our fault"),
        "{answers}"
    );
    assert!(
        answers.contains("200 OK") && answers.ends_with("hello"),
        "{answers}"
    );
}

#[tokio::test]
async fn a_client_that_says_nothing_or_dawdles_over_its_head_is_dropped() {
    let (address, _shutdown, _serving) = start(short()).await;
    for beginning in [
        "",
        "P",
        "PR",
        "PRI * HT",
        "GET / HTTP/1.1\r\nhost: x\r\nx-slow: ",
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(beginning.as_bytes()).await.unwrap();
        let answer = read_to_close(&mut stream).await;
        assert!(!answer.starts_with("HTTP/1.1 200"), "{beginning}: {answer}");
    }
    // A head that drips in, each byte well within any silence limit.
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    let began = Instant::now();
    while stream.write_all(b"x: y\r\n").await.is_ok() {
        assert!(
            began.elapsed() < DEADLINE,
            "a dripping head is never dropped"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn an_idle_connection_outlives_the_head_limit_but_not_its_own() {
    let limits = Limits {
        header_timeout: Duration::from_millis(100),
        idle_timeout: Duration::from_secs(2),
        ..short()
    };
    let (address, _shutdown, _serving) = start(limits).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut buffer = [0; 1024];
    for pause in [0, 500] {
        // The pause is what is tested: longer than the head limit.
        tokio::time::sleep(Duration::from_millis(pause)).await;
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .unwrap();
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(
            buffer[..read].starts_with(b"HTTP/1.1 200"),
            "after {pause} ms"
        );
    }
    assert_eq!(read_to_close(&mut stream).await, "");
}

#[tokio::test]
async fn a_silent_http2_connection_is_dropped() {
    let (address, _shutdown, _serving) = start(short()).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
        .await
        .unwrap();
    read_to_close(&mut stream).await;
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_a_place() {
    let limits = Limits {
        max_connections: 2,
        ..Limits::default()
    };
    let (address, _shutdown, _serving) = start(limits).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .unwrap();
        let mut buffer = [0; 1024];
        assert!(stream.read(&mut buffer).await.unwrap() > 0);
        held.push(stream);
    }
    let answered = Arc::new(AtomicUsize::new(0));
    let count = answered.clone();
    let third = tokio::spawn(async move {
        let answer = get(address, "/").await;
        count.fetch_add(1, Ordering::SeqCst);
        answer
    });
    tokio::task::yield_now().await;
    assert_eq!(answered.load(Ordering::SeqCst), 0);
    held.pop();
    let answer = tokio::time::timeout(DEADLINE, third)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(answer.0, 200);
}

#[tokio::test]
async fn a_client_that_is_refused_while_it_sends_gets_its_answer() {
    let (address, _shutdown, _serving) = start(Limits::default()).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let body = vec![b'x'; 16 * 1024 * 1024];
    let head = format!(
        "POST /refused HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let sent = tokio::time::timeout(DEADLINE, stream.write_all(&body)).await;
    sent.unwrap().expect("everything is taken");
    let answer = read_to_close(&mut stream).await;
    assert!(answer.ends_with("no, thank you"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
}

#[tokio::test]
async fn a_client_that_pauses_in_its_refused_body_may_send_it_all() {
    let (address, _shutdown, _serving) = start(Limits::default()).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let body = vec![b'x'; 16 * 1024 * 1024];
    let head = format!(
        "POST /refused HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // The answer is here, and the server's half closed, before the body begins.
    let answer = read_to_close(&mut stream).await;
    assert!(answer.ends_with("no, thank you"), "{answer}");
    let sent = tokio::time::timeout(DEADLINE, stream.write_all(&body)).await;
    sent.unwrap().expect("everything is taken");
}

#[tokio::test]
async fn a_connection_goes_on_behind_a_failure_whose_body_was_read() {
    let (address, _shutdown, _serving) = start(Limits::default()).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let body = "x".repeat(200_000);
    let head = format!(
        "POST /failed HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    for _ in 0..2 {
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(body.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"our fault") {
            let read = stream.read_buf(&mut answer);
            let read = tokio::time::timeout(DEADLINE, read).await.unwrap().unwrap();
            assert!(read > 0, "{}", String::from_utf8_lossy(&answer));
        }
        assert!(answer.starts_with(b"HTTP/1.1 500"));
    }
    let last = "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(last.as_bytes()).await.unwrap();
    let answer = read_to_close(&mut stream).await;
    assert!(answer.ends_with("hello"), "{answer}");
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused() {
    let (address, _shutdown, _serving) = start(Limits::default()).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "GET / HTTP/1.1\r\nhost: x\r\nx-long: {}\r\n\r\n",
        "a".repeat(70_000)
    );
    // The server may close before it has read everything.
    let _ = stream.write_all(head.as_bytes()).await;
    let answer = read_to_close(&mut stream).await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
        "{answer}"
    );
    let mut many = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "GET / HTTP/1.1\r\nhost: x\r\n{}\r\n",
        "a: b\r\n".repeat(200)
    );
    many.write_all(head.as_bytes()).await.unwrap();
    let answer = read_to_close(&mut many).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
}
