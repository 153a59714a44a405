//! What a body weighs that is relayed: it is gathered once as it comes, and no phase
//! behind that takes memory for it.

use allocation_counter::measure;
use futures_util::FutureExt as _;

use super::*;
use crate::body::Message;
use crate::json::strings;

/// Bytes of an image: a tenth of a megabyte, one, and four.
const IMAGES: [usize; 3] = [100_000, 1_000_000, 4_000_000];

/// Of what size bodies come, and with what patience.
const PIECE: usize = 16 * 1024;
const PATIENCE: (Duration, Duration) = (Duration::from_mins(1), Duration::from_mins(1));

fn body(image: usize) -> Bytes {
    let image = "iVBORw0K".repeat(image / 8);
    Bytes::from(format!(
        r#"{{"messages":[{{"role":"user","content":[{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{image}"}}}}]}}],"model":"m","stream":true}}"#
    ))
}

/// All phases of a call that looks at its body, with three attempts.
fn relayed(body: &Bytes) -> usize {
    let [chat, ..] = &ENDPOINTS;
    let fields = Fields::parse(body, chat).unwrap();
    let message = Message::whole(body.clone(), fields);
    let text = std::str::from_utf8(message.held()).unwrap();
    assert!(strings(text, &["file_id"], 9).unwrap().is_empty());
    let mut sent = 0;
    for _ in 0..3 {
        let segments = message.edit("another-model", true);
        let mut outgoing = message.outgoing(&segments);
        while let Some(frame) = outgoing.frame().now_or_never().unwrap() {
            sent += frame.unwrap().into_data().unwrap().len();
        }
    }
    sent
}

#[test]
fn no_phase_takes_memory_for_an_image() {
    let weights = IMAGES.map(|image| {
        let body = body(image);
        let mut sent = 0;
        let weight = measure(|| sent = relayed(&body));
        assert!(sent > 3 * body.len());
        (weight.count_total, weight.bytes_total)
    });
    let [(takes, bytes), ..] = weights;
    assert!(bytes < 4 * 1024, "{bytes} bytes");
    for (image, weight) in IMAGES.into_iter().zip(weights) {
        assert_eq!(weight, (takes, bytes), "{image}");
    }
}

/// What comes in pieces is put together, in room that doubles.
#[test]
fn a_body_is_gathered_once() {
    for image in IMAGES {
        let body = body(image);
        let pieces: Vec<Bytes> = body.chunks(PIECE).map(Bytes::copy_from_slice).collect();
        let frames = pieces
            .into_iter()
            .map(|piece| Ok::<_, std::io::Error>(Frame::data(piece)));
        let mut coming = StreamBody::new(futures_util::stream::iter(frames));
        let mut whole = Bytes::new();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let weight = measure(|| {
            let read = read(&mut coming, usize::MAX, PATIENCE);
            whole = runtime.block_on(read).unwrap();
        });
        assert_eq!(whole, body);
        let most = 3 * body.len() as u64;
        assert!(weight.bytes_total < most, "{} bytes", weight.bytes_total);
    }
}
