//! What it takes to be let in: certificates to trust, and who we are. The client
//! reads most of it only while it connects and then tries for ever; so it is looked
//! at before, where a mistake can still end the process with its reason.

use std::path::Path;

use async_nats::ConnectOptions;
use async_nats::rustls::RootCertStore;
use async_nats::rustls::pki_types::CertificateDer;
use async_nats::rustls::pki_types::pem::PemObject;

use super::options::{Access, Credentials, Options};
use crate::Error;

/// The longest file that is read; a bundle of all public authorities has 250 KB.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// Who we are to the log's servers: by what the URLs hold, or by a file.
pub(super) async fn credentials(access: &Access, urls: Credentials) -> Result<Credentials, Error> {
    match (access.credentials_file.as_deref(), &access.nkey_file) {
        (None, None) => Ok(urls),
        (Some(_), Some(_)) => Err(invalid(
            "nats.credentials_file and nats.nkey_file: only one of them may be set",
        )),
        _ if urls != Credentials::None => Err(invalid(
            "nats.url holds credentials, and a file with others is set",
        )),
        (Some(file), None) => read(file).await.map(Credentials::Jwt),
        (None, Some(file)) => Ok(Credentials::Nkey(read(file).await?.trim().to_owned())),
    }
}

/// A connection with these credentials, trusting what the options say.
pub(super) async fn prepare(
    options: &Options,
    credentials: Credentials,
) -> Result<ConnectOptions, Error> {
    let access = &options.access;
    let mut connect = match credentials {
        Credentials::None => ConnectOptions::new(),
        Credentials::Token(token) => ConnectOptions::with_token(token),
        Credentials::Password(user, pass) => ConnectOptions::with_user_and_password(user, pass),
        // What stands in it is secret, so the reason stays general.
        Credentials::Jwt(text) => ConnectOptions::with_credentials(&text).map_err(|_| {
            unusable(
                "credentials_file",
                access.credentials_file.as_deref(),
                "no JWT with its seed",
            )
        })?,
        Credentials::Nkey(seed) => match nkeys::KeyPair::from_seed(&seed) {
            Ok(_) => ConnectOptions::with_nkey(seed),
            Err(_) => {
                return Err(unusable(
                    "nkey_file",
                    access.nkey_file.as_deref(),
                    "no seed of an nkey",
                ));
            }
        },
    };
    if let Some(file) = &access.ca_file {
        trusted(&read(file).await?)
            .map_err(|why| unusable("ca_file", access.ca_file.as_deref(), &why))?;
        connect = connect
            .add_root_certificates(file.clone())
            .require_tls(true);
    }
    if !access.inbox.is_empty() {
        connect = connect.custom_inbox_prefix(&access.inbox);
    }
    Ok(connect.name(&options.name))
}

/// Whether these are certificates that can be trusted, and at least one.
fn trusted(pem: &str) -> Result<(), String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() {
        return Err("no certificate in PEM form".to_owned());
    }
    Ok(())
}

async fn read(file: &Path) -> Result<String, Error> {
    let named = |why: String| Error::Invalid(format!("{}: {why}", file.display()));
    let metadata = tokio::fs::metadata(file).await;
    let length = metadata.map_err(|error| named(error.to_string()))?.len();
    if length > MAX_FILE {
        return Err(named(format!("{length} bytes are too many")));
    }
    // Neither the error nor anything else shows what stands in the file.
    let text = tokio::fs::read_to_string(file).await;
    text.map_err(|error| named(error.to_string()))
}

fn unusable(setting: &str, file: Option<&Path>, why: &str) -> Error {
    let file = file.map(|file| file.display().to_string());
    let file = file.unwrap_or_default();
    Error::Invalid(format!("nats.{setting}: {file} holds {why}"))
}

fn invalid(text: &str) -> Error {
    Error::Invalid(text.to_owned())
}
