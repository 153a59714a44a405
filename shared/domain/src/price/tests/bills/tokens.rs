//! Tokens, by the shipped table.

use super::Tariff::Tokens;
use super::{all, bill};

#[test]
fn text() {
    all([
        // 1,000 x 2,500 + 500 x 10,000 = 2,500,000 + 5,000,000
        bill(
            Tokens,
            "gpt-4o",
            |q| (q.input, q.output) = (1_000, 500),
            7_500_000,
        ),
        // 1 x 150
        bill(Tokens, "gpt-4o-mini", |q| q.input = 1, 150),
        // 8 x 20
        bill(Tokens, "text-embedding-3-small", |q| q.input = 8, 160),
        // Nothing used, nothing paid.
        bill(Tokens, "gpt-4o", |_| {}, 0),
        // 1,000,000 x 5,000 + 1,000,000 x 25,000: five and twenty-five dollars
        bill(
            Tokens,
            "claude-opus-4-5",
            |q| (q.input, q.output) = (1_000_000, 1_000_000),
            30_000_000_000,
        ),
    ]);
}

#[test]
fn caches() {
    all([
        // 200 x 2,500 + 800 x 1,250 + 100 x 10,000 = 500,000 + 1,000,000 + 1,000,000
        bill(
            Tokens,
            "gpt-4o",
            |q| (q.input, q.cached, q.output) = (200, 800, 100),
            2_500_000,
        ),
        // No CachedText, so InputText: 100 x 2,500
        bill(
            Tokens,
            "gpt-4o-audio-preview-2024-12-17",
            |q| q.cached = 100,
            250_000,
        ),
        // 100 x 3,000 + 10,000 x 300 + 2,000 x 3,750 + 400 x 15,000
        // = 300,000 + 3,000,000 + 7,500,000 + 6,000,000
        bill(
            Tokens,
            "claude-sonnet-4-5",
            |q| (q.input, q.cached, q.cache_write, q.output) = (100, 10_000, 2_000, 400),
            16_800_000,
        ),
        // 1,000 x 3,750 + 1,000 x 6,000: for an hour is dearer
        bill(
            Tokens,
            "claude-sonnet-4-5",
            |q| (q.cache_write, q.cache_write_long) = (1_000, 1_000),
            9_750_000,
        ),
        // No CacheWrite, so InputText: 100 x 2,500 + 10 x 2,500
        bill(
            Tokens,
            "gpt-4o",
            |q| (q.cache_write, q.cache_write_long) = (100, 10),
            275_000,
        ),
    ]);
}

#[test]
fn reasoning() {
    all([
        // No ReasonText, so OutputText: 50 x 15,000 + 200 x 60,000 + 1,000 x 60,000
        // = 750,000 + 12,000,000 + 60,000,000
        bill(
            Tokens,
            "o1",
            |q| (q.input, q.output, q.reasoning) = (50, 200, 1_000),
            72_750_000,
        ),
        // 1,000 x 300 + 100 x 2,500 + 900 x 2,500 = 300,000 + 250,000 + 2,250,000
        bill(
            Tokens,
            "gemini-2.5-flash",
            |q| (q.input, q.output, q.reasoning) = (1_000, 100, 900),
            2_800_000,
        ),
        // 10 x 2,000 + 10 x 8,000 + 1,000 x 3,000 = 20,000 + 80,000 + 3,000,000
        bill(
            Tokens,
            "sonar-deep-research",
            |q| (q.input, q.output, q.reasoning) = (10, 10, 1_000),
            3_100_000,
        ),
    ]);
}

#[test]
fn sound_and_images_in_chats() {
    all([
        // 100 x 2,500 + 200 x 40,000 + 50 x 10,000 + 300 x 80,000
        // = 250,000 + 8,000,000 + 500,000 + 24,000,000
        bill(
            Tokens,
            "gpt-4o-audio-preview-2024-12-17",
            |q| {
                (q.input, q.input_audio) = (100, 200);
                (q.output, q.output_audio) = (50, 300);
            },
            32_750_000,
        ),
        // 10 x 4,000 + 20 x 400 + 100 x 32,000 + 400 x 400 + 50 x 5,000 + 30 x 16,000
        // + 40 x 64,000 = 40,000 + 8,000 + 3,200,000 + 160,000 + 250,000 + 480,000 + 2,560,000
        bill(
            Tokens,
            "gpt-realtime",
            |q| {
                (q.input, q.cached, q.input_audio) = (10, 20, 100);
                (q.cached_audio, q.input_image) = (400, 50);
                (q.output, q.output_audio) = (30, 40);
            },
            6_698_000,
        ),
        // Nothing but text is priced: 100 x 2,500 of audio, 10 x 10,000 written, an image
        // of 4 x 2,500, cached audio as cached text: 8 x 1,250
        // = 250,000 + 100,000 + 10,000 + 10,000
        bill(
            Tokens,
            "gpt-4o",
            |q| {
                (q.input_audio, q.output_audio) = (100, 10);
                (q.input_image, q.cached_audio) = (4, 8);
            },
            370_000,
        ),
        // 20 x 300 + 1,290 x 30,000 = 6,000 + 38,700,000
        bill(
            Tokens,
            "gemini-2.5-flash-image",
            |q| (q.input, q.output_image) = (20, 1_290),
            38_706_000,
        ),
        // Listed as speech, called as a chat: 20 x 500 + 100 x 10,000
        bill(
            Tokens,
            "gemini-2.5-flash-preview-tts",
            |q| (q.input, q.output_audio) = (20, 100),
            1_010_000,
        ),
    ]);
}

