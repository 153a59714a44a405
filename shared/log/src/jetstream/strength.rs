//! How durable a server's acknowledgement is. JetStream's own API does not say;
//! the monitoring port does (`/varz`, field `jetstream.config.sync_always`), and
//! so does the system account.

use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
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

/// The longest answer that is read; `/varz` has some 10 KiB.
const MAX_ANSWER: u64 = 1024 * 1024;

/// What a server says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) name: String,
    pub(super) sync_always: bool,
}

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    sync_always: bool,
}

/// Asks every server whose settings can be read.
pub(super) async fn servers(options: &Options) -> Result<Vec<Server>, Error> {
    if let Some(urls) = &options.monitor_url {
        // One that does not answer must not hide what another says.
        let (mut servers, mut unread) = (Vec::new(), None);
        for url in urls.split(',').map(str::trim) {
            match monitored(url).await {
                Ok(server) => servers.push(server),
                Err(error) => unread = Some(error),
            }
        }
        return match unread {
            Some(error) if servers.is_empty() => Err(error),
            _ => Ok(servers),
        };
    }
    match &options.system_url {
        Some(urls) => system(urls, &options.name).await,
        None => Err(Error::StrengthUnknown(
            "neither nats.monitor_url nor nats.system_url is set".to_owned(),
        )),
    }
}

async fn monitored(text: &str) -> Result<Server, Error> {
    #[derive(Deserialize)]
    struct Varz {
        server_name: String,
        #[serde(default)]
        jetstream: JetStream,
    }
    #[derive(Deserialize, Default)]
    struct JetStream {
        config: Option<Config>,
    }
    let url = Url::parse(text).map_err(|_| invalid("nats.monitor_url is not a URL"))?;
    let host = url
        .host_str()
        .ok_or_else(|| invalid("nats.monitor_url has no host"))?;
    if url.scheme() != "http" {
        return Err(invalid("nats.monitor_url must begin with http://"));
    }
    let address = format!("{host}:{}", url.port().unwrap_or(8222));
    let unknown = |why: String| Error::StrengthUnknown(format!("{address}: {why}"));
    let path = format!("{}/varz", url.path().trim_end_matches('/'));
    let body = timeout(LIMIT, get(&address, &path))
        .await
        .map_err(|_| unknown("no answer in time".to_owned()))?
        .map_err(|error| unknown(error.to_string()))?;
    let varz: Varz = serde_json::from_slice(&body)
        .map_err(|_| unknown("the answer is not that of a nats-server".to_owned()))?;
    let config = varz
        .jetstream
        .config
        .ok_or_else(|| unknown("JetStream is not enabled there".to_owned()))?;
    Ok(Server {
        name: varz.server_name,
        sync_always: config.sync_always,
    })
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

async fn system(urls: &str, name: &str) -> Result<Vec<Server>, Error> {
    #[derive(Deserialize)]
    struct Answer {
        server: Named,
        data: Data,
    }
    #[derive(Deserialize)]
    struct Named {
        name: String,
    }
    #[derive(Deserialize)]
    struct Data {
        #[serde(default)]
        disabled: bool,
        config: Option<Config>,
    }
    let unknown = |why: &str| Error::StrengthUnknown(why.to_owned());
    let deadline = Instant::now() + LIMIT;
    let connection = Connection::open_to(urls, name).await?;
    connection
        .connected(deadline)
        .await
        .map_err(|_| unknown("nats.system_url cannot be reached"))?;
    let client = connection.client();
    let inbox = client.new_inbox();
    let mut answers = connection.subscribe(inbox.clone()).await?;
    client
        .publish_with_reply("$SYS.REQ.SERVER.PING.JSZ", inbox, Bytes::from_static(b"{}"))
        .await
        .map_err(|error| unknown(&error.to_string()))?;
    let mut servers = Vec::new();
    let mut until = deadline;
    while let Ok(Some(payload)) = timeout_at(until, answers.payload()).await {
        if let Ok(Answer { server, data }) = serde_json::from_slice(&payload)
            && let (false, Some(config)) = (data.disabled, data.config)
        {
            servers.push(Server {
                name: server.name,
                sync_always: config.sync_always,
            });
            until = (Instant::now() + QUIET).min(deadline);
        }
    }
    if servers.is_empty() {
        return Err(unknown(
            "nats.system_url names no user of the system account",
        ));
    }
    Ok(servers)
}

fn invalid(text: &str) -> Error {
    Error::Invalid(text.to_owned())
}
