//! Sealing: a secret leaves the request only under the master key, bound to its
//! owner, its resource and its field. The resource's id is drawn before, and
//! stays the same however often the command is decided again.

use foldgate_proto::{KeyId, MaskedSecret, OwnerId};
use foldgate_vault::{SealContext, Vault};
use secrecy::SecretString;
use uuid::Uuid;

use crate::error::Error;

/// A provider key's credential; what data nodes open it under.
pub(crate) const SECRET_KEY: &str = "secret";
/// A Vertex service account's private key.
pub(crate) const PRIVATE_KEY: &str = "private_key";
/// The mail account's password; its resource is the owner.
pub(crate) const EMAIL_PASS: &str = "email_pass";

/// A field of a provider key.
///
/// # Errors
/// The system has no random bytes, or the secret is too long.
pub(crate) fn key_field(
    vault: &Vault,
    (owner, key): (OwnerId, KeyId),
    field: &'static str,
    secret: &SecretString,
) -> Result<MaskedSecret, Error> {
    seal(vault, (owner, key.0), field, secret)
}

/// The owner's mail password.
///
/// # Errors
/// As [`key_field`].
pub(crate) fn email_pass(
    vault: &Vault,
    owner: OwnerId,
    secret: &SecretString,
) -> Result<MaskedSecret, Error> {
    seal(vault, (owner, owner.0), EMAIL_PASS, secret)
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
