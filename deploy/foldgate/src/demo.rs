//! `foldgate demo`: the main job in one go. Standalone in a directory of its
//! own, an upstream that answers like OpenAI, that upstream registered through
//! the ordinary admin API, one streamed chat through the proxy, and the events
//! that were written. Then it serves on.

mod client;
mod history;
mod upstream;

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

use foldgate_runtime::settings::{Loaded, Origin, TABLE};
use foldgate_runtime::{Limits, Server};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::base::Base;
use crate::exit::Failure;
use crate::node::Node;
use client::Client;

/// The model the demo's upstream answers for.
const MODEL: &str = "echo-1";
/// What the demo says.
const SAYING: &str = "Hello from the log. Every admin write is an event!";
/// The upstream takes any key; the admin API wants 20 characters.
const UPSTREAM_KEY: &str = "sk-demo-upstream-0123456789";

/// Shows the main job, and serves until the word to end comes.
///
/// # Errors
/// Whatever stands in the way of it.
pub(crate) async fn run(mut loaded: Loaded) -> Result<(), Failure> {
    let folder = prepare(&mut loaded)?;
    let node = Node::start(Base::prepare(loaded)?).await?;
    let shutdown = node.base.shutdown.clone();
    let upstream = Server::bind("upstream", any_port(), Limits::default())
        .await
        .map_err(Failure::io)?;
    let provider = format!("http://{}", upstream.local_addr());
    let serving = tokio::spawn(upstream::serve(upstream, shutdown.clone()));
    let outcome = tokio::select! {
        outcome = tour(&node, &provider) => outcome,
        () = shutdown.draining() => Ok(()),
    };
    if let Err(failure) = outcome {
        node.base.fatal.raise(failure);
    }
    let ended = node.finish().await;
    // It ends by the same word.
    let _ = serving.await;
    drop(folder);
    ended
}

/// What is shown, in order.
async fn tour(node: &Node, provider: &str) -> Result<(), Failure> {
    let drawn = node.claim().await?;
    let given = node.base.settings.owner.key.clone();
    let key = drawn
        .map(|claimed| claimed.key)
        .or(given)
        .ok_or_else(|| Failure::internal("the demo's log has an owner already"))?;
    let (Some(admin), Some(proxy)) = (node.listeners.admin, node.listeners.proxy) else {
        return Err(Failure::internal("the demo has no listeners"));
    };
    println!(
        "Foldgate demo: admin on http://{admin}, proxy on http://{proxy}, log in {}.",
        node.base.data.path().display()
    );

    println!("\n1. An upstream of the demo's own answers like OpenAI on {provider}.");
    println!("\n2. It is registered through the ordinary admin API:\n");
    let admin_api = Client::new(admin, &key);
    register(&admin_api, provider).await?;

    println!("\n3. One streamed chat through the proxy:\n");
    println!("   > {SAYING}");
    let chat = json!({
        "model": MODEL,
        "stream": true,
        "messages": [{ "role": "user", "content": SAYING }],
    });
    print!("   < ");
    Client::new(proxy, &key).stream_chat(&chat).await?;
    println!();

    println!("\n4. The log holds, one line per record:\n");
    for line in history::lines(node.log.as_ref()).await? {
        println!("   {line}");
    }
    print!("{}", farewell(&key, admin, proxy));
    Ok(())
}

async fn register(admin: &Client, provider: &str) -> Result<(), Failure> {
    let key = json!({
        "SecretKey": UPSTREAM_KEY,
        "Name": "demo echo",
        "Level": 1,
        "Provider": provider,
    });
    let mapping = json!({ "LEVEL_MAPPER": "echo-1=1, echo*=1" });
    for (method, path, body) in [("POST", "/x-keys", key), ("PUT", "/x-config", mapping)] {
        let revision = admin.write(method, path, &body).await?;
        println!("   {method} {path} {body}  ->  revision {revision}");
    }
    Ok(())
}

fn farewell(key: &SecretString, admin: SocketAddr, proxy: SocketAddr) -> String {
    let key = key.expose_secret();
    format!(
        r#"
It goes on serving; Ctrl-C ends it and removes its directory. To try:

  export OWNER_KEY={key}
  curl -sSN http://{proxy}/v1/chat/completions -H "Authorization: Bearer $OWNER_KEY" -H 'Content-Type: application/json' \
    -d '{{"model": "{MODEL}", "stream": true, "messages": [{{"role": "user", "content": "Say hello"}}]}}'
  curl -sS http://{admin}/x-conf -H "Authorization: Bearer $OWNER_KEY"
  curl -sS http://{admin}/admin/v1/fleet -H "Authorization: Bearer $OWNER_KEY"

Without `demo`, foldgate starts empty and keeps what you tell it.
"#
    )
}

/// A directory of its own, unless one was named; free ports where the usual
/// ones are taken; no line per request between the demo's own.
fn prepare(loaded: &mut Loaded) -> Result<Option<Folder>, Failure> {
    let is_default = |path: &str, origins: &[Origin]| {
        let at = TABLE.iter().position(|setting| setting.path == path);
        at.is_some_and(|at| origins[at] == Origin::Default)
    };
    let origins = loaded.origins.clone();
    let settings = &mut loaded.settings;
    let mut folder = None;
    if is_default("data_dir", &origins) {
        let made = folder.insert(Folder::new()?);
        made.0.clone_into(&mut settings.data_dir);
    }
    if is_default("access_log", &origins) {
        settings.log.access = false;
    }
    if is_default("log.level", &origins) {
        "warn".clone_into(&mut settings.log.level);
    }
    for (path, address) in [
        ("proxy.addr", &mut settings.listen.proxy),
        ("admin.addr", &mut settings.listen.admin),
        ("status.addr", &mut settings.listen.status),
    ] {
        if is_default(path, &origins) && TcpListener::bind(*address).is_err() {
            *address = any_port();
        }
    }
    Ok(folder)
}

fn any_port() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// A directory that goes with the demo.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, Failure> {
        let name = format!("foldgate-demo-{}", uuid::Uuid::new_v4().simple());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path)
            .map_err(|error| Failure::io(format!("{}: {error}", path.display())))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left behind is a demo's.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
