//! Sealing: a secret leaves the request only under the master key, bound to its
//! owner, its resource and its field. The resource's id is drawn before, and
//! stays the same however often the command is decided again.

use foldgate_proto::{KeyId, MaskedSecret, OwnerId};
use foldgate_vault::{SealContext, Vault, field};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use crate::error::Error;

/// From this length on the end of a PEM block may be shown; what is shorter is
/// an example, and its end might be a good part of it.
const MIN_TOLD_CHARS: usize = 128;

/// A provider key's credential.
///
/// # Errors
/// The system has no random bytes, or the secret is too long.
pub(crate) fn secret_key(
    vault: &Vault,
    (owner, key): (OwnerId, KeyId),
    secret: &SecretString,
) -> Result<MaskedSecret, Error> {
    seal(vault, (owner, key.0), field::SECRET, secret)
}

/// A service account's private key, with a mask that tells two keys apart: its
/// kind and its last four characters. These help nobody to guess the hundreds
/// before them.
///
/// # Errors
/// As [`secret_key`].
pub(crate) fn private_key(
    vault: &Vault,
    (owner, key): (OwnerId, KeyId),
    pem: &SecretString,
) -> Result<MaskedSecret, Error> {
    let mut sealed = seal(vault, (owner, key.0), field::PRIVATE_KEY, pem)?;
    let text = pem.expose_secret();
    let body = text.rsplit_once("-----END").map_or("", |(body, _)| body);
    let count = body.chars().filter(char::is_ascii_alphanumeric).count();
    if let Some(kind) = sealed.mask.strip_suffix(']')
        && count >= MIN_TOLD_CHARS
    {
        let from_end = body.chars().rev();
        let last = from_end.filter(|c| !c.is_whitespace() && *c != '=').take(4);
        let tail: Vec<char> = last.collect();
        let tail: String = tail.into_iter().rev().collect();
        sealed.mask = format!("{kind} ...{tail}]");
    }
    Ok(sealed)
}

/// The owner's mail password.
///
/// # Errors
/// As [`secret_key`].
pub(crate) fn email_pass(
    vault: &Vault,
    owner: OwnerId,
    secret: &SecretString,
) -> Result<MaskedSecret, Error> {
    seal(vault, (owner, owner.0), field::EMAIL_PASS, secret)
}

/// A secret in the value of a resource with this id. `pattern` is where its kind says
/// that one stands; whoever opens it names the same.
///
/// # Errors
/// As [`secret_key`].
pub(crate) fn secret_in(
    vault: &Vault,
    (owner, resource): (OwnerId, Uuid),
    pattern: &'static str,
    secret: &SecretString,
) -> Result<MaskedSecret, Error> {
    seal(vault, (owner, resource), pattern, secret)
}

/// Whether a text has the form of a mask, as [`foldgate_vault::mask()`] and
/// [`private_key`] make them: up to seven characters, three dots, four more.
pub(crate) fn is_mask(text: &str) -> bool {
    let chars: Vec<char> = text.chars().take(MAX_MASK_CHARS + 1).collect();
    let dots = match chars.len() {
        3..=6 => &chars[..3],
        long @ 7..=MAX_MASK_CHARS => &chars[long - 7..long - 4],
        _ => return is_pem_mask(text),
    };
    dots == ['.'; 3] || is_pem_mask(text)
}

/// Seven characters, three dots, four characters.
const MAX_MASK_CHARS: usize = 14;

fn is_pem_mask(text: &str) -> bool {
    let inner = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    inner.is_some_and(|inner| {
        let kind = inner.split_once(" ...").map_or(inner, |(kind, _)| kind);
        kind == "PEM" || kind.ends_with("PRIVATE KEY")
    })
}

fn seal(
    vault: &Vault,
    (owner, resource): (OwnerId, Uuid),
    field: &'static str,
    secret: &SecretString,
) -> Result<MaskedSecret, Error> {
    let context = SealContext {
        owner,
        resource,
        field,
    };
    vault.seal_masked(&context, secret).map_err(|error| {
        tracing::error!(%error, field, "a secret could not be sealed");
        Error::Internal
    })
}

#[cfg(test)]
mod tests;
