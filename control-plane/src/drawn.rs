//! Keys that are drawn here: shown once, kept as a hash and a mask.

use foldgate_domain::command::{NewKey, TermsEdit};
use foldgate_proto::{CallerKeyId, KeyHash};
use foldgate_vault::{digest, mask, new_key};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use crate::error::Error;

/// A key that nobody has seen yet.
pub(crate) struct Drawn {
    secret: SecretString,
    /// SHA-256 of it.
    pub hash: KeyHash,
    /// What may be shown of it.
    pub mask: String,
}

impl Drawn {
    /// Draws one.
    ///
    /// # Errors
    /// The system has no random bytes.
    pub(crate) fn new() -> Result<Self, Error> {
        let secret = new_key().map_err(|error| {
            tracing::error!(%error, "no key could be drawn");
            Error::Internal
        })?;
        Ok(Self::given(secret))
    }

    /// One that somebody chose.
    pub(crate) fn given(secret: SecretString) -> Self {
        let text = secret.expose_secret();
        Self {
            hash: KeyHash(digest(text)),
            mask: mask(text),
            secret,
        }
    }

    /// As a key of an account, with an id of its own.
    pub(crate) fn caller_key(&self, name: String, terms: TermsEdit) -> NewKey {
        NewKey {
            id: CallerKeyId(Uuid::now_v7()),
            name,
            hash: self.hash,
            mask: self.mask.clone(),
            terms,
        }
    }

    /// The key itself, for the one answer that shows it.
    pub(crate) fn shown(&self) -> &str {
        self.secret.expose_secret()
    }
}
