//! OpenAI's usage objects. What is read or written includes what is cached,
//! spoken, drawn or thought; here each token counts once.
//!
//! The names differ by endpoint (`prompt_tokens` and `input_tokens`,
//! `..._tokens_details` and `..._token_details`), the meaning does not. An object
//! whose total is greater than its parts is of an upstream that leaves its
//! thoughts out of `completion_tokens`: the rest are thoughts, as many as it says it had;
//! where it does not say, up to [`MOST_THOUGHTS`]. One whose total is greater still, or
//! less than its parts, or whose counts cannot be, counts nothing: it is estimated.

use foldgate_proto::Quantities;
use serde_json::Value;

use crate::dialect::Json;
use crate::usage::count::count;

/// The most thoughts that are believed of an upstream that does not count them: twice
/// the longest answer of any known model.
pub(crate) const MOST_THOUGHTS: u64 = 256 * 1024;

/// What an endpoint's answers are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Made {
    /// Words, where nothing else is said.
    Text,
    /// Pictures, where nothing else is said.
    Images,
}

/// Reads the usage object of a chat, a completion, an embedding, a response or a
/// realtime response. `None` when it is none, or says nothing.
pub(crate) fn read(json: &str) -> Option<Quantities> {
    of(json, Made::Text)
}

/// Reads the usage object of any endpoint. `None` when it is none, or says nothing.
pub(crate) fn of(json: &str, made: Made) -> Option<Quantities> {
    let usage: Value = serde_json::from_str(json).ok()?;
    if usage.get("type").and_then(Value::as_str) == Some("duration") {
        return seconds(&usage);
    }
    let either = |[one, other]: [&str; 2]| match count(&usage, one) {
        Ok(None) => count(&usage, other),
        said => said,
    };
    let prompt = either(["prompt_tokens", "input_tokens"]).ok()?;
    let written = either(["completion_tokens", "output_tokens"]).ok()?;
    let total = count(&usage, "total_tokens").ok()?;
    prompt.or(written).or(total)?;
    // A total of nothing is one that was not filled in.
    let total = total.filter(|total| *total > 0);
    let parts = prompt.unwrap_or(0) + written.unwrap_or(0);
    if total.is_some_and(|total| total < parts) {
        return None;
    }
    let completion = written.unwrap_or(0);
    let prompt = prompt.unwrap_or_else(|| total.unwrap_or(0).saturating_sub(completion));
    let mut quantities = Quantities {
        searches: searches(&usage),
        ..Quantities::default()
    };
    split_prompt(&usage, prompt, &mut quantities);
    let surplus = total.map_or(0, |total| {
        total.saturating_sub(prompt).saturating_sub(completion)
    });
    split_completion(&usage, (completion, surplus), made, &mut quantities)?;
    Some(quantities)
}

fn split_prompt(usage: &Value, prompt: u64, into: &mut Quantities) {
    let details = details(
        usage,
        [
            "prompt_tokens_details",
            "input_tokens_details",
            "input_token_details",
        ],
    );
    let of_details = |name: &str| details.and_then(|details| amount(details, name));
    let beside = || {
        let names = [
            "prompt_cache_hit_tokens",
            "cached_tokens",
            "cache_read_input_tokens",
        ];
        names.iter().find_map(|name| amount(usage, name))
    };
    let mut left = prompt;
    let cached = take(&mut left, of_details("cached_tokens").or_else(beside));
    let by_kind = details.and_then(|details| details.get("cached_tokens_details"));
    let cached_audio = by_kind.and_then(|kinds| amount(kinds, "audio_tokens"));
    let cached_audio = cached_audio.unwrap_or(0).min(cached);
    let cached_image = by_kind.and_then(|kinds| amount(kinds, "image_tokens"));
    into.cached_audio = cached_audio;
    into.cached = cached - cached_audio;
    let ttl = details.and_then(|details| details.get("cache_write_tokens_details"));
    let long = ttl
        .and_then(|ttl| amount(ttl, "ttl_12h_tokens"))
        .unwrap_or(0);
    let write = of_details("cache_write_tokens");
    let write = write.or_else(|| amount(usage, "cache_creation_input_tokens"));
    let write = take(&mut left, write);
    into.cache_write_long = long.min(write);
    into.cache_write = write - into.cache_write_long;
    let fresh = |all: Option<u64>, cached: u64| all.map(|all| all.saturating_sub(cached));
    let audio = of_details("audio_tokens");
    into.input_audio = take(&mut left, fresh(audio, cached_audio));
    let image = of_details("image_tokens");
    into.input_image = take(&mut left, fresh(image, cached_image.unwrap_or(0)));
    into.input = left;
}

