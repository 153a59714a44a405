//! Refusals of forms, and of ids that nobody may use.

use http::StatusCode;

use super::{Kind, Problem};

impl Problem {
    /// The body is no form.
    pub fn not_a_form() -> Self {
        let message = "the content-type must be multipart/form-data with a boundary";
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        Self::invalid_request(status, "unsupported_media_type", message)
    }

    /// The form is larger than `limit` bytes.
    pub fn too_large_form(limit: u64) -> Self {
        let message = format!("the form is larger than {limit} bytes");
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        Self::invalid_request(status, "request_too_large", message)
    }

    /// A form's model stands behind more than is held.
    pub fn late_model(limit: usize) -> Self {
        let message =
            format!("the form has no model in its first {limit} bytes; put it before the file");
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        Self::invalid_request(status, "request_too_large", message).about("model")
    }

    /// A session must be a WebSocket, over HTTP/1.1.
    pub fn no_websocket() -> Self {
        let message = "a session is a WebSocket: ask for an upgrade over HTTP/1.1";
        let status = StatusCode::UPGRADE_REQUIRED;
        Self::invalid_request(status, "upgrade_required", message)
    }

    /// The caller's account has made nothing with this id.
    pub fn unknown_id(id: &str) -> Self {
        let message = format!("nothing of yours has the id `{id}`");
        let status = StatusCode::NOT_FOUND;
        Self::new(status, Kind::NotFoundError, "not_found", message).about("id")
    }

    /// A request goes on from what the caller's account has not made.
    pub fn unknown_before(id: &str, field: &'static str) -> Self {
        let message = format!("nothing of yours has the id `{id}`");
        let code = if field == "previous_response_id" {
            "previous_response_not_found"
        } else {
            "not_found"
        };
        Self::invalid_request(StatusCode::BAD_REQUEST, code, message).about(field)
    }

    /// A request goes on from what was made with a key that does not serve its model.
    pub fn elsewhere(model: &str, field: &'static str) -> Self {
        let message =
            format!("`{model}` is not served by the provider key that made what {field} names");
        let status = StatusCode::BAD_REQUEST;
        Self::invalid_request(status, "made_elsewhere", message).about(field)
    }

    /// A batch names its models in a file, which is not read here.
    pub fn unread_models() -> Self {
        let message = "a batch may call any model, and this key or its account may not";
        Self::forbidden("model_not_allowed", message)
    }

    /// What is minted calls the provider past this gateway: nobody counts or bills that.
    pub fn owners_alone() -> Self {
        let message = "only the owner key may mint secrets that call the provider directly";
        Self::forbidden("resource_not_allowed", message)
    }

    /// A request names what different keys have made.
    pub fn apart(field: &'static str) -> Self {
        let message = format!("what {field} names was not all made with one provider key");
        let status = StatusCode::BAD_REQUEST;
        Self::invalid_request(status, "made_elsewhere", message).about(field)
    }

    /// A list is too long to be cut to what is the caller's own.
    pub fn long_list() -> Self {
        Self::invalid("the list is too long to be shown at once; ask for less with limit")
            .about("limit")
    }
}
