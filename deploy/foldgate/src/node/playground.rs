//! The playground's way to a data plane: the one in this process, else a data node
//! that the settings name.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use foldgate_control_plane::{Answering, Playground, Unreached};
use foldgate_data_plane::{Inbound, Proxy};
use foldgate_runtime::{Peer, Settings};
use http::header::{
    CONNECTION, HOST, HeaderName, HeaderValue, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING,
    UPGRADE,
};
use http::{HeaderMap, Uri};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use tokio::time::timeout;

use crate::exit::Failure;
use crate::https;

/// How much longer a data node may take than one that is right there.
const MARGIN: Duration = Duration::from_secs(2);

/// What concerns one connection alone, beside what `Connection` names.
const HOPS: [HeaderName; 7] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The way, if there is one.
///
/// # Errors
/// When TLS cannot be set up.
pub(super) fn way(
    own: Option<Arc<Proxy>>,
    settings: &Settings,
) -> Result<Option<Arc<dyn Playground>>, Failure> {
    if let Some(proxy) = own {
        return Ok(Some(Arc::new(Within(proxy))));
    }
    if settings.playground_url.is_empty() {
        return Ok(None);
    }
    let client = https::client(settings.upstream.ca_file.as_deref())?;
    Ok(Some(Arc::new(Remote {
        client,
        base: settings.playground_url.trim_end_matches('/').to_owned(),
        patience: settings.upstream.request_timeout + MARGIN,
    })))
}

/// The data plane of this process.
struct Within(Arc<Proxy>);

impl Playground for Within {
    fn call(&self, request: Request, peer: Peer) -> Answering {
        let proxy = self.0.clone();
        Box::pin(async move {
            let answer = proxy.handle(request.map(Inbound::within), peer).await;
            Ok(answer.map(Body::new))
        })
    }
}

/// A data node elsewhere.
struct Remote {
    client: Client<HttpsConnector<HttpConnector>, Body>,
    base: String,
    /// How long it may take to answer: what it gives itself, and the way.
    patience: Duration,
}

impl Playground for Remote {
    fn call(&self, request: Request, peer: Peer) -> Answering {
        let (client, patience) = (self.client.clone(), self.patience);
        let sent = onward(&self.base, request, peer);
        Box::pin(async move {
            let answer = timeout(patience, client.request(sent?)).await;
            let answer = answer.map_err(|_| Unreached("it does not answer in time".to_owned()))?;
            let mut answer = answer.map_err(|error| unreached(&error))?;
            take_out_hops(answer.headers_mut());
            Ok(answer.map(Body::new))
        })
    }
}

/// The request as the data node gets it: the client's address goes along for nodes
/// that trust this one to tell it.
fn onward(base: &str, request: Request, peer: Peer) -> Result<Request, Unreached> {
    let (mut parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    parts.uri = Uri::try_from(format!("{base}{path}")).map_err(|e| Unreached(e.to_string()))?;
    parts.version = http::Version::HTTP_11;
    parts.headers.remove(HOST);
    take_out_hops(&mut parts.headers);
    let address = HeaderValue::try_from(peer.address.ip().to_string());
    if let Ok(address) = address {
        parts.headers.insert(X_FORWARDED_FOR, address);
    }
    parts.extensions.clear();
    Ok(Request::from_parts(parts, body))
}

fn take_out_hops(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in HOPS.iter().chain(&named) {
        headers.remove(name);
    }
}

fn unreached(error: &hyper_util::client::legacy::Error) -> Unreached {
    let cause = error.source().map(ToString::to_string);
    Unreached(cause.unwrap_or_else(|| error.to_string()))
}
