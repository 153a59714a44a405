//! Sealing and opening. A sealed secret is
//!
//! ```text
//! version (1) | master key id (8) | nonce (24) | XChaCha20-Poly1305 ciphertext and tag
//! ```
//!
//! with version, key id, owner, resource and field as associated data: a secret
//! copied to another tenant, key or field does not open. Nonces are random;
//! with 192 bits they may be.

use std::sync::Arc;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use foldgate_proto::{MaskedSecret, OwnerId, Sealed};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::master_key::KEY_BYTES;
use crate::{Error, MasterKey, MasterKeyId, mask, random};

/// The longest secret, in bytes. A service account's private key has under 4 KiB;
/// a record has to carry it several times over.
pub const MAX_SECRET_BYTES: usize = 64 * 1024;

/// Domain separation for fingerprints, so that they say nothing of what is sealed.
const FINGERPRINT_CONTEXT: &str = "foldgate 2026-11 secret fingerprint v1";

/// How this code seals.
const VERSION: u8 = 1;
const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;
const HEADER_BYTES: usize = 1 + 8 + NONCE_BYTES;

/// What a secret belongs to. Sealing and opening must name the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealContext {
    /// The tenant.
    pub owner: OwnerId,
    /// The resource: a provider key's or a definition's id, or the owner's for its
    /// configuration.
    pub resource: Uuid,
    /// The field, as [`crate::field`] says.
    pub field: &'static str,
}

/// Seals under the current master key and opens under it and older ones. Cheap
/// to clone.
#[derive(Clone)]
pub struct Vault(Arc<Ring>);

struct Ring {
    current: Slot,
    older: Vec<Slot>,
}

struct Slot {
    id: MasterKeyId,
    cipher: XChaCha20Poly1305,
    /// Makes fingerprints.
    fingers: Zeroizing<[u8; KEY_BYTES]>,
}

impl Vault {
    /// A vault that seals under `current` and also opens what `older` keys sealed.
    pub fn new(current: &MasterKey, older: &[MasterKey]) -> Self {
        Self(Arc::new(Ring {
            current: Slot::new(current),
            older: older.iter().map(Slot::new).collect(),
        }))
    }

    /// The key new secrets are sealed under.
    pub fn current_key(&self) -> MasterKeyId {
        self.0.current.id
    }

    /// Whether a sealed secret is under an older key and due for re-sealing.
    pub fn is_outdated(&self, sealed: &Sealed) -> bool {
        sealed.0.get(1..9) != Some(&self.0.current.id.0[..])
    }

    /// Seals a secret for one place.
    ///
    /// # Errors
    /// A secret longer than [`MAX_SECRET_BYTES`]; no random bytes.
    pub fn seal(&self, context: &SealContext, secret: &SecretString) -> Result<Sealed, Error> {
        let plain = secret.expose_secret().as_bytes();
        if plain.len() > MAX_SECRET_BYTES {
            return Err(Error::TooLong(plain.len()));
        }
        let slot = &self.0.current;
        let nonce = random::<NONCE_BYTES>()?;
        let data = associated_data(VERSION, slot.id, context);
        let payload = Payload {
            msg: plain,
            aad: &data,
        };
        let ciphertext = slot
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| Error::TooLong(plain.len()))?;
        let mut bytes = Vec::with_capacity(HEADER_BYTES + ciphertext.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&slot.id.0);
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&ciphertext);
        Ok(Sealed(bytes))
    }

    /// What tells whether two secrets of one `place` are the same, to whoever was given
    /// both fingerprints, and nothing else to anybody without the master key: it is a
    /// keyed hash, so that nobody can try passwords on it. Under another master key it
    /// is another, and so is that of the same secret at another place.
    pub fn fingerprint(&self, place: &str, secret: &[u8]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.0.current.fingers);
        // With its length before it no place runs over into the secret.
        hasher.update(&(place.len() as u64).to_be_bytes());
        hasher.update(place.as_bytes());
        hasher.update(secret);
        *hasher.finalize().as_bytes()
    }

    /// Seals a secret for one place and puts its mask beside it.
    ///
    /// # Errors
    /// See [`Self::seal`].
    pub fn seal_masked(
        &self,
        context: &SealContext,
        secret: &SecretString,
    ) -> Result<MaskedSecret, Error> {
        Ok(MaskedSecret {
            sealed: self.seal(context, secret)?,
            mask: mask(secret.expose_secret()),
        })
    }

    /// Opens a secret sealed for the same place.
    ///
    /// # Errors
    /// See [`Error`]; bytes of any kind give an error, never a panic.
    pub fn open(&self, context: &SealContext, sealed: &Sealed) -> Result<SecretString, Error> {
        let bytes = &sealed.0;
        let version = *bytes.first().ok_or(Error::Truncated)?;
        if version != VERSION {
            return Err(Error::UnknownVersion(version));
        }
        if bytes.len() < HEADER_BYTES + TAG_BYTES {
            return Err(Error::Truncated);
        }
        if bytes.len() > HEADER_BYTES + TAG_BYTES + MAX_SECRET_BYTES {
            return Err(Error::TooLong(bytes.len()));
        }
        let (header, ciphertext) = bytes.split_at(HEADER_BYTES);
        let mut id = MasterKeyId([0; 8]);
        id.0.copy_from_slice(&header[1..9]);
        let mut nonce = [0; NONCE_BYTES];
        nonce.copy_from_slice(&header[9..]);
        let slot = self.slot(id).ok_or(Error::UnknownKey(id))?;
        let payload = Payload {
            msg: ciphertext,
            aad: &associated_data(version, id, context),
        };
        let plain = slot
            .cipher
            .decrypt(&XNonce::from(nonce), payload)
            .map(Zeroizing::new)
            .map_err(|_| Error::Refused)?;
        let text = std::str::from_utf8(&plain).map_err(|_| Error::NotText)?;
        Ok(SecretString::from(text))
    }

    fn slot(&self, id: MasterKeyId) -> Option<&Slot> {
        std::iter::once(&self.0.current)
            .chain(&self.0.older)
            .find(|slot| slot.id == id)
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let older: Vec<_> = self.0.older.iter().map(|slot| slot.id).collect();
        f.debug_struct("Vault")
            .field("current", &self.0.current.id)
            .field("older", &older)
            .finish()
    }
}

impl Slot {
    fn new(key: &MasterKey) -> Self {
        Self {
            id: key.id(),
            cipher: XChaCha20Poly1305::new(key.bytes().into()),
            fingers: Zeroizing::new(blake3::derive_key(FINGERPRINT_CONTEXT, key.bytes())),
        }
    }
}

/// Every part but the last has a fixed length, so no two contexts read alike.
fn associated_data(version: u8, id: MasterKeyId, context: &SealContext) -> Vec<u8> {
    let mut data = Vec::with_capacity(1 + 8 + 16 + 16 + context.field.len());
    data.push(version);
    data.extend_from_slice(&id.0);
    data.extend_from_slice(context.owner.0.as_bytes());
    data.extend_from_slice(context.resource.as_bytes());
    data.extend_from_slice(context.field.as_bytes());
    data
}

#[cfg(test)]
mod tests;
