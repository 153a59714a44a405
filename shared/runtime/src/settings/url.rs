//! NATS URLs. They hold credentials, so they show themselves without.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use super::value::{Value, items};

/// Schemes the log knows.
const SCHEMES: [&str; 2] = ["nats", "tls"];

/// A list of NATS servers, credentials inside.
#[derive(Clone, Default)]
pub struct NatsUrls(Vec<SecretString>);

impl NatsUrls {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them says who is to log in.
    pub fn has_credentials(&self) -> bool {
        let mut urls = self.0.iter().filter_map(|url| parse(url.expose_secret()));
        urls.any(|url| !url.username().is_empty() || url.password().is_some())
    }

    /// The URLs with their credentials, comma-separated: for the NATS client only.
    pub fn expose(&self) -> String {
        let urls: Vec<&str> = self.0.iter().map(ExposeSecret::expose_secret).collect();
        urls.join(",")
    }
}

impl Value for NatsUrls {
    fn set(&mut self, text: &str) -> Result<(), String> {
        let urls: Vec<&str> = items(text).collect();
        let wrong = urls.iter().filter(|url| !is_nats_url(url)).count();
        if wrong > 0 {
            // The URL itself may hold a password.
            return Err(format!(
                "{wrong} of {} are not NATS URLs (nats://user:password@host:4222)",
                urls.len()
            ));
        }
        self.0 = urls.into_iter().map(SecretString::from).collect();
        Ok(())
    }

    fn show(&self) -> String {
        self.0
            .iter()
            .map(|url| without_credentials(url.expose_secret()))
            .collect::<Vec<_>>()
            .join(",")
    }
}

impl fmt::Display for NatsUrls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.show())
    }
}

impl fmt::Debug for NatsUrls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NatsUrls({})", self.show())
    }
}

fn is_nats_url(text: &str) -> bool {
    parse(text).is_some_and(|url| SCHEMES.contains(&url.scheme()) && url.has_host())
}

/// Bare `host:port` is NATS.
fn parse(text: &str) -> Option<::url::Url> {
    if text.contains("://") {
        return ::url::Url::parse(text).ok();
    }
    ::url::Url::parse(&format!("nats://{text}")).ok()
}

fn without_credentials(text: &str) -> String {
    let Some(mut url) = parse(text) else {
        return "***".to_owned();
    };
    if !url.username().is_empty() || url.password().is_some() {
        // Setting fails only for URLs without a host, which were refused.
        let hidden = url.set_username("***").is_ok() && url.set_password(None).is_ok();
        if !hidden {
            return "***".to_owned();
        }
    }
    url.set_query(None);
    url.to_string()
}
