//! Every answer that is not a success: its status, type, code and words, in one
//! place. Which of two forms its body has is decided in `envelope`.
//!
//! A limit on how much there may be (`Kind::TooMany`) answers 409: trying again
//! later does not help, removing something does. 429 means that later helps.

use foldgate_domain::{Denied, Kind, Rejection};
use foldgate_proto::{AdminRole, NanoDollars, RecordId, Revision};
use http::{HeaderName, StatusCode};
use serde_json::{Map, Value, json};

pub(crate) mod envelope;

mod referrers;
mod response;

#[cfg(test)]
mod tests;

pub use envelope::Refusal;
pub use response::panicked;

/// Names the record that a failed or answered write became.
pub static RECORD_HEADER: HeaderName = HeaderName::from_static("x-foldgate-record");

/// Why a request to the admin listener was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No owner key came with the request.
    #[error("an owner key is needed: send `Authorization: Bearer <key>` or `x-api-key: <key>`")]
    NoKey,
    /// Nobody has the key that came.
    #[error("the API key is not known")]
    UnknownKey,
    /// The key is known but not an owner's.
    #[error("this needs the owner's key")]
    NotOwner,
    /// An owner's key, but not the first owner's.
    #[error("this needs the first owner's key")]
    NotFirstOwner,
    /// An admin key where only an owner's or an account's own key will do.
    #[error("an admin key is not rotated: issue another one and delete this one")]
    AdminKey,
    /// The key was valid once.
    #[error("this key has expired")]
    Expired,
    /// The key is out of use until somebody puts it back.
    #[error("this key is disabled")]
    Disabled,
    /// The admin key's role does not reach that far.
    #[error("the role {0} may not do this")]
    Role(AdminRole),
    /// A caller key that is good for less than its account.
    #[error(
        "this key is bounded (it expires, has limits or AllowModels, or is one of the owner's own \
         account), so it may not make or change accounts and keys"
    )]
    BoundedKey,
    /// The account has too little left.
    #[error("insufficient balance: managing accounts and keys takes a balance of {0} dollars")]
    LowBalance(NanoDollars),
    /// The account may not call from there, or not at all.
    #[error(transparent)]
    Denied(Denied),
    /// This node has folded no owner yet, so it cannot tell a right key from a wrong one.
    #[error("this node has no configuration yet")]
    NotReady,
    /// No such route.
    #[error("there is no {0}")]
    NoRoute(String),
    /// The route is there, but not for this method.
    #[error("{method} is not possible on {path}")]
    NoMethod {
        /// The method that came.
        method: String,
        /// The path it came to.
        path: String,
    },
    /// The body is larger than a request may be.
    #[error("the body is larger than {limit} bytes")]
    BodyTooLarge {
        /// The most bytes.
        limit: usize,
    },
    /// The body did not arrive whole.
    #[error("the body did not arrive whole")]
    BodyCut,
    /// A body that says it is something else than JSON.
    #[error("the body must be JSON: send `Content-Type: application/json`")]
    NotJson,
    /// A body that is compressed.
    #[error("the body must not be compressed: send it without `Content-Encoding`")]
    Encoded,
    /// A body that is no JSON.
    #[error("the body is no valid JSON: {0}")]
    BadJson(String),
    /// A body that is JSON, but not of the form that is wanted.
    #[error("the body {0}")]
    BadBody(String),
    /// What the path names is not there, nor could it be.
    #[error("{message}")]
    Missing {
        /// See [`Error::code`].
        code: &'static str,
        /// What is missing.
        message: String,
    },
    /// A field, parameter, header or configuration key that breaks its rule.
    #[error("{param}: {problem}")]
    Field {
        /// Its name.
        param: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The domain refused the command.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The same, where what it is about is called otherwise than by its number.
    #[error("{}", rejection.said_of(what))]
    Said {
        /// How the API of the request calls it.
        what: String,
        /// The refusal.
        rejection: Rejection,
    },
    /// A hash that a caller key had before another took its place.
    #[error(
        "key_hash: this key had it before, and it was replaced; to bring back the key that was \
         replaced, send If-Match with the newest ETag of this entry"
    )]
    FormerKey,
    /// What the write was about is gone.
    #[error("{0}")]
    Gone(String),
    /// The history holds nothing there, or not of this owner.
    #[error("{message}")]
    NotInHistory {
        /// The parameter that names the place.
        param: &'static str,
        /// What there is instead.
        message: String,
    },
    /// A parameter (the first) names what is not the caller's; then the code, the words.
    #[error("{2}")]
    NotTheirs(&'static str, &'static str, String),
    /// The history is not indexed far enough yet.
    #[error("{0}")]
    HistoryNotReady(String),
    /// What requests used is not added up yet.
    #[error("{0}")]
    BillsNotReady(String),
    /// More streams at once than this process takes.
    #[error("{0} streams are open, the most there may be; close one")]
    TooManyStreams(usize),
    /// More requests at once than this process takes.
    #[error("too many requests at once")]
    TooManyRequests,
    /// The write queue is full.
    #[error("too many writes are waiting")]
    Busy,
    /// The log cannot be reached; nothing was written.
    #[error("the log cannot be reached, nothing was written")]
    Unavailable,
    /// This node does not fold the log on, so it decides nothing.
    #[error("the log is not whole for this node, nothing was written: {0}")]
    LogHeld(String),
    /// The log cannot be read.
    #[error("the log cannot be read: {0}")]
    LogUnread(String),
    /// Other writers kept coming first; nothing was written.
    #[error("other writes kept coming first, nothing was written")]
    Contended,
    /// Nobody knows yet whether the record was written.
    #[error("the outcome is unknown: record {0} may or may not be written")]
    OutcomeUnknown(RecordId),
    /// The decision does not fit into one record.
    #[error("the change does not fit into one record: {0}")]
    TooLargeToWrite(String),
    /// What differs from a revision does not fit into one record.
    #[error(
        "what differs from revision {0} does not fit into one record; restore one resource at a \
         time, with &resource= (GET /admin/v1/state/diff?from={0} names them)"
    )]
    TooMuchToRestore(Revision),
    /// What a record changed does not fit into another one as it was.
    #[error(
        "what revision {undone} changed does not fit into one record as it was; restore one \
         resource at a time, with /admin/v1/state/restore?at={before}&resource= (GET \
         /admin/v1/history/{undone} names them)"
    )]
    TooMuchToUndo {
        /// The record.
        undone: Revision,
        /// The revision before it.
        before: Revision,
    },
    /// This node has not folded the revision in time.
    #[error("this node has not reached revision {0}")]
    NotReached(Revision),
    /// This process has no way to a data plane.
    #[error("there is no data node to play with: set playground.url (FOLDGATE_PLAYGROUND_URL)")]
    NoPlayground,
    /// The data plane did not answer.
    #[error("the data node does not answer: {0}")]
    PlaygroundUnreached(String),
    /// It took too long.
    #[error("the request took too long")]
    TimedOut,
    /// Our fault; the log of this process says more.
    #[error("internal error")]
    Internal,
}

