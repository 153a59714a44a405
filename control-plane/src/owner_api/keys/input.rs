//! The body of a key's POST and PUT, read and checked field by field.

use foldgate_domain::Rejection;
use foldgate_proto::{KeyNumber, Level, ProviderKey};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::provider_config::ConfigInput;
use super::view::READ_ONLY;
use crate::error::Error;
use crate::request::Fields;
use crate::request::json::kind;
use crate::sealing;

/// The shortest SecretKey, in characters.
pub(crate) const MIN_SECRET_CHARS: usize = 20;

/// The longest SecretKey, in bytes; it has to travel in one header.
pub(crate) const MAX_SECRET_BYTES: usize = 4 * 1024;

/// What a body says of a key. `None` is absent.
#[derive(Debug, Default)]
pub(crate) struct KeyInput {
    /// The credential.
    pub secret: Option<SecretString>,
    /// The name to show.
    pub name: Option<String>,
    /// The pool.
    pub level: Option<Level>,
    /// The upstream's URL, as written.
    pub provider: Option<String>,
    /// Whether it may be used.
    pub enabled: Option<bool>,
    /// The kind of upstream.
    pub config: Option<ConfigInput>,
}

impl KeyInput {
    /// Reads a new key's body.
    ///
    /// # Errors
    /// The first field that is unknown, of another type, missing or out of range.
    pub(crate) fn create(fields: Fields) -> Result<Self, Error> {
        let input = Self::read(fields, None)?;
        let missing = [
            ("SecretKey", input.secret.is_none()),
            ("Level", input.level.is_none()),
            ("Provider", input.provider.is_none()),
        ];
        match missing.iter().find(|(_, missing)| *missing) {
            Some((name, _)) => Err(Error::field(*name, "is required")),
            None => Ok(input),
        }
    }

    /// Reads a change of a key's body. What GET shows of it may come back as it
    /// is: read-only fields say nothing, a masked secret is an unchanged one.
    ///
    /// # Errors
    /// As [`KeyInput::create`], but nothing is required.
    pub(crate) fn update(fields: Fields, key: &ProviderKey) -> Result<Self, Error> {
        if fields.is_empty() {
            return Err(Rejection::NothingToChange.into());
        }
        Self::read(fields, Some(key))
    }

    fn read(mut fields: Fields, current: Option<&ProviderKey>) -> Result<Self, Error> {
        if let Some(key) = current {
            fields.ignore(READ_ONLY);
            check_id(&mut fields, key.number)?;
        }
        let input = Self {
            secret: secret(&mut fields, current)?,
            name: fields.text("Name")?.map(|name| name.trim().to_owned()),
            level: level(&mut fields)?,
            provider: fields.text("Provider")?.map(|url| url.trim().to_owned()),
            enabled: fields.boolean("Status")?,
            config: match fields.object("Config")? {
                None => None,
                Some(map) => Some(ConfigInput::read(Fields::within(map, "Config"))?),
            },
        };
        fields.finish()?;
        Ok(input)
    }
}

fn check_id(fields: &mut Fields, number: KeyNumber) -> Result<(), Error> {
    match fields.number("ID")? {
        Some(id) if id != number.0 => {
            let problem = format!("is {id}, but the path says {number}; an id cannot change");
            Err(fields.error("ID", problem))
        }
        _ => Ok(()),
    }
}

fn level(fields: &mut Fields) -> Result<Option<Level>, Error> {
    let refuse = |got: String| {
        let problem = format!("must be a whole number from 0 to {}, not {got}", Level::MAX);
        Err(Error::field("Level", problem))
    };
    match fields.take("Level") {
        None => Ok(None),
        Some(Value::Number(number)) => match number.as_u64().and_then(Level::new) {
            Some(level) => Ok(Some(level)),
            None => refuse(number.to_string()),
        },
        Some(other) => refuse(kind(&other).to_owned()),
    }
}

fn secret(fields: &mut Fields, key: Option<&ProviderKey>) -> Result<Option<SecretString>, Error> {
    let Some(secret) = fields.text("SecretKey")?.map(SecretString::from) else {
        return Ok(None);
    };
    let text = secret.expose_secret();
    if key.is_some_and(|key| key.secret.mask == text) {
        return Ok(None);
    }
    let refuse = |problem: String| Err(fields.error("SecretKey", problem));
    if sealing::is_mask(text) {
        return refuse("this is a mask; send the key or leave it out".to_owned());
    }
    let chars = text.chars().count();
    if chars < MIN_SECRET_CHARS {
        return refuse(format!(
            "{chars} characters are fewer than {MIN_SECRET_CHARS}"
        ));
    }
    if text.len() > MAX_SECRET_BYTES {
        return refuse(format!("is longer than {MAX_SECRET_BYTES} bytes"));
    }
    if !text.bytes().all(|b| b.is_ascii_graphic()) {
        return refuse("may hold only visible ASCII characters, no spaces".to_owned());
    }
    Ok(Some(secret))
}
