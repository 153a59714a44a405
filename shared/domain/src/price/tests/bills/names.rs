//! Names that are not a row's own, and rows that the shipped table keeps.

use super::Tariff::Tokens;
use super::{all, bill};

/// A row is found by its base name; the owner's as the shipped one.
#[test]
fn names_of_other_places() {
    let own =
        r#"{"ChatPricing": {"claude-sonnet-4-5": {"InputText": 1}, "gemini*": {"InputText": 7}}}"#;
    all([
        // 15,000 x 1,000
        bill(
            Tokens,
            "claude-opus-4-1@20250805",
            |q| q.input = 1_000,
            15_000_000,
        ),
        bill(
            Tokens,
            "anthropic/claude-opus-4-1",
            |q| q.input = 1_000,
            15_000_000,
        ),
        bill(
            Tokens,
            "anthropic/claude-opus-4@20250514",
            |q| q.output = 10,
            750_000,
        ),
        // 1,250 x 1,000
        bill(
            Tokens,
            "google/gemini-2.5-pro",
            |q| q.input = 1_000,
            1_250_000,
        ),
        // The owner's row of the base, and by a pattern: 1,000 and 7,000 x 10
        bill(
            Tokens,
            "claude-sonnet-4-5@20250929",
            |q| q.input = 10,
            10_000,
        )
        .by(own),
        bill(Tokens, "google/gemini-2.5-pro", |q| q.input = 10, 70_000).by(own),
        // One of the whole name goes before one of the base; the base before `*`.
        bill(
            Tokens,
            "claude-sonnet-4-5@20250929",
            |q| q.input = 10,
            20_000,
        )
        .by(r#"{"ChatPricing": {"claude-sonnet-4-5": {"InputText": 1},
                "claude-sonnet-4-5@20250929": {"InputText": 2}}}"#),
        bill(
            Tokens,
            "claude-sonnet-4-5@20250929",
            |q| q.input = 10,
            10_000,
        )
        .by(r#"{"ChatPricing": {"claude-sonnet-4-5": {"InputText": 1}, "*": {"InputText": 2}}}"#),
        // Rows whose own names have these marks keep them.
        bill(
            Tokens,
            "anthropic/claude-haiku-4-5",
            |q| q.cache_write = 10,
            10_000,
        ),
        // Case counts, and no other mark is cut off.
        bill(Tokens, "GPT-4O", |q| q.input = 10, 0).unpriced(),
        bill(Tokens, "Google/gemini-2.5-pro", |q| q.input = 10, 0).unpriced(),
        bill(Tokens, "google/", |q| q.input = 10, 0).unpriced(),
        bill(Tokens, "@20250929", |q| q.input = 10, 0).unpriced(),
        bill(Tokens, "gpt-4o-2031-01-01", |q| q.input = 10, 0).unpriced(),
    ]);
}

/// Models that their vendors have retired, and others still serve.
#[test]
fn retired_models() {
    all([
        // 3,000 x 100 + 750 x 100 + 15,000 x 10 = 525,000
        bill(
            Tokens,
            "grok-4",
            |q| (q.input, q.cached, q.output) = (100, 100, 10),
            525_000,
        ),
        // 5,000 x 10 + 40,000 x 10 + 2,500 x 20 + 80,000 x 10 = 1,300,000
        bill(
            Tokens,
            "gpt-4o-realtime-preview",
            |q| {
                (q.input, q.input_audio) = (10, 10);
                (q.cached_audio, q.output_audio) = (20, 10);
            },
            1_300_000,
        ),
        // 40,000 x 10 + 10,000 x 10 = 500,000
        bill(
            Tokens,
            "gpt-4o-audio-preview",
            |q| (q.input_audio, q.output) = (10, 10),
            500_000,
        ),
    ]);
}
