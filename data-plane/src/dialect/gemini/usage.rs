//! Google's usage. `promptTokenCount` includes what came from the cache;
//! `candidatesTokenCount` excludes thoughts.

use foldgate_proto::Quantities;
use serde::Deserialize;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Said {
    prompt_token_count: Option<u64>,
    cached_content_token_count: u64,
    candidates_token_count: u64,
    thoughts_token_count: u64,
    tool_use_prompt_token_count: u64,
    total_token_count: Option<u64>,
    prompt_tokens_details: Vec<Detail>,
    cache_tokens_details: Vec<Detail>,
    candidates_tokens_details: Vec<Detail>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Detail {
    modality: String,
    token_count: u64,
}

/// Reads a `usageMetadata` object. `None`: it is none, or says nothing.
pub(crate) fn read(json: &str) -> Option<Quantities> {
    let said: Said = serde_json::from_str(json).ok()?;
    said.prompt_token_count.or(said.total_token_count)?;
    let prompt = said.prompt_token_count.unwrap_or_default();
    let cached = said.cached_content_token_count.min(prompt);
    let cached_audio = of(&said.cache_tokens_details, "AUDIO").min(cached);
    let cached_image = of(&said.cache_tokens_details, "IMAGE");
    let audio = of(&said.prompt_tokens_details, "AUDIO").saturating_sub(cached_audio);
    let image = of(&said.prompt_tokens_details, "IMAGE").saturating_sub(cached_image);
    let fresh = prompt - cached;
    let audio = audio.min(fresh);
    let image = image.min(fresh - audio);
    let written = said.candidates_token_count;
    let spoken = of(&said.candidates_tokens_details, "AUDIO").min(written);
    let drawn = of(&said.candidates_tokens_details, "IMAGE").min(written - spoken);
    Some(Quantities {
        input: (fresh - audio - image).saturating_add(said.tool_use_prompt_token_count),
        cached: cached - cached_audio,
        cached_audio,
        input_audio: audio,
        input_image: image,
        output: written - spoken - drawn,
        reasoning: said.thoughts_token_count,
        output_audio: spoken,
        output_image: drawn,
        ..Quantities::default()
    })
}

fn of(details: &[Detail], modality: &str) -> u64 {
    let of_it = details.iter().filter(|detail| detail.modality == modality);
    of_it.fold(0, |sum, detail| sum.saturating_add(detail.token_count))
}
