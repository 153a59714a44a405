use bytes::Bytes;
use http_body_util::BodyExt as _;
use proptest::prelude::*;

use super::{Edit, JOIN_BYTES, Segments};

#[test]
fn without_edits_the_same_bytes_go_on() {
    let source = Bytes::from(vec![7; 100]);
    let segments = Segments::splice(&source, Vec::new());
    let parts: Vec<_> = segments.rest().collect();
    assert_eq!(parts.len(), 1);
    assert_eq!(parts[0].as_ptr(), source.as_ptr());
}

#[test]
fn a_large_text_is_not_copied() {
    let source = Bytes::from(vec![7; JOIN_BYTES * 2]);
    let segments = Segments::splice(&source, vec![Edit::replace(1..1, "x")]);
    let parts: Vec<_> = segments.rest().collect();
    assert_eq!(parts[0].as_ptr(), source.as_ptr());
    assert_eq!(parts[2].as_ptr(), source[1..].as_ptr());
}

#[tokio::test]
async fn a_body_says_its_length_and_can_be_sent_again() {
    use http_body::Body as _;
    let source = Bytes::from(vec![b'a'; JOIN_BYTES * 2]);
    let segments = Segments::splice(&source, vec![Edit::replace(0..2, "xyz")]);
    assert_eq!(
        segments.size_hint().exact(),
        Some(JOIN_BYTES as u64 * 2 + 1)
    );
    let first = segments.clone().collect().await.unwrap().to_bytes();
    let second = segments.collect().await.unwrap().to_bytes();
    assert_eq!(first, second);
    assert!(first.starts_with(b"xyza"));
}

proptest! {
    #[test]
    fn equals_a_naive_splice(
        source in proptest::collection::vec(any::<u8>(), 0..200),
        cuts in proptest::collection::vec((0usize..50, 0usize..20, "[a-z]{0,5}"), 0..6),
    ) {
        let mut edits = Vec::new();
        let mut expected = Vec::new();
        let mut at = 0;
        for (skip, cut, text) in cuts {
            let start = (at + skip).min(source.len());
            let end = (start + cut).min(source.len());
            expected.extend_from_slice(&source[at..start]);
            expected.extend_from_slice(text.as_bytes());
            edits.push(Edit::replace(start..end, text));
            at = end;
        }
        expected.extend_from_slice(&source[at..]);
        let segments = Segments::splice(&Bytes::from(source), edits);
        prop_assert_eq!(segments.join().to_vec(), expected);
    }
}