/// `surplus`: what the total has more than its parts. `None` where that is too much.
fn split_completion(
    usage: &Value,
    (completion, surplus): (u64, u64),
    made: Made,
    into: &mut Quantities,
) -> Option<()> {
    let details = details(
        usage,
        [
            "completion_tokens_details",
            "output_tokens_details",
            "output_token_details",
        ],
    );
    let of_details = |name: &str| details.and_then(|details| amount(details, name));
    let thought = of_details("reasoning_tokens");
    let mut left = completion;
    into.reasoning = match surplus {
        0 => take(&mut left, thought),
        surplus => match thought.filter(|thought| *thought > 0) {
            Some(thought) => surplus.min(thought),
            None => Some(surplus).filter(|surplus| *surplus <= MOST_THOUGHTS)?,
        },
    };
    into.output_audio = take(&mut left, of_details("audio_tokens"));
    let drawn = match (made, of_details("text_tokens")) {
        (Made::Images, None) => Some(left),
        (Made::Images, Some(text)) => Some(left.saturating_sub(text)),
        (Made::Text, _) => of_details("image_tokens"),
    };
    into.output_image = take(&mut left, drawn);
    into.output = left;
    Some(())
}

/// Searches of the web, as Perplexity or, beside OpenAI's counts, Anthropic names them.
fn searches(usage: &Value) -> u64 {
    let tools = usage.get("server_tool_use");
    let by_tools = || tools.and_then(|tools| amount(tools, "web_search_requests"));
    let counted = amount(usage, "num_search_queries").or_else(by_tools);
    counted.unwrap_or(0)
}

/// A transcription that is paid for by its length.
fn seconds(usage: &Value) -> Option<Quantities> {
    let seconds = usage.get("seconds").and_then(Value::as_f64)?;
    let length = std::time::Duration::try_from_secs_f64(seconds).ok()?;
    Some(Quantities {
        sound_ms: u64::try_from(length.as_millis()).ok()?,
        ..Quantities::default()
    })
}

/// As much as there is of what is said; what is taken is not left.
fn take(left: &mut u64, said: Option<u64>) -> u64 {
    let taken = said.unwrap_or(0).min(*left);
    *left -= taken;
    taken
}

/// A count that is of no weight: one that cannot be is as none.
fn amount(object: &Value, name: &str) -> Option<u64> {
    count(object, name).ok().flatten()
}

fn details<'v>(usage: &'v Value, names: [&str; 3]) -> Option<&'v Value> {
    let mut said = names.iter().filter_map(|name| usage.get(name));
    said.find(|details| details.is_object())
}

/// Writes the usage object of a chat.
pub(super) fn write(quantities: &Quantities, json: &mut Json<'_>) {
    let (prompt, completion) = (quantities.read(), quantities.written());
    json.object(|json| {
        json.key("prompt_tokens").count(prompt);
        json.key("completion_tokens").count(completion);
        json.key("total_tokens")
            .count(prompt.saturating_add(completion));
        json.key("prompt_tokens_details").object(|json| {
            let cached = quantities.cached.saturating_add(quantities.cached_audio);
            json.key("cached_tokens").count(cached);
            let written = quantities.cache_write;
            let written = written.saturating_add(quantities.cache_write_long);
            json.key("cache_write_tokens").count(written);
            json.key("audio_tokens").count(quantities.input_audio);
        });
        json.key("completion_tokens_details").object(|json| {
            json.key("reasoning_tokens").count(quantities.reasoning);
            json.key("audio_tokens").count(quantities.output_audio);
        });
    });
}

#[cfg(test)]
mod tests;
