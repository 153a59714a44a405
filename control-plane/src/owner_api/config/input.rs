//! The body of `PUT /x-config`: every key in every form it may come in. One bad
//! key refuses the whole.

use std::collections::BTreeMap;
use std::str::FromStr;

use foldgate_domain::command::PatchConfig;
use foldgate_domain::{OwnerState, Rejection};
use foldgate_proto::{ConfigKey, Level, OwnerId};
use foldgate_vault::Vault;
use secrecy::SecretString;
use serde_json::{Map, Value};

use super::{limits, value};
use crate::error::Error;
use crate::request::Write;
use crate::request::quote::quoted;
use crate::sealing;

/// The longest EMAIL_PASS, in bytes.
pub(crate) const MAX_PASS_BYTES: usize = 1024;

/// A read body; its password is not sealed yet.
#[derive(Debug, Default)]
pub(crate) struct ConfigInput {
    /// The keys it names.
    pub named: Vec<ConfigKey>,
    /// LEVEL_MAPPER as it was given.
    pub level_mapper: Option<BTreeMap<String, Level>>,
    patch: PatchConfig,
    email_pass: Option<SecretString>,
}

impl ConfigInput {
    /// Reads every key.
    ///
    /// # Errors
    /// Names the first key that is unknown, `null` or badly formed.
    pub(crate) fn read(
        fields: Map<String, Value>,
        write: &Write,
        owner: &OwnerState,
    ) -> Result<Self, Error> {
        let mut input = Self::default();
        if fields.is_empty() {
            return Err(Rejection::NothingToChange.into());
        }
        for (name, value) in fields {
            let Ok(key) = ConfigKey::from_str(&name) else {
                let name = quoted(&name);
                return Err(Error::field(name, "is no configuration key"));
            };
            if value.is_null() {
                let problem = "is null; to go back to the default, use DELETE /x-config";
                return Err(Rejection::config(key, problem).into());
            }
            input.named.push(key);
            input
                .set(key, value, write, owner)
                .map_err(|problem| Rejection::config(key, problem))?;
        }
        input.named.sort_unstable();
        Ok(input)
    }

    /// The command, its password sealed.
    ///
    /// # Errors
    /// The password cannot be sealed.
    pub(crate) fn seal(mut self, vault: &Vault, owner: OwnerId) -> Result<PatchConfig, Error> {
        if let Some(secret) = &self.email_pass {
            let sealed = sealing::email_pass(vault, owner, secret)?;
            self.patch.set.email_pass = Some(sealed);
        }
        Ok(self.patch)
    }

    fn set(
        &mut self,
        key: ConfigKey,
        value: Value,
        write: &Write,
        owner: &OwnerState,
    ) -> Result<(), String> {
        let set = &mut self.patch.set;
        match key {
            ConfigKey::ModelMapper => set.model_mapper = Some(value::model_mapper(value)?),
            ConfigKey::LevelMapper => {
                let is_object = value.is_object();
                let given = value::level_mapper(value)?;
                set.level_mapper = if is_object {
                    own_layer(&given, owner)
                } else {
                    Some(given.clone())
                };
                self.level_mapper = Some(given);
            }
            ConfigKey::SwitchOver => set.switch_over = Some(value::switch_over(value)?),
            ConfigKey::Resources => set.resources = Some(value::resources(value)?),
            ConfigKey::ModelLimits => match value {
                Value::String(text) => set.model_limits = Some(limits::text(&text)?),
                other => self.patch.merge_limits = Some(limits::object(&other)?),
            },
            ConfigKey::Pricing => set.pricing = Some(value::pricing(value, write.body())?),
            ConfigKey::Factor => set.factor = Some(value::factor(&value)?),
            ConfigKey::XaiMail => set.xai_mail = Some(value::text(value)?),
            ConfigKey::EmailSmtp => set.email_smtp = Some(value::text(value)?),
            ConfigKey::EmailPort => set.email_port = Some(value::port(&value)?),
            ConfigKey::EmailAuth => set.email_auth = Some(value::text(value)?),
            ConfigKey::EmailTls => set.email_tls = Some(value::switch(&value)?),
            ConfigKey::EmailPass => {
                let pass = value::password(value)?;
                let current = owner.config.email_pass.as_ref();
                if current.is_some_and(|current| current.mask == pass) {
                    return Ok(());
                }
                if sealing::is_mask(&pass) {
                    return Err("this is a mask; send the password or leave it out".to_owned());
                }
                self.email_pass = Some(SecretString::from(pass));
            }
        }
        Ok(())
    }
}

/// What of an object belongs into the owner's layer. GET shows both layers as
/// one; what stands in the completed one alone goes on following its keys.
fn own_layer(
    given: &BTreeMap<String, Level>,
    owner: &OwnerState,
) -> Option<BTreeMap<String, Level>> {
    let current = owner.config.level_mapper.as_ref();
    let is_completed = |pattern: &String, level: &Level| {
        let own = current.is_some_and(|own| own.contains_key(pattern));
        !own && owner.completed.get(pattern) == Some(level)
    };
    let own: BTreeMap<String, Level> = given
        .iter()
        .filter(|(pattern, level)| !is_completed(pattern, level))
        .map(|(pattern, level)| (pattern.clone(), *level))
        .collect();
    let only_completed = own.is_empty() && !given.is_empty() && current.is_none();
    (!only_completed).then_some(own)
}
