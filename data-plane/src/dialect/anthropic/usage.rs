//! Anthropic's usage objects. `input_tokens` excludes what was read from and
//! written to the cache; `output_tokens` includes thoughts. In a stream the counts
//! are cumulative, and each event says only some of them.

use foldgate_proto::Quantities;
use serde_json::Value;

use crate::dialect::Json;
use crate::usage::count::{self, MOST};

/// What has been said of a message's usage.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Said {
    input: Option<u64>,
    cache_read: Option<u64>,
    cache_creation: Option<u64>,
    hour: Option<u64>,
    minutes: Option<u64>,
    output: Option<u64>,
    thinking: Option<u64>,
    searches: Option<u64>,
}

/// Reads a usage object. `None` when it is none, or says nothing.
pub(crate) fn read(json: &str) -> Option<Quantities> {
    let mut said = Said::default();
    said.hear(json);
    said.quantities()
}

impl Said {
    /// Hears a further usage object: what it says holds now.
    pub(crate) fn hear(&mut self, json: &str) {
        let Ok(usage) = serde_json::from_str::<Value>(json) else {
            return;
        };
        // One that cannot be is kept as the greatest, until another replaces it.
        let said = |path: &str| count::of(usage.pointer(path)).unwrap_or(Some(u64::MAX));
        let mut set = |slot: fn(&mut Self) -> &mut Option<u64>, path: &str| {
            if let Some(count) = said(path) {
                *slot(self) = Some(count);
            }
        };
        set(|said| &mut said.input, "/input_tokens");
        set(|said| &mut said.cache_read, "/cache_read_input_tokens");
        set(
            |said| &mut said.cache_creation,
            "/cache_creation_input_tokens",
        );
        set(
            |said| &mut said.hour,
            "/cache_creation/ephemeral_1h_input_tokens",
        );
        set(
            |said| &mut said.minutes,
            "/cache_creation/ephemeral_5m_input_tokens",
        );
        set(|said| &mut said.output, "/output_tokens");
        set(
            |said| &mut said.thinking,
            "/output_tokens_details/thinking_tokens",
        );
        set(
            |said| &mut said.searches,
            "/server_tool_use/web_search_requests",
        );
    }

    /// What all of it amounts to; `None` when nothing was said, or what cannot be.
    pub(crate) fn quantities(&self) -> Option<Quantities> {
        self.input.or(self.output)?;
        let said = [
            self.input,
            self.cache_read,
            self.cache_creation,
            self.hour,
            self.minutes,
            self.output,
            self.searches,
        ];
        if said.iter().flatten().any(|count| *count > MOST) {
            return None;
        }
        let hour = self.hour.unwrap_or(0);
        let by_ttl = hour.saturating_add(self.minutes.unwrap_or(0));
        let creation = self.cache_creation.unwrap_or(by_ttl);
        let output = self.output.unwrap_or(0);
        let reasoning = self.thinking.unwrap_or(0).min(output);
        Some(Quantities {
            input: self.input.unwrap_or(0),
            cached: self.cache_read.unwrap_or(0),
            cache_write: creation.saturating_sub(hour),
            cache_write_long: hour.min(creation),
            output: output - reasoning,
            reasoning,
            searches: self.searches.unwrap_or(0),
            ..Quantities::default()
        })
    }
}

/// Writes the usage object of a message.
pub(super) fn write(quantities: &Quantities, json: &mut Json<'_>) {
    let cached = quantities.cached.saturating_add(quantities.cached_audio);
    let (minutes, hour) = (quantities.cache_write, quantities.cache_write_long);
    let written = minutes.saturating_add(hour);
    let fresh = quantities
        .read()
        .saturating_sub(cached)
        .saturating_sub(written);
    json.object(|json| {
        json.key("input_tokens").count(fresh);
        json.key("cache_creation_input_tokens").count(written);
        json.key("cache_read_input_tokens").count(cached);
        json.key("cache_creation").object(|json| {
            json.key("ephemeral_5m_input_tokens").count(minutes);
            json.key("ephemeral_1h_input_tokens").count(hour);
        });
        json.key("output_tokens").count(quantities.written());
        if quantities.reasoning > 0 {
            json.key("output_tokens_details").object(|json| {
                json.key("thinking_tokens").count(quantities.reasoning);
            });
        }
    });
}

#[cfg(test)]
mod tests;
