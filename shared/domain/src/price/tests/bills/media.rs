//! Images, speech and reranking, by the shipped table.

use super::Tariff::{Free, Images, Rerank, Sound, Tokens};
use super::{all, bill};

#[test]
fn images_by_tokens() {
    all([
        // 50 x 5,000 + 323 x 10,000 + 4,160 x 40,000 = 250,000 + 3,230,000 + 166,400,000;
        // the image itself is not paid again
        bill(
            Images,
            "gpt-image-1",
            |q| {
                (q.input, q.input_image) = (50, 323);
                (q.output_image, q.images) = (4_160, 1);
            },
            169_880_000,
        )
        .sized("high:1024x1024"),
        // Not said what the tokens are: what writes only images wrote images.
        // 4,160 x 40,000
        bill(Images, "gpt-image-1", |q| q.output = 4_160, 166_400_000),
    ]);
}

#[test]
fn images_by_size_and_number() {
    all([
        // No tokens counted: 1 x 0.167
        bill(Images, "gpt-image-1", |q| q.images = 1, 167_000_000).sized("high:1024x1024"),
        // 3 x 0.063
        bill(Images, "gpt-image-1", |q| q.images = 3, 189_000_000).sized("medium:1024x1536"),
        // A quality that is not listed, a size that is: 2 x 0.009
        bill(Images, "gpt-image-1.5", |q| q.images = 2, 18_000_000).sized("auto:1024x1024"),
        // 4 x 0.04, whatever the size
        bill(
            Images,
            "imagen-3.0-generate-001",
            |q| q.images = 4,
            160_000_000,
        ),
        bill(
            Images,
            "imagen-3.0-generate-001",
            |q| q.images = 4,
            160_000_000,
        )
        .sized("7x7"),
        // Listed: 0.04. Not listed: Call, 0.06
        bill(
            Images,
            "grok-imagine-image-2.0",
            |q| q.images = 1,
            40_000_000,
        )
        .sized("low:1024x1024"),
        bill(
            Images,
            "grok-imagine-image-2.0",
            |q| q.images = 1,
            60_000_000,
        )
        .sized("high:1024x1024"),
        // Not listed, and no Call: the dearest that is listed, 0.25
        bill(Images, "gpt-image-1", |q| q.images = 1, 250_000_000).sized("high:2048x2048"),
        // The quality left to the model: the dearest of that size, 2 x 0.167 and 0.015
        bill(Images, "gpt-image-1", |q| q.images = 2, 334_000_000).sized("1024x1024"),
        bill(Images, "gpt-image-1-mini", |q| q.images = 1, 15_000_000).sized("1536x1024"),
        // All of it left to the model: 2 x 0.25
        bill(Images, "gpt-image-1", |q| q.images = 2, 500_000_000),
        // 3 x 0.018
        bill(Images, "dall-e-2", |q| q.images = 3, 54_000_000).sized("512x512"),
        // 0.12, and 2 x 0.08: standard is what the size alone costs
        bill(Images, "dall-e-3", |q| q.images = 1, 120_000_000).sized("hd:1792x1024"),
        bill(Images, "dall-e-3", |q| q.images = 2, 160_000_000).sized("standard:1024x1792"),
        // No sizes, no Call.
        bill(Images, "no-such-model", |q| q.images = 1, 0)
            .sized("1024x1024")
            .unpriced(),
        // None made.
        bill(Images, "imagen-3.0-generate-001", |_| {}, 0),
    ]);
}

#[test]
fn speech() {
    all([
        // 1,000 x 15,000
        bill(Sound, "tts-1", |q| q.characters = 1_000, 15_000_000),
        // The sound made is not paid beside the characters: 10 x 30,000
        bill(
            Sound,
            "tts-1-hd",
            |q| (q.characters, q.sound_ms) = (10, 60_000),
            300_000,
        ),
        // 61.5 s x 100,000
        bill(Sound, "whisper-1", |q| q.sound_ms = 61_500, 6_150_000),
        // 11,110 a second: 1 ms is 11.11, 45 ms are 499.95
        bill(Sound, "whisper-large-v3-turbo", |q| q.sound_ms = 1, 11),
        bill(Sound, "whisper-large-v3-turbo", |q| q.sound_ms = 45, 500),
        // An hour at 283,333.333 nano-dollars a second: 1,019,999,998.8
        bill(
            Sound,
            "gpt-realtime-whisper",
            |q| q.sound_ms = 3_600_000,
            1_019_999_999,
        ),
        // Tokens counted, so the seconds are not: 1,000 x 2,500 + 20 x 2,500 + 100 x 10,000
        bill(
            Sound,
            "gpt-4o-transcribe",
            |q| {
                (q.input_audio, q.input, q.output) = (1_000, 20, 100);
                q.sound_ms = 100_000;
            },
            3_550_000,
        ),
        // Only the seconds: 30 x 100,000
        bill(
            Sound,
            "gpt-4o-transcribe",
            |q| q.sound_ms = 30_000,
            3_000_000,
        ),
        // 100 x 600 + 1,000 x 12,000
        bill(
            Sound,
            "gpt-4o-mini-tts",
            |q| (q.input, q.output_audio) = (100, 1_000),
            12_060_000,
        ),
        // No tokens counted and no price of a character: as many of Input, 100 x 600
        bill(Sound, "gpt-4o-mini-tts", |q| q.characters = 100, 60_000),
        // A chat model that listens: 320 x 1,000 + 40 x 2,500
        bill(
            Sound,
            "gemini-2.5-flash",
            |q| (q.input_audio, q.output) = (320, 40),
            420_000,
        ),
    ]);
}

#[test]
fn reranking() {
    all([
        // 1 x 0.002, counted or not; 3 x 0.002
        bill(Rerank, "rerank-v3.5", |q| q.searches = 1, 2_000_000),
        bill(Rerank, "rerank-v3.5", |q| q.input = 500, 2_000_000),
        bill(Rerank, "rerank-v3.5", |q| q.searches = 3, 6_000_000),
        // 12,345 x 50
        bill(Rerank, "rerank-2.5", |q| q.input = 12_345, 617_250),
    ]);
}

#[test]
fn what_is_free() {
    let call = r#"{"CallPricing": {"*": {"Call": 1}}, "ChatPricing": {"*": {"InputText": 1}}}"#;
    all([
        bill(Free, "omni-moderation-latest", |q| q.input = 100, 0).by(call),
        bill(Free, "claude-sonnet-4-5", |q| q.input = 100, 0).by(call),
        // The same where it is not free: 100 x 1,000 + 1 x 1,000,000,000
        bill(
            Tokens,
            "claude-sonnet-4-5",
            |q| q.input = 100,
            1_000_100_000,
        )
        .by(call),
    ]);
}
