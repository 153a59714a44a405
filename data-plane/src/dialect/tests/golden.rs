use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::dialect::{Aim, Caller, Event, House, Reply, Target};
use crate::sse::Splitter;

/// Callers and targets by the names that files have.
pub(super) const CALLERS: [(&str, Caller); 2] =
    [("openai", Caller::OpenAi), ("anthropic", Caller::Anthropic)];
pub(super) const TARGETS: [(&str, Target); 3] = [
    ("openai", Target::OpenAi),
    ("anthropic", Target::Anthropic),
    ("gemini", Target::Gemini),
];

pub(super) const REPLY: Reply = Reply {
    created: 1_700_000_000,
    include_usage: true,
};

fn aim(target: Target) -> Aim<'static> {
    Aim {
        model: match target {
            Target::OpenAi => "gpt-4o",
            Target::Anthropic => "claude-opus-4-6",
            Target::Gemini => "gemini-2.5-pro",
        },
        house: House::Own,
    }
}

/// The files of a folder that are no golden ones: `name.dialect.ending`.
fn sources(folder: &str) -> Vec<(PathBuf, String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/dialect");
    let mut found = Vec::new();
    for entry in fs::read_dir(root.join(folder)).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap().to_owned();
        if let [name, dialect, _] = file.split('.').collect::<Vec<_>>()[..] {
            found.push((path, name.to_owned(), dialect.to_owned()));
        }
    }
    assert!(!found.is_empty(), "no fixtures in {folder}");
    found.sort();
    found
}

fn holds(source: &Path, file: &str, made: &[u8]) {
    let path = source.with_file_name(file);
    if !path.exists() && std::env::var_os("FOLDGATE_BLESS").is_some() {
        fs::write(&path, made).unwrap();
    }
    let golden = fs::read(&path).unwrap_or_else(|_| panic!("{file} is missing"));
    let (made, golden) = (
        String::from_utf8_lossy(made),
        String::from_utf8_lossy(&golden),
    );
    assert_eq!(made, golden, "{file}");
}

/// A refusal is golden too, by its field and its words.
#[test]
fn every_request_is_as_it_was_written_down() {
    for (path, name, dialect) in sources("requests") {
        let body = Bytes::from(fs::read(&path).unwrap());
        let text = std::str::from_utf8(&body).unwrap();
        let (_, caller) = CALLERS.iter().find(|(name, _)| *name == dialect).unwrap();
        for (other, target) in TARGETS.iter().filter(|(_, to)| *to != caller.same()) {
            let written = caller.read_request(text).and_then(|request| {
                let written = target.write_request(&request, &aim(*target), &body);
                written.map_err(|refusal| refusal.named_by(*caller))
            });
            let (ending, made) = match written {
                Ok(segments) => {
                    let whole = segments.join();
                    serde_json::from_slice::<serde_json::Value>(&whole).unwrap();
                    ("json", whole.to_vec())
                }
                Err(refusal) => {
                    let line = format!("{}\n{}", refusal.field, refusal.message());
                    ("refused", line.into_bytes())
                }
            };
            let file = format!("{name}.{dialect}.to.{other}.{ending}");
            holds(&path, &file, &[&made, b"\n".as_slice()].concat());
        }
    }
}

#[test]
fn every_answer_is_as_it_was_written_down() {
    for (path, name, dialect) in sources("answers") {
        let body = fs::read_to_string(&path).unwrap();
        let (_, target) = TARGETS.iter().find(|(name, _)| *name == dialect).unwrap();
        let answer = target.read_answer(&body).unwrap();
        for (other, caller) in CALLERS.iter().filter(|(_, to)| to.same() != *target) {
            let made = caller.write_answer(&answer, &REPLY);
            serde_json::from_slice::<serde_json::Value>(&made).unwrap();
            let file = format!("{name}.{dialect}.to.{other}.json");
            holds(&path, &file, &[&made, b"\n".as_slice()].concat());
        }
    }
}

#[test]
fn every_stream_is_as_it_was_written_down() {
    for (path, name, dialect) in sources("streams") {
        let body = fs::read(&path).unwrap();
        let (_, target) = TARGETS.iter().find(|(name, _)| *name == dialect).unwrap();
        for (other, caller) in CALLERS.iter().filter(|(_, to)| to.same() != *target) {
            let made = translated(*target, *caller, &[&body]);
            let file = format!("{name}.{dialect}.to.{other}.sse");
            holds(&path, &file, &made);
        }
    }
}

/// However a stream is cut on its way, the same comes out.
#[test]
fn a_stream_cut_at_any_byte_is_the_same() {
    for (path, _, dialect) in sources("streams") {
        let body = fs::read(&path).unwrap();
        let (_, target) = TARGETS.iter().find(|(name, _)| *name == dialect).unwrap();
        for (_, caller) in CALLERS {
            let whole = translated(*target, caller, &[&body]);
            for at in 0..body.len() {
                let (front, back) = body.split_at(at);
                assert_eq!(translated(*target, caller, &[front, back]), whole);
            }
        }
    }
}

/// What a stream becomes; an error is said as a line of its own.
pub(super) fn translated(target: Target, caller: Caller, pieces: &[&[u8]]) -> Vec<u8> {
    let mut splitter = Splitter::new(1024 * 1024);
    let mut reader = target.reader();
    let mut writer = caller.writer(REPLY);
    let mut out = Vec::new();
    let mut sink = |event: Event<'_>| match event {
        Event::Error(data) => {
            out.extend_from_slice(b"error: ");
            out.extend_from_slice(data.as_bytes());
            out.extend_from_slice(b"\n\n");
        }
        event => writer.write(&event, &mut out),
    };
    let mut events = Vec::new();
    for piece in pieces {
        splitter.push(&Bytes::copy_from_slice(piece), |event| events.push(event));
    }
    events.extend(splitter.finish());
    for event in events {
        if let Some(data) = event.data()
            && let Ok(data) = std::str::from_utf8(&data)
        {
            reader.read(event.name(), data, &mut sink);
        }
    }
    reader.finish(&mut sink);
    out
}
