//! The HTTP client of what this program asks of its own kind: other nodes, a control
//! plane. Providers are the data plane's.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http_body::Body;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::exit::Failure;

/// How long opening a connection may take, TLS left out.
const CONNECT_TIME: Duration = Duration::from_secs(10);

/// A client that trusts the public roots and, if given, those in a file.
///
/// # Errors
/// A file that cannot be read.
pub(crate) fn client<B>(
    extra_ca: Option<&Path>,
) -> Result<Client<HttpsConnector<HttpConnector>, B>, Failure>
where
    B: Body + Send,
    B::Data: Send,
{
    let mut sockets = HttpConnector::new();
    sockets.enforce_http(false);
    sockets.set_connect_timeout(Some(CONNECT_TIME));
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls(extra_ca)?)
        .https_or_http()
        .enable_http1()
        .wrap_connector(sockets);
    Ok(Client::builder(TokioExecutor::new()).build(connector))
}

/// The text of a file of certificates.
///
/// # Errors
/// A file that cannot be read.
pub(crate) fn pem(path: &Path) -> Result<Vec<u8>, Failure> {
    let shown = path.display();
    std::fs::read(path)
        .map_err(|error| Failure::usage(format!("upstream.ca_file: {shown}: {error}")))
}

fn tls(extra_ca: Option<&Path>) -> Result<ClientConfig, Failure> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    if let Some(path) = extra_ca {
        let shown = path.display();
        let unreadable = |error| Failure::usage(format!("upstream.ca_file: {shown}: {error}"));
        for certificate in CertificateDer::pem_file_iter(path).map_err(unreadable)? {
            let added = roots.add(certificate.map_err(unreadable)?);
            added.map_err(|error| Failure::usage(format!("upstream.ca_file: {shown}: {error}")))?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Failure::internal)?
        .with_root_certificates(roots)
        .with_no_client_auth())
}
