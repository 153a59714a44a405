//! What an attempt needs of a key: where to call, and what to say it is.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use foldgate_domain::failure::Failure;
use foldgate_domain::upstream_url::ProviderUrl;
use foldgate_proto::{MaskedSecret, OwnerId, ProviderConfig, ProviderKey};
use foldgate_vault::{SealContext, Vault, field};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use super::follow::Skipped;
use crate::dialect::{Caller, Target};
use crate::endpoint::{ENDPOINTS, Endpoint, Takes};
use crate::error::Scrubber;
use crate::transport::Transport;
use crate::upstream::{Account, Address, Ask, Auth, Site, Token, Tokens, Unserved};

const SCHEME: &str = "Bearer ";

const API_KEY: HeaderName = HeaderName::from_static("api-key");
const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const X_GOOG_API_KEY: HeaderName = HeaderName::from_static("x-goog-api-key");
const ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");

/// The version of Anthropic's API where the caller names none.
const USUAL_VERSION: &str = "2023-06-01";

/// A key's credential with its upstream.
pub(crate) struct Credential {
    upstream: Arc<Upstream>,
    /// Where its calls go, if that is not simply below its provider.
    site: Option<Box<Site>>,
    secret: Secret,
}

/// What a key proves itself with.
enum Secret {
    /// The key itself, behind its scheme; wiped when it is gone.
    Key { text: Bytes, bearer: HeaderValue },
    /// The tokens of a service account.
    Account(Arc<Tokens>),
}

/// Where the keys of one provider lead; shared by all of them.
pub(super) struct Upstream {
    authority: String,
    /// As its host says it.
    site: Site,
    /// Of each endpoint that needs neither an id nor a model for it, by its place.
    uris: Vec<Option<Uri>>,
}

/// The upstreams in use, by provider, and the service accounts.
#[derive(Default)]
pub(super) struct Upstreams {
    by_provider: HashMap<String, Arc<Upstream>>,
    accounts: HashMap<[u8; 32], Weak<Tokens>>,
}

impl Credential {
    /// Opens a key's secret.
    ///
    /// # Errors
    /// Why the key cannot be used.
    pub(super) fn open(
        vault: &Vault,
        upstreams: &mut Upstreams,
        owner: OwnerId,
        key: &ProviderKey,
    ) -> Result<Self, Skipped> {
        let upstream = upstreams.get(&key.provider)?;
        let site = if key.config == ProviderConfig::STANDARD {
            None
        } else {
            let site = Site::new(&key.provider, &key.config);
            Some(Box::new(site.map_err(|_| Skipped::Url)?))
        };
        let opened = |field, secret: &MaskedSecret| {
            let context = SealContext {
                owner,
                resource: key.id.0,
                field,
            };
            vault
                .open(&context, &secret.sealed)
                .map_err(Skipped::Sealed)
        };
        let secret = match &key.config {
            ProviderConfig::Standard { .. } | ProviderConfig::Azure { .. } => {
                Secret::key(&opened(field::SECRET, &key.secret)?)?
            }
            ProviderConfig::Vertex {
                client_email,
                private_key,
                token_uri,
                ..
            } => {
                let pem = opened(field::PRIVATE_KEY, private_key)?;
                let account = Account::new(client_email, &pem, token_uri.as_deref());
                Secret::Account(upstreams.account(account.map_err(Skipped::Account)?))
            }
        };
        Ok(Self {
            upstream,
            site,
            secret,
        })
    }

    /// What the upstream is best spoken to in: see [`Site::dialect`].
    pub(crate) fn dialect(&self, from: Caller, path: &str, model: &str) -> Target {
        let site = self.site.as_deref().unwrap_or(&self.upstream.site);
        site.dialect(from, path, model)
    }

    /// Where a call goes; `endpoint` is its place among the endpoints.
    ///
    /// # Errors
    /// Why the key cannot take it.
    pub(crate) fn address(&self, endpoint: usize, ask: &Ask<'_>) -> Result<Address, Unserved> {
        let site = match (&self.site, self.upstream.uris.get(endpoint)) {
            (Some(site), _) => site.as_ref(),
            (None, Some(Some(uri))) if ask.is_plain() => return Ok(Address::below(uri.clone())),
            (None, _) => &self.upstream.site,
        };
        site.address(ask)
    }

