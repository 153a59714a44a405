//! Kinds whose values come in several forms, told apart by their field `kind`.

use garde::Validate;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Fault, decoded, validated};

/// What a form says beyond its schema.
pub(super) trait Rules {
    /// As [`super::Defined::check`].
    fn check(&self) -> Result<(), Fault> {
        Ok(())
    }
}

/// Reads a form from a value from which `kind` is taken, within the form's own limits.
pub(super) fn form<T, O>(value: Value, wrap: impl FnOnce(T) -> O) -> Result<O, Fault>
where
    T: DeserializeOwned + JsonSchema + Validate<Context = ()>,
{
    let form = decoded(value)?;
    validated(&form)?;
    Ok(wrap(form))
}

/// One type of several forms. It reads the form that `kind` names straight away,
/// so that a fault is told with its field, which serde's own way would lose.
macro_rules! tagged {
    ($(#[$meta:meta])* pub enum $name:ident {
        $($(#[$doc:meta])* $variant:ident($inner:ty) = $tag:literal,)*
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(tag = "kind")]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $tag)] $variant(Box<$inner>),)*
        }

        crate::definition::tagged::forms!($name: $($variant),*);

        impl $name {
            fn form(mut value: Value) -> Result<Self, Fault> {
                let kind = value.as_object_mut().and_then(|fields| fields.remove("kind"));
                match kind.as_ref().and_then(Value::as_str) {
                    $(Some($tag) => crate::definition::tagged::form(value, Self::$variant),)*
                    _ => {
                        let known = [$($tag),*].join(", ");
                        Err(Fault::at("kind", format!("must be one of {known}")))
                    }
                }
            }

            /// Its name.
            pub fn title(&self) -> &str {
                match self {
                    $(Self::$variant(form) => form.name.as_str(),)*
                }
            }

            fn rules(&self) -> Result<(), Fault> {
                match self {
                    $(Self::$variant(form) => form.check(),)*
                }
            }
        }
    };
}

/// Checks whichever form it is, by the form's own fields.
macro_rules! forms {
    ($name:ident: $($variant:ident),*) => {
        impl Validate for $name {
            type Context = ();

            fn validate_into(
                &self,
                context: &(),
                parent: &mut dyn FnMut() -> garde::Path,
                report: &mut garde::Report,
            ) {
                match self {
                    $(Self::$variant(form) => form.validate_into(context, parent, report),)*
                }
            }
        }
    };
}

pub(super) use {forms, tagged};
