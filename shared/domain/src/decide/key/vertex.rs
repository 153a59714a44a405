//! What a Vertex key must be: on a host of Vertex AI, which says its location, or on
//! one that stands before it, where its `base_url` says the location; with
//! a project, a service account and that account's private key. All of it is
//! checked when it is written, because nothing else would find out before the first
//! call, and on the key as it will be, so that two changes made at once cannot come
//! to a key that sends tokens elsewhere.

use foldgate_proto::{MaskedSecret, ProviderConfig};

use crate::Rejection;
use crate::command::{PrivateKey, VertexPatch};
use crate::decide::is_email;
use crate::provider::vertex_location;
use crate::upstream_url::ProviderUrl;

/// The longest service account address, in characters (RFC 5321's path).
const MAX_EMAIL_CHARS: usize = 254;

/// What a Vertex key had so far.
#[derive(Debug, Clone, Copy)]
struct Had<'c> {
    base_url: Option<&'c str>,
    project_id: &'c str,
    location: &'c str,
    client_email: &'c str,
    private_key: &'c MaskedSecret,
    token_uri: Option<&'c str>,
}

impl<'c> Had<'c> {
    fn of(config: &'c ProviderConfig) -> Option<Self> {
        let ProviderConfig::Vertex {
            base_url,
            project_id,
            location,
            client_email,
            private_key,
            token_uri,
        } = config
        else {
            return None;
        };
        Some(Self {
            base_url: base_url.as_deref(),
            project_id,
            location,
            client_email,
            private_key,
            token_uri: token_uri.as_deref(),
        })
    }
}

/// A change over what there is, for a key at `url`.
pub(super) fn merged(
    url: &str,
    had: Option<&ProviderConfig>,
    patch: &VertexPatch,
) -> Result<ProviderConfig, Rejection> {
    let had = had.and_then(Had::of);
    let template = had.and_then(|had| had.base_url).map(str::to_owned);
    let base_url = patch.base_url.clone().over(template);
    let location = location(&parsed(url)?, base_url.as_deref())?;
    check_said(patch.location.as_deref(), &location, had)?;
    let or_kept = |given: &Option<String>, kept: Option<&str>, field| {
        let value = given.as_deref().or(kept);
        let missing = || Rejection::field(field, "is required");
        value.map(str::to_owned).ok_or_else(missing)
    };
    let tokens = had.and_then(|had| had.token_uri).map(str::to_owned);
    let project = had.map(|had| had.project_id);
    let email = had.map(|had| had.client_email);
    let client_email = or_kept(&patch.client_email, email, "Config.client_email")?;
    let same_account = email.is_none_or(|email| email == client_email);
    let config = ProviderConfig::Vertex {
        base_url,
        project_id: or_kept(&patch.project_id, project, "Config.project_id")?,
        location,
        client_email,
        private_key: private_key(patch.private_key.as_ref(), had, same_account)?,
        token_uri: patch.token_uri.clone().over(tokens),
    };
    fitting(url, config)
}

/// A whole configuration, made to fit the key's upstream.
pub(super) fn fitting(url: &str, mut config: ProviderConfig) -> Result<ProviderConfig, Rejection> {
    if let ProviderConfig::Vertex {
        base_url,
        project_id,
        location: at,
        client_email,
        token_uri,
        ..
    } = &mut config
    {
        let provider = parsed(url)?;
        *at = location(&provider, base_url.as_deref())?;
        check_token_uri(token_uri.as_deref())?;
        check_project(project_id)?;
        check_email(client_email)?;
        if let Some(template) = base_url {
            check_base_url(template, &provider, (project_id, at))?;
        }
    }
    Ok(config)
}

fn parsed(url: &str) -> Result<ProviderUrl, Rejection> {
    ProviderUrl::parse(url).map_err(|error| Rejection::field("Provider", error.to_string()))
}

/// The location a Vertex host stands for, or the one a template on another host
/// names. Only https, at Google on its own port: tokens go there.
fn location(provider: &ProviderUrl, template: Option<&str>) -> Result<String, Rejection> {
    let refuse = |problem: &str| Rejection::field("Provider", problem);
    let Some(location) = vertex_location(provider.host()) else {
        let named = template.and_then(literal_location);
        let named = named.filter(|_| is_private(provider));
        return named.map(str::to_owned).ok_or_else(|| {
            refuse(
                "a vertex key's host must be {region}-aiplatform.googleapis.com, \
                 aiplatform.googleapis.com (global) or aiplatform.{us|eu}.rep.googleapis.com; \
                 another needs https and a base_url that names the location",
            )
        });
    };
    if !provider.is_https() {
        let problem = "a vertex key's Provider must be https, it receives tokens";
        return Err(refuse(problem));
    }
    if provider.authority() != provider.host() {
        return Err(refuse("a vertex key's Provider has no port of its own"));
    }
    Ok(location)
}