impl Error {
    /// A field, parameter, header or configuration key that breaks its rule.
    pub fn field(param: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Field {
            param: param.into(),
            problem: problem.into(),
        }
    }

    /// The HTTP status.
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::NoKey | Self::UnknownKey | Self::Expired | Self::Disabled => {
                StatusCode::UNAUTHORIZED
            }
            Self::NotOwner
            | Self::NotFirstOwner
            | Self::AdminKey
            | Self::BoundedKey
            | Self::LowBalance(_)
            | Self::Role(_)
            | Self::Denied(_) => StatusCode::FORBIDDEN,
            Self::NoRoute(_)
            | Self::Gone(_)
            | Self::Missing { .. }
            | Self::NotInHistory { .. }
            | Self::NotTheirs(..) => StatusCode::NOT_FOUND,
            Self::NoMethod { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTooLarge { .. }
            | Self::TooLargeToWrite(_)
            | Self::TooMuchToRestore(_)
            | Self::TooMuchToUndo { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotJson | Self::Encoded => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::BodyCut | Self::BadJson(_) | Self::BadBody(_) | Self::Field { .. } => {
                StatusCode::BAD_REQUEST
            }
            Self::Rejected(Rejection::IdempotencyMismatch)
            | Self::Said {
                rejection: Rejection::IdempotencyMismatch,
                ..
            } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Rejected(rejection) | Self::Said { rejection, .. } => match rejection.kind() {
                Kind::Invalid => StatusCode::BAD_REQUEST,
                Kind::NotFound => StatusCode::NOT_FOUND,
                Kind::Conflict | Kind::TooMany => StatusCode::CONFLICT,
                Kind::Stale => StatusCode::PRECONDITION_FAILED,
                Kind::Busy => StatusCode::TOO_MANY_REQUESTS,
            },
            Self::FormerKey => StatusCode::CONFLICT,
            Self::TooManyRequests | Self::TooManyStreams(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::NotReady
            | Self::HistoryNotReady(_)
            | Self::BillsNotReady(_)
            | Self::Busy
            | Self::Unavailable
            | Self::LogHeld(_)
            | Self::NotReached(_)
            | Self::LogUnread(_)
            | Self::Contended => StatusCode::SERVICE_UNAVAILABLE,
            Self::NoPlayground => StatusCode::NOT_IMPLEMENTED,
            Self::PlaygroundUnreached(_) => StatusCode::BAD_GATEWAY,
            Self::OutcomeUnknown(_) | Self::TimedOut => StatusCode::GATEWAY_TIMEOUT,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// A short constant name for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoKey => "missing_api_key",
            Self::UnknownKey => "invalid_api_key",
            Self::NotOwner => "owner_only",
            Self::NotFirstOwner => "first_owner_only",
            Self::AdminKey => "admin_key_not_rotated",
            Self::Expired => "expired_api_key",
            Self::Disabled => "disabled_api_key",
            Self::Role(_) => "role_not_allowed",
            Self::BoundedKey => "bounded_key",
            Self::LowBalance(_) => "insufficient_balance",
            Self::Denied(_) => "access_denied",
            Self::NotReady => "not_ready",
            Self::NoRoute(_) => "route_not_found",
            Self::NoMethod { .. } => "method_not_allowed",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::BodyCut => "incomplete_body",
            Self::NotJson => "unsupported_media_type",
            Self::Encoded => "unsupported_content_encoding",
            Self::BadJson(_) => "invalid_json",
            Self::BadBody(_) => "invalid_body",
            Self::Missing { code, .. } | Self::NotTheirs(_, code, _) => code,
            Self::Field { .. } => "invalid_field",
            Self::Rejected(rejection) | Self::Said { rejection, .. } => rejection.code(),
            Self::FormerKey => "former_key",
            Self::Gone(_) => "gone",
            Self::NotInHistory { .. } => "revision_not_found",
            Self::HistoryNotReady(_) => "history_not_ready",
            Self::BillsNotReady(_) => "bills_not_ready",
            Self::TooManyStreams(_) => "too_many_streams",
            Self::TooManyRequests => "too_many_requests",
            Self::Busy => "overloaded",
            Self::Unavailable => "log_unavailable",
            Self::LogHeld(_) => "log_held",
            Self::LogUnread(_) => "log_unread",
            Self::Contended => "contended",
            Self::OutcomeUnknown(_) => "outcome_unknown",
            Self::TooLargeToWrite(_) | Self::TooMuchToRestore(_) | Self::TooMuchToUndo { .. } => {
                "record_too_large"
            }
            Self::NoPlayground => "no_playground",
            Self::PlaygroundUnreached(_) => "data_node_unreached",
            Self::TimedOut => "timeout",
            Self::NotReached(_) => "revision_not_reached",
            Self::Internal => "internal_error",
        }
    }

    /// The field, parameter, header or configuration key it is about.
    pub fn param(&self) -> Option<&str> {
        match self {
            Self::Field { param, .. } => Some(param),
            Self::FormerKey => Some("key_hash"),
            Self::Missing { .. } => Some("id"),
            Self::NotInHistory { param, .. } | Self::NotTheirs(param, ..) => Some(param),
            Self::Rejected(rejection) | Self::Said { rejection, .. } => rejection.param(),
            _ => None,
        }
    }

    /// The broad sort, as the envelope's `type`.
    fn category(&self) -> &'static str {
        match self.status() {
            StatusCode::UNAUTHORIZED => "authentication_error",
            StatusCode::FORBIDDEN => "permission_error",
            StatusCode::NOT_FOUND => "not_found_error",
            StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => "conflict_error",
            StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
            status if status.is_server_error() => "server_error",
            _ => "invalid_request_error",
        }
    }

    /// Fields that only this error has.
    fn more(&self) -> Map<String, Value> {
        let mut more = Map::new();
        if let Self::OutcomeUnknown(record) = self {
            more.insert("record".to_owned(), json!(record.to_string()));
        }
        more.extend(self.referrers().map(referrers::shown).into_iter().flatten());
        more
    }

    const fn waiting_helps(&self) -> bool {
        match self {
            Self::NotReady
            | Self::HistoryNotReady(_)
            | Self::BillsNotReady(_)
            | Self::TooManyRequests
            | Self::TooManyStreams(_)
            | Self::Busy
            | Self::Unavailable
            | Self::NotReached(_)
            | Self::Contended => true,
            Self::Rejected(rejection) | Self::Said { rejection, .. } => {
                matches!(rejection.kind(), Kind::Busy)
            }
            _ => false,
        }
    }
}
