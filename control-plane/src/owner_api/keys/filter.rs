//! Which keys a query means: by number, by Level, by provider, and any of these
//! together.

use foldgate_domain::upstream_url::ProviderUrl;
use foldgate_proto::{KeyNumber, Level, ProviderKey};

use crate::error::Error;
use crate::request::json::quoted;

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
    /// Digits: one key. Beyond what a number holds, one that cannot be there.
    Id(Option<KeyNumber>),
    /// `L` and digits: a Level.
    Level(Level),
    /// Anything else: an upstream.
    Provider(ProviderFilter),
}

impl Named {
    /// Reads a path segment.
    ///
    /// # Errors
    /// A Level above the greatest; a provider that is none.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if digits(text) {
            return Ok(Self::Id(text.parse().ok().map(KeyNumber)));
        }
        match text.strip_prefix(['L', 'l']) {
            Some(rest) if digits(rest) => parse_level(rest).map(Self::Level),
            _ => ProviderFilter::parse(text).map(Self::Provider),
        }
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
    /// path on that host.
    pub(crate) fn matches(&self, key: &ProviderKey) -> bool {
        let Ok(url) = ProviderUrl::parse(&key.provider) else {
            return false;
        };
        self.host.eq_ignore_ascii_case(url.host())
            && self.port.is_none_or(|port| port == url.port())
            && (self.path.is_empty() || self.path == url.path())
            && self
                .scheme
                .as_deref()
                .is_none_or(|wanted| wanted == scheme(url.as_str()))
    }
}

fn scheme(url: &str) -> &str {
    url.split_once("://").map_or("", |(scheme, _)| scheme)
}

fn parse_id(text: &str) -> Result<KeyNumber, Error> {
    text.parse()
        .map(KeyNumber)
        .map_err(|_| Error::field("id", format!("{:?} is no key id", quoted(text))))
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
