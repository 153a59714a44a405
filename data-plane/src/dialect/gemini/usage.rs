//! Google's usage. `promptTokenCount` includes what came from the cache;
//! `candidatesTokenCount` excludes thoughts.

use foldgate_proto::Quantities;
use serde::Deserialize;

use crate::usage::count::MOST;

/// Anything in it may be `null`: that says nothing.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Said {
    prompt_token_count: Option<u64>,
    cached_content_token_count: Option<u64>,
    candidates_token_count: Option<u64>,
    thoughts_token_count: Option<u64>,
    tool_use_prompt_token_count: Option<u64>,
    total_token_count: Option<u64>,
    prompt_tokens_details: Option<Vec<Option<Detail>>>,
    cache_tokens_details: Option<Vec<Option<Detail>>>,
    candidates_tokens_details: Option<Vec<Option<Detail>>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Detail {
    modality: Option<String>,
    token_count: Option<u64>,
}

/// Reads a `usageMetadata` object. `None`: it is none, says nothing, or says what cannot
/// be.
pub(crate) fn read(json: &str) -> Option<Quantities> {
    let said: Said = serde_json::from_str(json).ok()?;
    said.prompt_token_count.or(said.total_token_count)?;
    let counts = [
        said.prompt_token_count,
        said.candidates_token_count,
        said.thoughts_token_count,
        said.tool_use_prompt_token_count,
        said.total_token_count,
    ];
    if counts.iter().flatten().any(|count| *count > MOST) {
        return None;
    }
    let prompt = said.prompt_token_count.unwrap_or_default();
    let cached = said
        .cached_content_token_count
        .unwrap_or_default()
        .min(prompt);
    let cached_audio = of(said.cache_tokens_details.as_deref(), "AUDIO").min(cached);
    let cached_image = of(said.cache_tokens_details.as_deref(), "IMAGE");
    let audio = of(said.prompt_tokens_details.as_deref(), "AUDIO").saturating_sub(cached_audio);
    let image = of(said.prompt_tokens_details.as_deref(), "IMAGE").saturating_sub(cached_image);
    let tools = said.tool_use_prompt_token_count.unwrap_or_default();
    let fresh = prompt - cached;
    let audio = audio.min(fresh);
    let image = image.min(fresh - audio);
    let written = said.candidates_token_count.unwrap_or_default();
    // Not every version counts thoughts and tools into it.
    let total = said.total_token_count.filter(|total| *total > 0);
    if total.is_some_and(|total| total < prompt + written) {
        return None;
    }
    let spoken = of(said.candidates_tokens_details.as_deref(), "AUDIO").min(written);
    let drawn = of(said.candidates_tokens_details.as_deref(), "IMAGE").min(written - spoken);
    Some(Quantities {
        input: (fresh - audio - image).saturating_add(tools),
        cached: cached - cached_audio,
        cached_audio,
        input_audio: audio,
        input_image: image,
        output: written - spoken - drawn,
        reasoning: said.thoughts_token_count.unwrap_or_default(),
        output_audio: spoken,
        output_image: drawn,
        ..Quantities::default()
    })
}

fn of(details: Option<&[Option<Detail>]>, modality: &str) -> u64 {
    let details = details.unwrap_or_default().iter().flatten();
    let of_it = details.filter(|detail| detail.modality.as_deref() == Some(modality));
    of_it.fold(0, |sum, detail| {
        sum.saturating_add(detail.token_count.unwrap_or_default())
    })
}

#[cfg(test)]
mod tests;
