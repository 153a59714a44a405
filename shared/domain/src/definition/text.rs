//! Texts that kinds share, each checked as it is read: what its JSON Schema says of
//! one and what is refused are written side by side.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use url::Url;

use super::grammar::{SECRET, unseen};
use crate::decide::is_unseemly;
use crate::upstream_url::{AddressPolicy, MAX_BYTES, Refused};

/// The longest name, in characters.
pub const MAX_NAME_CHARS: usize = 120;

/// The longest secret, in characters: certificates and tokens fit.
pub const MAX_SECRET_CHARS: usize = 16_384;

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $check:path, $schema:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = Cow<'static, str>;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                $check(&text)?;
                Ok(Self(text))
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    };
}

text! {
    /// A name that people read: on one line, nothing white around it, all of it seen.
    Name, name, json_schema!({
        "type": "string", "minLength": 1, "maxLength": MAX_NAME_CHARS, "pattern": NAME,
    })
}

text! {
    /// The same, where it is nobody's own name.
    Line, name, json_schema!({
        "type": "string", "minLength": 1, "maxLength": MAX_NAME_CHARS, "pattern": LINE,
    })
}

text! {
    /// A name with which tools begin, followed by `__`: it holds none, and does not
    /// end in `_`, which would look like the first half.
    Prefix, prefix, json_schema!({
        "type": "string", "minLength": 1, "maxLength": MAX_NAME_CHARS, "pattern": PREFIX,
    })
}

text! {
    /// A name that is one segment of a path.
    Segment, segment, json_schema!({
        "type": "string", "minLength": 1, "maxLength": MAX_NAME_CHARS, "pattern": SEGMENT,
    })
}

text! {
    /// Where something is spoken to: http or https, a host, no user name or password
    /// (those would be shown), no fragment; no cloud's metadata service, and no address
    /// that is nobody's.
    HttpUrl, http_url, json_schema!({
        "type": "string", "format": "uri", "maxLength": MAX_BYTES, "pattern": HTTP_URL,
    })
}

text! {
    /// The same, but https unless it is on this machine: what goes there is for nobody
    /// on the way.
    SecureUrl, secure_url, json_schema!({
        "type": "string", "format": "uri", "maxLength": MAX_BYTES, "pattern": SECURE_URL,
    })
}

text! {
    /// A point in time, as RFC 3339 writes it.
    Moment, moment, json_schema!({ "type": "string", "format": "date-time", "maxLength": 64 })
}

text! {
    /// A secret, or its mask where it is kept.
    Secret, secret, json_schema!({
        "type": "string", "format": "password", "minLength": 1, "maxLength": MAX_SECRET_CHARS,
        "pattern": SECRET,
    })
}

/// What stands in no name, as regular expressions write it within brackets.
macro_rules! unseemly {
    () => {
        r"\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069"
    };
}

/// What stands at no end of a name.
macro_rules! white {
    () => {
        concat!(r"\s\ufeff", unseemly!())
    };
}

/// A model's name after `model:`, or an api key's id.
pub(super) const SCOPE: &str = concat!(
    "^(all|model:[^",
    white!(),
    "]([^",
    unseemly!(),
    "]*[^",
    white!(),
    "])?|api_key:[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})$"
);

/// A text on one line, nothing white around it.
pub const LINE: &str = concat!(
    "^[^",
    white!(),
    "]([^",
    unseemly!(),
    "]*[^",
    white!(),
    "])?$"
);

/// One of a list that commas part.
pub(super) const TAG: &str = concat!(
    "^[^,",
    white!(),
    "]([^,",
    unseemly!(),
    "]*[^,",
    white!(),
    "])?$"
);

/// What stands in no definition's own name, and at no end of one.
macro_rules! improper {
    () => {
        concat!(unseemly!(), unseen!())
    };
}
macro_rules! blank {
    () => {
        concat!(white!(), unseen!())
    };
}

const NAME: &str = concat!(
    "^[^",
    blank!(),
    "]([^",
    improper!(),
    "]*[^",
    blank!(),
    "])?$"
);

/// Each `_` stands before something else; what that is may be white but at the ends.
const PREFIX: &str = concat!(
    "^(_?[^_",
    blank!(),
    "]|([^_",
    blank!(),
    "]|_[^_",
    improper!(),
    "])(_?[^_",
    improper!(),
    "])*_?[^_",
    blank!(),
    "])$"
);

const SEGMENT: &str = concat!("^[^/?#%", blank!(), "]+$");

/// A port, but for 0.
macro_rules! port {
    () => {
        concat!(
            "(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|",
            "6553[0-5]))?"
        )
    };
}

/// A host and a port, and what comes behind them.
macro_rules! rest {
    () => {
        concat!(
            r"([^\s/?#@\\:\[\]]+|\[[0-9A-Fa-f:.]+\])",
            port!(),
            r"([/?][^\s#\\]*)?$"
        )
    };
}

const HTTP_URL: &str = concat!("^https?://", rest!());

