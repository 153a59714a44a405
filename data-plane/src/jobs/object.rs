//! What an upstream says of a job: the object of a response or of a batch, and the lines
//! of a batch's output.

use std::collections::BTreeMap;

use foldgate_proto::{JobKind, Quantities};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::json::members;
use crate::usage::{Usage, text_in};

/// The most models that are told apart in one output.
const MOST_MODELS: usize = 64;

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
    /// Where a batch's output is.
    pub(crate) output: Option<String>,
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
        let [
            id,
            status,
            background,
            created,
            model,
            endpoint,
            output,
            usage,
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
        Some(Self {
            id: value(id)?,
            created: value::<f64>(created).and_then(seconds),
            is_job: is_batch || value(background) == Some(true),
            end,
            model: value(model),
            endpoint: value(endpoint),
            usage: usage.filter(|used| !is_batch || *used != Quantities::default()),
            output: value(output),
            heard: if is_batch || end.is_none() {
                0
            } else {
                text_in(text.as_bytes())
            },
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

/// What the calls of a batch used, by model, as its output's lines tell.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Output {
    /// By model.
    pub(crate) used: BTreeMap<String, Quantities>,
    /// Answers that say no usage: their text, in bytes.
    pub(crate) unsaid: u64,
}

impl Output {
    /// Takes a line.
    pub(crate) fn take(&mut self, line: &str) {
        let inner = |text: Option<&str>, name| {
            let [found] = members(text?, &[name]).ok()?.values;
            found.map(str::to_owned)
        };
        let Some(body) = inner(inner(Some(line), "response").as_deref(), "body") else {
            return;
        };
        let Ok(found) = members(&body, &["model", "usage"]) else {
            return;
        };
        let [model, usage] = found.values;
        let mut model: String = value(model).unwrap_or_default();
        if !self.used.contains_key(&model) && self.used.len() >= MOST_MODELS {
            model = self.used.keys().next().cloned().unwrap_or_default();
        }
        let used = self.used.entry(model).or_default();
        match usage.and_then(Usage::read) {
            Some(Usage(more)) => *used = used.plus(&more),
            None => self.unsaid = self.unsaid.saturating_add(text_in(body.as_bytes())),
        }
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
    fn the_lines_of_an_output_are_added_up_by_model() {
        let mut output = Output::default();
        for line in [
            r#"{"custom_id":"1","response":{"status_code":200,"body":{"model":"a","usage":{"prompt_tokens":3,"completion_tokens":2}}},"error":null}"#,
            r#"{"custom_id":"2","response":{"status_code":200,"body":{"model":"a","usage":{"prompt_tokens":4,"completion_tokens":1}}}}"#,
            r#"{"custom_id":"3","response":{"status_code":200,"body":{"model":"b","choices":[{"message":{"content":"hello"}}]}}}"#,
            r#"{"custom_id":"4","response":null,"error":{"code":"x"}}"#,
            "",
            "no json",
        ] {
            output.take(line);
        }
        assert_eq!(output.used["a"].input, 7);
        assert_eq!(output.used["a"].output, 3);
        assert_eq!((output.used["b"].output, output.unsaid), (0, 5));
    }
}