#[test]
fn long_contexts() {
    all([
        // Just not long: 200,000 x 1,250 + 1,000 x 10,000
        bill(
            Tokens,
            "gemini-2.5-pro",
            |q| (q.input, q.output) = (200_000, 1_000),
            260_000_000,
        ),
        // Just long, and every token of it: 200,001 x 2,500 + 1,000 x 15,000
        // = 500,002,500 + 15,000,000
        bill(
            Tokens,
            "gemini-2.5-pro",
            |q| (q.input, q.output) = (200_001, 1_000),
            515_002_500,
        ),
        // Cached tokens are context too: 1 x 2,500 + 200,000 x 250 + 10 x 15,000
        // = 2,500 + 50,000,000 + 150,000
        bill(
            Tokens,
            "gemini-2.5-pro",
            |q| (q.input, q.cached, q.reasoning) = (1, 200_000, 10),
            50_152_500,
        ),
        // 273,000 read, over 272,000: 270,000 x 4,000 + 1,000 x 5,000 + 2,000 x 10,000
        // + 100 x 15,000 = 1,080,000,000 + 5,000,000 + 20,000,000 + 1,500,000
        bill(
            Tokens,
            "gpt-6-sol",
            |q| {
                (q.input, q.cache_write, q.cache_write_long) = (270_000, 1_000, 2_000);
                q.output = 100;
            },
            1_106_500_000,
        ),
        // What is written makes no context long: 300,000 x 10,000
        bill(
            Tokens,
            "gemini-2.5-pro",
            |q| q.output = 300_000,
            3_000_000_000,
        ),
    ]);
}

#[test]
fn searches_of_the_web() {
    all([
        // 10 x 3,000 + 3 x 10,000,000
        bill(
            Tokens,
            "claude-sonnet-4-5",
            |q| (q.input, q.searches) = (10, 3),
            30_030_000,
        ),
        // A model that has no price for them: 10 x 2,500
        bill(
            Tokens,
            "gpt-4o",
            |q| (q.input, q.searches) = (10, 3),
            25_000,
        ),
    ]);
}

#[test]
fn fine_tuned_models() {
    all([
        // 100 x 3,750 + 100 x 1,875 + 10 x 15,000 = 375,000 + 187,500 + 150,000
        bill(
            Tokens,
            "ft:gpt-4o-2024-08-06:acme::7qTVM5AR",
            |q| (q.input, q.cached, q.output) = (100, 100, 10),
            712_500,
        ),
        // 1,000 x 300 + 900 x 1,200 + 100 x 1,200, reasoning at OutputText
        bill(
            Tokens,
            "ft:gpt-4o-mini-2024-07-18:acme:support:7qTVM5AR",
            |q| (q.input, q.output, q.reasoning) = (1_000, 900, 100),
            1_500_000,
        ),
        // The base has a price as a chat, which is not that of its children.
        bill(Tokens, "ft:gpt-4o:acme::7qTVM5AR", |q| q.input = 100, 0).unpriced(),
        bill(Tokens, "ft:", |q| q.input = 100, 0).unpriced(),
    ]);
}

#[test]
fn unknown_models() {
    all([
        bill(Tokens, "house-model", |q| q.input = 1_000_000, 0).unpriced(),
        bill(Tokens, "house-model", |_| {}, 0),
        // An embedding has no price for what it does not write.
        bill(Tokens, "text-embedding-3-small", |q| q.output = 5, 0).unpriced(),
    ]);
}

#[test]
fn beyond_counting() {
    all([
        // u64::MAX x 10,000 nano-dollars is more than an i64 holds.
        bill(Tokens, "gpt-4o", |q| q.output = u64::MAX, i64::MAX),
        // 922,337,203,685,477 x 10,000 just fits; one token more does not.
        bill(
            Tokens,
            "gpt-4o",
            |q| q.output = 922_337_203_685_477,
            9_223_372_036_854_770_000,
        ),
        bill(
            Tokens,
            "gpt-4o",
            |q| q.output = 922_337_203_685_478,
            i64::MAX,
        ),
        // Every kind at once, as many as there can be.
        bill(
            Tokens,
            "gpt-realtime",
            |q| {
                (q.input, q.cached, q.cache_write) = (u64::MAX, u64::MAX, u64::MAX);
                (q.input_audio, q.cached_audio) = (u64::MAX, u64::MAX);
                (q.output, q.output_audio, q.output_image) = (u64::MAX, u64::MAX, u64::MAX);
            },
            i64::MAX,
        )
        .times(u64::MAX, u64::MAX),
        // Times nothing it is nothing all the same.
        bill(Tokens, "gpt-4o", |q| q.output = u64::MAX, 0).times(0, u64::MAX),
    ]);
}
