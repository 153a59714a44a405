//! What an upstream says of a job: the object of a response or of a batch, and the lines
//! of a batch's output.

use std::collections::BTreeMap;

use chrono::DateTime;
use foldgate_proto::{JobKind, Quantities};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::json::members;
use crate::usage::{Usage, text_in};

/// The most sums that are told apart in one output.
const MOST_SUMS: usize = 256;

/// Calls of one sum differ by less than this in what they read, in tokens.
const LONG: u64 = 10_000;

/// Bytes of text that a line counts for that is too long to be read.
const UNREAD_LINE: u64 = 1024;

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
            output,
            usage,
            counts,
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
        let usage = usage.and_then(Usage::read).map(|Usage(used)| used);
        let counts = counts.and_then(|counts| members(counts, &["completed", "total"]).ok());
        let [completed, total] = counts.map_or([None; 2], |found| found.values);
        Some(Self {
            id: value(id)?,
            created: value::<f64>(created).and_then(seconds),
            is_job: is_batch || value(background) == Some(true),
            end,
            model: value(model),
            endpoint: value(endpoint),
            usage: usage.filter(|used| !is_batch || *used != Quantities::default()),
            calls: value(completed),
            output: value(output),
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

/// What calls of one model used.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sum {
    /// How many they were.
    pub(crate) calls: u64,
    /// All together.
    pub(crate) used: Quantities,
}

/// What the calls of a batch used, by model, as its output's lines tell.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Output {
    /// By model, and by how many times [`LONG`] a call read, as long contexts may cost more.
    pub(crate) used: BTreeMap<(String, u64), Sum>,
    /// Answers that say no usage: their text, in bytes.
    pub(crate) unsaid: u64,
}

impl Output {
    /// Takes a line: of OpenAI's form, or of that of batches of messages.
    pub(crate) fn take(&mut self, line: &str) {
        let Ok(found) = members(line, &["response", "result"]) else {
            return;
        };
        let [response, result] = found.values;
        let response = response.and_then(|text| members(text, &["body", "status_code"]).ok());
        let [body, status] = response.map_or([None; 2], |found| found.values);
        let message = || {
            let [message] = members(result?, &["message"]).ok()?.values;
            message
        };
        let refused = value::<u16>(status).is_some_and(|status| status >= 400);
        let Some(body) = body.or_else(message).filter(|_| !refused) else {
            return;
        };
        let Ok(found) = members(body, &["model", "usage", "error"]) else {
            return;
        };
        let [model, usage, error] = found.values;
        if usage.is_none() && error.is_some_and(|error| error != "null") {
            // It was refused, and names no model.
            return;
        }
        let usage = usage.and_then(Usage::read);
        let long = usage.map_or(0, |usage| usage.prompt() / LONG);
        let mut of: (String, u64) = (value(model).unwrap_or_default(), long);
        if !self.used.contains_key(&of) && self.used.len() >= MOST_SUMS {
            of = self.used.keys().next().cloned().unwrap_or_default();
        }
        let sum = self.used.entry(of).or_default();
        sum.calls += 1;
        match usage {
            Some(Usage(more)) => sum.used = sum.used.plus(&more),
            None => self.unsaid = self.unsaid.saturating_add(text_in(body.as_bytes())),
        }
    }

    /// Takes a line that is too long to be read: it counts as an answer of 1,024 bytes.
    pub(crate) fn skip(&mut self) {
        let of = self.used.keys().next().cloned().unwrap_or_default();
        self.used.entry(of).or_default().calls += 1;
        self.unsaid = self.unsaid.saturating_add(UNREAD_LINE);
    }
}

/// A value, if it is of its type.
fn value<T: DeserializeOwned>(json: Option<&str>) -> Option<T> {
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
        let mut output = Output::default();
        for line in [
            r#"{"custom_id":"1","result":{"type":"succeeded","message":{"model":"claude-x","content":[],"usage":{"input_tokens":3,"cache_read_input_tokens":10,"output_tokens":2}}}}"#,
            r#"{"custom_id":"2","result":{"type":"errored","error":{"type":"error","error":{"type":"invalid_request_error"}}}}"#,
            r#"{"custom_id":"3","result":{"type":"expired"}}"#,
        ] {
            output.take(line);
        }
        let sum = output.used[&("claude-x".to_owned(), 0)];
        let used = sum.used;
        assert_eq!((used.input, used.cached, used.output), (3, 10, 2));
        assert_eq!(sum.calls, 1);
        assert_eq!((output.used.len(), output.unsaid), (1, 0));
    }

    fn of_long(output: &Output) -> Sum {
        output.used[&("a".to_owned(), 30)]
    }

    #[test]
    fn the_lines_of_an_output_are_added_up_by_model() {
        let mut output = Output::default();
        for line in [
            r#"{"custom_id":"1","response":{"status_code":200,"body":{"model":"a","usage":{"prompt_tokens":3,"completion_tokens":2}}},"error":null}"#,
            r#"{"custom_id":"2","response":{"status_code":200,"body":{"model":"a","usage":{"prompt_tokens":4,"completion_tokens":1}}}}"#,
            r#"{"custom_id":"3","response":{"status_code":200,"body":{"model":"b","choices":[{"message":{"content":"hello"}}]}}}"#,
            r#"{"custom_id":"4","response":null,"error":{"code":"x"}}"#,
            r#"{"custom_id":"5","response":{"status_code":400,"body":{"error":{"message":"no"}}}}"#,
            "",
            "no json",
        ] {
            output.take(line);
        }
        let of = |model: &str| output.used[&(model.to_owned(), 0)];
        let (a, b) = (of("a"), of("b"));
        assert_eq!((a.calls, a.used.input, a.used.output), (2, 7, 3));
        assert_eq!((b.calls, b.used.output, output.unsaid), (1, 0, 5));
        assert_eq!(output.used.len(), 2, "what was refused has no model");
        output.take(r#"{"response":{"body":{"model":"a","usage":{"prompt_tokens":300000}}}}"#);
        assert_eq!(
            of_long(&output).used.input,
            300_000,
            "apart from short ones"
        );
    }
}
