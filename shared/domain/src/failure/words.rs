//! The vendors' vocabulary of errors, as tables: which name means what.

use super::FailureClass::{self, ClientFault, Dead, Exhausted, NotHere, Transient};
use super::Transience::{RateLimit, Upstream};
use super::said::Said;
use super::scrub::scrub;

/// The longest code or type that is shown.
const MAX_NAME_CHARS: usize = 64;

/// Names that mean one thing, whatever the status. The first table that knows
/// one of the names decides, so a dead key outranks the quota it also lacks.
const CERTAIN: &[(FailureClass, &[&str])] = &[
    (
        Dead,
        &[
            "invalid_api_key",
            "incorrect_api_key",
            "api_key_invalid",
            "api_key_expired",
            "invalid_grant",
            "invalid_client",
            "unauthorized_client",
            "authentication_error",
            "invalid_authentication",
            "unauthenticated",
            "account_deactivated",
            "account_disabled",
            "account_suspended",
            "organization_deactivated",
            "access_terminated",
            "consumer_suspended",
        ],
    ),
    (
        Exhausted,
        &[
            "insufficient_quota",
            "insufficient_balance",
            "insufficient_user_quota",
            "insufficient_credits",
            "billing_error",
            "billing_not_active",
            "billing_disabled",
            "billing_hard_limit_reached",
            "spend_limit_reached",
            "spend_limit_exceeded",
        ],
    ),
    (
        NotHere,
        &[
            "model_not_found",
            "model_not_available",
            "model_decommissioned",
            "deploymentnotfound",
            "failed_precondition",
            "service_disabled",
            "api_key_service_blocked",
        ],
    ),
    (
        ClientFault,
        &[
            "context_length_exceeded",
            "string_above_max_length",
            "content_filter",
            "content_policy_violation",
            "responsibleaipolicyviolation",
            "request_too_large",
        ],
    ),
    (
        Transient(RateLimit),
        &[
            "rate_limit_error",
            "rate_limit_exceeded",
            "ratelimitreached",
        ],
    ),
    (Transient(Upstream), &["overloaded_error"]),
];

/// How messages begin that carry no telling code. Lower case.
const BEGINNINGS: &[(FailureClass, &[&str])] = &[
    (
        Dead,
        &[
            "api key not valid",
            "api key expired",
            "your api key was reported as leaked",
            "incorrect api key provided",
            "your openai account has been deactivated",
        ],
    ),
    (
        Exhausted,
        &[
            "your credit balance is too low",
            "you have reached your specified api usage limits",
            "you have reached your specified workspace api usage limits",
            "your prepayment credits are depleted",
            "billing hard limit has been reached",
            "insufficient balance",
            "insufficient credits",
        ],
    ),
    (
        NotHere,
        &[
            "you have insufficient permissions for this operation",
            "user location is not supported",
        ],
    ),
    (
        // One request larger than a whole minute's allowance (a 429 at OpenAI):
        // no pause helps it, and it must not take one key after the other down.
        ClientFault,
        &["request too large for"],
    ),
];

/// Names that say something only where no status does: inside a stream.
const GENERAL: &[(FailureClass, &[&str])] = &[
    (
        ClientFault,
        &[
            "invalid_request_error",
            "invalid_argument",
            "invalid_prompt",
        ],
    ),
    (
        NotHere,
        &[
            "not_found_error",
            "not_found",
            "permission_error",
            "permission_denied",
        ],
    ),
    (Transient(RateLimit), &["resource_exhausted"]),
    (
        Transient(Upstream),
        &[
            "api_error",
            "server_error",
            "internal_error",
            "timeout_error",
            "unavailable",
            "internal",
            "deadline_exceeded",
        ],
    ),
];

/// The class where the words leave no doubt.
pub(super) fn certain(said: &Said) -> Option<FailureClass> {
    match (named(CERTAIN, &said.names), beginning(&said.message)) {
        // A limit of the minute, by its code; the words know if waiting helps.
        (Some(Transient(RateLimit)), Some(worse)) => Some(worse),
        (named, beginning) => named.or(beginning),
    }
}

/// The class of an error without a status.
pub(super) fn general(said: &Said) -> Option<FailureClass> {
    named(GENERAL, &said.names).or_else(|| said.number.map(by_status))
}

/// The class by status alone.
pub(super) const fn by_status(status: u16) -> FailureClass {
    match status {
        401 => Dead,
        402 => Exhausted,
        // 405, 410: a path or model this upstream does not have.
        403 | 404 | 405 | 410 => NotHere,
        429 => Transient(RateLimit),
        408 | 409 | 425 => Transient(Upstream),
        400..=499 => ClientFault,
        // 5xx and 529; redirects (never followed) and 2xx are broken answers.
        _ => Transient(Upstream),
    }
}

/// A code or type that may be shown: a name, not a sentence, and no secret.
pub(super) fn shown(name: &str) -> Option<String> {
    let plain = name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
    (plain && name.len() <= MAX_NAME_CHARS && scrub(name, MAX_NAME_CHARS) == name)
        .then(|| name.to_owned())
}

fn named(table: &[(FailureClass, &[&str])], names: &[String]) -> Option<FailureClass> {
    table
        .iter()
        .find(|(_, known)| names.iter().any(|name| known.contains(&name.as_str())))
        .map(|(class, _)| *class)
}

fn beginning(message: &str) -> Option<FailureClass> {
    let message = message.trim_start().as_bytes();
    let begins = |phrase: &&str| {
        message
            .get(..phrase.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(phrase.as_bytes()))
    };
    BEGINNINGS
        .iter()
        .find(|(_, phrases)| phrases.iter().any(begins))
        .map(|(class, _)| *class)
}