const SECURE_URL: &str = concat!(
    "^https://",
    rest!(),
    r"|^http://(127\.0\.0\.1|localhost|\[::1\])",
    port!(),
    r"([/?][^\s#\\]*)?$"
);

type Checked = Result<(), Cow<'static, str>>;

fn within(text: &str, most: usize) -> Checked {
    if text.is_empty() {
        return Err("is empty".into());
    }
    if text.chars().nth(most).is_some() {
        return Err(format!("is longer than {most} characters").into());
    }
    Ok(())
}

fn name(text: &str) -> Checked {
    within(text, MAX_NAME_CHARS)?;
    seemly(text)
}

/// Whether a character looks like nothing; one that marks the order of bytes, too.
fn is_white(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}'
}

/// A text on one line, nothing white around it.
pub(super) fn seemly(text: &str) -> Checked {
    if text.trim_matches(is_white) != text {
        return Err("must not begin or end with white space".into());
    }
    if text.chars().any(is_unseemly) {
        return Err("holds control characters".into());
    }
    Ok(())
}

fn prefix(text: &str) -> Checked {
    name(text)?;
    if text.contains("__") {
        return Err("must not hold __, which stands between it and the names of tools".into());
    }
    if text.ends_with('_') {
        return Err("must not end in _".into());
    }
    Ok(())
}

fn segment(text: &str) -> Checked {
    name(text)?;
    let odd = |c: &char| is_white(*c) || "/?#%".contains(*c);
    match text.chars().find(odd) {
        None => Ok(()),
        Some(c) => Err(format!("must not hold {c:?}, as it is one segment of a path").into()),
    }
}

fn http_url(text: &str) -> Checked {
    if text.len() > MAX_BYTES {
        return Err(format!("is longer than {MAX_BYTES} bytes").into());
    }
    let odd = |c: &char| is_white(*c) || c.is_control() || *c == '\\';
    if let Some(c) = text.chars().find(odd) {
        return Err(format!("a URL may not contain {c:?}").into());
    }
    let mut schemes = ["http://", "https://"].into_iter();
    let rest = schemes.find_map(|scheme| text.strip_prefix(scheme));
    let Some(rest) = rest else {
        return Err("must begin with http:// or https://".into());
    };
    // By eye: the parser would drop an empty user name.
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    if authority.contains('@') {
        return Err("a user name or password may not stand in a URL".into());
    }
    if authority.is_empty() {
        return Err("the URL has no host".into());
    }
    if rest.contains('#') {
        return Err("the URL may not carry a fragment".into());
    }
    match Url::parse(text) {
        Ok(url) if url.port() == Some(0) => Err("the URL has port 0".into()),
        Ok(url) => outside(&url),
        Err(error) => Err(format!("not a URL: {error}").into()),
    }
}

/// What no setting allows to be spoken to is not kept either: it is nobody's, or from
/// there whoever runs the machines hands out credentials. This machine and private
/// networks are the setting's to judge.
fn outside(url: &Url) -> Checked {
    let host = url.host_str().unwrap_or_default();
    match AddressPolicy::default().check_host(host) {
        Ok(()) | Err(Refused::Loopback | Refused::Private) => Ok(()),
        Err(refused) => Err(refused.to_string().into()),
    }
}

fn secure_url(text: &str) -> Checked {
    http_url(text)?;
    let Some(rest) = text.strip_prefix("http://") else {
        return Ok(());
    };
    let authority = rest.split(['/', '?']).next().unwrap_or(rest);
    let port = |tail: &str| tail.is_empty() || tail.starts_with(':');
    let here = ["127.0.0.1", "localhost", "[::1]"].into_iter();
    if here
        .filter_map(|host| authority.strip_prefix(host))
        .any(port)
    {
        return Ok(());
    }
    Err(
        "must begin with https://, or lead to this machine (http://127.0.0.1, localhost, [::1])"
            .into(),
    )
}

fn moment(text: &str) -> Checked {
    match chrono::DateTime::parse_from_rfc3339(text) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("not a time as RFC 3339 writes it: {error}").into()),
    }
}

fn secret(text: &str) -> Checked {
    check_secret(text).map_err(Cow::from)
}

/// What no secret is like. Texts of many lines are keys in PEM or accounts in JSON;
/// elsewhere a line break would end a header.
///
/// # Errors
/// Says what is wrong with it, and never what it is.
pub fn check_secret(text: &str) -> Result<(), &'static str> {
    if text.chars().nth(MAX_SECRET_CHARS).is_some() {
        return Err("is longer than a secret may be, which is 16384 characters");
    }
    if text.trim().is_empty() {
        return Err("must not be empty; leave it out instead");
    }
    let is_block = text.starts_with("-----BEGIN") || text.starts_with('{');
    if is_block {
        return Ok(());
    }
    if text.trim() != text {
        return Err("must not begin or end with white space");
    }
    if text.chars().any(char::is_control) {
        return Err("holds control characters");
    }
    Ok(())
}
