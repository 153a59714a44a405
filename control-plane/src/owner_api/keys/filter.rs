//! Which keys a query means: by number, by Level, by provider, and any of these
//! together.

use foldgate_domain::upstream_url::ProviderUrl;
use foldgate_proto::{KeyNumber, Level, ProviderKey};

use crate::error::Error;
use crate::request::quote::{self, quoted};

/// What a listed key must match; every part that is set must hold.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Filter {
    /// This key.
    pub id: Option<KeyNumber>,
    /// A key of this Level.
    pub level: Option<Level>,
    /// A key of this upstream.
    pub provider: Option<ProviderFilter>,
}

/// An upstream as a client names it: a host, `host:port`, or a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProviderFilter {
    scheme: Option<String>,
    host: String,
    port: Option<u16>,
    path: String,
}

/// What the last part of `/x-keys/{...}` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    /// Digits: one key.
    Id(KeyNumber),
    /// `L` and digits: a Level.
    Level(Level),
    /// A host, `host:port` or URL: an upstream.
    Provider(ProviderFilter),
}

impl Named {
    /// Reads a path segment.
    ///
    /// # Errors
    /// A Level above the greatest; a name of nothing that could be here.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        if is_number(text) {
            return key_number(text).map(Self::Id);
        }
        if let Some(rest) = text.strip_prefix(['L', 'l'])
            && is_number(rest)
        {
            return parse_level(rest).map(Self::Level);
        }
        let provider = names_a_host(text)
            .then(|| ProviderFilter::parse(&whole(text)).ok())
            .flatten();
        provider.map(Self::Provider).ok_or_else(|| Error::Missing {
            code: "key_not_found",
            message: format!("no key, Level or provider is named {:?}", quoted(text)),
        })
    }
}

/// Reads a key's id in a path.
///
/// # Errors
/// No digits; more than a number holds, which no key can have.
pub(crate) fn key_number(text: &str) -> Result<KeyNumber, Error> {
    if !is_number(text) {
        let problem = "only a single key can be changed: an id is needed, as in /x-keys/12";
        return Err(Error::field("id", problem));
    }
    text.parse().map(KeyNumber).map_err(|_| Error::Missing {
        code: "key_not_found",
        message: format!("no key with id {}", quote::number(text)),
    })
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Whether a text can be meant as an upstream: one word is a misspelt id.
fn names_a_host(text: &str) -> bool {
    let host = text.split('/').next().unwrap_or(text);
    text.contains(":/") || host.contains(['.', ':']) || host.eq_ignore_ascii_case("localhost")
}

/// A URL with both its slashes: proxies like to merge them within a path.
fn whole(text: &str) -> String {
    match text.split_once(":/") {
        Some((scheme, rest)) => format!("{scheme}://{}", rest.trim_start_matches('/')),
        None => text.to_owned(),
    }
}

impl Filter {
    /// Reads the query parameters `id`, `level` and `provider`.
    ///
    /// # Errors
    /// A value that cannot be one.
    pub(crate) fn parse(query: &str) -> Result<Self, Error> {
        let mut filter = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            if value.is_empty() {
                continue;
            }
            match name.as_ref() {
                "id" => filter.id = Some(parse_id(&value)?),
                "level" => {
                    let digits = value.strip_prefix(['L', 'l']).unwrap_or(&value);
                    filter.level = Some(parse_level(digits)?);
                }
                "provider" => filter.provider = Some(ProviderFilter::parse(&value)?),
                _ => {}
            }
        }
        Ok(filter)
    }

    /// Whether this key is meant.
    pub(crate) fn matches(&self, key: &ProviderKey) -> bool {
        self.id.is_none_or(|id| key.number == id)
            && self.level.is_none_or(|level| key.level == level)
            && self.provider.as_ref().is_none_or(|p| p.matches(key))
    }
}

impl ProviderFilter {
    /// Reads a host, `host:port` or URL.
    ///
    /// # Errors
    /// A text that is none of these.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let given = text.contains("://");
        let full = if given {
            text.to_owned()
        } else {
            format!("https://{text}")
        };
        let url = ProviderUrl::parse(&full)
            .map_err(|error| Error::field("provider", format!("{:?}: {error}", quoted(text))))?;
        if is_shorthand(&full, &url) {
            let problem = "an IPv4 address needs its four numbers";
            return Err(Error::field("provider", problem));
        }
        let written = url.authority().len() > url.host().len();
        let has_port = given || written || text.ends_with(":443");
        Ok(Self {
            scheme: given.then(|| scheme(url.as_str()).to_owned()),
            host: url.host().to_owned(),
            port: has_port.then(|| url.port()),
            path: url.path().to_owned(),
        })
    }

    /// Whether a key's upstream is meant. A filter without a path means every
    /// path on that host. The key's URL is normalised, so it is only taken apart:
    /// an owner may have very many.
    pub(crate) fn matches(&self, key: &ProviderKey) -> bool {
        let Some((scheme, rest)) = key.provider.split_once("://") else {
            return false;
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let Some(port) = authority.strip_prefix(self.host.as_str()) else {
            return false;
        };
        let port = match port.strip_prefix(':') {
            Some(port) => port.parse().ok(),
            None if port.is_empty() && scheme == "https" => Some(443),
            None if port.is_empty() => Some(80),
            None => None,
        };
        port.is_some_and(|port| self.port.is_none_or(|wanted| wanted == port))
            && (self.path.is_empty() || self.path == path)
            && self.scheme.as_deref().is_none_or(|wanted| wanted == scheme)
    }
}

/// Whether an IPv4 address was written in a form like `127.1` or `0x7f000001`,
/// which is rather a typing error than an address.
fn is_shorthand(written: &str, url: &ProviderUrl) -> bool {
    let authority = written.split_once("://").map_or("", |(_, rest)| rest);
    let host = authority.split(['/', ':']).next().unwrap_or_default();
    url.ip()
        .is_some_and(|ip| ip.is_ipv4() && host != url.host())
}

fn scheme(url: &str) -> &str {
    url.split_once("://").map_or("", |(scheme, _)| scheme)
}

fn parse_id(text: &str) -> Result<KeyNumber, Error> {
    if !is_number(text) {
        let problem = format!("{:?} is no key id", quoted(text));
        return Err(Error::field("id", problem));
    }
    // Beyond what a number holds there is no key either.
    Ok(KeyNumber(text.parse().unwrap_or(u64::MAX)))
}

fn parse_level(digits: &str) -> Result<Level, Error> {
    digits
        .parse()
        .map_err(|error: foldgate_proto::id::LevelOutOfRange| {
            Error::field("level", error.to_string())
        })
}

#[cfg(test)]
mod tests;
