use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;

use super::frames::{Close, Frames};
use super::{asked_key, upward};

/// A frame as a provider writes it, or masked as a client does.
fn frame(first: u8, payload: &[u8], masked: bool) -> Vec<u8> {
    let mask = if masked { 0x80 } else { 0 };
    let mut frame = vec![first];
    match payload.len() {
        short @ 0..126 => frame.push(mask | u8::try_from(short).unwrap()),
        long @ 126..65536 => {
            frame.push(mask | 0x7e);
            frame.extend(u16::try_from(long).unwrap().to_be_bytes());
        }
        longer => {
            frame.push(mask | 0x7f);
            frame.extend((longer as u64).to_be_bytes());
        }
    }
    if masked {
        frame.extend([0; 4]);
    }
    frame.extend(payload);
    frame
}

fn texts(bytes: &[u8], cut: usize, most: usize) -> (Vec<Vec<u8>>, Frames) {
    let mut frames = Frames::of_upstream(most);
    let mut texts = Vec::new();
    for piece in bytes.chunks(cut.max(1)) {
        let fed = frames.feed(piece, |text| {
            texts.push(text.to_vec());
            Ok(())
        });
        fed.unwrap();
    }
    (texts, frames)
}

#[test]
fn texts_are_read_whole_however_they_are_cut_and_fragmented() {
    let long = vec![b'x'; 70_000];
    let all = [
        frame(0x81, b"one", false),
        frame(0x01, b"tw", false),
        frame(0x89, b"ping", false),
        frame(0x80, b"o", false),
        frame(0x82, b"binary", false),
        frame(0x81, b"", false),
        frame(0x81, &long, false),
    ]
    .concat();
    for cut in [1, 2, 3, 7, 1000, all.len()] {
        let (found, frames) = texts(&all, cut, 100_000);
        assert_eq!(
            found,
            [b"one".to_vec(), b"two".to_vec(), Vec::new(), long.clone()]
        );
        assert!(frames.is_between() && !frames.is_closed());
        let (found, frames) = texts(&all, cut, 1000);
        assert_eq!(found.len(), 3, "what is too long is not kept");
        assert!(frames.is_between());
    }
}

#[test]
fn closes_are_seen_and_written() {
    for (bytes, masked) in [
        (Close::AWAY.plain().to_vec(), false),
        (Close::AWAY.masked().to_vec(), true),
    ] {
        assert_eq!(bytes, frame(0x88, &1001u16.to_be_bytes(), masked));
        let (_, frames) = texts(&bytes, 3, 100);
        assert!(frames.is_closed() && frames.is_between());
    }
}

#[test]
fn a_clients_events_are_unmasked_and_must_not_be_too_long() {
    let masked = |first: u8, payload: &[u8]| {
        let mut frame = frame(first, payload, true);
        let head = frame.len() - payload.len();
        let mask = [1, 2, 3, 200];
        frame[head - 4..head].copy_from_slice(&mask);
        for (byte, mask) in frame[head..].iter_mut().zip(mask.into_iter().cycle()) {
            *byte ^= mask;
        }
        frame
    };
    let all = [
        masked(0x81, b"one event"),
        masked(0x01, b"two "),
        masked(0x89, b"ping"),
        masked(0x80, b"parts"),
        masked(0x82, b"binary"),
    ]
    .concat();
    for cut in [1, 2, 3, 5, 7, all.len()] {
        let mut frames = Frames::of_client(9);
        let mut found = Vec::new();
        for piece in all.chunks(cut) {
            let fed = frames.feed(piece, |text| {
                found.push(String::from_utf8(text.to_vec()).unwrap());
                Ok(())
            });
            assert_eq!(fed, Ok(()));
        }
        assert_eq!(found, ["one event", "two parts", "binary"], "{cut}");
        let mut frames = Frames::of_client(8);
        let fed = frames.feed(&all, |_| Ok(()));
        assert_eq!(fed, Err(Close::TOO_LONG));
    }
}

#[test]
fn a_handshake_passes_without_its_key() {
    let mut client = HeaderMap::new();
    for (name, value) in [
        ("upgrade", "WebSocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        (
            "sec-websocket-protocol",
            "realtime, openai-insecure-api-key.sk-1,openai-project.x",
        ),
        ("sec-websocket-extensions", "permessage-deflate"),
    ] {
        client.insert(name, HeaderValue::from_static(value));
    }
    assert_eq!(asked_key(&client), Some("sk-1"));
    let mut up = HeaderMap::new();
    upward(&client, &mut up).unwrap();
    assert_eq!(up["sec-websocket-protocol"], "realtime");
    assert_eq!(up["sec-websocket-key"], client["sec-websocket-key"]);
    assert!(!up.contains_key("sec-websocket-extensions"));
    for missing in ["upgrade", "sec-websocket-version", "sec-websocket-key"] {
        let mut client = client.clone();
        client.remove(missing);
        let problem = upward(&client, &mut HeaderMap::new()).unwrap_err();
        assert_eq!(problem.status.as_u16(), 426, "{missing}");
    }
}

proptest! {
    #[test]
    fn following_is_total(bytes in proptest::collection::vec(any::<u8>(), 0..300), cut in 1usize..40) {
        let (once, _) = texts(&bytes, bytes.len(), 100);
        let (again, _) = texts(&bytes, cut, 100);
        prop_assert_eq!(once, again);
    }
}
