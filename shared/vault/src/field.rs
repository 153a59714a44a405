//! The fields secrets are sealed for. Who seals and who opens must say the same
//! word, so both take it from here. Never change one: what was sealed for it
//! would not open any more.
//!
//! A definition's secrets are sealed for the definition and, as their field, the JSON
//! pointer by which its kind says where they stand (`/headers/*`). Those begin with a
//! slash, which no name below does; such a place is never changed either.

/// A provider key's credential; its resource is the provider key.
pub const SECRET: &str = "secret";

/// A service account's private key; its resource is the provider key.
pub const PRIVATE_KEY: &str = "private_key";

/// The mail account's password; its resource is the owner.
pub const EMAIL_PASS: &str = "email_pass";
