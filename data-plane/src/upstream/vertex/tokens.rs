//! The access tokens of one service account: fetched once however many ask, kept
//! until shortly before they end, and renewed while the old one still serves.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use chrono::Utc;
use foldgate_domain::failure::{
    Failure, FailureClass, MAX_DETAIL_CHARS, Transience, classify, scrub,
};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use serde::{Deserialize, Deserializer};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use zeroize::Zeroizing;

use super::account::Account;
use crate::splice::Segments;
use crate::transport::{SendError, Transport};

/// How long before its end a token is renewed, as Google's own library does it.
const EARLY: Duration = Duration::from_secs(225);

/// How long fetching one may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// After a renewal that failed the old token serves on, and no other one is asked for
/// this long.
const REST: Duration = Duration::from_secs(10);

/// How long a token holds whose endpoint does not say.
const USUAL_LIFETIME: u64 = 3_600;

/// The longest answer of a token endpoint; a token has 1 to 2 KiB.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// How a request for a token begins.
const GRANT: &str = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";

const SCHEME: &str = "Bearer ";

/// An access token, as the header that carries it; wiped when the last copy is gone.
#[derive(Clone)]
pub(crate) struct Token {
    authorization: HeaderValue,
    serial: u64,
}

/// The tokens of one service account.
pub(crate) struct Tokens {
    account: Account,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    kept: Option<Kept>,
    flight: Option<Flight>,
    /// No renewal before.
    rests: Option<Instant>,
    serial: u64,
}

/// A token with its end.
struct Kept {
    token: Token,
    renewed: Instant,
    ends: Instant,
}

/// A fetch under way; everybody who needs its token waits for it.
type Flight = watch::Receiver<Option<Result<Token, Failure>>>;

/// What a token endpoint grants.
#[derive(Deserialize)]
struct Granted {
    #[serde(deserialize_with = "wiped")]
    access_token: Zeroizing<String>,
    expires_in: Option<u64>,
}

impl Token {
    /// The header that carries it.
    pub(crate) const fn authorization(&self) -> &HeaderValue {
        &self.authorization
    }
}

impl Tokens {
    /// Has none yet.
    pub(crate) fn new(account: Account) -> Self {
        Self {
            account,
            state: Mutex::default(),
        }
    }

    /// A token that holds.
    ///
    /// # Errors
    /// Why there is none: what the endpoint said, or that it said nothing.
    pub(crate) async fn get(self: &Arc<Self>, transport: &Transport) -> Result<Token, Failure> {
        let mut flight = {
            let mut state = self.state();
            let now = Instant::now();
            let kept = state.kept.as_ref().filter(|kept| now < kept.ends);
            if let Some((token, due)) = kept.map(|kept| (kept.token.clone(), now >= kept.renewed)) {
                if due && state.rests.is_none_or(|until| now >= until) {
                    self.under_way(&mut state, transport);
                }
                return Ok(token);
            }
            self.under_way(&mut state, transport)
        };
        let gone = || Failure::broken("the fetch of a token was given up");
        let landed = flight.wait_for(Option::is_some).await.map_err(|_| gone())?;
        landed.clone().unwrap_or_else(|| Err(gone()))
    }

    /// Forgets a token that was refused; not one that came after it.
    pub(crate) fn forget(&self, token: &Token) {
        let mut state = self.state();
        let is_this = |kept: &Kept| kept.token.serial == token.serial;
        if state.kept.as_ref().is_some_and(is_this) {
            state.kept = None;
        }
    }

    fn under_way(self: &Arc<Self>, state: &mut State, transport: &Transport) -> Flight {
        // One whose task is gone lands nowhere.
        let flight = state.flight.take();
        let flight = flight.filter(|flight| flight.has_changed().is_ok());
        let flight = flight.unwrap_or_else(|| self.depart(transport));
        state.flight = Some(flight.clone());
        flight
    }

    /// The fetch goes on when those who wait for it are gone: others come.
    fn depart(self: &Arc<Self>, transport: &Transport) -> Flight {
        let (landing, flight) = watch::channel(None);
        let (tokens, transport) = (Arc::clone(self), transport.clone());
        tokio::spawn(async move {
            let fetched = timeout(PATIENCE, tokens.fetch(&transport)).await;
            let late = |_| Err(Failure::timeout("no answer of the token endpoint in time"));
            let landed = tokens.land(fetched.unwrap_or_else(late));
            landing.send_replace(Some(landed));
        });
        flight
    }

