//! The grammars of texts that other modules read, as regular expressions for JSON
//! Schemas: whoever makes values from a schema shall make legal ones. Their readers
//! judge; a test holds both to each other.

/// Everything that is white, and control characters.
macro_rules! blank {
    () => {
        r"\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
    };
}

/// A model pattern, as [`crate::pattern::Pattern`] reads it, of a list that is given as a
/// whole: where lists are edited, a `-` in front takes one away.
pub const ALLOWED_MODEL: &str = concat!(r"^[^\-=,", blank!(), "][^=,", blank!(), "]*$");

/// What no screen shows, as [`crate::definition::is_unseen`] has it: to stand beside
/// what turns text around. Beyond four digits regular expressions know no one spelling
/// of a character; it stands for itself.
macro_rules! unseen {
    () => {
        concat!(
            r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f",
            r"\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8",
            "\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}",
        )
    };
}
pub(super) use unseen;

/// A model pattern that is a name as well: nothing in it turns text around, and all of
/// it is seen.
pub const MODEL_NAME: &str = concat!("^[^=,", blank!(), r"\u202a-\u202e", unseen!(), "]+$");

/// What stands in no name.
macro_rules! unseemly {
    () => {
        r"\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069"
    };
}

/// A name of a key: on one line, nothing white around it.
pub const NAME: &str = concat!(
    "^[^",
    blank!(),
    unseemly!(),
    "]([^",
    unseemly!(),
    "]*[^",
    blank!(),
    unseemly!(),
    "])?$"
);

/// A secret: on one line, nothing white around it; or a block, which is a key in PEM
/// or an account in JSON.
pub const SECRET: &str = concat!(
    r"^(-----BEGIN|\{)[\s\S]*$|^[^",
    blank!(),
    r"]([^\x00-\x1f\x7f-\x9f]*[^",
    blank!(),
    "])?$"
);

/// A UUID in its usual spelling.
pub const UUID: &str = "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$";

macro_rules! octet {
    () => {
        "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
    };
}

macro_rules! four {
    () => {
        concat!(octet!(), r"(\.", octet!(), "){3}")
    };
}

macro_rules! h {
    () => {
        "[0-9A-Fa-f]{1,4}"
    };
}

/// The last two groups, which may be written as an IPv4 address.
macro_rules! last {
    () => {
        concat!("(", h!(), ":", h!(), "|", four!(), ")")
    };
}

/// RFC 3986 has the forms of IPv6.
#[rustfmt::skip]
macro_rules! address {
    () => {
        concat!(
            "(", four!(), "(/(3[0-2]|[12]?[0-9]))?|(",
            "(", h!(), ":){6}", last!(),
            "|::(", h!(), ":){5}", last!(),
            "|(", h!(), ")?::(", h!(), ":){4}", last!(),
            "|((", h!(), ":){0,1}", h!(), ")?::(", h!(), ":){3}", last!(),
            "|((", h!(), ":){0,2}", h!(), ")?::(", h!(), ":){2}", last!(),
            "|((", h!(), ":){0,3}", h!(), ")?::", h!(), ":", last!(),
            "|((", h!(), ":){0,4}", h!(), ")?::", last!(),
            "|((", h!(), ":){0,5}", h!(), ")?::", h!(),
            "|((", h!(), ":){0,6}", h!(), ")?::",
            ")(/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))?)"
        )
    };
}

/// An IP address, or a range of them.
pub const ADDRESS: &str = concat!("^", address!(), "$");

/// The same as a part of something greater.
pub const ADDRESS_WITHIN: &str = address!();

#[cfg(test)]
mod tests {
    use jsonschema::Validator;
    use proptest::prelude::*;
    use serde_json::json;
    use std::sync::LazyLock;

    use super::{ADDRESS, ALLOWED_MODEL, MODEL_NAME};
    use crate::acl::{Address, Item};
    use crate::decide::is_unseemly;
    use crate::definition::is_unseen;
    use crate::pattern::Pattern;

    fn grammar(pattern: &str) -> Validator {
        jsonschema::validator_for(&json!({ "pattern": pattern })).expect("a schema")
    }

    static PATTERN: LazyLock<Validator> = LazyLock::new(|| grammar(ALLOWED_MODEL));
    static NAME: LazyLock<Validator> = LazyLock::new(|| grammar(MODEL_NAME));
    static ADDRESSES: LazyLock<Validator> = LazyLock::new(|| grammar(ADDRESS));

    fn says(grammar: &Validator, text: &str) -> bool {
        grammar.is_valid(&json!(text))
    }

    proptest! {
        #[test]
        fn patterns_are_read_as_they_are_described(text in ".{1,8}|[a* =,\\-\u{85}\u{3000}\u{200b}\u{e0020}]{1,4}") {
            let read = Pattern::parse(&text).is_ok();
            let whole = !text.starts_with('-');
            prop_assert_eq!(says(&PATTERN, &text), read && whole, "{:?}", text);
            let seemly = !text.chars().any(|c| is_unseemly(c) || is_unseen(c));
            prop_assert_eq!(says(&NAME, &text), read && seemly, "{:?}", text);
        }

        #[test]
        fn addresses_are_read_as_they_are_described(
            text in "[0-9a-f:./]{1,12}|(1?[0-9]{1,2}\\.){3}[0-9]{1,3}(/[0-9]{1,2})?|[1a:]{2,20}(/[0-9]{1,3})?",
        ) {
            let read = Address::read(&text).is_ok();
            prop_assert_eq!(says(&ADDRESSES, &text), read, "{:?}", text);
        }
    }

    #[test]
    fn addresses_of_every_form_are_described() {
        for text in [
            "0.0.0.0/0",
            "255.255.255.255/32",
            "::",
            "::/0",
            "::1",
            "1::",
            "::ffff:192.0.2.1/120",
            "1:2:3:4:5:6:7:8/128",
            "1:2:3:4:5:6:7::",
            "::2:3:4:5:6:7:8",
            "1:2::5:6:7:8",
            "1:2:3:4:5:6:192.0.2.1",
            "2001:db8::/32",
        ] {
            assert!(
                says(&ADDRESSES, text) && Address::read(text).is_ok(),
                "{text}"
            );
        }
        for text in [
            "",
            "10.0.0.0/33",
            "256.0.0.1",
            "1:2:3",
            ":::",
            "1::2::3",
            "::/129",
            "10.0.0.1 ",
            "host",
        ] {
            assert!(
                !says(&ADDRESSES, text) && Address::read(text).is_err(),
                "{text}"
            );
        }
    }
}
