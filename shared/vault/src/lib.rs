//! foldgate-vault.
