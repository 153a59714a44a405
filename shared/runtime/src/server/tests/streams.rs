//! Long answers: quiet, endless, refused and abandoned ones.

use http_body_util::StreamBody;
use tokio::sync::mpsc;

use super::*;

type Chunks =
    StreamBody<futures_util::stream::BoxStream<'static, Result<http_body::Frame<Bytes>, BoxError>>>;

fn chunks(receiver: mpsc::Receiver<Bytes>) -> Chunks {
    let stream = futures_util::stream::unfold(receiver, |mut receiver| async {
        let bytes = receiver.recv().await?;
        Some((Ok(http_body::Frame::data(bytes)), receiver))
    });
    StreamBody::new(Box::pin(stream))
}

/// A server whose only answer is a stream fed by the returned sender.
async fn start_stream(
    limits: Limits,
) -> (SocketAddr, Shutdown, JoinHandle<()>, mpsc::Sender<Bytes>) {
    let (address, shutdown, serving, [sender]) = start_streams(limits).await;
    (address, shutdown, serving, sender)
}

/// A server whose answers are streams fed by the returned senders, in their order.
async fn start_streams<const N: usize>(
    limits: Limits,
) -> (
    SocketAddr,
    Shutdown,
    JoinHandle<()>,
    [mpsc::Sender<Bytes>; N],
) {
    let server = Server::bind("stream", loopback(), limits).await.unwrap();
    let address = server.local_addr();
    let shutdown = Shutdown::new();
    let mut receivers = std::collections::VecDeque::new();
    let senders = std::array::from_fn(|_| {
        let (sender, receiver) = mpsc::channel(4);
        receivers.push_back(receiver);
        sender
    });
    let receivers = Arc::new(std::sync::Mutex::new(receivers));
    let handler = move |_: Request<Incoming>, _: Peer| {
        let receiver = receivers.lock().unwrap().pop_front();
        async move { Response::new(chunks(receiver.expect("no more requests than senders"))) }
    };
    let panicked = || Response::new(chunks(mpsc::channel(1).1));
    let serving = tokio::spawn(server.serve(handler, panicked, shutdown.clone()));
    (address, shutdown, serving, senders)
}

