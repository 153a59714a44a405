use super::{begins_events, json};

#[test]
fn events_show_in_their_first_bytes() {
    for open in ["", "\u{feff}", " \n", "d", "data", "event", "\r\n\r\ned"] {
        let known = begins_events(open.as_bytes());
        assert!(known.is_none() || open.ends_with("ed"), "{open:?}");
    }
    for events in [
        "data:",
        "data: x",
        "event: a",
        ": ping",
        "\u{feff}data:1",
        "\n\ndata:",
    ] {
        assert_eq!(begins_events(events.as_bytes()), Some(true), "{events:?}");
    }
    for other in ["{", "<html>", "dat:", "[", "datum"] {
        assert_eq!(begins_events(other.as_bytes()), Some(false), "{other:?}");
    }
    assert_eq!(begins_events(&[b' '; 64]), Some(false));
}

#[test]
fn only_whole_json_is_json() {
    assert!(json(b" {\"a\":[1]}\n").is_some() && json(b"[]").is_some());
    for other in [
        &b"<html>"[..],
        b"{\"a\":",
        b"words",
        b"{} x",
        b"{\"a\":\"\xff\"}",
        b"",
    ] {
        assert_eq!(json(other), None);
    }
}
