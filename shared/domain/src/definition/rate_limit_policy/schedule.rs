//! Times at which a policy is not in force.

use chrono::NaiveDate;
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::definition::{Fault, schema};

/// A time of day on some days of the week, or on some dates. One that ends before
/// it begins ends on the next day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
#[schemars(rename = "PolicySchedule", extend("anyOf" = [
    schema::all([schema::given(&["days_of_week"]), schema::absent(&["dates"])]),
    schema::all([schema::given(&["dates"]), schema::absent(&["days_of_week"])]),
]))]
pub struct Schedule {
    /// The days of the week on which it begins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[garde(length(max = 7))]
    pub days_of_week: Vec<Weekday>,
    /// The dates on which it begins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[garde(
        length(max = 366),
        inner(pattern(r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"))
    )]
    #[schemars(extend("items" = json!({ "type": "string", "format": "date" })))]
    pub dates: Vec<String>,
    /// When it begins.
    #[garde(pattern("^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
    pub start_time: String,
    /// When it has ended; `24:00` is the end of the day.
    #[garde(pattern("^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$"))]
    pub end_time: String,
    /// The time zone, as IANA calls it. Only its form is checked: which there are
    /// depends on a node's own copy of that list.
    #[garde(
        length(chars, min = 1, max = 64),
        pattern("^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}$")
    )]
    pub timezone: String,
}

/// See [`Schedule::days_of_week`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ScheduleWeekday")]
pub enum Weekday {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl Schedule {
    pub(super) fn check(&self, path: &str) -> Result<(), Fault> {
        if self.days_of_week.is_empty() == self.dates.is_empty() {
            let problem = "give days_of_week or dates, one of them";
            return Err(Fault::at(format!("{path}.days_of_week"), problem));
        }
        for (index, date) in self.dates.iter().enumerate() {
            if NaiveDate::parse_from_str(date, "%Y-%m-%d").is_err() {
                let problem = format!("there is no {date}");
                return Err(Fault::at(format!("{path}.dates[{index}]"), problem));
            }
        }
        if self.timezone.parse::<chrono_tz::Tz>().is_err() {
            let problem = format!("no time zone is called {:?}", self.timezone);
            return Err(Fault::at(format!("{path}.timezone"), problem));
        }
        if self.start_time == self.end_time {
            let problem = "is when it begins, so that it never lasts";
            return Err(Fault::at(format!("{path}.end_time"), problem));
        }
        Ok(())
    }
}
