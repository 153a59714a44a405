//! What an Azure key must say: which deployment serves which model, and which
//! API version each endpoint speaks.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use foldgate_domain::command::ConfigFields;
use serde_json::Value;

use crate::error::Error;
use crate::request::Fields;
use crate::request::json::kind;
use crate::request::quote::quoted;

/// The endpoints of Azure OpenAI that have an API version of their own.
pub(crate) const ENDPOINTS: &[&str] = &[
    "assistants",
    "audio",
    "batches",
    "chat",
    "completions",
    "containers",
    "conversations",
    "embeddings",
    "evals",
    "files",
    "fine_tuning",
    "images",
    "models",
    "moderations",
    "realtime",
    "responses",
    "threads",
    "uploads",
    "vector_stores",
    "videos",
];

/// The longest name of a deployment, in characters: Azure allows 64, and some
/// gateways in its shape a little more.
const MAX_DEPLOYMENT_CHARS: usize = 128;

/// Reads an Azure `Config`; what it does not name stays, and `null` clears.
///
/// # Errors
/// A mapping that breaks its rule.
pub(crate) fn read(fields: &mut Fields) -> Result<ConfigFields, Error> {
    Ok(ConfigFields::Azure {
        model_mapping: texts(fields, "model_mapping", |_, deployment| {
            check_deployment(deployment)
        })?,
        api_versions: texts(fields, "api_versions", check_version)?,
    })
}

fn texts(
    fields: &mut Fields,
    name: &str,
    check: impl Fn(&str, &str) -> Result<(), String>,
) -> Result<Option<BTreeMap<String, String>>, Error> {
    if !fields.names(name) {
        return Ok(None);
    }
    let mut read = BTreeMap::new();
    for (key, value) in fields.object(name)?.unwrap_or_default() {
        let shown = quoted(&key);
        let refuse = |problem: &str| Err(fields.error(name, format!("{shown:?}: {problem}")));
        let Value::String(text) = value else {
            return refuse(&format!("must lead to a string, not to {}", kind(&value)));
        };
        let (key, text) = (key.trim().to_owned(), text.trim().to_owned());
        if let Err(problem) = check(&key, &text) {
            return refuse(&problem);
        }
        if read.insert(key, text).is_some() {
            return refuse("stands twice");
        }
    }
    Ok(Some(read))
}

fn check_deployment(name: &str) -> Result<(), String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    if (1..=MAX_DEPLOYMENT_CHARS).contains(&name.len()) && name.bytes().all(plain) {
        return Ok(());
    }
    Err(format!(
        "{:?} is no deployment's name (1 to {MAX_DEPLOYMENT_CHARS} letters, digits, \
         dots, hyphens and underscores)",
        quoted(name)
    ))
}

fn check_version(endpoint: &str, version: &str) -> Result<(), String> {
    if !ENDPOINTS.contains(&endpoint) {
        return Err(format!(
            "is no endpoint; known are {}",
            ENDPOINTS.join(", ")
        ));
    }
    let date = version.strip_suffix("-preview").unwrap_or(version);
    let is_date =
        date.len() == "2025-01-01".len() && NaiveDate::parse_from_str(date, "%Y-%m-%d").is_ok();
    if is_date || matches!(version, "preview" | "latest") {
        return Ok(());
    }
    Err(format!(
        "{:?} is no API version (YYYY-MM-DD, YYYY-MM-DD-preview, preview or latest)",
        quoted(version)
    ))
}
