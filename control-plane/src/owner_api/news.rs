//! `/x-news` and `/dashboard/news`: notifications.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use foldgate_domain::command::PublishNews;
use foldgate_domain::{Command, OwnerState};
use foldgate_proto::{Account, AccountNumber, News, NewsId, NewsNumber, NewsTarget, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::App;
use crate::auth::Authenticated;
use crate::clock;
use crate::error::Error;
use crate::reply;
use crate::request::quote::{self, quoted};
use crate::request::{Segments, Write, query};

/// The most items of each sort that are shown at once.
pub(crate) const MAX_SHOWN: usize = 8;

/// `POST /x-news`
pub(crate) async fn publish(
    State(app): State<App>,
    caller: Authenticated,
    write: Write,
) -> Result<Response, Error> {
    publish_to(&app, &caller, &write, None).await
}

/// `POST /x-news/{target}`
pub(crate) async fn publish_targeted(
    State(app): State<App>,
    caller: Authenticated,
    Segments(target): Segments<String>,
    write: Write,
) -> Result<Response, Error> {
    let target = target_of(&target)?;
    publish_to(&app, &caller, &write, Some(target)).await
}

/// `DELETE /x-news`
pub(crate) async fn retract(
    State(app): State<App>,
    caller: Authenticated,
    write: Write,
) -> Result<Response, Error> {
    let mut fields = write.fields()?;
    let id = fields.number("id")?;
    fields.finish()?;
    let id = id.ok_or_else(|| Error::field("id", "is required"))?;
    retract_number(&app, &caller, &write, NewsNumber(id)).await
}

/// `DELETE /x-news/{id}`
pub(crate) async fn retract_named(
    State(app): State<App>,
    caller: Authenticated,
    Segments(id): Segments<String>,
    write: Write,
) -> Result<Response, Error> {
    if id.is_empty() || !id.bytes().all(|b| b.is_ascii_digit()) {
        let problem = format!("{:?} is no news id", quoted(&id));
        return Err(Error::field("id", problem));
    }
    let number = id.parse().map_err(|_| Error::Missing {
        code: "news_not_found",
        message: format!("no news with id {}", quote::number(&id)),
    })?;
    retract_number(&app, &caller, &write, NewsNumber(number)).await
}

/// `GET /dashboard/news`
pub(crate) async fn list(
    caller: Authenticated,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let all = query::flag(&query.unwrap_or_default(), "all")?;
    let now = clock::now();
    let reader = Reader::new(&caller);
    let items = caller.owner().news.values().rev();
    let items: Vec<&Arc<News>> = items
        .filter(|item| all || !is_expired(item, now))
        .filter(|item| {
            item.target
                .as_ref()
                .is_none_or(|target| reader.is_meant(target))
        })
        .collect();
    let limit = if all { usize::MAX } else { MAX_SHOWN };
    let show = |targeted: bool| -> Vec<Value> {
        items
            .iter()
            .filter(|item| item.target.is_some() == targeted)
            .take(limit)
            .map(|item| view(item, all.then_some(now)))
            .collect()
    };
    let body = json!({
        "success": true,
        "system_news": show(false),
        "user_news": show(true),
    });
    Ok(reply::read(&caller, &body))
}

async fn publish_to(
    app: &App,
    caller: &Authenticated,
    write: &Write,
    target: Option<NewsTarget>,
) -> Result<Response, Error> {
    let mut fields = write.fields()?;
    let required = |name: &'static str| Error::field(name, "is required");
    let publish = PublishNews {
        id: NewsId(Uuid::now_v7()),
        title: fields.text("title")?.ok_or_else(|| required("title"))?,
        content: fields.text("content")?.ok_or_else(|| required("content"))?,
        days: fields
            .number("days")?
            .map(|days| u32::try_from(days).unwrap_or(u32::MAX)),
        target,
    };
    fields.finish()?;
    let mut done = app
        .submit(caller, write, Command::PublishNews(publish))
        .await?;
    let number = done.subject().map(NewsNumber).ok_or(Error::Internal)?;
    let what = format_args!("news {number}");
    let news = done.show(caller.owner_id(), what, |owner| shown(owner, number))?;
    Ok(done.reply(json!({"news": news})))
}

async fn retract_number(
    app: &App,
    caller: &Authenticated,
    write: &Write,
    number: NewsNumber,
) -> Result<Response, Error> {
    let command = Command::RetractNews(number);
    let mut done = app.submit(caller, write, command).await?;
    done.compare(caller.owner_id(), |owner| {
        shown(owner, number).unwrap_or_default()
    });
    let deleted = done.was("deleted", "would be deleted");
    let message = format!("news {number} {deleted}");
    Ok(done.reply(json!({"id": number.0, "message": message})))
}

fn shown(owner: &OwnerState, number: NewsNumber) -> Option<Value> {
    owner.news.get(&number).map(|item| view(item, None))
}

/// Whom a path means: digits an account, a leading dot a DNA path, an `@` an
/// e-mail address, anything else a name.
fn target_of(text: &str) -> Result<NewsTarget, Error> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::field("target", "must not be empty"));
    }
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return match text.parse() {
            Ok(number) => Ok(NewsTarget::Account(AccountNumber(number))),
            Err(_) => Err(Error::field("target", "is no account's number")),
        };
    }
    Ok(match text {
        _ if text.starts_with('.') => NewsTarget::Dna(text.to_owned()),
        _ if text.contains('@') => NewsTarget::Email(text.to_owned()),
        _ => NewsTarget::Name(text.to_owned()),
    })
}

/// Who reads: an account sees what is for it, an administrator everything.
struct Reader<'c> {
    account: Option<&'c Account>,
    dna: String,
}

impl<'c> Reader<'c> {
    fn new(caller: &'c Authenticated) -> Self {
        let owner = caller.owner();
        let account = owner.accounts.get(&caller.account());
        Self {
            account: account.map(AsRef::as_ref),
            dna: owner.dna(caller.account()),
        }
    }

    fn is_meant(&self, target: &NewsTarget) -> bool {
        let Some(account) = self.account else {
            return true;
        };
        let same = foldgate_domain::is_same;
        match target {
            NewsTarget::Account(number) => *number == account.number,
            NewsTarget::Name(name) => same(name, &account.profile.name),
            NewsTarget::Email(email) => same(email, &account.profile.email),
            NewsTarget::Dna(path) => self.dna.starts_with(path.as_str()),
        }
    }
}

fn is_expired(item: &News, now: Timestamp) -> bool {
    item.expires_at <= now
}

/// A notification.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "News")]
pub(crate) struct NewsView<'n> {
    id: u64,
    title: &'n str,
    content: &'n str,
    created_at: String,
    expires_at: String,
    /// For whom it is, unless for everybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    /// Whether it is over, where such are listed too.
    #[serde(skip_serializing_if = "Option::is_none")]
    expired: Option<bool>,
}

/// An item; with `at`, judged at that time, where expired ones are listed.
fn view(item: &News, at: Option<Timestamp>) -> Value {
    json!(NewsView {
        id: item.number.0,
        title: &item.title,
        content: &item.content,
        created_at: item.created_at.to_rfc3339(),
        expires_at: item.expires_at.to_rfc3339(),
        target: item.target.as_ref().map(ToString::to_string),
        expired: at.map(|now| is_expired(item, now)),
    })
}
