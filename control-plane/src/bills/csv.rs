//! Bills as CSV (RFC 4180): a line per day, account and model.

use std::fmt::Write;

use axum::body::Body;
use axum::response::Response;
use foldgate_domain::zone::date;
use foldgate_proto::Quantities;
use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

use super::period::Period;
use super::table::Table;
use super::view;
use crate::auth::Authenticated;
use crate::reply;
use crate::usage::Line;

/// What stands above it.
const HEAD: &str = "date,account_id,account,model,requests,estimated,unsettled,unpriced,\
                    prompt_tokens,completion_tokens,cost_usd,cost_nano_usd,input,cached,cache_write,\
                    cache_write_long,input_audio,cached_audio,input_image,output,reasoning,\
                    output_audio,output_image,images,sound_ms,characters,searches\r\n";

/// The bill, as a file to be kept.
pub(super) fn answer(caller: &Authenticated, table: &Table, period: Period) -> Response {
    let mut text = HEAD.to_owned();
    for line in &table.lines {
        text.push_str(&written(line, &view::name_of(caller, line.account)));
    }
    let mut response = reply::read_body(caller, Body::from(text));
    let headers = response.headers_mut();
    let csv = HeaderValue::from_static("text/csv; charset=utf-8");
    headers.insert(CONTENT_TYPE, csv);
    let file = format!(
        "attachment; filename=\"bill-{}-{}.csv\"",
        period.start(),
        period.end()
    );
    if let Ok(file) = HeaderValue::try_from(file) {
        headers.insert(CONTENT_DISPOSITION, file);
    }
    response
}

fn written(line: &Line, name: &str) -> String {
    let sums = &line.sums;
    let used = &sums.quantities;
    let mut text = format!(
        "{},{},{},{},{},{},{},{},{},{},{},{}",
        date(line.day),
        line.account,
        field(name),
        field(&line.model),
        sums.requests,
        sums.estimated,
        sums.unsettled,
        sums.unpriced,
        used.read(),
        used.written(),
        view::text(sums.cost),
        sums.cost.0
    );
    for count in kinds(used) {
        // Writing to a string cannot fail.
        let _ = write!(text, ",{count}");
    }
    text.push_str("\r\n");
    text
}

const fn kinds(used: &Quantities) -> [u64; 15] {
    [
        used.input,
        used.cached,
        used.cache_write,
        used.cache_write_long,
        used.input_audio,
        used.cached_audio,
        used.input_image,
        used.output,
        used.reasoning,
        used.output_audio,
        used.output_image,
        used.images,
        used.sound_ms,
        used.characters,
        used.searches,
    ]
}

/// A text as a field. What a spreadsheet would take for a formula is made text: callers
/// choose the names of models.
fn field(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text
}

#[cfg(test)]
mod tests {
    use foldgate_proto::{AccountNumber, NanoDollars};

    use super::*;
    use crate::usage::Sums;

    #[test]
    fn a_line_has_a_field_for_each_word_above_it() {
        let line = Line {
            account: AccountNumber(7),
            day: 0,
            model: "a,\"b\"".to_owned(),
            sums: Sums {
                requests: 2,
                unpriced: 1,
                cost: NanoDollars(1_500_000),
                quantities: Quantities {
                    input: 3,
                    searches: 4,
                    ..Quantities::default()
                },
                ..Sums::default()
            },
        };
        let text = written(&line, "=SUM(A1)");
        assert_eq!(
            text,
            "1970-01-01,7,'=SUM(A1),\"a,\"\"b\"\"\",2,0,0,1,3,0,0.0015,1500000,3,0,0,0,0,0,0,0,0,0,0,0,0,0,4\r\n"
        );
        let plain = written(
            &Line {
                model: "m".to_owned(),
                ..line
            },
            "n",
        );
        assert_eq!(plain.split(',').count(), HEAD.split(',').count());
    }
}
