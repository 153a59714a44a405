use bytes::Bytes;
use proptest::prelude::*;

use super::{Event, Splitter};

const LIMIT: usize = 1 << 20;

fn split<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Event> {
    let mut splitter = Splitter::new(LIMIT);
    let mut events = Vec::new();
    for chunk in chunks {
        splitter.push(&Bytes::copy_from_slice(chunk), |event| events.push(event));
    }
    events.extend(splitter.finish());
    events
}

fn data_of(event: &Event) -> Option<String> {
    event
        .data()
        .map(|data| String::from_utf8(data.into_owned()).unwrap())
}

fn data(text: &str) -> Vec<Option<String>> {
    split([text.as_bytes()]).iter().map(data_of).collect()
}

fn some(words: &[&str]) -> Vec<Option<String>> {
    words.iter().map(|word| Some((*word).to_owned())).collect()
}

#[test]
fn every_line_end_splits() {
    for end in ["\n", "\r", "\r\n"] {
        let text = "data: a\n\ndata:b\ndata:  c\n\n".replace('\n', end);
        assert_eq!(data(&text), some(&["a", "b\n c"]), "{end:?}");
    }
}

#[test]
fn comments_other_fields_and_rests_are_events_too() {
    assert_eq!(data(": ping\n\nevent: x\nid: 1\n\n"), [None, None]);
    assert_eq!(data("data\n\n"), some(&[""]));
    assert_eq!(data("database: x\n\n"), [None]);
    assert_eq!(data("data: [DONE]"), some(&["[DONE]"]));
    assert_eq!(
        data("\u{feff}data: a\n\n\u{feff}data: b\n\n"),
        [Some("a".into()), None]
    );
}

#[test]
fn an_event_in_one_chunk_is_a_slice_of_it() {
    let chunk = Bytes::from_static(b"data: a\n\ndata: b\n\n");
    let mut splitter = Splitter::new(LIMIT);
    let mut events = Vec::new();
    splitter.push(&chunk, |event| events.push(event));
    assert_eq!(events[1].raw.as_ptr(), chunk[9..].as_ptr());
}

#[test]
fn an_event_ends_as_early_as_it_can_be_known() {
    let ends = |text: &'static str| {
        let mut seen = 0;
        Splitter::new(LIMIT).push(&Bytes::from_static(text.as_bytes()), |_| seen += 1);
        seen
    };
    assert_eq!(ends("data: a\n\n"), 1);
    assert_eq!(ends("data: a\r\n\r\n"), 1);
    assert_eq!(ends("data: a\r\r"), 1);
    assert_eq!(ends("data: a\r\n\r"), 0);
}

#[test]
fn an_event_too_large_to_hold_passes_in_pieces() {
    let mut splitter = Splitter::new(16);
    let mut events = Vec::new();
    for chunk in ["data: 0123456", "789012345678", "9\n\ndata: a\n\n"] {
        splitter.push(&Bytes::from_static(chunk.as_bytes()), |event| {
            events.push(event);
        });
    }
    let shape: Vec<_> = events
        .iter()
        .map(|event| (event.raw.as_ref(), event.whole))
        .collect();
    assert_eq!(
        shape,
        [
            (&b"data: 0123456789012345678"[..], false),
            (&b"9\n\n"[..], false),
            (&b"data: a\n\n"[..], true),
        ]
    );
}

/// Text that is rich in what matters: line ends, colons, marks, split letters.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(&b"\n"[..]),
        Just(&b"\r"[..]),
        Just(&b"\r\n"[..]),
        Just(&b"\n\n"[..]),
        Just(&b"data: "[..]),
        Just(&b"data:x"[..]),
        Just(&b": c"[..]),
        Just(&b"\xef\xbb\xbf"[..]),
        Just("\u{1f600}".as_bytes()),
        Just(&b"\xff"[..]),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// The data of each event by the letter of the specification: normalise the
/// line ends, split at blank lines.
fn oracle(input: &[u8]) -> Vec<Vec<u8>> {
    let input = input.strip_prefix(b"\xef\xbb\xbf").unwrap_or(input);
    let mut text = Vec::new();
    for (at, byte) in input.iter().enumerate() {
        match byte {
            b'\r' => text.push(b'\n'),
            b'\n' if at > 0 && input[at - 1] == b'\r' => {}
            other => text.push(*other),
        }
    }
    let mut events = Vec::new();
    let mut lines: Vec<Vec<u8>> = Vec::new();
    let mut all: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    all.push(b"");
    for line in all {
        if line.is_empty() {
            if !lines.is_empty() {
                events.push(lines.join(&b'\n'));
            }
            lines.clear();
        } else if let Some(value) = line.strip_prefix(b"data:") {
            lines.push(value.strip_prefix(b" ").unwrap_or(value).to_vec());
        } else if line == b"data" {
            lines.push(Vec::new());
        }
    }
    events
}

proptest! {
    #[test]
    fn chunks_do_not_matter(
        input in stream(),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..12),
    ) {
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(input.len() + 1)).collect();
        at.extend([0, input.len()]);
        at.sort_unstable();
        let chunks: Vec<&[u8]> = at.windows(2).map(|pair| &input[pair[0]..pair[1]]).collect();
        let one = split([input.as_slice()]);
        let many = split(chunks);
        let bytes = split(input.chunks(1));
        prop_assert_eq!(&one, &many);
        prop_assert_eq!(&one, &bytes);
        let raw: Vec<u8> = one.iter().flat_map(|event| event.raw.to_vec()).collect();
        prop_assert_eq!(raw, input);
    }

    #[test]
    fn data_is_what_the_specification_says(input in stream()) {
        let seen: Vec<Vec<u8>> = split([input.as_slice()])
            .iter()
            .filter_map(|event| event.data().map(std::borrow::Cow::into_owned))
            .collect();
        prop_assert_eq!(seen, oracle(&input));
    }
}
