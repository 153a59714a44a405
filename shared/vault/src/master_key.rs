//! The master key: what everything else is sealed under. It comes from a file
//! or the environment and never enters the log.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use zeroize::{Zeroize, Zeroizing};

use crate::{Error, random};

/// The length of a master key, in bytes: what XChaCha20 takes.
pub const KEY_BYTES: usize = 32;

/// Domain separation for key ids, so that an id says nothing about the key.
const ID_CONTEXT: &str = "foldgate 2026-11 master key id v1";

/// A master key. Wiped from memory when dropped; never shown.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; KEY_BYTES]>);

/// Names a master key without telling anything about it; stands in every
/// sealed secret's header.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MasterKeyId(pub [u8; 8]);

impl MasterKey {
    /// Reads a key from base64, standard or URL alphabet, white space around it
    /// ignored (key files end in a newline).
    ///
    /// # Errors
    /// [`Error::NotAMasterKey`] unless it is exactly 32 bytes.
    pub fn from_base64(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let bytes = STANDARD
            .decode(text)
            .or_else(|_| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')))
            .map(Zeroizing::new)
            .map_err(|_| Error::NotAMasterKey)?;
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        if bytes.len() != KEY_BYTES {
            return Err(Error::NotAMasterKey);
        }
        key.copy_from_slice(&bytes);
        Ok(Self(key))
    }

    /// Draws a new key.
    ///
    /// # Errors
    /// [`Error::Random`] when the operating system has no random bytes.
    pub fn generate() -> Result<Self, Error> {
        let mut bytes = random::<KEY_BYTES>()?;
        let key = Self(Zeroizing::new(bytes));
        bytes.zeroize();
        Ok(key)
    }

    /// The key as base64, to be written to a key file.
    pub fn to_base64(&self) -> SecretString {
        let text = Zeroizing::new(STANDARD.encode(self.0.as_slice()));
        SecretString::from(text.as_str())
    }

    /// The key's name.
    pub fn id(&self) -> MasterKeyId {
        let derived = Zeroizing::new(blake3::derive_key(ID_CONTEXT, self.0.as_slice()));
        let mut id = [0; 8];
        id.copy_from_slice(&derived[..8]);
        MasterKeyId(id)
    }

    /// Reads a key from a secret text; see [`Self::from_base64`].
    ///
    /// # Errors
    /// See [`Self::from_base64`].
    pub fn from_secret(text: &SecretString) -> Result<Self, Error> {
        Self::from_base64(text.expose_secret())
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.id())
    }
}

impl fmt::Display for MasterKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for MasterKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests;
