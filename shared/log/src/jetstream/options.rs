//! How to reach NATS, and what this process is there.

use std::fmt;
use std::path::PathBuf;

use url::Url;

use crate::Error;

/// The most servers one setting names.
const MAX_SERVERS: usize = 32;

/// Which copy of the log a process follows.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The hub's stream.
    #[default]
    Hub,
    /// The region's mirror; the hub's stream where the mirror cannot answer.
    Mirror,
}

/// How to reach NATS. `Debug` shows no credentials.
#[derive(Clone, Default)]
pub struct Options {
    /// Servers, comma-separated, with credentials in them where needed.
    pub urls: String,
    /// What else it takes to be let in.
    pub access: Access,
    /// The name this client shows to the servers.
    pub name: String,
    /// The process's region.
    pub region: String,
    /// Which copy of the log to follow.
    pub source: Source,
    /// The hub's JetStream domain, if this process reaches the hub over a leaf link.
    pub hub_domain: Option<String>,
    /// Monitoring addresses of the servers that hold the log, comma-separated.
    pub monitor_url: Option<String>,
    /// Servers with credentials of the system account, instead of `monitor_url`.
    pub system_url: Option<String>,
    /// How many copies of the log a process that writes insists on; 0 and 1 take any.
    pub replicas: usize,
    /// Whether a log may be used that could lose what it acknowledged.
    pub allow_weak: bool,
}

/// How a process reaches servers that are guarded. The files are looked at when the
/// log is opened.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Certificates in PEM form to trust instead of the system's. With them, a
    /// connection without TLS is refused.
    pub ca_file: Option<PathBuf>,
    /// A JWT and its seed, as `nsc` writes them.
    pub credentials_file: Option<PathBuf>,
    /// The seed of an nkey.
    pub nkey_file: Option<PathBuf>,
    /// What the subjects begin with on which answers come; `_INBOX` if it is empty.
    /// With one per role, a role's permissions need not let it hear the others'.
    pub inbox: String,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("name", &self.name)
            .field("access", &self.access)
            .field("region", &self.region)
            .field("source", &self.source)
            .field("hub_domain", &self.hub_domain)
            .field("replicas", &self.replicas)
            .field("allow_weak", &self.allow_weak)
            .finish_non_exhaustive()
    }
}

/// Servers without their credentials, and the credentials.
#[derive(PartialEq, Eq)]
pub(super) struct Servers {
    pub(super) addresses: Vec<String>,
    pub(super) credentials: Credentials,
}

/// How to prove who we are.
#[derive(Default, Clone, PartialEq, Eq)]
pub(super) enum Credentials {
    #[default]
    None,
    Token(String),
    Password(String, String),
    /// The text of a file with a JWT and its seed.
    Jwt(String),
    /// An nkey's seed.
    Nkey(String),
}

/// Reads `nats://user:password@host:port,...`. Credentials are percent-decoded.
pub(super) fn servers(urls: &str) -> Result<Servers, Error> {
    let mut addresses = Vec::new();
    let mut credentials = Credentials::None;
    for (number, text) in urls.split(',').map(str::trim).enumerate() {
        let invalid = |reason: &str| Error::Invalid(format!("NATS URL {}: {reason}", number + 1));
        if number >= MAX_SERVERS {
            return Err(invalid("too many"));
        }
        let whole = if text.contains("://") {
            text.to_owned()
        } else {
            format!("nats://{text}")
        };
        let url = Url::parse(&whole).map_err(|_| invalid("not a URL"))?;
        if !matches!(url.scheme(), "nats" | "tls") {
            return Err(invalid("the scheme must be nats or tls"));
        }
        let host = url.host_str().ok_or_else(|| invalid("no host"))?;
        let own = read_credentials(&url).ok_or_else(|| invalid("credentials are not UTF-8"))?;
        if own != Credentials::None {
            if credentials != Credentials::None && credentials != own {
                return Err(invalid("other credentials than the URLs before it"));
            }
            credentials = own;
        }
        let port = url.port().unwrap_or(4222);
        addresses.push(format!("{}://{host}:{port}", url.scheme()));
    }
    Ok(Servers {
        addresses,
        credentials,
    })
}

fn read_credentials(url: &Url) -> Option<Credentials> {
    let user = decode(url.username())?;
    Some(match url.password() {
        Some(password) => Credentials::Password(user, decode(password)?),
        None if user.is_empty() => Credentials::None,
        None => Credentials::Token(user),
    })
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let pair = [rest.next()?, rest.next()?];
                let mut decoded = [0];
                hex::decode_to_slice(pair, &mut decoded).ok()?;
                decoded[0]
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}
