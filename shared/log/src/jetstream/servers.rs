//! What the servers say of themselves, beside JetStream's own API: over their
//! monitoring ports, or through the system account.

use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use url::Url;

use super::connection::Connection;
use super::options::Options;
use crate::Error;

/// How long one server's monitoring may take.
const LIMIT: Duration = Duration::from_secs(2);

/// How long after one system answer the next may come.
const QUIET: Duration = Duration::from_millis(500);

/// The longest answer that is read; `/varz` has some 10 KiB, `/jsz` some per stream.
const MAX_ANSWER: u64 = 8 * 1024 * 1024;

/// What to ask a server for.
pub(super) struct Question {
    /// The page of the monitoring port.
    pub(super) page: &'static str,
    /// The name of the same in the system account.
    pub(super) subject: &'static str,
    /// What to ask for there.
    pub(super) body: &'static str,
}

/// One server's answer.
pub(super) struct Answer<T> {
    pub(super) server: String,
    pub(super) data: T,
}

/// Asks every server whose monitoring can be read. One that does not answer must
/// not hide what another says.
pub(super) async fn ask<T: DeserializeOwned>(
    options: &Options,
    question: &Question,
) -> Result<Vec<Answer<T>>, Error> {
    if let Some(urls) = &options.monitor_url {
        let (mut answers, mut unread) = (Vec::new(), None);
        for url in urls.split(',').map(str::trim) {
            match monitored(url, question).await {
                Ok(answer) => answers.push(answer),
                Err(error) => unread = Some(error),
            }
        }
        return match unread {
            Some(error) if answers.is_empty() => Err(error),
            _ => Ok(answers),
        };
    }
    match &options.system_url {
        Some(urls) => system(options, urls, question).await,
        None => Err(Error::StrengthUnknown(
            "neither nats.monitor_url nor nats.system_url is set".to_owned(),
        )),
    }
}

async fn monitored<T: DeserializeOwned>(
    text: &str,
    question: &Question,
) -> Result<Answer<T>, Error> {
    #[derive(Deserialize)]
    struct Varz {
        server_name: String,
    }
    let url = Url::parse(text).map_err(|_| invalid("nats.monitor_url is not a URL"))?;
    let host = url
        .host_str()
        .ok_or_else(|| invalid("nats.monitor_url has no host"))?;
    if url.scheme() != "http" {
        return Err(invalid("nats.monitor_url must begin with http://"));
    }
    let address = format!("{host}:{}", url.port().unwrap_or(8222));
    let base = url.path().trim_end_matches('/');
    // Only that page names the server.
    let Varz { server_name } = page(&address, &format!("{base}/varz")).await?;
    let data = page(&address, &format!("{base}{}", question.page)).await?;
    Ok(Answer {
        server: server_name,
        data,
    })
}

async fn page<T: DeserializeOwned>(address: &str, path: &str) -> Result<T, Error> {
    let unknown = |why: String| Error::StrengthUnknown(format!("{address}: {why}"));
    let body = timeout(LIMIT, get(address, path))
        .await
        .map_err(|_| unknown("no answer in time".to_owned()))?
        .map_err(|error| unknown(error.to_string()))?;
    serde_json::from_slice(&body)
        .map_err(|_| unknown("the answer is not that of a nats-server".to_owned()))
}

/// A plain HTTP/1.0 GET: one answer, then the server closes.
async fn get(address: &str, path: &str) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await?;
    let ask = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n");
    stream.write_all(ask.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER).read_to_end(&mut answer).await?;
    let bad = |why: &str| std::io::Error::other(why.to_owned());
    let end = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .ok_or_else(|| bad("no HTTP answer"))?;
    let status = answer.get(9..12).unwrap_or_default();
    if status != b"200" {
        let status = String::from_utf8_lossy(status).into_owned();
        return Err(bad(&format!("HTTP status {status}")));
    }
    Ok(answer.split_off(end + 4))
}

async fn system<T: DeserializeOwned>(
    options: &Options,
    urls: &str,
    question: &Question,
) -> Result<Vec<Answer<T>>, Error> {
    #[derive(Deserialize)]
    struct Said<T> {
        server: Named,
        data: T,
    }
    #[derive(Deserialize)]
    struct Named {
        name: String,
    }
    let unknown = |why: &str| Error::StrengthUnknown(why.to_owned());
    let deadline = Instant::now() + LIMIT;
    let connection = Connection::open_system(options, urls).await?;
    connection
        .connected(deadline)
        .await
        .map_err(|_| unknown("nats.system_url cannot be reached"))?;
    let client = connection.client();
    let inbox = client.new_inbox();
    let mut answers = connection.subscribe(inbox.clone()).await?;
    let subject = format!("$SYS.REQ.SERVER.PING.{}", question.subject);
    let body = Bytes::from_static(question.body.as_bytes());
    client
        .publish_with_reply(subject, inbox, body)
        .await
        .map_err(|error| unknown(&error.to_string()))?;
    let mut heard = Vec::new();
    let mut until = deadline;
    while let Ok(Some(payload)) = timeout_at(until, answers.payload()).await {
        if let Ok(Said { server, data }) = serde_json::from_slice(&payload) {
            heard.push(Answer {
                server: server.name,
                data,
            });
            until = (Instant::now() + QUIET).min(deadline);
        }
    }
    if heard.is_empty() {
        return Err(unknown(
            "nats.system_url names no user of the system account",
        ));
    }
    Ok(heard)
}

fn invalid(text: &str) -> Error {
    Error::Invalid(text.to_owned())
}
