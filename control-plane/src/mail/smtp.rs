//! Handing a mail to an owner's mail server.

use std::net::IpAddr;
use std::time::Duration;

use foldgate_domain::upstream_url::AddressPolicy;
use foldgate_proto::{Config, OwnerId};
use foldgate_vault::{SealContext, Vault, field};
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use secrecy::{ExposeSecret, SecretString};

/// Where mail servers take mail that is encrypted after a greeting.
const SUBMISSION: u16 = 587;

/// Where they take mail that is encrypted from the first byte.
const SUBMISSIONS: u16 = 465;

/// How long one command may take.
const COMMAND_LIMIT: Duration = Duration::from_secs(15);

/// How long a whole mail may take.
const LIMIT: Duration = Duration::from_mins(1);

/// Why a mail was not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The settings do not do; trying again without a change is of no use.
    #[error("{0}")]
    Settings(String),
    /// The server refused for good.
    #[error("the mail server refused it: {0}")]
    Refused(String),
    /// It may do later.
    #[error("{0}")]
    Later(String),
}

impl Failure {
    pub(super) const fn is_for_good(&self) -> bool {
        !matches!(self, Self::Later(_))
    }
}

/// An owner's mail server, from its settings.
pub(super) struct Server {
    host: String,
    port: u16,
    tls: bool,
    login: Option<(String, SecretString)>,
    from: Address,
    to: Address,
}

/// Whether an owner wants mails: it named a server, and where they go.
pub(super) fn is_set_up(config: &Config) -> bool {
    let set = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
    set(&config.email_smtp) && (set(&config.xai_mail) || set(&config.email_auth))
}

impl Server {
    /// Reads EMAIL_* and XAI_MAIL. Mails go to XAI_MAIL (else EMAIL_AUTH) and come
    /// from EMAIL_AUTH where that is an address (else XAI_MAIL).
    pub(super) fn of(config: &Config, owner: OwnerId, vault: &Vault) -> Result<Self, Failure> {
        let settings = |text: &str| Failure::Settings(text.to_owned());
        let text = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let host = text(&config.email_smtp).ok_or_else(|| settings("EMAIL_SMTP is not set"))?;
        let user = text(&config.email_auth);
        let address = |text: &Option<String>| text.as_ref()?.parse::<Address>().ok();
        let told = address(&text(&config.xai_mail));
        let own = address(&user);
        let to = told.clone().or_else(|| own.clone());
        let to = to.ok_or_else(|| settings("neither XAI_MAIL nor EMAIL_AUTH is an address"))?;
        let from = own.or(told).unwrap_or_else(|| to.clone());
        let login = match (user, &config.email_pass) {
            (Some(user), Some(pass)) => {
                let context = SealContext {
                    owner,
                    resource: owner.0,
                    field: field::EMAIL_PASS,
                };
                let opened = vault.open(&context, &pass.sealed);
                let pass = opened.map_err(|_| settings("EMAIL_PASS cannot be opened"))?;
                Some((user, pass))
            }
            _ => None,
        };
        Ok(Self {
            host,
            port: config.email_port.unwrap_or(SUBMISSION),
            tls: config.email_tls.unwrap_or(true),
            login,
            from,
            to,
        })
    }

    /// Hands one mail over.
    pub(super) async fn send(
        &self,
        (subject, text): (String, String),
        addresses: &AddressPolicy,
        extra_ca: Option<&[u8]>,
    ) -> Result<(), Failure> {
        let mailbox = |address: &Address| Mailbox::new(None, address.clone());
        let message = Message::builder()
            .from(mailbox(&self.from))
            .to(mailbox(&self.to))
            .subject(subject)
            .header(ContentType::TEXT_PLAIN)
            .body(text)
            .map_err(|error| Failure::Settings(error.to_string()))?;
        let ip = self.resolve(addresses).await?;
        let transport = self.transport(ip, extra_ca)?;
        match tokio::time::timeout(LIMIT, transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) if error.is_permanent() => Err(Failure::Refused(error.to_string())),
            Ok(Err(error)) => Err(Failure::Later(error.to_string())),
            Err(_) => Err(Failure::Later("the mail server took too long".to_owned())),
        }
    }

    /// An address of the server that may be connected to, looked up at the moment it
    /// is used.
    async fn resolve(&self, addresses: &AddressPolicy) -> Result<IpAddr, Failure> {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        let found = tokio::net::lookup_host((host, self.port)).await;
        let found = found.map_err(|error| Failure::Later(format!("{host}: {error}")))?;
        let mut refused = Failure::Later(format!("{host} has no address"));
        for address in found {
            match addresses.check(address.ip()) {
                Ok(()) => return Ok(address.ip()),
                Err(why) => refused = Failure::Settings(format!("{host}: {why}")),
            }
        }
        Err(refused)
    }

    /// With EMAIL_TLS, nothing is said before the connection is encrypted (from the
    /// first byte on port 465, by STARTTLS elsewhere); without, STARTTLS is used where
    /// the server offers it, and the password is sent only then.
    fn transport(
        &self,
        ip: IpAddr,
        extra_ca: Option<&[u8]>,
    ) -> Result<AsyncSmtpTransport<Tokio1Executor>, Failure> {
        let unusable = |error: lettre::transport::smtp::Error| Failure::Settings(error.to_string());
        let mut tls = TlsParameters::builder(self.host.clone())
            .certificate_store(CertificateStore::WebpkiRoots);
        if let Some(pem) = extra_ca {
            tls = tls.add_root_certificate(Certificate::from_pem(pem).map_err(unusable)?);
        }
        let tls = tls.build_rustls().map_err(unusable)?;
        let tls = match (self.tls, self.port, &self.login) {
            (true, SUBMISSIONS, _) => Tls::Wrapper(tls),
            (true, _, _) | (false, _, Some(_)) => Tls::Required(tls),
            (false, _, None) => Tls::Opportunistic(tls),
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(ip.to_string())
            .port(self.port)
            .timeout(Some(COMMAND_LIMIT))
            .tls(tls);
        if let Some((user, pass)) = &self.login {
            let pass = pass.expose_secret().to_owned();
            transport = transport.credentials(Credentials::new(user.clone(), pass));
        }
        Ok(transport.build())
    }
}
