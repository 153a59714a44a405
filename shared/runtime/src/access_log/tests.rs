//! What a line looks like, and what becomes of it when nobody reads.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};

use super::*;

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Takes nothing until it is dropped from the other side.
struct Stalled(std::sync::mpsc::Receiver<()>);

impl Write for Stalled {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.0.recv();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn line() -> AccessLine<'static> {
    AccessLine {
        listener: "proxy",
        request_id: "r-1",
        method: "POST",
        path: "/v1/chat/completions",
        status: 200,
        requested_model: Some("fast\n\"model\""),
        level: Some(3),
        duration_us: 1500,
        ..AccessLine::default()
    }
}

#[test]
fn a_line_is_one_json_object() {
    let output = Shared::default();
    let log = AccessLog::to(output.clone(), false).unwrap();
    log.record(&line());
    log.record(&line());
    log.flush();
    let written = String::from_utf8(output.0.lock().unwrap().clone()).unwrap();
    assert_eq!(written.lines().count(), 2);
    let value: serde_json::Value = serde_json::from_str(written.lines().next().unwrap()).unwrap();
    assert_eq!(value["kind"], "access");
    assert_eq!(value["requested_model"], "fast\n\"model\"");
    assert_eq!(value["level"], 3);
    assert_eq!(value["duration_us"], 1500);
    assert!(value.get("error").is_none() && value["time"].is_string());
}

#[test]
fn a_client_without_a_port_is_its_address_alone() {
    let told = |client: &str| {
        let client = Some(client.parse().unwrap());
        let line = AccessLine { client, ..line() };
        let value: serde_json::Value = serde_json::from_slice(&json(&line)).unwrap();
        value["client"].as_str().unwrap().to_owned()
    };
    assert_eq!(told("192.0.2.1:443"), "192.0.2.1:443");
    assert_eq!(told("192.0.2.1:0"), "192.0.2.1");
    assert_eq!(told("[2001:db8::1]:0"), "2001:db8::1");
}

#[test]
fn for_people_it_is_one_line_too() {
    let text = String::from_utf8(pretty(&line())).unwrap();
    assert_eq!(text.lines().count(), 1);
    assert!(
        text.contains("POST /v1/chat/completions 200 1.5ms fast\"model\" level=3"),
        "{text}"
    );
}

#[test]
fn off_writes_nothing() {
    let log = AccessLog::off();
    assert!(!log.is_on());
    log.record(&line());
    log.flush();
}

#[test]
fn a_stalled_reader_stops_no_request() {
    let (release, stalled): (Sender<()>, _) = std::sync::mpsc::channel();
    let log = AccessLog::to(Stalled(stalled), false).unwrap();
    for _ in 0..3 * QUEUE {
        log.record(&line());
    }
    drop(release);
    // Released, the rest is written and a flush comes back.
    log.flush();
}
