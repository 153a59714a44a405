//! Server-sent events, as far as tests read them.

use serde_json::Value;

/// The data of each event.
pub fn events(body: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(body)
        .replace("\r\n", "\n")
        .split("\n\n")
        .filter_map(data)
        .collect()
}

fn data(event: &str) -> Option<String> {
    let lines: Vec<&str> = event
        .lines()
        .filter_map(|line| line.strip_prefix("data:"))
        .map(|data| data.strip_prefix(' ').unwrap_or(data))
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// One event as it goes over the wire.
pub fn event(data: &Value) -> String {
    format!("data: {data}\n\n")
}

/// The last event of an OpenAI stream.
pub const DONE: &str = "data: [DONE]\n\n";

/// The text that the chunks of a chat stream add up to.
pub fn chat_text(events: &[String]) -> String {
    events
        .iter()
        .filter_map(|event| serde_json::from_str::<Value>(event).ok())
        .filter_map(|chunk| {
            let delta = &chunk["choices"][0]["delta"]["content"];
            delta.as_str().map(str::to_owned)
        })
        .collect()
}
