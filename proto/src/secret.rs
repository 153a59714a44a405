//! Secrets as they may travel: sealed, with a mask to show.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A secret under the master key: version, key id, nonce and ciphertext. Only
/// the vault opens it.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(#[serde(with = "serde_bytes")] pub Vec<u8>);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// A sealed secret beside what an API may show of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaskedSecret {
    /// The secret.
    pub sealed: Sealed,
    /// Its prefix and last four characters.
    pub mask: String,
}
