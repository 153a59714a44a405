//! An owner's configuration: the keys of `/x-config`, typed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Level, MaskedSecret, Rates};

/// The owner-set configuration. `None` means the system default. The same shape
/// serves as a patch, where `None` means unchanged.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Requested model pattern to the model used instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_mapper: Option<BTreeMap<String, String>>,
    /// Model pattern to the Level that serves it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level_mapper: Option<BTreeMap<String, Level>>,
    /// Level to the Level tried when it fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub switch_over: Option<BTreeMap<Level, Level>>,
    /// API paths (prefixes) that may be called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<BTreeSet<String>>,
    /// Limits per model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_limits: Option<BTreeMap<String, ModelLimit>>,
    /// The price override, verbatim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pricing: Option<String>,
    /// What every account's prices are multiplied by, beside its Rates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub factor: Option<Rates>,
    /// Where system notifications go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub xai_mail: Option<String>,
    /// Mail server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_smtp: Option<String>,
    /// Its port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_port: Option<u16>,
    /// Account on the mail server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_auth: Option<String>,
    /// Its password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_pass: Option<MaskedSecret>,
    /// Whether the connection is encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_tls: Option<bool>,
}

/// Requests and tokens per minute, hour and day. `None` is no limit.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelLimit {
    /// Requests per minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rpm: Option<u64>,
    /// Requests per hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rph: Option<u64>,
    /// Requests per day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rpd: Option<u64>,
    /// Tokens per minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tpm: Option<u64>,
    /// Tokens per hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tph: Option<u64>,
    /// Tokens per day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tpd: Option<u64>,
}

macro_rules! config_keys {
    ($($variant:ident = $name:literal => $field:ident,)*) => {
        /// The name of one configuration key.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum ConfigKey {
            $(
                #[doc = concat!("`", $name, "`")]
                #[serde(rename = $name)]
                $variant,
            )*
        }

        impl ConfigKey {
            /// Every key, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }

        impl Config {
            /// Takes over every key that `patch` sets.
            pub fn merge(&mut self, patch: &Self) {
                $(if patch.$field.is_some() { self.$field.clone_from(&patch.$field); })*
            }

            /// What of this differs from `base`.
            #[must_use]
            pub fn without(&self, base: &Self) -> Self {
                Self {
                    $($field: self.$field.clone().filter(|_| self.$field != base.$field),)*
                }
            }

            /// Reverts one key to the system default.
            pub fn reset(&mut self, key: ConfigKey) {
                match key { $(ConfigKey::$variant => self.$field = None,)* }
            }

            /// The keys that are set.
            pub fn keys(&self) -> Vec<ConfigKey> {
                let mut keys = Vec::new();
                $(if self.$field.is_some() { keys.push(ConfigKey::$variant); })*
                keys
            }
        }
    };
}

config_keys! {
    ModelMapper = "MODEL_MAPPER" => model_mapper,
    LevelMapper = "LEVEL_MAPPER" => level_mapper,
    SwitchOver = "SWITCH_OVER" => switch_over,
    Resources = "RESOURCES" => resources,
    ModelLimits = "MODEL_LIMITS" => model_limits,
    Pricing = "PRICING" => pricing,
    Factor = "FACTOR" => factor,
    XaiMail = "XAI_MAIL" => xai_mail,
    EmailSmtp = "EMAIL_SMTP" => email_smtp,
    EmailPort = "EMAIL_PORT" => email_port,
    EmailAuth = "EMAIL_AUTH" => email_auth,
    EmailPass = "EMAIL_PASS" => email_pass,
    EmailTls = "EMAIL_TLS" => email_tls,
}

/// A name that is no configuration key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown configuration key")]
pub struct UnknownConfigKey;

impl FromStr for ConfigKey {
    type Err = UnknownConfigKey;

    fn from_str(name: &str) -> Result<Self, UnknownConfigKey> {
        Self::ALL
            .iter()
            .copied()
            .find(|key| key.as_str() == name)
            .ok_or(UnknownConfigKey)
    }
}

impl fmt::Display for ConfigKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
