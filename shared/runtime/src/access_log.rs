//! One line per request, on standard output. A thread of its own writes them:
//! whoever reads the other end may stall, and no request may wait for that.
//! Lines that find the queue full are dropped and counted. Off, it costs one
//! test per request.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use chrono::{SecondsFormat, Utc};
use serde::{Serialize, Serializer};

use crate::settings::Log;

/// Lines that may wait to be written: a second or so of a busy node.
const QUEUE: usize = 16 * 1024;

/// Bytes gathered before a write; one write takes what is waiting.
const WRITE_BYTES: usize = 64 * 1024;

/// How long the end of the process waits for the last lines.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// What is told about one request. Paths are told without their query, models
/// as they were asked for; nothing here may hold a secret.
#[derive(Debug, Clone, Default, Serialize)]
pub struct AccessLine<'a> {
    /// The listener (`proxy`, `admin`).
    pub listener: &'static str,
    /// The request's id, as the caller was told it.
    pub request_id: &'a str,
    /// Who called.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "client")]
    pub client: Option<SocketAddr>,
    /// HTTP method.
    pub method: &'a str,
    /// Path, without query.
    pub path: &'a str,
    /// Status that was answered; 499 when the caller left first.
    pub status: u16,
    /// The error's code, if it was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'a str>,
    /// Whose fault it was: `client`, `gateway`, `upstream`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub side: Option<&'a str>,
    /// The account that called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<u64>,
    /// The model that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_model: Option<&'a str>,
    /// The Model that a routing Model led to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub served_by: Option<&'a str>,
    /// The model that the upstream was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<&'a str>,
    /// The Level that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<u16>,
    /// The provider key's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<u64>,
    /// Attempts upstream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// Whether the answer was streamed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub streamed: bool,
    /// Tokens in, as the provider counted them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    /// Tokens out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
    /// Bytes of the request's body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_in: Option<u64>,
    /// Bytes of the answer's body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_out: Option<u64>,
    /// Until the first byte of the answer, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_byte_us: Option<u64>,
    /// Until its last, in microseconds.
    pub duration_us: u64,
    /// The revision that was served from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// The trace, when spans are made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<&'a str>,
}

/// The access log. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AccessLog(Option<Queue>);

#[derive(Debug, Clone)]
struct Queue {
    sender: SyncSender<Message>,
    is_pretty: bool,
}

#[derive(Debug)]
enum Message {
    Line(Vec<u8>),
    Flush(SyncSender<()>),
}

impl AccessLog {
    /// One that writes nothing.
    pub const fn off() -> Self {
        Self(None)
    }

    /// One that writes to standard output, if the settings want it.
    ///
    /// # Errors
    /// When its thread cannot be started.
    pub fn start(log: &Log) -> io::Result<Self> {
        if !log.access {
            return Ok(Self::off());
        }
        let is_pretty = log.format.is_pretty(io::stdout().is_terminal());
        Self::to(io::stdout(), is_pretty)
    }

    fn to(output: impl Write + Send + 'static, is_pretty: bool) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(QUEUE);
        std::thread::Builder::new()
            .name("access-log".to_owned())
            .spawn(move || write_lines(&receiver, output))?;
        Ok(Self(Some(Queue { sender, is_pretty })))
    }

    /// Whether anybody wants lines. Ask before gathering what costs something.
    #[inline]
    pub const fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Hands a line over.
    pub fn record(&self, line: &AccessLine<'_>) {
        let Some(queue) = &self.0 else { return };
        let text = if queue.is_pretty {
            pretty(line)
        } else {
            json(line)
        };
        if queue.sender.try_send(Message::Line(text)).is_err() {
            ::metrics::counter!("foldgate_access_log_dropped_total").increment(1);
        }
    }

    /// Waits until every line handed over so far is written, within limits.
    pub fn flush(&self) {
        let Some(queue) = &self.0 else { return };
        let (done, wait) = sync_channel(1);
        if queue.sender.try_send(Message::Flush(done)).is_ok() {
            // A reader that stalls must not hold up the end of the process.
            let _ = wait.recv_timeout(FLUSH_TIMEOUT);
        }
    }
}

/// Writes whatever waits in one go, until every sender is gone.
fn write_lines(receiver: &Receiver<Message>, mut output: impl Write) {
    let mut buffer = Vec::with_capacity(WRITE_BYTES);
    while let Ok(first) = receiver.recv() {
        let mut waiting = Vec::new();
        let mut next = Some(first);
        while let Some(message) = next.take() {
            match message {
                Message::Line(line) => buffer.extend_from_slice(&line),
                Message::Flush(done) => waiting.push(done),
            }
            if buffer.len() < WRITE_BYTES {
                next = receiver.try_recv().ok();
            }
        }
        // Nobody reads any more: the lines have nowhere to go.
        let _ = output.write_all(&buffer).and_then(|()| output.flush());
        buffer.clear();
        for done in waiting {
            let _ = done.try_send(());
        }
    }
}

/// A client's address; a proxy that told it may have told no port.
#[expect(clippy::ref_option, reason = "it is called with the field as it is")]
fn client<S: Serializer>(client: &Option<SocketAddr>, serializer: S) -> Result<S::Ok, S::Error> {
    match client {
        Some(client) if client.port() == 0 => client.ip().serialize(serializer),
        client => client.serialize(serializer),
    }
}

fn json(line: &AccessLine<'_>) -> Vec<u8> {
    let time = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
    let mut text = format!("{{\"time\":\"{time}\",\"kind\":\"access\",").into_bytes();
    let start = text.len();
    if serde_json::to_writer(&mut text, line).is_err() {
        return Vec::new();
    }
    // The line's own opening brace gives way to the one above.
    text.remove(start);
    text.push(b'\n');
    text
}

fn pretty(line: &AccessLine<'_>) -> Vec<u8> {
    let time = Utc::now().format("%H:%M:%S%.3f");
    let mut text = format!(
        "{time} {} {} {} {:.1}ms",
        line.method,
        line.path,
        line.status,
        Duration::from_micros(line.duration_us).as_secs_f64() * 1e3
    );
    if let Some(model) = line.model.or(line.requested_model) {
        text.push(' ');
        text.extend(model.chars().filter(|c| !c.is_control()));
    }
    for (name, value) in [
        ("level", line.level.map(u64::from)),
        ("key", line.key),
        ("attempts", line.attempts.map(u64::from)),
    ] {
        if let Some(value) = value {
            // Writing to a String cannot fail, here and below.
            let _ = write!(text, " {name}={value}");
        }
    }
    if let Some(error) = line.error {
        let _ = write!(text, " error={error}");
    }
    text.push('\n');
    text.into_bytes()
}

#[cfg(test)]
mod tests;
