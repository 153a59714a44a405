use bytes::Bytes;
use proptest::prelude::*;

use super::Flow;
use crate::endpoint::Streams;

fn through(hide: bool, frames: &[&[u8]]) -> (Vec<u8>, Option<String>) {
    let mut flow = Flow::new(Streams::Chunks, hide);
    let mut out = Vec::new();
    for frame in frames {
        flow.push(&Bytes::copy_from_slice(frame));
        out.extend(flow.take().unwrap_or_default());
    }
    flow.finish();
    out.extend(flow.take().unwrap_or_default());
    (out, flow.take_error())
}

#[test]
fn frames_that_need_no_change_pass_as_they_are() {
    let frame = Bytes::from_static(b"data: {\"a\":1}\n\n: ping\n\ndata: [DONE]\n\n");
    let mut flow = Flow::new(Streams::Chunks, true);
    flow.push(&frame);
    let out = flow.take().unwrap();
    assert_eq!((out.as_ptr(), out.len()), (frame.as_ptr(), frame.len()));
    assert_eq!(flow.take(), None);
}

#[test]
fn what_is_hidden_is_cut_out_of_its_frame() {
    let text = b"data: {\"a\":1,\"usage\":null}\n\ndata: {\"choices\":[],\"usage\":{\"total_tokens\":1}}\n\ndata: [DONE]\n\n";
    let (out, _) = through(true, &[text]);
    assert_eq!(out, b"data: {\"a\":1}\n\ndata: [DONE]\n\n");
    assert_eq!(through(false, &[text]).0, text);
}

#[test]
fn an_unfinished_event_waits_and_a_comment_is_no_beginning() {
    let mut flow = Flow::new(Streams::Chunks, false);
    flow.push(&Bytes::from_static(b": hello\n\ndata: {\"a\""));
    assert!(!flow.has_begun());
    assert_eq!(flow.take().unwrap(), ": hello\n\n");
    flow.push(&Bytes::from_static(b":1}\n\n"));
    assert!(flow.has_begun());
    assert_eq!(flow.take().unwrap(), "data: {\"a\":1}\n\n");
}

#[test]
fn nothing_goes_on_behind_an_error() {
    let text = b"data: {\"a\":1}\n\ndata: {\"error\":{\"message\":\"x\"}}\n\ndata: {\"b\":1}\n\n";
    let (out, error) = through(false, &[text]);
    assert_eq!(out, b"data: {\"a\":1}\n\n");
    assert_eq!(error.unwrap(), "{\"error\":{\"message\":\"x\"}}");
}

proptest! {
    #[test]
    fn cuts_do_not_matter(
        events in proptest::collection::vec(
            prop_oneof![
                Just("data: {\"a\":1}\n\n"),
                Just("data: {\"usage\":null}\r\n\r\n"),
                Just("data: {\"b\":\"x\",\"usage\":null,\"c\":2}\n\n"),
                Just("data: {\"choices\":[],\"usage\":{\"total_tokens\":3}}\n\n"),
                Just(": c\n\n"),
                Just("event: x\ndata: y\ndata: z\n\n"),
                Just("data: [DONE]\n\n"),
            ],
            0..12,
        ),
        size in 1usize..40,
        hide in any::<bool>(),
    ) {
        let text = events.concat();
        let cut: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
        let one = through(hide, &[text.as_bytes()]);
        prop_assert_eq!(&through(hide, &cut), &one);
        if !hide {
            prop_assert_eq!(one.0, text.into_bytes());
        }
    }
}