#[tokio::test]
async fn a_quiet_stream_is_no_idle_connection_and_shutdown_waits_for_it() {
    let limits = Limits {
        idle_timeout: Duration::from_millis(100),
        ..short()
    };
    let (address, shutdown, serving, sender) = start_stream(limits).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    // The pause is what is tested: several idle limits long.
    tokio::time::sleep(Duration::from_millis(500)).await;
    shutdown.begin();
    sender.send(Bytes::from_static(b"first")).await.unwrap();
    sender.send(Bytes::from_static(b"last")).await.unwrap();
    assert!(!serving.is_finished());
    drop(sender);
    let answer = read_to_close(&mut stream).await;
    assert!(
        answer.contains("first") && answer.contains("last"),
        "{answer}"
    );
    assert!(answer.ends_with("0\r\n\r\n"), "{answer}");
    serving.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_stream_that_never_ends_is_dropped_at_the_drain_limit_or_at_once() {
    for at_once in [false, true] {
        let limits = Limits {
            drain_timeout: if at_once {
                DEADLINE * 10
            } else {
                Duration::from_millis(200)
            },
            ..Limits::default()
        };
        let (address, shutdown, serving, sender) = start_stream(limits).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .unwrap();
        sender.send(Bytes::from_static(b"first")).await.unwrap();
        let mut buffer = [0; 1024];
        assert!(stream.read(&mut buffer).await.unwrap() > 0);
        shutdown.begin();
        if at_once {
            shutdown.abort();
        }
        let answer = read_to_close(&mut stream).await;
        assert!(!answer.ends_with("0\r\n\r\n"), "{answer}");
        tokio::time::timeout(DEADLINE, serving)
            .await
            .unwrap()
            .unwrap();
        assert!(sender.is_closed());
    }
}

#[tokio::test]
async fn a_client_that_takes_no_bytes_is_dropped() {
    let (address, _shutdown, _serving, sender) = start_stream(short()).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let chunk = Bytes::from(vec![b'x'; 256 * 1024]);
    let feeding = async { while sender.send(chunk.clone()).await.is_ok() {} };
    tokio::time::timeout(DEADLINE, feeding)
        .await
        .expect("the stream is dropped");
    drop(stream);
}

#[tokio::test]
async fn a_client_that_leaves_drops_its_stream() {
    let (address, _shutdown, _serving, sender) = start_stream(Limits::default()).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    sender.send(Bytes::from_static(b"first")).await.unwrap();
    drop(stream);
    tokio::time::timeout(DEADLINE, sender.closed())
        .await
        .expect("the stream is dropped");
}

#[tokio::test]
async fn an_http2_client_that_gives_no_window_is_dropped() {
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    // SETTINGS_INITIAL_WINDOW_SIZE: none at all, and a little.
    for window in [0_u8, 9] {
        let (address, _shutdown, _serving, sender) = start_stream(short()).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(preface).await.unwrap();
        let settings = [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, window];
        stream.write_all(&settings).await.unwrap();
        // GET / with `:authority: x`, as HPACK.
        let head = [0, 0, 6, 1, 5, 0, 0, 0, 1, 0x82, 0x86, 0x84, 0x41, 1, b'x'];
        stream.write_all(&head).await.unwrap();
        let chunk = Bytes::from_static(b"more than the window");
        let feeding = async { while sender.send(chunk.clone()).await.is_ok() {} };
        tokio::time::timeout(DEADLINE, feeding)
            .await
            .expect("the stream is dropped");
        drop(stream);
    }
}

#[tokio::test]
async fn a_quiet_http2_stream_is_not_taken_for_a_stalled_one() {
    let (address, _shutdown, _serving, sender) = start_stream(short()).await;
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http();
    let uri: http::Uri = format!("http://{address}/").parse().unwrap();
    let answer = tokio::spawn(async move {
        let response = client.get(uri).await.unwrap();
        response.into_body().collect().await.unwrap().to_bytes()
    });
    sender.send(Bytes::from_static(b"first")).await.unwrap();
    // The pause is what is tested: many write limits long.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    sender.send(Bytes::from_static(b"last")).await.unwrap();
    drop(sender);
    assert_eq!(answer.await.unwrap(), "firstlast");
}

/// A server whose answers are whole and so large.
async fn start_whole(bytes: usize, limits: Limits) -> SocketAddr {
    let server = Server::bind("whole", loopback(), limits).await.unwrap();
    let address = server.local_addr();
    let body = Bytes::from(vec![b'x'; bytes]);
    let handler = move |_: Request<Incoming>, _: Peer| {
        let answer = Response::new(Full::new(body.clone()));
        std::future::ready(answer)
    };
    tokio::spawn(server.serve(handler, broken, Shutdown::new()));
    address
}

/// Idle connections end at once, and stalled ones never.
fn soon_idle() -> Limits {
    Limits {
        idle_timeout: Duration::from_millis(200),
        write_timeout: DEADLINE * 10,
        ..Limits::default()
    }
}

async fn narrow(
    address: SocketAddr,
) -> (
    hyper::client::conn::http2::SendRequest<Full<Bytes>>,
    JoinHandle<Result<(), hyper::Error>>,
) {
    let socket = TcpStream::connect(address).await.unwrap();
    let (client, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(1000)
        .handshake(hyper_util::rt::TokioIo::new(socket))
        .await
        .unwrap();
    (client, tokio::spawn(connection))
}

#[tokio::test]
async fn a_whole_http2_answer_that_is_read_slowly_is_read_to_its_end() {
    let address = start_whole(10_000, soon_idle()).await;
    let (mut client, connected) = narrow(address).await;
    let get = Request::get("http://x/").body(Full::<Bytes>::default());
    let answer = client.send_request(get.unwrap()).await.unwrap();
    let mut body = answer.into_body();
    let mut read = 0;
    while let Some(frame) = body.frame().await {
        read += frame.expect("it goes on").into_data().unwrap().len();
        // The pause is what is tested: all of them are many idle limits long.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(read, 10_000);
    // Only without a stream is it idle.
    let ended = tokio::time::timeout(DEADLINE, connected).await;
    let _ = ended.expect("the idle connection ends").unwrap();
}

/// The client makes room for everything, and its socket is slow.
#[tokio::test]
async fn an_http2_answer_on_its_way_is_no_idle_connection() {
    let large = 48 << 20;
    let address = start_whole(large, soon_idle()).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut ask = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    // The largest window for streams, and for the connection; then GET /.
    ask.extend([0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0x7f, 0xff, 0xff, 0xff]);
    ask.extend([0, 0, 4, 8, 0, 0, 0, 0, 0, 0x7f, 0, 0, 0]);
    ask.extend([0, 0, 6, 1, 5, 0, 0, 0, 1, 0x82, 0x86, 0x84, 0x41, 1, b'x']);
    stream.write_all(&ask).await.unwrap();
    let mut buffer = vec![0; 1 << 20];
    let mut read = 0;
    while read < large {
        let more = stream.read(&mut buffer).await.unwrap();
        assert!(more > 0, "closed after {read} bytes");
        read += more;
        // The pause is what is tested: all of them are many idle limits long.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_whole_http2_answer_that_is_not_read_ends_alone() {
    let limits = Limits {
        idle_timeout: DEADLINE * 10,
        ..short()
    };
    let address = start_whole(10_000, limits).await;
    let (mut client, connected) = narrow(address).await;
    let get = || Request::get("http://x/").body(Full::<Bytes>::default());
    let unread = client.send_request(get().unwrap()).await.unwrap();
    // The pause is what is tested: several write limits long.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let told = tokio::time::timeout(DEADLINE, unread.into_body().collect()).await;
    let Err(error) = told.unwrap() else {
        panic!("it was not cut off");
    };
    assert!(format!("{error:?}").contains("CANCEL"), "{error:?}");
    let again = client.send_request(get().unwrap()).await.unwrap();
    let body = again.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body.len(), 10_000);
    assert!(!connected.is_finished());
}

#[tokio::test]
async fn a_stalled_http2_stream_ends_alone() {
    let (address, _shutdown, _serving, [stalled, flowing]) = start_streams(short()).await;
    let socket = TcpStream::connect(address).await.unwrap();
    let (mut client, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(1000)
        .handshake(hyper_util::rt::TokioIo::new(socket))
        .await
        .unwrap();
    let connected = tokio::spawn(connection);
    let get = || Request::get("http://x/").body(Full::<Bytes>::default());
    let mut unread = client
        .send_request(get().unwrap())
        .await
        .unwrap()
        .into_body();
    let mut read = client
        .send_request(get().unwrap())
        .await
        .unwrap()
        .into_body();
    let chunk = Bytes::from(vec![b'x'; 400]);
    let feeding = async { while stalled.send(chunk.clone()).await.is_ok() {} };
    let reading = async {
        loop {
            flowing.send(chunk.clone()).await.unwrap();
            let frame = read.frame().await.expect("it goes on").unwrap();
            assert!(frame.is_data());
        }
    };
    tokio::select! {
        () = reading => {}
        fed = tokio::time::timeout(DEADLINE, feeding) => fed.expect("the stalled one is dropped"),
    }
    // The client learns of it, and the other one knows nothing of it.
    let told = async {
        loop {
            if let Err(error) = unread.frame().await.expect("an end that is told") {
                break error;
            }
        }
    };
    let error = tokio::time::timeout(DEADLINE, told).await.unwrap();
    assert!(format!("{error:?}").contains("CANCEL"), "{error:?}");
    flowing
        .send(Bytes::from_static(b"and the last"))
        .await
        .unwrap();
    drop(flowing);
    let rest = read.collect().await.unwrap().to_bytes();
    assert!(rest.ends_with(b"and the last"));
    assert!(!connected.is_finished());
}
