//! What an upstream says of a job: the object of a response or of a batch.

use std::collections::BTreeMap;

use chrono::DateTime;
use foldgate_proto::{JobKind, Quantities};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::json::members;
use crate::usage::{Usage, text_in};

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// What the upstream calls the job.
    pub(crate) id: String,
    /// When it began, in seconds since 1970.
    pub(crate) created: Option<i64>,
    /// Whether it is one at all: every batch is, of responses those in the background.
    pub(crate) is_job: bool,
    /// How it ended, if it has.
    pub(crate) end: Option<Ending>,
    /// The model, in the upstream's words.
    pub(crate) model: Option<String>,
    /// What a batch's calls call.
    pub(crate) endpoint: Option<String>,
    /// What it used, as the upstream counted it.
    pub(crate) usage: Option<Quantities>,
    /// How many calls of a batch were answered.
    pub(crate) calls: Option<u64>,
    /// Where a batch's output is.
    pub(crate) output: Option<String>,
    /// How many calls a batch has, as far as that is known.
    pub(crate) total: Option<u64>,
    /// Bytes of text in it.
    pub(crate) heard: u64,
}

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// There is an answer, perhaps not all of it.
    Answered,
    /// It failed or was cancelled: what is not counted of it is not billed.
    Failed,
}

impl Seen {
    /// Reads an object; `None` when it has no id and no status.
    pub(crate) fn read(kind: JobKind, text: &str) -> Option<Self> {
        if kind == JobKind::MessageBatch {
            return Self::of_messages(text);
        }
        let [
            id,
            status,
            background,
            created,
            model,
            endpoint,
            file,
            usage,
            counts,
            output,
        ] = members(
            text,
            &[
                "id",
                "status",
                "background",
                "created_at",
                "model",
                "endpoint",
                "output_file_id",
                "usage",
                "request_counts",
                "output",
            ],
        )
        .ok()?
        .values;
        let status: String = value(status)?;
        let end = match status.as_str() {
            "completed" | "incomplete" => Some(Ending::Answered),
            // A batch that expired or was cancelled is paid as far as it came.
            "failed" | "cancelled" | "canceled" | "expired" => Some(Ending::Failed),
            _ => None,
        };
        let is_batch = kind == JobKind::Batch;
        // Counts of nothing are of who does not count.
        let usage = usage.and_then(Usage::read);
        let usage = usage.filter(|usage| !usage.is_nothing());
        let usage = usage.map(|usage| usage.with_searches(output.filter(|_| !is_batch), 0));
        let counts = counts.and_then(|counts| members(counts, &["completed", "total"]).ok());
        let [completed, total] = counts.map_or([None; 2], |found| found.values);
        Some(Self {
            id: value(id)?,
            created: value::<f64>(created).and_then(seconds),
            is_job: is_batch || value(background) == Some(true),
            end,
            model: value(model),
            endpoint: value(endpoint),
            usage: usage.map(|Usage(used)| used),
            calls: value(completed),
            output: value(file),
            total: value(total),
            heard: if is_batch || end.is_none() {
                0
            } else {
                text_in(text.as_bytes())
            },
        })
    }

    /// Reads a batch of messages. It says no usage; its results' lines do.
    fn of_messages(text: &str) -> Option<Self> {
        let names = [
            "id",
            "processing_status",
            "created_at",
            "results_url",
            "request_counts",
        ];
        let [id, status, created, results, counts] = members(text, &names).ok()?.values;
        let counts = value::<BTreeMap<String, u64>>(counts);
        let sum = |counts: BTreeMap<String, u64>| {
            counts
                .values()
                .fold(0, |sum: u64, count| sum.saturating_add(*count))
        };
        let (id, status): (String, String) = (value(id)?, value(status)?);
        let ended = status == "ended";
        let created: Option<String> = value(created);
        let created = created.and_then(|at| DateTime::parse_from_rfc3339(&at).ok());
        let results: Option<String> = value(results);
        Some(Self {
            created: created.map(|at| at.timestamp()),
            is_job: true,
            end: ended.then_some(Ending::Answered),
            model: None,
            endpoint: None,
            usage: None,
            calls: None,
            total: counts.map(sum),
            output: results.filter(|_| ended).map(|_| id.clone()),
            heard: 0,
            id,
        })
    }

