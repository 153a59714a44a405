//! A service account, which signs that it is who it says (RFC 7523), and may have a
//! token for that.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use http::Uri;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use zeroize::Zeroizing;

/// What a token is asked for: all that the account may do.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// Google's token endpoint; also whom an assertion is for, wherever it is sent.
const GOOGLE: &str = "https://oauth2.googleapis.com/token";

/// How long an assertion holds, in seconds; the most that Google takes.
const LIFETIME: i64 = 3_600;

/// A service account with its key. The key stands here in the form it was written in,
/// is read for each signature, about once an hour, and is wiped when this is gone.
pub(crate) struct Account {
    email: String,
    key: Zeroizing<PrivateKeyDer<'static>>,
    token_uri: Uri,
    id: [u8; 32],
}

/// Why a service account cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// The key is no PEM of a private key.
    #[error("its private key is no PEM block of a private key")]
    NotPem,
    /// The key is none that can sign.
    #[error("its private key is no RSA key of 2,048 bits or more")]
    NotRsa,
    /// The token endpoint is no URL.
    #[error("its token_uri is not a usable URL")]
    TokenUri,
    /// There is no randomness, or the key is inconsistent.
    #[error("its private key does not sign")]
    NotSigned,
}

#[derive(Serialize)]
struct Header {
    alg: &'static str,
    typ: &'static str,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    scope: &'static str,
    aud: &'static str,
    iat: i64,
    exp: i64,
}

impl Account {
    /// Reads a service account: its address, and its key in PEM form, PKCS#1 or
    /// PKCS#8. Line ends may be written `\n` in two characters, as in a JSON file.
    ///
    /// # Errors
    /// See [`AccountError`].
    pub(crate) fn new(
        email: &str,
        pem: &SecretString,
        token_uri: Option<&str>,
    ) -> Result<Self, AccountError> {
        let pem = Zeroizing::new(pem.expose_secret().replace("\\n", "\n"));
        let key =
            PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| AccountError::NotPem)?;
        let key = Zeroizing::new(key);
        read(&key)?;
        let uri = token_uri.unwrap_or(GOOGLE);
        let mut named = Zeroizing::new(Vec::new());
        for part in [email.as_bytes(), uri.as_bytes(), key.secret_der()] {
            named.extend_from_slice(part);
            named.push(0);
        }
        let mut id = [0; 32];
        id.copy_from_slice(digest(&SHA256, &named).as_ref());
        Ok(Self {
            email: email.to_owned(),
            key,
            token_uri: uri.parse().map_err(|_| AccountError::TokenUri)?,
            id,
        })
    }

    /// What two accounts with the same tokens have in common: address, key and token
    /// endpoint, hashed.
    pub(crate) const fn id(&self) -> [u8; 32] {
        self.id
    }

    /// Where its tokens come from.
    pub(crate) const fn token_uri(&self) -> &Uri {
        &self.token_uri
    }

    /// A signed claim to be this account, good from now on for an hour.
    ///
    /// # Errors
    /// When the key does not sign.
    pub(crate) fn assertion(&self, now: DateTime<Utc>) -> Result<Zeroizing<String>, AccountError> {
        let header = Header {
            alg: "RS256",
            typ: "JWT",
        };
        let iat = now.timestamp();
        let claims = Claims {
            iss: &self.email,
            scope: SCOPE,
            aud: GOOGLE,
            iat,
            exp: iat.saturating_add(LIFETIME),
        };
        let mut text = Zeroizing::new(part(&header)?);
        text.push('.');
        text.push_str(&part(&claims)?);
        let key = read(&self.key)?;
        let mut signature = vec![0; key.public().modulus_len()];
        key.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            text.as_bytes(),
            &mut signature,
        )
        .map_err(|_| AccountError::NotSigned)?;
        text.push('.');
        URL_SAFE_NO_PAD.encode_string(&signature, &mut text);
        Ok(text)
    }
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account")
            .field("email", &self.email)
            .finish_non_exhaustive()
    }
}

fn part(of: &impl Serialize) -> Result<String, AccountError> {
    let json = serde_json::to_vec(of).map_err(|_| AccountError::NotSigned)?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}

fn read(key: &PrivateKeyDer<'_>) -> Result<RsaKeyPair, AccountError> {
    let read = match key {
        PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der()),
        PrivateKeyDer::Pkcs8(key) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()),
        _ => return Err(AccountError::NotRsa),
    };
    read.map_err(|_| AccountError::NotRsa)
}

#[cfg(test)]
mod tests;
