//! Events that come together go on together, in few writes; one that comes alone
//! does not wait for more. Seen on a plain socket, where pieces can be told apart.

use std::sync::Arc;

use foldgate_tests::foldgate::OWNER_KEY;
use foldgate_tests::poll::SOON;
use foldgate_tests::upstream::{Step, shape};
use foldgate_tests::{Reply, sse};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::{CHAT, World, streamed};

/// A streamed answer as it comes off the wire.
struct Wire(BufReader<TcpStream>);

impl Wire {
    /// Asks for a stream and reads the answer's head.
    async fn open(world: &World) -> Self {
        let address = world.proxy.base().trim_start_matches("http://");
        let socket = TcpStream::connect(address)
            .await
            .expect("the proxy listens");
        let mut wire = Self(BufReader::new(socket));
        let body = streamed("m").to_string();
        let head = format!(
            "POST {CHAT} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {OWNER_KEY}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let request = head + &body;
        wire.0
            .write_all(request.as_bytes())
            .await
            .expect("it is sent");
        let mut head = String::new();
        while wire.line(&mut head).await > 2 {}
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert!(head.contains("transfer-encoding: chunked"), "{head}");
        wire
    }

    /// The next chunk of the body; nothing at its end.
    async fn chunk(&mut self) -> Option<Vec<u8>> {
        let mut line = String::new();
        self.line(&mut line).await;
        let size = usize::from_str_radix(line.trim(), 16);
        let mut chunk = vec![0; size.expect("a chunk begins with its length") + 2];
        let read = timeout(SOON, self.0.read_exact(&mut chunk)).await;
        read.expect("the chunk comes").expect("it is whole");
        chunk.truncate(chunk.len() - 2);
        (!chunk.is_empty()).then_some(chunk)
    }

    async fn line(&mut self, into: &mut String) -> usize {
        let read = timeout(SOON, self.0.read_line(into)).await;
        read.expect("more comes").expect("it is text")
    }
}

/// The events of a chat that is `count` chunks long, without its end.
fn events(count: usize) -> Vec<String> {
    (0..count)
        .map(|number| sse::event(&shape::chunk("fake-model", &format!("word {number} "))))
        .collect()
}

/// Reads a burst and the end behind it: its text, and in how many chunks it came.
async fn read(mut wire: Wire) -> (String, usize) {
    let (mut text, mut chunks) = (Vec::new(), 0);
    while let Some(chunk) = wire.chunk().await {
        // Whatever is joined, no event is torn.
        assert!(chunk.ends_with(b"\n\n"));
        text.extend(chunk);
        chunks += 1;
    }
    (String::from_utf8(text).expect("text"), chunks)
}

#[tokio::test]
async fn events_of_one_burst_arrive_joined() {
    let world = World::new().await;
    let mut burst = events(300);
    burst.push(sse::DONE.to_owned());
    let whole = burst.concat();
    // As one piece of the upstream's body.
    let step = Step::Send(whole.clone().into());
    world.upstream.next(Reply::stream(vec![
        step,
        Step::Pause(std::time::Duration::ZERO),
    ]));
    let (text, chunks) = read(Wire::open(&world).await).await;
    assert_eq!(text, whole);
    assert!(chunks <= 30, "{chunks} chunks for 301 events");
    // As a piece per event, written together: a client library hands these over one
    // by one, so at least pairs are joined.
    let steps = burst.into_iter().map(|event| Step::Send(event.into()));
    world.upstream.next(Reply::stream(steps.collect()));
    let (text, chunks) = read(Wire::open(&world).await).await;
    assert_eq!(text, whole);
    assert!(chunks <= 200, "{chunks} chunks for 301 events");
}

#[tokio::test]
async fn an_event_alone_arrives_at_once() {
    let world = World::new().await;
    let gates: Vec<Arc<Notify>> = (0..3).map(|_| Arc::default()).collect();
    let events = events(3);
    let mut steps = Vec::new();
    for (event, gate) in events.iter().zip(&gates) {
        steps.push(Step::Send(event.clone().into()));
        steps.push(Step::Gate(Arc::clone(gate)));
    }
    steps.push(Step::Send(sse::DONE.into()));
    world.upstream.next(Reply::stream(steps));
    let mut wire = Wire::open(&world).await;
    for (event, gate) in events.iter().zip(&gates) {
        // The upstream says nothing more before this one has arrived.
        let chunk = wire.chunk().await.expect("an event");
        assert_eq!(String::from_utf8_lossy(&chunk), *event);
        gate.notify_one();
    }
    assert_eq!(wire.chunk().await.as_deref(), Some(sse::DONE.as_bytes()));
    assert_eq!(wire.chunk().await, None);
}
