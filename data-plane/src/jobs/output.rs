//! What the lines of a batch's output say.

use std::collections::BTreeMap;

use foldgate_proto::Quantities;

use super::object::value;
use crate::account::bill::BYTES_PER_TOKEN;
use crate::json::members;
use crate::usage::{Usage, text_in};

/// The most sums that are told apart in one output.
const MOST_SUMS: usize = 256;

/// Calls of one sum differ by less than this in what they read, in tokens.
const LONG: u64 = 10_000;

/// Bytes of text that a line counts for that is too long to be read.
const UNREAD_LINE: u64 = 1024;

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
    used: BTreeMap<(String, u64), Sum>,
    /// Lines that nobody read.
    skipped: u64,
    /// Whether some line says no usage: its text is counted.
    is_estimated: bool,
}

impl Output {
    /// Takes a line: of OpenAI's form, or of that of batches of messages.
    pub(crate) fn take(&mut self, line: &str) {
        let line = line.strip_prefix('\u{feff}').unwrap_or(line);
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
        let Ok(found) = members(body, &["model", "usage", "error", "output"]) else {
            return;
        };
        let [model, usage, error, output] = found.values;
        if usage.is_none() && error.is_some_and(|error| error != "null") {
            // It was refused, and names no model.
            return;
        }
        let usage = usage.and_then(Usage::read);
        let usage = usage.filter(|usage| !usage.is_nothing());
        let long = usage.map_or(0, |usage| usage.prompt() / LONG);
        let sum = self.sum((value(model).unwrap_or_default(), long));
        sum.calls += 1;
        if let Some(usage) = usage {
            let Usage(more) = usage.with_searches(output, 0);
            sum.used = sum.used.plus(&more);
        } else {
            let heard = text_in(body.as_bytes()).div_ceil(BYTES_PER_TOKEN);
            sum.used.output = sum.used.output.saturating_add(heard);
            self.is_estimated = true;
        }
    }

    /// The sum that a call belongs to; of too many, the model's next one.
    fn sum(&mut self, of: (String, u64)) -> &mut Sum {
        let is_full = self.used.len() >= MOST_SUMS && !self.used.contains_key(&of);
        let of = if is_full {
            let model = (of.0.clone(), 0);
            let others = self.used.range(model..).next();
            let same = others.filter(|((model, _), _)| *model == of.0);
            let other = same.or_else(|| self.used.first_key_value());
            other.map_or(of, |(other, _)| other.clone())
        } else {
            of
        };
        self.used.entry(of).or_default()
    }

    /// Takes a line that is too long to be read: it counts as an answer of 1,024 bytes.
    pub(crate) const fn skip(&mut self) {
        self.skipped = self.skipped.saturating_add(1);
    }

    /// What was used of each model, by how many calls. Lines that nobody read are counted
    /// to the first.
    pub(crate) fn models(&self) -> Vec<(&str, Option<u64>, Quantities)> {
        let sums = self.used.iter();
        let mut models: Vec<_> = sums
            .map(|((model, _), sum)| (model.as_str(), Some(sum.calls), sum.used))
            .collect();
        if self.skipped > 0 {
            if models.is_empty() {
                models.push(("", Some(0), Quantities::default()));
            }
            let (_, calls, used) = &mut models[0];
            *calls = calls.map(|calls| calls.saturating_add(self.skipped));
            let unread = self.skipped.saturating_mul(UNREAD_LINE / BYTES_PER_TOKEN);
            used.output = used.output.saturating_add(unread);
        }
        models
    }