/// The location that a template names, not as a placeholder.
fn literal_location(template: &str) -> Option<&str> {
    let (_, rest) = template.split_once("/locations/")?;
    let name = rest.split('/').next().unwrap_or(rest);
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    ((1..=40).contains(&name.len()) && name.bytes().all(plain)).then_some(name)
}

/// Whether nobody listens on the way: https, or this very machine.
fn is_private(url: &ProviderUrl) -> bool {
    let loopback = url.ip().is_some_and(|ip| ip.is_loopback()) || url.host() == "localhost";
    url.is_https() || loopback
}

/// Whoever is sent there can have tokens of the service account.
fn check_token_uri(uri: Option<&str>) -> Result<(), Rejection> {
    let refuse = |problem: &str| Err(Rejection::field("Config.token_uri", problem));
    match uri.map(ProviderUrl::parse) {
        None => Ok(()),
        Some(Ok(url)) if is_private(&url) => Ok(()),
        Some(Ok(_)) => refuse("must be https, it receives signed assertions"),
        Some(Err(error)) => refuse(&error.to_string()),
    }
}

/// A location that is sent must say what the host says, or be what GET showed
/// before the host changed.
fn check_said(said: Option<&str>, location: &str, had: Option<Had<'_>>) -> Result<(), Rejection> {
    let shown = had.map(|had| had.location);
    match said {
        Some(said) if said != location && Some(said) != shown => {
            let problem = format!("follows from the Provider's host, which says {location}");
            Err(Rejection::field("Config.location", problem))
        }
        _ => Ok(()),
    }
}

/// A Google Cloud project: an id, one with its domain, or a number.
fn check_project(project: &str) -> Result<(), Rejection> {
    let (domain, id) = project.split_once(':').unwrap_or(("", project));
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let is_id = (4..=30).contains(&id.len())
        && id.bytes().all(plain)
        && id.starts_with(|c: char| c.is_ascii_lowercase())
        && !id.ends_with('-');
    let is_number =
        (1..=20).contains(&project.len()) && project.bytes().all(|b| b.is_ascii_digit());
    let domain_fits = domain.len() <= 100 && domain.bytes().all(|b| plain(b) || b == b'.');
    if is_number || (is_id && domain_fits) {
        return Ok(());
    }
    Err(Rejection::field(
        "Config.project_id",
        "is no Google Cloud project id (lower-case letters, digits and hyphens, 4 to 30)",
    ))
}

fn check_email(email: &str) -> Result<(), Rejection> {
    if !is_email(email) || email.chars().count() > MAX_EMAIL_CHARS {
        return Err(Rejection::field(
            "Config.client_email",
            "is no e-mail address",
        ));
    }
    Ok(())
}

/// The URL template: with project and location filled in it must be a URL on the
/// provider's own host, so that no token goes elsewhere, and of this project at
/// this location.
fn check_base_url(
    template: &str,
    provider: &ProviderUrl,
    (project, location): (&str, &str),
) -> Result<(), Rejection> {
    let refuse = |problem: &str| Err(Rejection::field("Config.base_url", problem));
    let filled = template
        .replace("{project}", project)
        .replace("{location}", location);
    if filled.contains(['{', '}']) {
        return refuse("may hold {project} and {location}, no other placeholder");
    }
    let url = match ProviderUrl::parse(&filled) {
        Ok(url) => url,
        Err(error) => return refuse(&error.to_string()),
    };
    if url.authority() != provider.authority() || url.is_https() != provider.is_https() {
        return refuse("must be on the Provider's own host");
    }
    let named = |name: &str| {
        let mut parts = url.path().split('/').skip_while(|part| *part != name);
        parts.nth(1)
    };
    if named("projects").is_some_and(|part| part != project) {
        return refuse("names another project than project_id");
    }
    if named("locations").is_some_and(|part| part != location) {
        return refuse("names another location than the Provider's host");
    }
    Ok(())
}

/// The private key: a new one, or the one there is, which goes with its account.
fn private_key(
    sent: Option<&PrivateKey>,
    had: Option<Had<'_>>,
    same_account: bool,
) -> Result<MaskedSecret, Rejection> {
    let refuse = |problem: &str| Err(Rejection::field("Config.private_key", problem));
    let had = had.map(|had| had.private_key);
    let kept = match sent {
        Some(PrivateKey::Sealed(new)) => return Ok(new.clone()),
        Some(PrivateKey::Mask(mask)) => had.filter(|had| had.mask == *mask),
        None => had,
    };
    match kept {
        Some(_) if !same_account => {
            refuse("belongs to the former client_email; send the new account's key")
        }
        Some(kept) => Ok(kept.clone()),
        None if sent.is_some() => refuse("this is a mask; send the key or leave it out"),
        None => refuse("is required"),
    }
}
