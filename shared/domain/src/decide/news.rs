//! Notifications.

use std::time::Duration;

use foldgate_proto::event::{NewsPublished, NewsRetracted};
use foldgate_proto::{Event, NewsNumber, NewsTarget, Timestamp};

use super::{check_line, check_text};
use crate::command::PublishNews;
use crate::{OwnerState, Rejection};

/// The longest title, in characters.
pub const MAX_TITLE_CHARS: usize = 100;
/// The longest text, in characters.
pub const MAX_CONTENT_CHARS: usize = 1000;
/// How long news for everybody is shown, in days.
pub const DEFAULT_DAYS_ALL: u32 = 7;
/// How long targeted news is shown, in days.
pub const DEFAULT_DAYS_TARGETED: u32 = 32;
/// The longest it may be shown, in days.
pub const MAX_DAYS: u32 = 3650;
/// The most items an owner may hold; expired ones make room by themselves.
pub const MAX_NEWS: usize = 1000;
/// The longest target, in characters.
const MAX_TARGET_CHARS: usize = 320;

pub(super) fn publish(
    owner: &OwnerState,
    publish: &PublishNews,
    now: Timestamp,
) -> Result<Vec<Event>, Rejection> {
    check_required("title", &publish.title)?;
    check_line("title", &publish.title, MAX_TITLE_CHARS)?;
    check_required("content", &publish.content)?;
    check_text("content", &publish.content, MAX_CONTENT_CHARS)?;
    if let Some(target) = &publish.target {
        check_target(target)?;
    }
    let default = match publish.target {
        None => DEFAULT_DAYS_ALL,
        Some(_) => DEFAULT_DAYS_TARGETED,
    };
    let days = publish.days.unwrap_or(default);
    if !(1..=MAX_DAYS).contains(&days) {
        let problem = format!("must be from 1 to {MAX_DAYS}");
        return Err(Rejection::field("days", problem));
    }
    let mut events = make_room(owner, now)?;
    events.push(Event::NewsPublished(NewsPublished {
        id: publish.id,
        number: owner.last_news.next(),
        title: publish.title.clone(),
        content: publish.content.clone(),
        target: publish.target.clone(),
        expires_at: now.after(Duration::from_hours(24) * days),
    }));
    Ok(events)
}

pub(super) fn retract(owner: &OwnerState, number: NewsNumber) -> Result<Vec<Event>, Rejection> {
    if !owner.news.contains_key(&number) {
        return Err(Rejection::NoSuchNews(number));
    }
    Ok(vec![Event::NewsRetracted(NewsRetracted { number })])
}

/// Where the board is full, the oldest expired item leaves; if none has
/// expired, the new one is refused.
fn make_room(owner: &OwnerState, now: Timestamp) -> Result<Vec<Event>, Rejection> {
    if owner.news.len() < MAX_NEWS {
        return Ok(Vec::new());
    }
    let expired = owner.news.values().find(|news| news.expires_at <= now);
    let Some(news) = expired else {
        return Err(Rejection::TooMany {
            what: "news",
            limit: MAX_NEWS,
        });
    };
    let number = news.number;
    Ok(vec![Event::NewsRetracted(NewsRetracted { number })])
}

fn check_required(field: &'static str, text: &str) -> Result<(), Rejection> {
    if text.trim().is_empty() {
        return Err(Rejection::field(field, "must not be empty"));
    }
    Ok(())
}

fn check_target(target: &NewsTarget) -> Result<(), Rejection> {
    let text = target.to_string();
    check_line("target", &text, MAX_TARGET_CHARS)?;
    let NewsTarget::Dna(path) = target else {
        return Ok(());
    };
    let inner = path
        .strip_prefix('.')
        .and_then(|rest| rest.strip_suffix('.'));
    // Digits only, and each number in its one spelling, so that prefixes compare.
    let number = |part: &str| part.parse::<u64>().is_ok_and(|n| n.to_string() == part);
    let numbers = |inner: &str| inner.split('.').all(number);
    if !inner.is_some_and(numbers) {
        let problem = format!("{path:?} is no DNA path such as .1.42.");
        return Err(Rejection::field("target", problem));
    }
    Ok(())
}
