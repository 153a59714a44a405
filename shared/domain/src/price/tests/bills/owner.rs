//! Bills by an owner's PRICING, and what is multiplied and rounded.

use super::Tariff::{Call, Images, Rerank, Sound, Tokens};
use super::{all, bill};

#[test]
fn fields_of_its_own() {
    let dearer = r#"{"ChatPricing": {"gpt-4o": {"InputText": 3.5}}}"#;
    let wild = r#"{"ChatPricing": {"gpt-4*": {"InputText": 1}, "gpt-4o*": {"InputText": 2}}}"#;
    let free = r#"{"ChatPricing": {"gpt-4o": {"OutputText": 0}}}"#;
    let thought = r#"{"ChatPricing": {"o1": {"ReasonText": 100}}}"#;
    let house = r#"{"ChatPricing": {"house-*": {"InputText": 0.5, "OutputText": 2}}}"#;
    all([
        // 1,000 x 3,500, and 100 x 10,000 as shipped
        bill(
            Tokens,
            "gpt-4o",
            |q| (q.input, q.output) = (1_000, 100),
            4_500_000,
        )
        .by(dearer),
        // Another model's price stays: 1,000 x 150
        bill(Tokens, "gpt-4o-mini", |q| q.input = 1_000, 150_000).by(dearer),
        // The pattern with more letters: 1,000 x 2,000
        bill(Tokens, "gpt-4o", |q| q.input = 1_000, 2_000_000).by(wild),
        // Zero is a price: 10 x 2,500 + 500 x 0
        bill(
            Tokens,
            "gpt-4o",
            |q| (q.input, q.output) = (10, 500),
            25_000,
        )
        .by(free),
        bill(Tokens, "gpt-4o", |q| q.output = 500, 0).by(free),
        // 10 x 60,000 + 10 x 100,000
        bill(
            Tokens,
            "o1",
            |q| (q.output, q.reasoning) = (10, 10),
            1_600_000,
        )
        .by(thought),
        // 1,000 x 500 + 100 x 2,000, cached as read: 10 x 500
        bill(
            Tokens,
            "house-7b",
            |q| (q.input, q.cached, q.output) = (1_000, 10, 100),
            705_000,
        )
        .by(house),
    ]);
}

#[test]
fn what_it_refines_yields() {
    let write = r#"{"ChatPricing": {"claude-*": {"CacheWrite": 4}}}"#;
    let input = r#"{"ChatPricing": {"gemini-2.5-pro": {"InputText": 1}}}"#;
    all([
        // 1,000 x 4,000, for minutes or an hour
        bill(
            Tokens,
            "claude-sonnet-4-5",
            |q| q.cache_write = 1_000,
            4_000_000,
        )
        .by(write),
        bill(
            Tokens,
            "claude-sonnet-4-5",
            |q| q.cache_write_long = 1_000,
            4_000_000,
        )
        .by(write),
        // 300,000 x 1,000 in a long context too, and 100 x 15,000 as shipped for such
        bill(
            Tokens,
            "gemini-2.5-pro",
            |q| (q.input, q.output) = (300_000, 100),
            301_500_000,
        )
        .by(input),
    ]);
}

#[test]
fn multipliers() {
    let half_more = r#"{"ChatPricing": {"gpt-4o": {"Rates": 1.5}}}"#;
    let gift = r#"{"ChatPricing": {"*": {"Rates": 0}}}"#;
    all([
        // 1,000 x 2,500 x 1.5
        bill(Tokens, "gpt-4o", |q| q.input = 1_000, 3_750_000).by(half_more),
        // 1,000 x 2,500 x 1.2
        bill(Tokens, "gpt-4o", |q| q.input = 1_000, 3_000_000).times(1_200_000, 1_000_000),
        // 1,000 x 2,500 x 1.5 x 1.2 x 1.1 = 2,500,000 x 1.98
        bill(Tokens, "gpt-4o", |q| q.input = 1_000, 4_950_000)
            .by(half_more)
            .times(1_200_000, 1_100_000),
        // 2,500 x 0.333333 = 833.3325
        bill(Tokens, "gpt-4o", |q| q.input = 1, 833).times(333_333, 1_000_000),
        // 150 x 0.01 = 1.5, up
        bill(Tokens, "gpt-4o-mini", |q| q.input = 1, 2).times(10_000, 1_000_000),
        // 150 x 0.01 x 0.99 = 1.485, down
        bill(Tokens, "gpt-4o-mini", |q| q.input = 1, 1).times(10_000, 990_000),
        bill(Tokens, "gpt-4o", |q| q.input = 1_000, 0).by(gift),
        // A thousand times dearer for the account: 10 x 2,500 x 1,000
        bill(Tokens, "gpt-4o", |q| q.input = 10, 25_000_000).times(1_000_000_000, 1_000_000),
    ]);
}

