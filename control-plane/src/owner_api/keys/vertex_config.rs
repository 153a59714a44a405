//! The `Config` of a Vertex key, read and checked by the rules in
//! [`vertex`].

use foldgate_domain::upstream_url::ProviderUrl;
use foldgate_proto::{MaskedSecret, ProviderConfig};
use secrecy::{ExposeSecret, SecretString};

use super::vertex;
use crate::error::Error;
use crate::request::Fields;
use crate::sealing;

/// What a Vertex key had so far.
#[derive(Debug, Clone, Copy)]
struct Had<'c> {
    base_url: Option<&'c str>,
    project_id: &'c str,
    location: &'c str,
    client_email: &'c str,
    private_key: &'c MaskedSecret,
}

/// Reads a Vertex `Config`; what it does not name stays as in `base`, and `null`
/// clears `base_url`. Also tells whether its private key is only an example.
///
/// # Errors
/// A field that is missing or breaks its rule; sealing fails.
pub(crate) fn read(
    fields: &mut Fields,
    provider: &ProviderUrl,
    base: Option<&ProviderConfig>,
    seal: impl FnOnce(&SecretString) -> Result<MaskedSecret, Error>,
) -> Result<(ProviderConfig, bool), Error> {
    let had = base.and_then(Had::of);
    let location = vertex::location(provider)?;
    check_location(fields, &location, had)?;
    let project_id = required(fields, "project_id", had.map(|had| had.project_id))?;
    vertex::check_project(&project_id)?;
    let client_email = required(fields, "client_email", had.map(|had| had.client_email))?;
    vertex::check_email(&client_email)?;
    let base_url = if fields.names("base_url") {
        fields.text("base_url")?
    } else {
        had.and_then(|had| had.base_url).map(str::to_owned)
    };
    if let Some(template) = &base_url {
        vertex::check_base_url(template, provider, &project_id)?;
    }
    let same_account = had.is_none_or(|had| had.client_email == client_email);
    let (private_key, shortened) = private_key(fields, had, same_account, seal)?;
    let config = ProviderConfig::Vertex {
        base_url,
        project_id,
        location,
        client_email,
        private_key,
    };
    Ok((config, shortened))
}

impl<'c> Had<'c> {
    fn of(config: &'c ProviderConfig) -> Option<Self> {
        let ProviderConfig::Vertex {
            base_url,
            project_id,
            location,
            client_email,
            private_key,
        } = config
        else {
            return None;
        };
        Some(Self {
            base_url: base_url.as_deref(),
            project_id,
            location,
            client_email,
            private_key,
        })
    }
}

fn required(fields: &mut Fields, name: &str, had: Option<&str>) -> Result<String, Error> {
    let kept = had.filter(|_| !fields.names(name)).map(str::to_owned);
    let given = fields.text(name)?.or(kept);
    given.ok_or_else(|| fields.error(name, "is required"))
}

/// The location is read from the host; one that is sent must say the same, or
/// be what GET showed before the host changed.
fn check_location(fields: &mut Fields, location: &str, had: Option<Had<'_>>) -> Result<(), Error> {
    let given = fields.text("location")?;
    let shown = had.map(|had| had.location);
    match given.as_deref() {
        Some(given) if given != location && Some(given) != shown => {
            let problem = format!("follows from the Provider's host, which says {location}");
            Err(fields.error("location", problem))
        }
        _ => Ok(()),
    }
}

fn private_key(
    fields: &mut Fields,
    had: Option<Had<'_>>,
    same_account: bool,
    seal: impl FnOnce(&SecretString) -> Result<MaskedSecret, Error>,
) -> Result<(MaskedSecret, bool), Error> {
    let name = "private_key";
    let is_named = fields.names(name);
    let given = fields.text(name)?.map(SecretString::from);
    let text = given.as_ref().map(ExposeSecret::expose_secret);
    let kept = had.map(|had| had.private_key).filter(|kept| match text {
        None => !is_named,
        Some(text) => text == kept.mask,
    });
    match (kept, text) {
        (Some(_), _) if !same_account => Err(fields.error(
            name,
            "belongs to the former client_email; send the new account's key",
        )),
        (Some(kept), _) => Ok((kept.clone(), false)),
        (None, None) => Err(fields.error(name, "is required")),
        (None, Some(text)) if sealing::is_mask(text) => {
            Err(fields.error(name, "this is a mask; send the key or leave it out"))
        }
        (None, Some(text)) => {
            let (pem, shortened) = vertex::private_key(text)?;
            Ok((seal(&SecretString::from(pem))?, shortened))
        }
    }
}
