//! What a translation weighs: memory for what it changes, none for what only passes.

use std::hint::black_box;

use allocation_counter::measure;
use bytes::Bytes;

use super::golden::{CALLERS, TARGETS};
use crate::dialect::{Aim, Caller, House, Target};

/// Bytes of an image: a tenth of a megabyte, one, and four.
const IMAGES: [usize; 3] = [100_000, 1_000_000, 4_000_000];

/// The most bytes that one short message takes on its way, all in all.
const FOR_A_MESSAGE: u64 = 2048;

/// The most bytes that a request takes beside its messages.
const FOR_A_REQUEST: u64 = 8 * 1024;

/// A conversation of short messages, the last of them with an image.
fn body(caller: Caller, image: usize, messages: usize) -> Bytes {
    let data = "iVBORw0K".repeat(image / 8);
    let image = match caller {
        Caller::OpenAi => format!(
            r#"{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{data}"}}}}"#
        ),
        Caller::Anthropic => format!(
            r#"{{"type":"image","source":{{"type":"base64","media_type":"image/png","data":"{data}"}}}}"#
        ),
    };
    let turn =
        r#"{"role":"user","content":"Look at this."},{"role":"assistant","content":"At what?"},"#;
    let turns = turn.repeat(messages / 2);
    Bytes::from(format!(
        r#"{{"model":"m","max_tokens":9,"messages":[{turns}{{"role":"user","content":[{image}]}}]}}"#
    ))
}

/// How often memory is taken for one translation of a request, and how many bytes.
fn weighed(caller: Caller, target: Target, body: &Bytes) -> (u64, u64) {
    let aim = Aim {
        model: "m",
        house: House::Own,
    };
    let mut length = 0;
    let weight = measure(|| {
        let text = std::str::from_utf8(body).unwrap();
        let request = caller.read_request(text).unwrap();
        let written = target.write_request(&request, &aim, body).unwrap();
        length = black_box(written).len();
    });
    assert!(length > body.len() / 2, "the image is in it");
    (weight.count_total, weight.bytes_total)
}

#[test]
fn an_image_weighs_nothing_however_large_it_is() {
    for (from, caller) in CALLERS {
        for (to, target) in TARGETS.into_iter().filter(|(_, to)| *to != caller.same()) {
            let weights = IMAGES.map(|image| weighed(caller, target, &body(caller, image, 2)));
            let [(takes, bytes), ..] = weights;
            assert!(bytes < FOR_A_REQUEST, "{from} to {to}: {bytes} bytes");
            for (image, weight) in IMAGES.into_iter().zip(weights) {
                assert_eq!(weight, (takes, bytes), "{from} to {to}: {image}");
            }
        }
    }
}

#[test]
fn what_changes_weighs_as_much_as_there_is_of_it() {
    const MANY: usize = 400;
    for (from, caller) in CALLERS {
        for (to, target) in TARGETS.into_iter().filter(|(_, to)| *to != caller.same()) {
            let [small, ..] = IMAGES;
            let (_, bytes) = weighed(caller, target, &body(caller, small, MANY));
            let most = FOR_A_REQUEST + FOR_A_MESSAGE * MANY as u64;
            assert!(bytes < most, "{from} to {to}: {bytes} bytes");
            let (_, twice) = weighed(caller, target, &body(caller, small, 2 * MANY));
            assert!(twice < 3 * bytes, "{from} to {to}: {bytes}, then {twice}");
        }
    }
}