#[test]
fn rounding() {
    let half = r#"{"ChatPricing": {"m": {"InputText": 0.0005, "OutputText": 0.0005}}}"#;
    let less = r#"{"ChatPricing": {"m": {"InputText": 0.000499}}}"#;
    let most = r#"{"ChatPricing": {"m": {"InputText": 18446744073709.551615, "Rates": 0.000001}}}"#;
    all([
        // 0.5, up; 1.5, up; 2.0
        bill(Tokens, "m", |q| q.input = 1, 1).by(half),
        bill(Tokens, "m", |q| q.input = 3, 2).by(half),
        bill(Tokens, "m", |q| q.input = 4, 2).by(half),
        // 0.5 + 0.5, rounded once
        bill(Tokens, "m", |q| (q.input, q.output) = (1, 1), 1).by(half),
        // 0.5 + 0.5 + 0.5
        bill(Tokens, "m", |q| (q.input, q.output) = (1, 2), 2).by(half),
        // 0.499, down; 2 x 0.499 = 0.998, up
        bill(Tokens, "m", |q| q.input = 1, 0).by(less),
        bill(Tokens, "m", |q| q.input = 2, 1).by(less),
        // 1,000 x 18,446,744,073,709,551.615 x 10^-18: large and small make 18.4
        bill(Tokens, "m", |q| q.input = 1_000, 18)
            .by(most)
            .times(1, 1),
    ]);
}

#[test]
fn prices_by_call() {
    let call = r#"{"CallPricing": {"gpt-*": {"Call": 0.01, "Rates": 2}}}"#;
    let any = r#"{"CallPricing": {"*": {"Call": 0.000000001}}}"#;
    all([
        // 1,000 x 2,500 + 10,000,000 x 2
        bill(Tokens, "gpt-4o", |q| q.input = 1_000, 22_500_000).by(call),
        // Whatever the endpoint
        bill(Call, "gpt-4o", |_| {}, 20_000_000).by(call),
        bill(Rerank, "rerank-v3.5", |q| q.searches = 1, 2_000_001).by(any),
        bill(
            Images,
            "imagen-3.0-generate-001",
            |q| q.images = 2,
            80_000_001,
        )
        .by(any),
        bill(Sound, "tts-1", |q| q.characters = 1, 15_001).by(any),
        // 1 for an unknown model, which so has a price
        bill(Tokens, "house-model", |q| q.input = 1_000, 1).by(any),
        // With Rates and Factor: 20,000,000 x 1.5 x 0.5
        bill(Call, "gpt-4o", |_| {}, 15_000_000)
            .by(call)
            .times(1_500_000, 500_000),
        // A call that nothing prices
        bill(Call, "gpt-4o", |_| {}, 0),
    ]);
}

