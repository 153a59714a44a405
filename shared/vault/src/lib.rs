//! Secrets: sealing and opening of upstream credentials, what may be shown of
//! them, and the keys that callers present. The only crate that sees a secret
//! in plain beside the code that uses it.

pub mod caller_key;
pub mod field;
pub mod mask;
pub mod master_key;
pub mod vault;

pub use caller_key::{digest, new_key};
pub use mask::mask;
pub use master_key::{MasterKey, MasterKeyId};
pub use vault::{SealContext, Vault};

/// Why a secret cannot be sealed or opened, or a key not be read or made. None
/// of the messages holds any part of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The master key text is no 32 bytes of base64.
    #[error("a master key is 32 bytes of base64")]
    NotAMasterKey,
    /// More than [`vault::MAX_SECRET_BYTES`].
    #[error("a secret of {0} bytes is longer than {max}", max = vault::MAX_SECRET_BYTES)]
    TooLong(usize),
    /// Too short to be a sealed secret at all.
    #[error("the sealed secret is cut short")]
    Truncated,
    /// Sealed by a newer program.
    #[error("the secret is sealed in version {0}, which this program does not know")]
    UnknownVersion(u8),
    /// Sealed under a master key this process was not given.
    #[error("the secret is sealed under master key {0}, which is not loaded")]
    UnknownKey(MasterKeyId),
    /// Changed since it was sealed, or sealed for another owner, resource or field.
    #[error("the sealed secret was changed or belongs to another resource")]
    Refused,
    /// What came out is no text.
    #[error("the opened secret is not text")]
    NotText,
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    Random,
}

/// Random bytes from the operating system.
fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| Error::Random)?;
    Ok(bytes)
}