    /// Reads what a list holds.
    pub(crate) fn list(kind: JobKind, text: &str) -> Vec<Self> {
        let data = members(text, &["data"]).ok();
        let items: Option<Vec<&RawValue>> = data.and_then(|found| {
            let [data] = found.values;
            serde_json::from_str(data?).ok()
        });
        let items = items.unwrap_or_default();
        items
            .iter()
            .filter_map(|item| Self::read(kind, item.get()))
            .collect()
    }
}

/// A value, if it is of its type.
pub(super) fn value<T: DeserializeOwned>(json: Option<&str>) -> Option<T> {
    serde_json::from_str(json?).ok()
}

fn seconds(time: f64) -> Option<i64> {
    let time = std::time::Duration::try_from_secs_f64(time).ok()?;
    i64::try_from(time.as_secs()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_says_whether_it_is_a_job_and_how_it_ended() {
        let read = |text: &str| Seen::read(JobKind::Response, text);
        let open = r#"{"id":"resp_1","status":"queued","background":true,"usage":null}"#;
        let seen = read(open).unwrap();
        assert_eq!((seen.is_job, seen.end, seen.usage), (true, None, None));
        let done = r#"{"id":"resp_1","created_at":1741476777.5,"status":"completed","background":true,
            "model":"o3-2025-04-16","output":[{"content":[{"type":"output_text","text":"hello"}]}],
            "usage":{"input_tokens":9,"output_tokens":4,"output_tokens_details":{"reasoning_tokens":3}}}"#;
        let seen = read(done).unwrap();
        assert_eq!((seen.created, seen.heard), (Some(1_741_476_777), 5));
        assert_eq!(seen.end, Some(Ending::Answered));
        let used = seen.usage.unwrap();
        assert_eq!((used.input, used.output, used.reasoning), (9, 1, 3));
        let plain = r#"{"id":"resp_1","status":"completed","background":false}"#;
        assert!(!read(plain).unwrap().is_job);
        for odd in ["", "[]", "{}", r#"{"id":"x"}"#, r#"{"status":"failed"}"#] {
            assert_eq!(read(odd), None, "{odd}");
        }
        let failed = r#"{"id":"resp_1","status":"cancelled","background":true,"created_at":"x"}"#;
        let seen = read(failed).unwrap();
        assert_eq!((seen.end, seen.created), (Some(Ending::Failed), None));
    }

    #[test]
    fn a_batch_that_counts_nothing_says_no_usage() {
        let list = r#"{"data":[{"id":"b1","status":"completed","usage":{"input_tokens":0,"output_tokens":0,"total_tokens":0},"output_file_id":"f"},
            {"id":"b2","status":"expired","model":"m","endpoint":"/v1/embeddings","usage":{"input_tokens":5,"output_tokens":0}}, 3]}"#;
        let [one, two] = &Seen::list(JobKind::Batch, list)[..] else {
            panic!("{list}");
        };
        assert_eq!(
            (one.usage, one.output.as_deref(), one.is_job),
            (None, Some("f"), true)
        );
        assert_eq!(two.usage.map(|used| used.input), Some(5));
        assert_eq!(two.end, Some(Ending::Failed));
    }

    #[test]
    fn a_batch_of_messages_ends_with_results() {
        let read = |text: &str| Seen::read(JobKind::MessageBatch, text).unwrap();
        let open = read(
            r#"{"id":"msgbatch_1","type":"message_batch","processing_status":"in_progress","created_at":"2026-11-26T10:00:00.5Z","results_url":null}"#,
        );
        assert_eq!((open.end, open.output), (None, None));
        assert_eq!((open.created, open.is_job), (Some(1_795_687_200), true));
        let ended = read(
            r#"{"id":"msgbatch_1","processing_status":"ended","created_at":"x","results_url":"https://a/results","request_counts":{"processing":2,"succeeded":1}}"#,
        );
        assert_eq!((open.total, ended.total), (None, Some(3)));
        assert_eq!(ended.end, Some(Ending::Answered));
        assert_eq!(ended.output.as_deref(), Some("msgbatch_1"));
    }

    #[test]
    fn searches_count_and_counts_of_nothing_do_not() {
        let response = r#"{"id":"r","status":"completed","background":true,"model":"m","output":
            [{"type":"web_search_call"},{"type":"file_search_call"},{"type":"message"}],
            "usage":{"input_tokens":9,"output_tokens":4}}"#;
        let read = |text: &str| Seen::read(JobKind::Response, text).unwrap().usage;
        assert_eq!(read(response).map(|used| used.searches), Some(2));
        assert_eq!(read(&response.replace(['9', '4'], "0")), None);
    }
}
