//! The HTTP client spans travel by. The exporter runs on a thread of its own
//! without a tokio runtime, so requests are handed to ours. Written here
//! because the stock clients bring a second HTTP stack along.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry_http::{HttpClient, HttpError};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tokio::runtime::Handle;

/// One attempt to send a batch; the specification's default.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A collector answers with a few bytes.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// A certificate to trust besides the public ones, after the specification.
const CERTIFICATE_VARIABLE: &str = "OTEL_EXPORTER_OTLP_CERTIFICATE";

/// A client that sends on the runtime it was made in.
#[derive(Debug)]
pub(super) struct CollectorClient {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    runtime: Handle,
    /// Whether the last batch arrived: a change is logged, each failure counted.
    arrives: AtomicBool,
}

impl CollectorClient {
    pub(super) fn new() -> Result<Self, HttpError> {
        let tls =
            ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
                .with_safe_default_protocol_versions()?
                .with_root_certificates(roots()?)
                .with_no_client_auth();
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .build();
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            runtime: Handle::try_current()?,
            arrives: AtomicBool::new(true),
        })
    }

    fn note(&self, outcome: Result<u16, &HttpError>) {
        let arrived = outcome
            .as_ref()
            .is_ok_and(|status| (200..300).contains(status));
        if !arrived {
            ::metrics::counter!("foldgate_otlp_failures_total").increment(1);
        }
        if self.arrives.swap(arrived, Ordering::Relaxed) && !arrived {
            match outcome {
                Ok(status) => tracing::warn!(status, "the collector refuses spans"),
                Err(error) => tracing::warn!(%error, "the collector cannot be reached"),
            }
        }
    }
}

#[async_trait]
impl HttpClient for CollectorClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answer = self.client.request(request.map(Full::new));
        let sent = self.runtime.spawn(async move {
            tokio::time::timeout(TIMEOUT, async {
                let (head, body) = answer.await?.into_parts();
                let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await?;
                Ok::<_, HttpError>(Response::from_parts(head, body.to_bytes()))
            })
            .await
        });
        let outcome = match sent.await {
            Ok(Ok(answer)) => answer,
            Ok(Err(late)) => Err(late.into()),
            Err(stopped) => Err(stopped.into()),
        };
        self.note(outcome.as_ref().map(|answer| answer.status().as_u16()));
        outcome
    }
}

fn roots() -> Result<RootCertStore, HttpError> {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    if let Some(path) = std::env::var_os(CERTIFICATE_VARIABLE).filter(|path| !path.is_empty()) {
        for certificate in CertificateDer::pem_file_iter(path)? {
            roots.add(certificate?)?;
        }
    }
    Ok(roots)
}
