use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use foldgate_domain::upstream_url::AddressPolicy;
use http::{Request, Response, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::super::{Listeners, SendError, Transport, TransportSettings};
use crate::splice::Segments;

/// An HTTPS server on this machine that speaks `protocols`, and the file that
/// makes it trusted.
async fn server(protocols: &[&str], dir: &tempfile::TempDir) -> (SocketAddr, PathBuf) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let ca = dir.path().join("ca.pem");
    std::fs::write(&ca, cert.pem()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = rustls_pki_types::PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = protocols
        .iter()
        .map(|name| name.as_bytes().to_vec())
        .collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else {
                    return;
                };
                let service = service_fn(|request: Request<Incoming>| async move {
                    let body = request.into_body().collect().await?.to_bytes();
                    Ok::<_, hyper::Error>(Response::new(Full::new(body)))
                });
                let http = auto::Builder::new(TokioExecutor::new());
                let _ = http.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    (address, ca)
}

async fn post(
    address: SocketAddr,
    extra_ca: Option<PathBuf>,
) -> Result<(Version, Bytes), SendError> {
    let settings = TransportSettings {
        policy: AddressPolicy::loopback_and_private(),
        extra_ca,
        ..TransportSettings::default()
    };
    let transport = Transport::new(&settings, Listeners::default()).unwrap();
    let url = format!("https://localhost:{}/", address.port());
    let body = Segments::from(Bytes::from("hello"));
    let answer = transport
        .send(Request::post(url).body(body).unwrap())
        .await?;
    let version = answer.version();
    Ok((
        version,
        answer.into_body().collect().await.unwrap().to_bytes(),
    ))
}

#[tokio::test]
async fn the_newest_protocol_both_speak_is_used() {
    let dir = tempfile::tempdir().unwrap();
    for (protocols, version) in [
        (&["h2", "http/1.1"][..], Version::HTTP_2),
        (&["http/1.1"][..], Version::HTTP_11),
        (&[][..], Version::HTTP_11),
    ] {
        let (address, ca) = server(protocols, &dir).await;
        let answer = post(address, Some(ca)).await.unwrap();
        assert_eq!(answer, (version, Bytes::from("hello")));
    }
}

#[tokio::test]
async fn an_unknown_authority_is_not_trusted() {
    let dir = tempfile::tempdir().unwrap();
    let (address, _) = server(&["h2"], &dir).await;
    let error = post(address, None).await.unwrap_err();
    assert!(
        matches!(&error, SendError::Connect(why) if why.contains("TLS")),
        "{error}"
    );
}
