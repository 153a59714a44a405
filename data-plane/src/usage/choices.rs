//! Usage that a stream has only within its choices, as Moonshot sends it: each choice
//! ends with what all of them read and it alone has written.

use std::collections::BTreeMap;

use foldgate_proto::Quantities;
use serde_json::value::RawValue;

use super::Usage;
use crate::json::members;

/// The most choices that are counted apart.
const MOST: usize = 128;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct ByChoice(BTreeMap<u64, Usage>);

impl ByChoice {
    /// Reads the choices of a chunk.
    pub(super) fn read(&mut self, choices: &str) {
        let choices: Vec<&RawValue> = serde_json::from_str(choices).unwrap_or_default();
        for choice in choices {
            let found = members(choice.get(), &["index", "usage"]);
            let [index, usage] = found.map_or([None; 2], |found| found.values);
            let index = index.and_then(|index| index.parse().ok()).unwrap_or(0);
            let Some(usage) = usage.and_then(Usage::read) else {
                continue;
            };
            if self.0.len() < MOST || self.0.contains_key(&index) {
                self.0.insert(index, usage);
            }
        }
    }

    /// What all of them used; `None` where none has said.
    pub(super) fn all(&self) -> Option<Usage> {
        let counted = self.0.values();
        let read = counted.clone().max_by_key(|usage| usage.prompt())?;
        let written = counted.map(|Usage(used)| Quantities {
            output: used.output,
            reasoning: used.reasoning,
            output_audio: used.output_audio,
            output_image: used.output_image,
            ..Quantities::default()
        });
        let written = written.fold(Quantities::default(), |sum, more| sum.plus(&more));
        Some(Usage(Quantities {
            output: written.output,
            reasoning: written.reasoning,
            output_audio: written.output_audio,
            output_image: written.output_image,
            ..read.0
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_counts_once_and_what_is_written_for_each_choice() {
        let mut all = ByChoice::default();
        all.read(r#"[{"index":0,"delta":{}}]"#);
        assert_eq!(all.all(), None);
        for (index, written) in [(0, 7), (1, 9), (1, 5)] {
            all.read(&format!(
                r#"[{{"index":{index},"usage":{{"prompt_tokens":100,"completion_tokens":{written}}}}}]"#
            ));
        }
        let used = all.all().unwrap().0;
        assert_eq!((used.input, used.output), (100, 12));
        for index in 0..1_000 {
            all.read(&format!(
                r#"[{{"index":{index},"usage":{{"completion_tokens":1}}}}]"#
            ));
        }
        assert_eq!(all.all().unwrap().0.output, 128);
        all.read("nonsense");
    }
}