    /// A token, where the key is not its own proof.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn token(&self, transport: &Transport) -> Result<Option<Token>, Failure> {
        match &self.secret {
            Secret::Key { .. } => Ok(None),
            Secret::Account(tokens) => tokens.get(transport).await.map(Some),
        }
    }

    /// Forgets a token that was refused.
    pub(crate) fn forget(&self, token: &Token) {
        if let Secret::Account(tokens) = &self.secret {
            tokens.forget(token);
        }
    }

    /// Puts the credential into a request's headers.
    pub(crate) fn authorize(&self, headers: &mut HeaderMap, auth: Auth, token: Option<&Token>) {
        let name = match (auth, token) {
            (_, Some(token)) => {
                headers.insert(AUTHORIZATION, token.authorization().clone());
                return;
            }
            (Auth::Bearer | Auth::Token, None) => {
                if let Secret::Key { bearer, .. } = &self.secret {
                    headers.insert(AUTHORIZATION, bearer.clone());
                }
                return;
            }
            (Auth::ApiKey, None) => API_KEY,
            (Auth::XApiKey, None) => {
                let usual = HeaderValue::from_static(USUAL_VERSION);
                headers.entry(ANTHROPIC_VERSION).or_insert(usual);
                X_API_KEY
            }
            (Auth::GoogApiKey, None) => X_GOOG_API_KEY,
        };
        if let Some(bare) = self.secret.bare() {
            headers.insert(name, bare);
        }
    }

    /// The words that callers must not see.
    pub(crate) fn scrubber(&self) -> Scrubber<'_> {
        let secret = match &self.secret {
            Secret::Key { text, .. } => std::str::from_utf8(text).unwrap_or_default(),
            // What tokens look like, the domain's scrubber knows.
            Secret::Account(_) => "",
        };
        Scrubber {
            secret: secret.strip_prefix(SCHEME).unwrap_or_default(),
            authority: &self.upstream.authority,
        }
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential").finish_non_exhaustive()
    }
}

impl Secret {
    fn key(secret: &SecretString) -> Result<Self, Skipped> {
        let secret = secret.expose_secret();
        let mut text = Zeroizing::new(Vec::with_capacity(SCHEME.len() + secret.len()));
        text.extend_from_slice(SCHEME.as_bytes());
        text.extend_from_slice(secret.as_bytes());
        // The headers keep these very bytes, which are wiped when the last is gone.
        let text = Bytes::from_owner(text);
        let mut bearer =
            HeaderValue::from_maybe_shared(text.clone()).map_err(|_| Skipped::NoHeader)?;
        bearer.set_sensitive(true);
        Ok(Self::Key { text, bearer })
    }

    /// The key without a scheme.
    fn bare(&self) -> Option<HeaderValue> {
        let Self::Key { text, .. } = self else {
            return None;
        };
        let mut bare = HeaderValue::from_maybe_shared(text.slice(SCHEME.len()..)).ok()?;
        bare.set_sensitive(true);
        Some(bare)
    }
}

impl Upstreams {
    fn get(&mut self, provider: &str) -> Result<Arc<Upstream>, Skipped> {
        if let Some(known) = self.by_provider.get(provider) {
            return Ok(Arc::clone(known));
        }
        let url = ProviderUrl::parse(provider).map_err(|_| Skipped::Url)?;
        let uri = |endpoint: &Endpoint| {
            let varies = endpoint.path.contains("{id}") || endpoint.takes == Takes::Query;
            (!varies).then(|| url.join(endpoint.path).parse::<Uri>())
        };
        let uris = ENDPOINTS.iter().map(|endpoint| uri(endpoint).transpose());
        let upstream = Arc::new(Upstream {
            authority: url.authority().to_owned(),
            site: Site::new(provider, &ProviderConfig::STANDARD).map_err(|_| Skipped::Url)?,
            uris: uris.collect::<Result<_, _>>().map_err(|_| Skipped::Url)?,
        });
        let shared = Arc::clone(&upstream);
        self.by_provider.insert(provider.to_owned(), shared);
        Ok(upstream)
    }

    /// The tokens of a service account: those that another key of the same account
    /// has, or new ones.
    fn account(&mut self, account: Account) -> Arc<Tokens> {
        let id = account.id();
        if let Some(known) = self.accounts.get(&id).and_then(Weak::upgrade) {
            return known;
        }
        self.accounts.retain(|_, tokens| tokens.strong_count() > 0);
        let tokens = Arc::new(Tokens::new(account));
        self.accounts.insert(id, Arc::downgrade(&tokens));
        tokens
    }

    /// Forgets an upstream that no key uses.
    pub(super) fn forget(&mut self, provider: &str) {
        let known = self.by_provider.get(provider);
        if known.is_some_and(|known| Arc::strong_count(known) == 1) {
            self.by_provider.remove(provider);
        }
    }
}
