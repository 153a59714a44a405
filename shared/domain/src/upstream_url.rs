//! Where an upstream is: a provider's base URL, checked and normalised, and the
//! addresses that may be connected to.
//!
//! The URL is checked when it is written, the address when it is connected to:
//! a name may later point elsewhere.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use url::{Host, Url};

mod address;
mod special;
#[cfg(test)]
mod tests;

pub use address::{AddressPolicy, CidrError, MAX_CIDRS, Refused};

/// The longest URL, in bytes; what browsers and proxies commonly take.
pub const MAX_BYTES: usize = 2_048;

/// The longest host name, in bytes (RFC 1035).
pub const MAX_HOST_BYTES: usize = 253;

/// A provider's base URL, normalised: lower-case host, no default port, no
/// trailing slash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderUrl {
    text: String,
    /// Where the host begins and ends within `text`.
    host: (usize, usize),
    /// Where the path begins.
    path: usize,
    port: u16,
    ip: Option<IpAddr>,
}

/// A text that is no provider's base URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Longer than [`MAX_BYTES`].
    #[error("the URL is longer than {MAX_BYTES} bytes")]
    TooLong,
    /// White space, a control character or a backslash.
    #[error("the URL may not contain {0:?}")]
    Character(char),
    /// Neither http nor https.
    #[error("the URL must begin with http:// or https://")]
    Scheme,
    /// A user name or a password.
    #[error("the URL may not carry a user name or password")]
    UserInfo,
    /// A query.
    #[error("the URL may not carry a query")]
    Query,
    /// A fragment.
    #[error("the URL may not carry a fragment")]
    Fragment,
    /// No host, or one that is no name.
    #[error("the URL has no valid host")]
    Host,
    /// Port 0.
    #[error("the URL has port 0")]
    Port,
    /// Two slashes in a row, within the path.
    #[error("the URL's path has an empty segment")]
    EmptySegment,
    /// Not a URL, for another reason.
    #[error("not a URL: {0}")]
    Syntax(#[from] url::ParseError),
}

impl ProviderUrl {
    /// Reads and normalises a base URL.
    ///
    /// # Errors
    /// See [`UrlError`].
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        if text.len() > MAX_BYTES {
            return Err(UrlError::TooLong);
        }
        let odd = |c: &char| c.is_whitespace() || c.is_control() || *c == '\\';
        if let Some(c) = text.chars().find(odd) {
            return Err(UrlError::Character(c));
        }
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
        if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
            return Err(UrlError::Scheme);
        }
        // By eye, as the parser would repair `https:///host` and drop an empty user name.
        let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        if authority.contains('@') {
            return Err(UrlError::UserInfo);
        }
        if authority.is_empty() {
            return Err(UrlError::Host);
        }
        if rest.contains('#') {
            return Err(UrlError::Fragment);
        }
        if rest.contains('?') {
            return Err(UrlError::Query);
        }
        Self::normalise(&Url::parse(text)?)
    }

    fn normalise(url: &Url) -> Result<Self, UrlError> {
        let (host, ip) = match url.host().ok_or(UrlError::Host)? {
            Host::Domain(name) => (domain(name)?.to_owned(), None),
            Host::Ipv4(ip) => (ip.to_string(), Some(IpAddr::V4(ip))),
            Host::Ipv6(ip) => (format!("[{ip}]"), Some(IpAddr::V6(ip))),
        };
        let port = url.port_or_known_default().ok_or(UrlError::Port)?;
        if port == 0 {
            return Err(UrlError::Port);
        }
        let path = url.path().trim_end_matches('/');
        if path.contains("//") {
            return Err(UrlError::EmptySegment);
        }
        let mut text = format!("{}://", url.scheme());
        let begin = text.len();
        text.push_str(&host);
        let end = text.len();
        if let Some(port) = url.port() {
            text.push(':');
            text.push_str(&port.to_string());
        }
        let path_at = text.len();
        text.push_str(path);
        if text.len() > MAX_BYTES {
            return Err(UrlError::TooLong);
        }
        Ok(Self {
            text,
            host: (begin, end),
            path: path_at,
            port,
            ip,
        })
    }

    /// The normalised URL.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the connection is encrypted.
    pub fn is_https(&self) -> bool {
        self.text.starts_with("https")
    }

    /// The host: a name, or an address (IPv6 in brackets).
    pub fn host(&self) -> &str {
        &self.text[self.host.0..self.host.1]
    }

    /// The host's address, when it is given as one.
    pub fn ip(&self) -> Option<IpAddr> {
        self.ip
    }

    /// The port, written or implied by the scheme.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Host and port as a Host header has them: without the scheme's own port.
    pub fn authority(&self) -> &str {
        &self.text[self.host.0..self.path]
    }

    /// The path, empty or beginning with a slash; never ends with one.
    pub fn path(&self) -> &str {
        &self.text[self.path..]
    }

    /// The upstream URL for an API path such as `/v1/chat/completions`.
    ///
    /// A base URL that names an API version already (a segment like `v1`,
    /// `v1beta`) keeps it, and the path's own version is dropped:
    ///
    /// | base | `/v1/chat/completions` goes to |
    /// |---|---|
    /// | `https://api.openai.com` | `https://api.openai.com/v1/chat/completions` |
    /// | `https://api.openai.com/v1` | `https://api.openai.com/v1/chat/completions` |
    /// | `https://api.groq.com/openai/v1` | `https://api.groq.com/openai/v1/chat/completions` |
    /// | `https://host/openai` | `https://host/openai/v1/chat/completions` |
    /// | `https://host/api/paas/v4` | `https://host/api/paas/v4/chat/completions` |
    /// | `https://host/v1beta/openai` | `https://host/v1beta/openai/chat/completions` |
    pub fn join(&self, path: &str) -> String {
        let path = path.strip_prefix('/').unwrap_or(path);
        let rest = match path.split_once('/') {
            Some((first, rest)) if is_version(first) && self.names_version() => rest,
            _ => path,
        };
        format!("{}/{rest}", self.text)
    }

    fn names_version(&self) -> bool {
        self.path().split('/').any(is_version)
    }
}

/// `v1`, `v4`, `v1beta`, `v1alpha2`: a `v`, then a digit.
fn is_version(segment: &str) -> bool {
    let mut bytes = segment.bytes();
    bytes.next() == Some(b'v')
        && bytes.next().is_some_and(|b| b.is_ascii_digit())
        && bytes.all(|b| b.is_ascii_alphanumeric())
}

/// A name without its trailing dot, if its labels are sound.
fn domain(name: &str) -> Result<&str, UrlError> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let sound = name.len() <= MAX_HOST_BYTES
        && name
            .split('.')
            .all(|label| !label.is_empty() && label.len() <= 63);
    if sound { Ok(name) } else { Err(UrlError::Host) }
}

impl FromStr for ProviderUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        Self::parse(text)
    }
}

impl fmt::Display for ProviderUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
