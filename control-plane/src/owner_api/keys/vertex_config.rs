//! The `Config` of a Vertex key as it is sent. Whether it fits the key is decided
//! on the key's newest state; here only what is no longer seen later is checked:
//! the private key, which goes on sealed.

use foldgate_domain::command::{Change, PrivateKey, VertexPatch};
use foldgate_proto::MaskedSecret;
use secrecy::{ExposeSecret, SecretString};

use super::private_key;
use crate::error::Error;
use crate::request::Fields;
use crate::sealing;

/// Reads a Vertex `Config`; what it does not name stays, and `null` clears
/// `base_url` and `token_uri`. Also tells whether its private key is only an example.
///
/// # Errors
/// A field that cannot be cleared, or is of another type; sealing fails.
pub(crate) fn read(
    fields: &mut Fields,
    seal: impl FnOnce(&SecretString) -> Result<MaskedSecret, Error>,
) -> Result<(VertexPatch, bool), Error> {
    let base_url = changed(fields, "base_url")?;
    let token_uri = changed(fields, "token_uri")?;
    let location = fields.text("location")?;
    let project_id = kept_or_given(fields, "project_id")?;
    let client_email = kept_or_given(fields, "client_email")?;
    let (private_key, is_example) = match kept_or_given(fields, "private_key")? {
        None => (None, false),
        Some(text) => read_key(&SecretString::from(text), seal)?,
    };
    let patch = VertexPatch {
        base_url,
        project_id,
        location,
        client_email,
        private_key,
        token_uri,
    };
    Ok((patch, is_example))
}

/// A field that may be cleared.
fn changed(fields: &mut Fields, name: &str) -> Result<Change<String>, Error> {
    let is_named = fields.names(name);
    Ok(match fields.text(name)? {
        Some(text) => Change::Set(text),
        None if is_named => Change::Clear,
        None => Change::Keep,
    })
}

/// A field that may be left out, but not cleared.
fn kept_or_given(fields: &mut Fields, name: &str) -> Result<Option<String>, Error> {
    let is_named = fields.names(name);
    let given = fields.text(name)?;
    if is_named && given.is_none() {
        return Err(fields.error(name, "is required"));
    }
    Ok(given)
}

fn read_key(
    text: &SecretString,
    seal: impl FnOnce(&SecretString) -> Result<MaskedSecret, Error>,
) -> Result<(Option<PrivateKey>, bool), Error> {
    if sealing::is_mask(text.expose_secret()) {
        let mask = text.expose_secret().to_owned();
        return Ok((Some(PrivateKey::Mask(mask)), false));
    }
    let (pem, is_example) = private_key::read(text.expose_secret())?;
    let sealed = seal(&SecretString::from(pem))?;
    Ok((Some(PrivateKey::Sealed(sealed)), is_example))
}
