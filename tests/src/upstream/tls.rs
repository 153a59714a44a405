//! HTTPS for the fake upstream: a certificate authority of its own, and the file
//! that makes others trust it.

use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::paths;

/// The name that the certificate is for; it resolves to loopback everywhere.
pub(super) const NAME: &str = "localhost";

const CA: &str = "ca.pem";
const CERTIFICATE: &str = "server.pem";
const KEY: &str = "server-key.pem";

/// An authority that nobody knows, and a server's side of TLS that it vouches for.
pub(crate) struct Identity {
    pub(super) acceptor: TlsAcceptor,
    folder: TempDir,
}

impl Identity {
    /// Draws both. The server offers `protocols`, the first one first.
    pub(crate) fn draw(protocols: &[&str]) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key can be drawn");
        let authority =
            CertifiedIssuer::self_signed(params, key).expect("an authority signs itself");
        let folder = paths::scratch();
        let write = |name: &str, text: String| {
            std::fs::write(folder.path().join(name), text).expect("a file can be written");
        };
        write(CA, authority.pem());

        let key = KeyPair::generate().expect("a key can be drawn");
        let params = CertificateParams::new([NAME.to_owned()]).expect("it is a name");
        let certificate = params.signed_by(&key, &authority);
        let certificate = certificate.expect("an authority signs a server's key");
        write(CERTIFICATE, certificate.pem());
        write(KEY, key.serialize_pem());
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("it is a private key");
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring knows the default versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("the key is the certificate's");
        let names = protocols.iter().map(|name| name.as_bytes().to_vec());
        config.alpn_protocols = names.collect();
        Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            folder,
        }
    }

    /// The authority's certificate, as a file.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.folder.path().join(CA)
    }

    /// The server's certificate and its private key, as files.
    pub(crate) fn server_files(&self) -> [PathBuf; 2] {
        [CERTIFICATE, KEY].map(|name| self.folder.path().join(name))
    }
}