    /// Whether all of it is as the upstream counted it.
    pub(crate) const fn is_counted(&self) -> bool {
        self.skipped == 0 && !self.is_estimated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Input and output by model.
    fn sums(output: &Output) -> Vec<(&str, u64, u64, u64)> {
        let models = output.models().into_iter();
        let sums = models.map(|(model, calls, used)| {
            (model, calls.unwrap_or_default(), used.input, used.output)
        });
        sums.collect()
    }

    #[test]
    fn the_lines_of_an_output_are_added_up_by_model() {
        let mut output = Output::default();
        for line in [
            "\u{feff}{\"custom_id\":\"1\",\"response\":{\"status_code\":200,\"body\":{\"model\":\"a\",\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}},\"error\":null}",
            r#"{"custom_id":"2","response":{"status_code":200,"body":{"model":"a","usage":{"prompt_tokens":4,"completion_tokens":1}}}}"#,
            r#"{"custom_id":"4","response":null,"error":{"code":"x"}}"#,
            r#"{"custom_id":"5","response":{"status_code":400,"body":{"error":{"message":"no"}}}}"#,
            "",
            "no json",
        ] {
            output.take(line);
        }
        assert_eq!(
            sums(&output),
            [("a", 2, 7, 3)],
            "what was refused has no model"
        );
        assert!(output.is_counted());
        output.take(r#"{"response":{"body":{"model":"a","usage":{"prompt_tokens":300000}}}}"#);
        let apart = [("a", 2, 7, 3), ("a", 1, 300_000, 0)];
        assert_eq!(sums(&output), apart, "apart from short ones");
    }

    #[test]
    fn what_no_usage_is_said_of_is_estimated() {
        let mut output = Output::default();
        let said = r#"{"response":{"body":{"model":"a","usage":{"prompt_tokens":4,"completion_tokens":1}}}}"#;
        output.take(said);
        assert!(output.is_counted());
        for usage in [
            "null",
            "{}",
            r#"{"total_tokens":0}"#,
            r#"{"prompt_tokens":-1}"#,
        ] {
            output.take(&format!(
                r#"{{"response":{{"body":{{"model":"b","usage":{usage},"choices":[{{"message":{{"content":"hello"}}}}]}}}}}}"#
            ));
        }
        assert_eq!(sums(&output), [("a", 1, 4, 1), ("b", 4, 0, 8)]);
        assert!(!output.is_counted());
        let mut long = Output::default();
        long.skip();
        assert_eq!(sums(&long), [("", 1, 0, 256)]);
        long.take(said);
        assert_eq!(sums(&long), [("a", 2, 4, 257)]);
        assert!(!long.is_counted());
    }

    #[test]
    fn sums_are_bounded_and_stay_with_their_model() {
        let mut output = Output::default();
        for n in 0..300 {
            output.take(&format!(
                r#"{{"response":{{"body":{{"model":"m{}","usage":{{"prompt_tokens":{}}}}}}}}}"#,
                n % 2,
                n * 10_000
            ));
        }
        let sums = sums(&output);
        assert_eq!(sums.len(), MOST_SUMS);
        for model in ["m0", "m1"] {
            let of = sums.iter().filter(|sum| sum.0 == model);
            assert_eq!(of.map(|sum| sum.1).sum::<u64>(), 150, "{model}");
        }
    }

    #[test]
    fn lines_of_batches_of_messages_and_searches_are_counted() {
        let mut output = Output::default();
        for line in [
            r#"{"custom_id":"1","result":{"type":"succeeded","message":{"model":"claude-x","content":[],"usage":{"input_tokens":3,"cache_read_input_tokens":10,"output_tokens":2}}}}"#,
            r#"{"custom_id":"2","result":{"type":"errored","error":{"type":"error","error":{"type":"invalid_request_error"}}}}"#,
            r#"{"custom_id":"3","result":{"type":"expired"}}"#,
        ] {
            output.take(line);
        }
        let [(model, calls, used)] = output.models()[..] else {
            panic!("{output:?}");
        };
        assert_eq!(
            (model, calls, output.is_counted()),
            ("claude-x", Some(1), true)
        );
        assert_eq!((used.input, used.cached, used.output), (3, 10, 2));
        let mut output = Output::default();
        output.take(
            r#"{"response":{"status_code":200,"body":{"model":"m","output":[{"type":"web_search_call"},
            {"type":"file_search_call"},{"type":"message"}],"usage":{"input_tokens":9,"output_tokens":4}}}}"#,
        );
        assert_eq!(output.models()[0].2.searches, 2);
    }
}
