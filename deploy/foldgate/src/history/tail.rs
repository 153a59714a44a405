//! `foldgate log tail`: the last records, and those that come.

use std::time::Duration;

use bytes::BytesMut;
use foldgate_log::event_log::MAX_READ;
use foldgate_log::{EventLog, FollowItem, Position, Stored};
use foldgate_proto::{Record, Revision};
use foldgate_runtime::Settings;
use http_body_util::BodyExt;
use serde_json::Value;

use super::out::Out;
use super::remote::Remote;
use super::row;
use super::source::Source;
use crate::exit::Failure;

/// The most records a control plane lists at once.
const PAGE: u64 = 100;

/// The pause before a stream that has ended is asked for again.
const AGAIN: Duration = Duration::from_secs(1);

/// The longest event of a stream.
const MAX_EVENT_BYTES: usize = 4 * 1024 * 1024;

/// Shows records until nobody wants to see more.
pub(super) async fn run(settings: &Settings, last: u64, json: bool) -> Result<(), Failure> {
    let mut shown = Shown {
        out: Out::view(),
        json,
    };
    let source = Source::open(settings).await?;
    if !json {
        shown.out.line(&row::heads())?;
    }
    match source {
        Source::Remote(remote) => of_control_plane(&remote, last, &mut shown).await,
        Source::Nats(log) => {
            let at = newest(log.as_ref(), last, &mut shown).await?;
            follow(log.as_ref(), at, &mut shown).await
        }
        Source::Resting(log) => {
            newest(log.as_ref(), last, &mut shown).await?;
            eprintln!("foldgate: no process holds this log, so nothing comes to it");
            Ok(())
        }
    }
}

struct Shown {
    out: Out,
    json: bool,
}

impl Shown {
    fn row(&mut self, row: &Value) -> Result<(), Failure> {
        if self.json {
            self.out.json(row)
        } else {
            self.out.line(&row::line(row))
        }
    }
}

/// Shows the last records; gives the position behind them.
async fn newest(log: &dyn EventLog, last: u64, shown: &mut Shown) -> Result<Position, Failure> {
    let head = log.head().await?;
    let mut next = Revision(head.revision.0.saturating_sub(last)).next();
    while next <= head.revision {
        let left = usize::try_from(head.revision.0 - next.0 + 1).unwrap_or(MAX_READ);
        let read = log.read(next, left.min(MAX_READ)).await;
        let entries = read.map_err(foldgate_log::VerifyError::from)?;
        let Some(behind) = entries.last().map(|stored| stored.revision.next()) else {
            break;
        };
        for stored in &entries {
            shown.row(&of(stored)?)?;
        }
        next = behind;
    }
    shown.out.flush()?;
    Ok(head)
}

fn of(stored: &Stored) -> Result<Value, Failure> {
    let record = Record::decode(&stored.bytes)
        .map_err(|error| Failure::broken(format!("revision {}: {error}", stored.revision)))?;
    Ok(row::of(stored.revision, &record))
}

async fn follow(log: &dyn EventLog, from: Position, shown: &mut Shown) -> Result<(), Failure> {
    let mut follow = log.follow(from);
    while let Some(item) = follow.next().await {
        match item {
            FollowItem::Entry {
                revision, record, ..
            } => {
                shown.row(&row::of(revision, &record))?;
                shown.out.flush()?;
            }
            FollowItem::Held { revision, reason } => {
                eprintln!("foldgate: waiting at revision {revision}: {reason}");
            }
            FollowItem::CaughtUp(_) => {}
        }
    }
    Ok(())
}

async fn of_control_plane(remote: &Remote, last: u64, shown: &mut Shown) -> Result<(), Failure> {
    let mut since = None;
    if last > 0 {
        let path = format!("/admin/v1/history?limit={}", last.min(PAGE));
        let page = remote.json(&path).await?;
        let items = page["items"].as_array();
        let mut rows: Vec<&Value> = items.into_iter().flatten().collect();
        rows.sort_by_key(|row| row["revision"].as_u64());
        for row in &rows {
            shown.row(row)?;
        }
        since = rows.last().and_then(|row| row["revision"].as_u64());
        shown.out.flush()?;
    }
    let mut away = None;
    loop {
        let query = since.map(|since| format!("?since={since}"));
        let path = format!("/admin/v1/history/stream{}", query.unwrap_or_default());
        match stream(remote, &path, &mut since, shown).await {
            Ok(()) => away = Some(false),
            // Later it may be a control plane that starts again.
            Err(failure) if away.is_none() || !failure.is_io() => return Err(failure),
            Err(failure) => {
                if away == Some(false) {
                    eprintln!("foldgate: {failure}; asking again");
                }
                away = Some(true);
            }
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Shows a stream's events until it ends.
async fn stream(
    remote: &Remote,
    path: &str,
    since: &mut Option<u64>,
    shown: &mut Shown,
) -> Result<(), Failure> {
    let mut body = remote.get(path).await?.into_body();
    let mut waiting = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(Failure::io)?.into_data() else {
            continue;
        };
        waiting.extend_from_slice(&data);
        while let Some(end) = waiting.windows(2).position(|pair| pair == b"\n\n") {
            let event = waiting.split_to(end + 2);
            if let Some(row) = record(&event) {
                *since = row["revision"].as_u64().or(*since);
                shown.row(&row)?;
            }
        }
        if waiting.len() > MAX_EVENT_BYTES {
            return Err(Failure::internal("the history stream has an endless event"));
        }
        shown.out.flush()?;
    }
    Ok(())
}

/// The row in one event of the stream, if it is a record's.
fn record(event: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(event).ok()?;
    let of = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
    if of("event: ") != Some("record") {
        return None;
    }
    serde_json::from_str(of("data: ")?).ok()
}
