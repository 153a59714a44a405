//! What an attempt needs of a key: where to call, and what to say it is.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use foldgate_domain::upstream_url::ProviderUrl;
use foldgate_proto::{OwnerId, ProviderKey};
use foldgate_vault::{SealContext, Vault};
use http::{HeaderValue, Uri};
use secrecy::ExposeSecret as _;
use zeroize::Zeroizing;

use super::follow::Skipped;
use crate::endpoint::ENDPOINTS;
use crate::error::Scrubber;

const SCHEME: &str = "Bearer ";

/// A key's credential with its upstream.
pub(crate) struct Credential {
    upstream: Arc<Upstream>,
    authorization: HeaderValue,
}

/// Where the keys of one provider lead; shared by all of them.
pub(super) struct Upstream {
    authority: String,
    uris: [Uri; ENDPOINTS.len()],
}

/// The upstreams in use, by provider.
#[derive(Default)]
pub(super) struct Upstreams(HashMap<String, Arc<Upstream>>);

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
        let context = SealContext {
            owner,
            resource: key.id.0,
            field: foldgate_vault::field::SECRET,
        };
        let secret = vault
            .open(&context, &key.secret.sealed)
            .map_err(Skipped::Sealed)?;
        let secret = secret.expose_secret();
        let mut text = Zeroizing::new(Vec::with_capacity(SCHEME.len() + secret.len()));
        text.extend_from_slice(SCHEME.as_bytes());
        text.extend_from_slice(secret.as_bytes());
        // The header keeps these very bytes, which are wiped when it is gone.
        let mut authorization = HeaderValue::from_maybe_shared(Bytes::from_owner(text))
            .map_err(|_| Skipped::NoHeader)?;
        authorization.set_sensitive(true);
        Ok(Self {
            upstream,
            authorization,
        })
    }

    /// Where an endpoint is.
    pub(crate) fn uri(&self, endpoint: usize) -> Uri {
        let uri = self.upstream.uris.get(endpoint);
        uri.cloned().unwrap_or_default()
    }

    /// The header that carries the credential.
    pub(crate) fn authorization(&self) -> &HeaderValue {
        &self.authorization
    }

    /// The words that callers must not see.
    pub(crate) fn scrubber(&self) -> Scrubber<'_> {
        let text = self.authorization.to_str().unwrap_or_default();
        Scrubber {
            secret: text.strip_prefix(SCHEME).unwrap_or_default(),
            authority: &self.upstream.authority,
        }
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential").finish_non_exhaustive()
    }
}

impl Upstreams {
    fn get(&mut self, provider: &str) -> Result<Arc<Upstream>, Skipped> {
        if let Some(known) = self.0.get(provider) {
            return Ok(Arc::clone(known));
        }
        let url = ProviderUrl::parse(provider).map_err(|_| Skipped::Url)?;
        let uri = |path: &str| url.join(path).parse::<Uri>().map_err(|_| Skipped::Url);
        let [chat, completions, embeddings] = &ENDPOINTS;
        let upstream = Arc::new(Upstream {
            authority: url.authority().to_owned(),
            uris: [
                uri(chat.path)?,
                uri(completions.path)?,
                uri(embeddings.path)?,
            ],
        });
        self.0.insert(provider.to_owned(), Arc::clone(&upstream));
        Ok(upstream)
    }

    /// Forgets an upstream that no key uses.
    pub(super) fn forget(&mut self, provider: &str) {
        if self
            .0
            .get(provider)
            .is_some_and(|known| Arc::strong_count(known) == 1)
        {
            self.0.remove(provider);
        }
    }
}
