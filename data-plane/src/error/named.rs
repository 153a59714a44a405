//! An error in the midst of a stream whose events have names: as the Responses API
//! words it, and with what all SDKs look for.

use bytes::Bytes;
use serde::Serialize;

use super::{Body, Problem};

#[derive(Serialize)]
struct Named<'a> {
    r#type: &'static str,
    code: Option<&'a str>,
    message: &'a str,
    param: Option<&'a str>,
    error: &'a Body<'a>,
}

impl Problem {
    /// The problem as an event of a stream whose events have names.
    pub fn to_named_event(&self) -> Bytes {
        let error = Body {
            message: &self.message,
            r#type: self.kind,
            param: self.param.as_deref(),
            code: self.code.as_deref(),
        };
        let event = Named {
            r#type: "error",
            code: error.code,
            message: error.message,
            param: error.param,
            error: &error,
        };
        let json = serde_json::to_string(&event).unwrap_or_else(|_| "{}".to_owned());
        format!("event: error\ndata: {json}\n\n").into()
    }
}