#[test]
fn images() {
    let dalle = r#"{"ImgPricing": {"dall-e-3": {"Call": 0.08, "Rates": 1.25,
        "Sizes": {"1024x1024": 0.04, "hd:1024x1024": 0.08}}}}"#;
    let square = r#"{"ImgPricing": {"gpt-image-1": {"Sizes": {"1024x1024": 0.05}}}}"#;
    let tokens = r#"{"ImgPricing": {"gpt-*": {"Call": 1}}, "ChatPricing": {"gpt-image-1": {"OutputImage": 50}}}"#;
    all([
        // 2 x 0.04 x 1.25
        bill(Images, "dall-e-3", |q| q.images = 2, 100_000_000)
            .by(dalle)
            .sized("standard:1024x1024"),
        // 1 x 0.08 x 1.25, listed with its quality
        bill(Images, "dall-e-3", |q| q.images = 1, 100_000_000)
            .by(dalle)
            .sized("hd:1024x1024"),
        // 3 x 0.08 x 1.25, not listed
        bill(Images, "dall-e-3", |q| q.images = 3, 300_000_000)
            .by(dalle)
            .sized("1792x1024"),
        // The owner's size covers every quality: 0.05; another size is as shipped: 0.25
        bill(Images, "gpt-image-1", |q| q.images = 1, 50_000_000)
            .by(square)
            .sized("high:1024x1024"),
        bill(Images, "gpt-image-1", |q| q.images = 1, 250_000_000)
            .by(square)
            .sized("high:1024x1536"),
        // Who prices its images is paid by image, though tokens were counted: 2 x 0.05
        bill(
            Images,
            "gpt-image-1",
            |q| (q.images, q.output_image) = (2, 8_320),
            100_000_000,
        )
        .by(square)
        .sized("high:1024x1024"),
        // Who prices its tokens more exactly is paid by token: 1,000 x 50,000
        bill(
            Images,
            "gpt-image-1",
            |q| (q.images, q.output_image) = (2, 1_000),
            50_000_000,
        )
        .by(tokens),
    ]);
}

#[test]
fn speech_and_reranking() {
    let tokens = r#"{"AudioPricing": {"whisper-1": {"Input": 6}, "tts-*": {"Input": 20}}}"#;
    let call = r#"{"AudioPricing": {"whisper-*": {"Call": 0.006}}}"#;
    let twice = r#"{"AudioPricing": {"whisper-1": {"Rates": 2}}}"#;
    let rerank = r#"{"RerankPricing": {"house-*": {"Input": 0.1, "Call": 0.001, "Rates": 3}}}"#;
    all([
        // 60 s are 600 tokens of 100 ms: 600 x 6,000
        bill(Sound, "whisper-1", |q| q.sound_ms = 60_000, 3_600_000).by(tokens),
        // 50 ms are half a token: 3,000
        bill(Sound, "whisper-1", |q| q.sound_ms = 50, 3_000).by(tokens),
        // A character is a token: 100 x 20,000
        bill(Sound, "tts-1", |q| q.characters = 100, 2_000_000).by(tokens),
        // By call, and so not by second
        bill(Sound, "whisper-1", |q| q.sound_ms = 60_000, 6_000_000).by(call),
        // Rates alone change no unit: 60 x 100,000 x 2
        bill(Sound, "whisper-1", |q| q.sound_ms = 60_000, 12_000_000).by(twice),
        // (1,000 x 100 + 2 x 1,000,000) x 3
        bill(
            Rerank,
            "house-rerank",
            |q| (q.input, q.searches) = (1_000, 2),
            6_300_000,
        )
        .by(rerank),
    ]);
}

#[test]
fn fine_tuned_models() {
    let base = r#"{"FineTuningPricing": {"gpt-4o*": {"InputText": 5, "Rates": 2}}}"#;
    let whole =
        r#"{"ChatPricing": {"ft:gpt-4o-2024-08-06:acme:*": {"InputText": 1, "OutputText": 2}}}"#;
    all([
        // (100 x 5,000 + 100 cached x 5,000 + 10 x 15,000) x 2
        bill(
            Tokens,
            "ft:gpt-4o-2024-08-06:acme::7qTVM5AR",
            |q| (q.input, q.cached, q.output) = (100, 100, 10),
            2_300_000,
        )
        .by(base),
        // Another base: 100 x 3,000 x 1
        bill(
            Tokens,
            "ft:gpt-3.5-turbo:acme::7qTVM5AR",
            |q| q.input = 100,
            300_000,
        )
        .by(base),
        // The model named itself: 100 x 1,000 + 10 x 2,000
        bill(
            Tokens,
            "ft:gpt-4o-2024-08-06:acme::7qTVM5AR",
            |q| (q.input, q.output) = (100, 10),
            120_000,
        )
        .by(whole),
        // Another's: 100 x 3,750 + 10 x 15,000 as shipped
        bill(
            Tokens,
            "ft:gpt-4o-2024-08-06:other::7qTVM5AR",
            |q| (q.input, q.output) = (100, 10),
            525_000,
        )
        .by(whole),
    ]);
}
