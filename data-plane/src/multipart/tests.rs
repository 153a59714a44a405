use http::{HeaderMap, HeaderValue, header};
use proptest::prelude::*;

use super::scan::{Scanner, Wrong};
use super::{boundary, tape::Tape};

const B: &str = "----boundary42";

/// One part.
fn part(head: &str, value: &str) -> String {
    format!("--{B}\r\nContent-Disposition: form-data; {head}\r\n\r\n{value}\r\n")
}

fn form(parts: &[String]) -> String {
    format!("{}--{B}--\r\n", parts.concat())
}

fn scan(form: &[u8], cut: usize) -> Result<Scanner, Wrong> {
    let mut scanner = Scanner::new(B);
    for piece in form.chunks(cut.max(1)) {
        scanner.feed(piece)?;
    }
    scanner.finish()?;
    Ok(scanner)
}

/// The model, and what stands where it is said to stand.
fn model(form: &str, cut: usize) -> Result<Option<(String, String)>, Wrong> {
    let scanner = scan(form.as_bytes(), cut)?;
    Ok(scanner
        .model()
        .map(|(model, at)| (model.to_owned(), form[at].to_owned())))
}

#[test]
fn the_model_is_found_wherever_it_stands_and_however_the_form_is_cut() {
    let file = part(
        "name=\"file\"; filename=\"a;name=model.wav\"\r\nContent-Type: audio/wav",
        "RIFF\r\n--\r\n------bound\r\r\n\0\u{1}\r",
    );
    let fields = [
        part("name=\"model\"", "whisper-1"),
        part("name=\"stream\"", "true"),
    ];
    let first = [fields.to_vec(), vec![file.clone()]].concat();
    let last = [vec![file], fields.to_vec()].concat();
    for parts in [first, last] {
        for start in ["", "\r\n", "a preamble\r\n"] {
            let form = format!("{start}{}", form(&parts));
            for cut in 1..=form.len() {
                let found = model(&form, cut).unwrap().unwrap();
                assert_eq!(
                    found,
                    ("whisper-1".to_owned(), "whisper-1".to_owned()),
                    "{cut}"
                );
                let scanner = scan(form.as_bytes(), cut).unwrap();
                assert!(scanner.streams(), "{cut}");
                assert_eq!(scanner.first_part(), start.len(), "{cut}");
            }
        }
    }
}

#[test]
fn names_are_read_as_their_writers_mean_them() {
    for head in [
        "name=model",
        "NAME=\"model\"",
        "filename=\"x\"; name=\"model\"",
        "name=\"mo\\del\"",
        "name*=utf-8''model",
        " name = \"model\" ",
    ] {
        let found = model(&form(&[part(head, "m")]), 7).unwrap();
        assert_eq!(found.map(|found| found.0).as_deref(), Some("m"), "{head}");
    }
    for head in ["name=\"models\"", "name=\"x\"; filename=\"; name=model\""] {
        assert_eq!(model(&form(&[part(head, "m")]), 7), Ok(None), "{head}");
    }
}

#[test]
fn what_may_be_read_in_two_ways_is_refused() {
    let model = part("name=\"model\"", "a");
    let two = form(&[model.clone(), part("name=\"file\"", "x"), model.clone()]);
    assert_eq!(scan(two.as_bytes(), 5).unwrap_err(), Wrong::Twice);
    for head in [
        "name=\"a\"; name=\"model\"",
        "x\r\nContent-Disposition: form-data; name=\"model\"",
        "\r\n name=\"model\"",
        "name=\"a\"\nContent-Disposition: form-data; name=\"model\"",
        "filename=\"x\"",
        "name*=utf-8''mod%65l",
    ] {
        let text = form(&[part(head, "m")]);
        assert_eq!(scan(text.as_bytes(), 9).unwrap_err(), Wrong::Head, "{head}");
    }
    let no_disposition = format!("--{B}\r\ncontent-type: text/plain\r\n\r\nx\r\n--{B}--");
    assert_eq!(scan(no_disposition.as_bytes(), 9).unwrap_err(), Wrong::Head);
    let longer = format!("--{B}x\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\nx");
    assert_eq!(scan(longer.as_bytes(), 9).unwrap_err(), Wrong::Head);
    let long = form(&[part("name=\"model\"", &"x".repeat(5000))]);
    assert_eq!(scan(long.as_bytes(), 9).unwrap_err(), Wrong::Model);
    let endless = format!("--{B}\r\n{}", "a: b\r\n".repeat(10_000));
    assert_eq!(scan(endless.as_bytes(), 4096).unwrap_err(), Wrong::Head);
    for broken in ["", "--", &two[..two.len() / 3]] {
        assert!(scan(broken.as_bytes(), 9).is_err(), "{broken}");
    }
}

#[test]
fn a_boundary_is_what_the_type_says() {
    let of = |kind: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(kind).unwrap());
        boundary(&headers).map_err(|problem| problem.status.as_u16())
    };
    assert_eq!(of("multipart/form-data; boundary=abc"), Ok("abc".into()));
    assert_eq!(
        of("Multipart/Form-Data;charset=x; Boundary=\"a b\""),
        Ok("a b".into())
    );
    for kind in [
        "application/json",
        "multipart/form-data",
        "multipart/mixed; boundary=abc",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=a@b",
        &format!("multipart/form-data; boundary={}", "x".repeat(71)),
    ] {
        assert_eq!(of(kind), Err(415), "{kind}");
    }
}

/// The scanner against the whole form, split by its boundary.
fn naive(form: &str) -> Option<String> {
    let boundary = format!("--{B}");
    form.split(&boundary)
        .skip(1)
        .filter_map(|part| part.split_once("\r\n\r\n"))
        .find(|(head, _)| head.contains("name=\"model\""))
        .and_then(|(_, value)| value.strip_suffix("\r\n"))
        .map(str::to_owned)
}

proptest! {
    #[test]
    fn any_form_is_read_as_a_whole_one_is(
        before in proptest::collection::vec(("x[a-z]{0,3}", "[\\-\r\na-c\0]{0,40}"), 0..4),
        name in "[a-zA-Z0-9./:-]{1,20}",
        behind in proptest::collection::vec(("y[a-z]{0,3}", "[\\-\r\na-c\0]{0,40}"), 0..4),
        cut in 1usize..60,
    ) {
        let other = |(name, value): &(String, String)| part(&format!("name=\"{name}\""), value);
        let mut parts: Vec<String> = before.iter().map(other).collect();
        parts.push(part("name=\"model\"", &name));
        parts.extend(behind.iter().map(other));
        let form = form(&parts);
        let (found, there) = model(&form, cut).unwrap().unwrap();
        prop_assert_eq!(Some(found.clone()), naive(&form));
        prop_assert_eq!(found, there);
    }

    #[test]
    fn scanning_is_total(form in proptest::collection::vec(any::<u8>(), 0..400), cut in 1usize..50) {
        let _ = scan(&form, cut);
    }

    #[test]
    fn scanning_is_the_same_however_a_form_is_cut(
        form in "(--|\r\n|----boundary42|content-disposition: form-data; name=model|x){0,30}",
        cut in 1usize..50,
    ) {
        let all = |cut| scan(form.as_bytes(), cut).map(|s| s.model().map(|(m, at)| (m.to_owned(), at)));
        prop_assert_eq!(all(cut), all(form.len().max(1)));
    }
}

#[test]
fn a_tape_can_be_shared() {
    fn shared<T: Send + Sync + Clone>() {}
    shared::<Tape>();
}
