//! The envelope, and that each error has the status it should have.

use axum::response::IntoResponse;
use foldgate_domain::Rejection;
use foldgate_proto::{KeyNumber, RecordId};
use http::header::RETRY_AFTER;
use serde_json::{Value, json};
use uuid::Uuid;

use super::envelope::Form;
use super::*;

async fn body(error: Error) -> Value {
    let response = error.into_response();
    let bytes = axum::body::to_bytes(response.into_body(), 64 * 1024).await;
    serde_json::from_slice(&bytes.unwrap()).unwrap()
}

#[tokio::test]
async fn the_envelope_names_the_parameter_only_where_there_is_one() {
    let with = body(Error::field("Level", "is required")).await;
    let without = body(Error::Busy).await;
    assert_eq!(
        with,
        json!({"success": false, "error": {
            "message": "Level: is required",
            "type": "invalid_request_error",
            "code": "invalid_field",
            "param": "Level",
        }})
    );
    assert_eq!(
        without,
        json!({"success": false, "error": {
            "message": "too many writes are waiting",
            "type": "server_error",
            "code": "overloaded",
        }})
    );
}

#[tokio::test]
async fn an_unknown_outcome_names_the_record() {
    let record = RecordId(Uuid::from_u128(7));
    let error = Error::OutcomeUnknown(record);
    assert_eq!(error.status(), StatusCode::GATEWAY_TIMEOUT);
    let response = error.clone().into_response();
    assert_eq!(response.headers()[&RECORD_HEADER], record.to_string());
    let body = body(error).await;
    assert_eq!(body["error"]["record"], record.to_string());
    assert_eq!(body["error"]["code"], "outcome_unknown");
}

#[test]
fn kinds_of_refusal_have_their_statuses() {
    let cases = [
        (Rejection::field("x", "y"), 400, "invalid_request_error"),
        (Rejection::NothingToChange, 400, "invalid_request_error"),
        (Rejection::NoSuchKey(KeyNumber(1)), 404, "not_found_error"),
        (Rejection::KeyIdTaken, 409, "conflict_error"),
        (
            Rejection::TooMany {
                what: "keys",
                limit: 1,
            },
            409,
            "conflict_error",
        ),
        (Rejection::TooManyRetryKeys(1), 429, "rate_limit_error"),
        (Rejection::IdempotencyMismatch, 422, "invalid_request_error"),
    ];
    for (rejection, status, category) in cases {
        let error = Error::from(rejection);
        assert_eq!(error.status().as_u16(), status, "{error}");
        assert_eq!(error.category(), category, "{error}");
    }
}

#[test]
fn a_client_is_told_to_wait_only_where_waiting_helps() {
    let waits = |error: Error| error.into_response().headers().contains_key(RETRY_AFTER);
    assert!(waits(Error::TooManyRequests));
    assert!(waits(Error::Unavailable));
    assert!(waits(Rejection::TooManyRetryKeys(1).into()));
    assert!(!waits(Error::Internal));
    assert!(!waits(Error::field("x", "y")));
}

#[test]
fn the_form_is_chosen_by_the_first_part_of_the_path() {
    for path in ["/admin", "/admin/", "/admin/v1/models", "/playground/chat"] {
        assert_eq!(Form::of(path), Form::Admin, "{path}");
    }
    for path in ["/", "/x-keys", "/dashboard/admin", "/administrator"] {
        assert_eq!(Form::of(path), Form::Owner, "{path}");
    }
}

#[test]
fn the_admin_form_is_flat() {
    let said = |error: &Error| -> Value {
        serde_json::from_str(&Refusal::new(error).body(Form::Admin)).unwrap()
    };
    assert_eq!(
        said(&Error::field("name", "is required")),
        json!({"error_msg": "name: is required", "code": "invalid_field", "param": "name"})
    );
    let record = RecordId(Uuid::from_u128(7));
    let unknown = said(&Error::OutcomeUnknown(record));
    assert_eq!(unknown["record"], record.to_string());
}
