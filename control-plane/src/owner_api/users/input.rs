//! The body of an account's POST and PUT, read field by field.

use foldgate_domain::Rejection;
use foldgate_domain::command::{Grant, ProfileEdit};
use foldgate_proto::{Account, AccountNumber, NanoDollars};
use serde_json::Value;

use super::view::READ_ONLY;
use crate::error::Error;
use crate::owner_api::config::value;
use crate::owner_api::edits;
use crate::request::Fields;

/// The least credit an account may begin with, if it begins with any.
const MIN_FIRST_CREDIT: NanoDollars = NanoDollars(2 * NanoDollars::DOLLAR.0);

/// What a body says of an account.
#[derive(Debug, Default)]
pub(crate) struct UserInput {
    /// What changes of its profile.
    pub profile: ProfileEdit,
    /// Credit it is granted.
    pub credit: Option<Grant>,
}

impl UserInput {
    /// Reads a new account's body.
    ///
    /// # Errors
    /// The first field that is unknown, of another type, missing or out of range.
    pub(crate) fn create(fields: Fields) -> Result<Self, Error> {
        let input = Self::read(fields)?;
        let missing = [
            ("Name", input.profile.name.is_none()),
            ("Email", input.profile.email.is_none()),
        ];
        if let Some((name, _)) = missing.iter().find(|(_, missing)| *missing) {
            return Err(Error::field(*name, "is required"));
        }
        if input
            .credit
            .is_some_and(|credit| credit.amount < MIN_FIRST_CREDIT)
        {
            let problem = format!("must be at least {MIN_FIRST_CREDIT} dollars");
            return Err(Error::field("CreditGranted", problem));
        }
        Ok(input)
    }

    /// Reads a change of an account's body. What GET shows of it may come back as
    /// it is: read-only fields say nothing.
    ///
    /// # Errors
    /// As [`UserInput::create`], but nothing is required.
    pub(crate) fn update(mut fields: Fields, account: &Account) -> Result<Self, Error> {
        if fields.is_empty() {
            return Err(Rejection::NothingToChange.into());
        }
        fields.ignore(READ_ONLY);
        check_same(&mut fields, "ID", account.number, "an id cannot change")?;
        let moved = "an account cannot be moved: make it anew below the other parent";
        if fields.names("Parent") {
            return Err(fields.error("Parent", moved));
        }
        check_same(&mut fields, "ParentID", account.parent, moved)?;
        Self::read(fields)
    }

    fn read(mut fields: Fields) -> Result<Self, Error> {
        let trimmed = |text: Option<String>| text.map(|text| text.trim().to_owned());
        let profile = ProfileEdit {
            name: trimmed(fields.text("Name")?),
            email: trimmed(fields.text("Email")?),
            alias: trimmed(optional_text(&mut fields, "Alias")?),
            billing_email: trimmed(optional_text(&mut fields, "BillingEmail")?),
            suspended: fields.boolean("Status")?.map(|on| !on),
            rates: edits::rates(&mut fields, "Rates")?,
            limits: edits::limits(&mut fields)?,
            allow_ips: edits::list(&mut fields, "AllowIPs")?,
            allow_models: edits::list(&mut fields, "AllowModels")?,
            allow_levels: edits::list(&mut fields, "AllowLevels")?,
            resources: edits::list(&mut fields, "Resources")?,
            model_limits: edits::model_limits(&mut fields, "ModelLimits")?,
            model_mapper: match fields.nullable("ModelMapper") {
                None => None,
                Some(Value::Null) => Some(std::collections::BTreeMap::new()),
                Some(value) => Some(
                    value::model_mapper(value)
                        .map_err(|problem| Error::field("ModelMapper", problem))?,
                ),
            },
            hard_limit: edits::dollars(&mut fields, "HardLimit")?,
            soft_limit: edits::dollars(&mut fields, "SoftLimit")?,
        };
        let credit = credit(&mut fields)?;
        fields.finish()?;
        Ok(Self { profile, credit })
    }
}

/// A text that `null` empties.
fn optional_text(fields: &mut Fields, name: &str) -> Result<Option<String>, Error> {
    match fields.nullable(name) {
        None => Ok(None),
        Some(Value::Null) => Ok(Some(String::new())),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(fields.expected(name, "a string", &other)),
    }
}

fn credit(fields: &mut Fields) -> Result<Option<Grant>, Error> {
    let amount = edits::dollars(fields, "CreditGranted")?.over(None);
    let days = fields.number("Days")?;
    let days = days.map(|days| u32::try_from(days).unwrap_or(u32::MAX));
    match amount {
        Some(amount) => Ok(Some(Grant { amount, days })),
        None if days.is_some() => Err(fields.error("Days", "needs CreditGranted beside it")),
        None => Ok(None),
    }
}

fn check_same(
    fields: &mut Fields,
    name: &str,
    is: AccountNumber,
    problem: &str,
) -> Result<(), Error> {
    match fields.number(name)? {
        Some(number) if number != is.0 => Err(fields.error(name, problem)),
        _ => Ok(()),
    }
}
