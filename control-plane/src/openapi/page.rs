//! `GET /admin/openapi-scalar`: the document as a page to read and try. The
//! script is part of this program, and the page may load nothing from any other
//! host: its content security policy says so.

use std::sync::LazyLock;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY};

use super::Fixed;
use crate::error::Error;
use crate::request::query;

// `scalar_api_reference` embeds with it; its feature `debug-embed` makes a debug
// build hold the script as a release does, not read it where it was compiled.
use rust_embed as _;

/// Where the page is.
pub(crate) const PAGE: &str = "/admin/openapi-scalar";

/// Where its script is.
pub(crate) const SCRIPT: &str = "/admin/openapi-scalar/scalar.js";

/// Scripts only from here, and none within the page; styles are written into the
/// page by the script, so they cannot be named.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src \
                      'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// The page. Everything that would ask another host is switched off, so that the
/// policy has nothing to stop.
const HTML: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Foldgate: admin API</title>
<link rel="icon" href="data:,">
</head>
<body>
<script id="api-reference" type="application/json" data-url="/admin/openapi.json" data-configuration='{"withDefaultFonts":false,"telemetry":false,"hideClientButton":true,"showDeveloperTools":"never","agent":{"disabled":true},"mcp":{"disabled":true},"persistAuth":false,"defaultOpenAllTags":true,"modelsSectionLabel":"Schemas","documentDownloadType":"direct"}'></script>
<script src="/admin/openapi-scalar/scalar.js"></script>
</body>
</html>
"#;

static SERVED: LazyLock<Fixed> = LazyLock::new(|| {
    Fixed::new(
        "text/html; charset=utf-8",
        Bytes::from_static(HTML.as_bytes()),
    )
});

static SERVED_SCRIPT: LazyLock<Option<Fixed>> = LazyLock::new(|| {
    let script = scalar_api_reference::get_asset("scalar.js")?;
    Some(Fixed::new("text/javascript; charset=utf-8", script))
});

/// `GET /admin/openapi-scalar`
pub(crate) async fn page(request: Request) -> Result<Response, Error> {
    let (parts, _) = request.into_parts();
    query::check(&parts)?;
    let mut response = SERVED.reply(&parts.headers);
    let headers: [(HeaderName, &str); 2] = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
    ];
    for (name, value) in headers {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}

/// `GET /admin/openapi-scalar/scalar.js`
pub(crate) async fn script(request: Request) -> Result<Response, Error> {
    let (parts, _) = request.into_parts();
    query::check(&parts)?;
    match SERVED_SCRIPT.as_ref() {
        Some(script) => Ok(script.reply(&parts.headers)),
        None => Ok(StatusCode::NOT_FOUND.into_response()),
    }
}