    fn land(&self, fetched: Result<Granted, Failure>) -> Result<Token, Failure> {
        let mut state = self.state();
        state.flight = None;
        let now = Instant::now();
        let made = fetched.and_then(|granted| Kept::new(&granted, state.serial, now));
        match made {
            Ok(kept) => {
                let token = kept.token.clone();
                state.serial = state.serial.saturating_add(1);
                state.kept = Some(kept);
                state.rests = None;
                Ok(token)
            }
            Err(failure) => {
                tracing::debug!(account = ?self.account, %failure, "no access token");
                state.rests = now.checked_add(REST);
                Err(failure)
            }
        }
    }

    async fn fetch(&self, transport: &Transport) -> Result<Granted, Failure> {
        let assertion = self.account.assertion(Utc::now());
        let assertion = assertion.map_err(|why| dead(why.to_string()))?;
        let mut body = Zeroizing::new(Vec::with_capacity(GRANT.len() + assertion.len()));
        body.extend_from_slice(GRANT.as_bytes());
        body.extend_from_slice(assertion.as_bytes());
        let mut request = Request::new(Segments::from(Bytes::from_owner(body)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.account.token_uri().clone();
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(CONTENT_TYPE, form);
        request.headers_mut().insert(ACCEPT, json);
        let answer = transport
            .send(request)
            .await
            .map_err(|error| unsent(&error))?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await;
        let body = body.map_err(|_| Failure::broken("the token endpoint's answer broke off"))?;
        let body = body.to_bytes();
        if head.status != StatusCode::OK {
            return Err(refused(head.status, &body));
        }
        serde_json::from_slice(&body)
            .map_err(|_| Failure::broken("the token endpoint's answer holds no token"))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change under the lock is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn new(granted: &Granted, serial: u64, now: Instant) -> Result<Self, Failure> {
        let no_token = || Failure::broken("the token endpoint's token fits no header");
        let text = granted.access_token.as_bytes();
        if text.is_empty() {
            return Err(no_token());
        }
        let mut header = Zeroizing::new(Vec::with_capacity(SCHEME.len() + text.len()));
        header.extend_from_slice(SCHEME.as_bytes());
        header.extend_from_slice(text);
        let header = Bytes::from_owner(header);
        let mut authorization = HeaderValue::from_maybe_shared(header).map_err(|_| no_token())?;
        authorization.set_sensitive(true);
        let lifetime = granted.expires_in.unwrap_or(USUAL_LIFETIME);
        let lifetime = Duration::from_secs(lifetime.min(USUAL_LIFETIME));
        // Of a short-lived one the second half is early enough.
        let early = EARLY.min(lifetime / 2);
        Ok(Self {
            token: Token {
                authorization,
                serial,
            },
            renewed: now + lifetime.saturating_sub(early),
            ends: now + lifetime,
        })
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Tokens").field(&self.account).finish()
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token").finish_non_exhaustive()
    }
}

fn wiped<'de, D: Deserializer<'de>>(text: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(text).map(Zeroizing::new)
}

fn unsent(error: &SendError) -> Failure {
    match error {
        SendError::Connect(why) => Failure::connect(&format!("token endpoint: {why}")),
        SendError::ConnectTimeout => Failure::connect("the token endpoint took too long"),
        SendError::Broken => Failure::broken("the token endpoint broke the connection"),
    }
}

/// What a refusal means for the key: no request of a client is at fault, and an
/// endpoint that is not there is no word about the account.
fn refused(status: StatusCode, body: &[u8]) -> Failure {
    let mut failure = classify(status.as_u16(), body);
    failure.class = match failure.class {
        FailureClass::ClientFault => FailureClass::Dead,
        FailureClass::NotHere => FailureClass::Transient(Transience::Upstream),
        class => class,
    };
    let named = failure
        .code
        .as_deref()
        .filter(|code| *code != failure.detail);
    let told = match named {
        Some(code) => format!("no access token: {code}: {}", failure.detail),
        None => format!("no access token: {}", failure.detail),
    };
    failure.detail = scrub(&told, MAX_DETAIL_CHARS);
    failure
}

fn dead(why: String) -> Failure {
    Failure {
        class: FailureClass::Dead,
        status: None,
        code: None,
        kind: None,
        detail: why,
    }
}

#[cfg(test)]
mod tests;
