//! What a Vertex key must say: the project, the location (read from the host),
//! the service account with its private key. All of it is checked when it is
//! written, because nothing else would find out before the first call.

use foldgate_domain::upstream_url::ProviderUrl;

use crate::error::Error;

/// The longest service account address, in characters (RFC 5321's path).
const MAX_EMAIL_CHARS: usize = 254;

/// The location a Vertex host stands for.
///
/// # Errors
/// A host that is none of Vertex AI's.
pub(crate) fn location(provider: &ProviderUrl) -> Result<String, Error> {
    let host = provider.host();
    let regional = host.strip_suffix("-aiplatform.googleapis.com");
    let multi = host
        .strip_prefix("aiplatform.")
        .and_then(|rest| rest.strip_suffix(".rep.googleapis.com"));
    match (host, regional, multi) {
        ("aiplatform.googleapis.com", _, _) => Ok("global".to_owned()),
        (_, Some(region), _) if is_region(region) => Ok(region.to_owned()),
        (_, _, Some(area @ ("us" | "eu"))) => Ok(area.to_owned()),
        _ => Err(Error::field(
            "Provider",
            "a vertex key's host must be {region}-aiplatform.googleapis.com, \
             aiplatform.googleapis.com (global) or aiplatform.{us|eu}.rep.googleapis.com",
        )),
    }
}

fn is_region(text: &str) -> bool {
    (2..=40).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Checks a Google Cloud project: an id, one with its domain, or a number.
///
/// # Errors
/// A text that can be none.
pub(crate) fn check_project(project: &str) -> Result<(), Error> {
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
    Err(Error::field(
        "Config.project_id",
        "is no Google Cloud project id (lower-case letters, digits and hyphens, 4 to 30)",
    ))
}

/// Checks the service account's address.
///
/// # Errors
/// A text that is no address.
pub(crate) fn check_email(email: &str) -> Result<(), Error> {
    let odd = |c: char| c.is_whitespace() || c.is_control();
    let parts = email.split_once('@');
    let sound = parts.is_some_and(|(local, domain)| {
        !local.is_empty() && domain.contains('.') && !domain.contains('@')
    });
    if !sound || email.contains(odd) || email.chars().count() > MAX_EMAIL_CHARS {
        return Err(Error::field("Config.client_email", "is no e-mail address"));
    }
    Ok(())
}

/// Checks the URL template: with project and location filled in it must be a
/// URL on the provider's own host, so that no token goes elsewhere.
///
/// # Errors
/// Another placeholder, no URL, another host.
pub(crate) fn check_base_url(template: &str, provider: &ProviderUrl) -> Result<(), Error> {
    let refuse = |problem: &str| Err(Error::field("Config.base_url", problem));
    let filled = template
        .replace("{project}", "project")
        .replace("{location}", "location");
    if filled.contains(['{', '}']) {
        return refuse("may hold {project} and {location}, no other placeholder");
    }
    match ProviderUrl::parse(&filled) {
        Err(error) => refuse(&error.to_string()),
        Ok(url)
            if url.authority() != provider.authority() || url.is_https() != provider.is_https() =>
        {
            refuse("must be on the Provider's own host")
        }
        Ok(_) => Ok(()),
    }
}

/// A private key in PEM form with real line ends; PKCS#1 or PKCS#8. A key pasted
/// from a JSON file may have `\n` in two characters.
///
/// # Errors
/// A text that is no such PEM block.
pub(crate) fn private_key(text: &str) -> Result<String, Error> {
    let refuse = |problem: &str| Err(Error::field("Config.private_key", problem));
    let pem = text.replace("\\n", "\n").replace('\r', "");
    let pem = pem.trim();
    let label = ["RSA PRIVATE KEY", "PRIVATE KEY"]
        .into_iter()
        .find(|label| pem.starts_with(&format!("-----BEGIN {label}-----")));
    let Some(label) = label else {
        return refuse("must be a PEM block: BEGIN PRIVATE KEY or BEGIN RSA PRIVATE KEY");
    };
    let begin = format!("-----BEGIN {label}-----");
    let end = format!("-----END {label}-----");
    let Some(inner) = pem
        .strip_prefix(&begin)
        .and_then(|rest| rest.strip_suffix(&end))
    else {
        return refuse("has no matching END line as its last");
    };
    // Dots too: documentation shortens a key to `MIIE...`, and such an example may be tried.
    let base64 = |b: u8| b.is_ascii_alphanumeric() || b"+/=.\n \t".contains(&b);
    if inner.trim().is_empty() || !inner.bytes().all(base64) {
        return refuse("holds something else than base64 between BEGIN and END");
    }
    Ok(format!("{pem}\n"))
}

#[cfg(test)]
mod tests;
