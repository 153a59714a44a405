//! The types of settings: each reads itself from text and shows itself as text.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use chrono_tz::Tz;
use ipnet::IpNet;
use secrecy::SecretString;

use super::text::{parse_bytes, parse_duration, show_bytes, show_duration};

/// A value that a setting's text is read into.
pub(crate) trait Value {
    /// Takes over a text; says what is wrong with it otherwise. Empty text
    /// empties what may be empty.
    fn set(&mut self, text: &str) -> Result<(), String>;
    /// The value as text. Only asked where the setting is no secret.
    fn show(&self) -> String;
}

/// A name that may stand in a subject, a file name and a metric label.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// The longest name: it is repeated in every report.
    pub const MAX: usize = 64;

    /// A name of letters, digits, `-`, `_` and `.`.
    ///
    /// # Errors
    /// Says what a name may be.
    pub fn new(text: &str) -> Result<Self, String> {
        let fits = (1..=Self::MAX).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!(
                "`{text}` is not a name: 1 to {} letters, digits, `-`, `_` and `.`",
                Self::MAX
            ))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A number of bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ByteSize(pub usize);

/// A decimal amount, kept as it was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Amount(String);

impl Amount {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A time zone of the IANA database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TimeZone(pub Tz);

/// Which stream a data plane follows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Follow {
    /// The log itself.
    #[default]
    Hub,
    /// The mirror of its region.
    Mirror,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Pretty on a terminal, else JSON.
    #[default]
    Auto,
    /// One JSON object per line.
    Json,
    /// For people.
    Pretty,
}

macro_rules! value {
    ($type:ty, |$text:ident| $read:expr, |$value:ident| $show:expr) => {
        impl Value for $type {
            fn set(&mut self, $text: &str) -> Result<(), String> {
                *self = $read?;
                Ok(())
            }

            fn show(&self) -> String {
                let $value = self;
                $show
            }
        }
    };
}

value!(
    TimeZone,
    |text| text.parse().map(TimeZone).map_err(|_| {
        format!("`{text}` is no time zone of the IANA database (UTC, Europe/Berlin, Asia/Kolkata)")
    }),
    |value| value.0.name().to_owned()
);

value!(
    SocketAddr,
    |text| text
        .parse()
        .map_err(|_| format!("`{text}` is not an address and port (127.0.0.1:3000)")),
    |value| value.to_string()
);
value!(
    bool,
    |text| match text {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(format!("`{text}` is neither true nor false")),
    },
    |value| value.to_string()
);
value!(
    usize,
    |text| text
        .parse()
        .map_err(|_| format!("`{text}` is not a whole number")),
    |value| value.to_string()
);
value!(
    PathBuf,
    |text| if text.is_empty() {
        Err("a path is needed".to_owned())
    } else {
        Ok(Self::from(text))
    },
    |value| value.display().to_string()
);
value!(
    Option<PathBuf>,
    |text| Ok::<_, String>((!text.is_empty()).then(|| PathBuf::from(text))),
    |value| value
        .as_ref()
        .map(|path| path.display().to_string())
        .unwrap_or_default()
);
value!(String, |text| Ok::<_, String>(text.to_owned()), |value| {
    value.clone()
});
value!(Name, |text| Self::new(text), |value| value.to_string());
value!(
    Option<Name>,
    |text| if text.is_empty() {
        Ok(None)
    } else {
        Name::new(text).map(Some)
    },
    |value| value.as_ref().map(ToString::to_string).unwrap_or_default()
);
value!(
    Option<SecretString>,
    |text| Ok::<_, String>((!text.is_empty()).then(|| SecretString::from(text))),
    |value| value.as_ref().map(|_| "***".to_owned()).unwrap_or_default()
);
value!(
    Vec<SecretString>,
    |text| Ok::<_, String>(items(text).map(SecretString::from).collect()),
    |value| vec!["***"; value.len()].join(",")
);
value!(
    Vec<String>,
    |text| Ok::<_, String>(items(text).map(str::to_owned).collect()),
    |value| value.join(",")
);
value!(
    Vec<IpNet>,
    |text| items(text)
        .map(|item| {
            item.parse::<IpNet>()
                .or_else(|_| item.parse::<std::net::IpAddr>().map(IpNet::from))
                .map_err(|_| format!("`{item}` is not a network (10.0.0.0/8)"))
        })
        .collect::<Result<_, String>>(),
    |value| value
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(",")
);
value!(
    Duration,
    |text| parse_duration(text),
    |value| show_duration(*value)
);
value!(ByteSize, |text| parse_bytes(text).map(Self), |value| {
    show_bytes(value.0)
});
value!(
    Amount,
    |text| if is_decimal(text) {
        Ok(Self(text.to_owned()))
    } else {
        Err(format!("`{text}` is not a decimal amount"))
    },
    |value| value.0.clone()
);
value!(
    Follow,
    |text| match text {
        "hub" => Ok(Self::Hub),
        "mirror" => Ok(Self::Mirror),
        _ => Err(format!("`{text}` is neither hub nor mirror")),
    },
    |value| match value {
        Self::Hub => "hub",
        Self::Mirror => "mirror",
    }
    .to_owned()
);
value!(
    LogFormat,
    |text| match text {
        "auto" => Ok(Self::Auto),
        "json" => Ok(Self::Json),
        "pretty" => Ok(Self::Pretty),
        _ => Err(format!("`{text}` is none of auto, json, pretty")),
    },
    |value| match value {
        Self::Auto => "auto",
        Self::Json => "json",
        Self::Pretty => "pretty",
    }
    .to_owned()
);

/// The items of a comma-separated list.
pub(super) fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
}

/// Digits, perhaps a point and more digits; short enough to be money.
fn is_decimal(text: &str) -> bool {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits =
        |part: &str| (1..=18).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    digits(whole) && digits(part)
}
