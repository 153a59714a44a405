//! What is counted, and by which fields it is priced: the first that there is.

use foldgate_proto::Quantities;

use super::rows::Field;
use crate::pricing::{
    AudioPrice, CallPrice, ChatPrice, FineTuningPrice, ImgPrice, PerCall, PerToken, RerankPrice,
};

/// Something that is counted in tokens.
pub(super) struct Kind<R: 'static> {
    pub(super) count: fn(&Quantities) -> u64,
    pub(super) fields: &'static [Field<R>],
}

/// Something that is counted, and the fields that price it.
const fn kind<R>(count: fn(&Quantities) -> u64, fields: &'static [Field<R>]) -> Kind<R> {
    Kind { count, fields }
}

macro_rules! fields {
    ($row:ty: $($name:ident = $key:literal, $unit:ident, $field:ident;)*) => {
        $(const $name: Field<$row> = Field {
            name: $key,
            get: |row| row.$field.map(|$unit(amount)| amount),
            hidden: |_| false,
        };)*
    };
}

/// The fields of `ChatPricing`.
pub(super) mod chat {
    use super::{ChatPrice, Field, Kind, PerCall, PerToken, kind};

    fields! { ChatPrice:
        INPUT = "InputText", PerToken, input_text;
        OUTPUT = "OutputText", PerToken, output_text;
        CACHED = "CachedText", PerToken, cached_text;
        WRITE = "CacheWrite", PerToken, cache_write;
        REASON = "ReasonText", PerToken, reason_text;
        INPUT_AUDIO = "InputAudio", PerToken, input_audio;
        OUTPUT_AUDIO = "OutputAudio", PerToken, output_audio;
        CACHED_AUDIO = "CachedAudio", PerToken, cached_audio;
        INPUT_IMAGE = "InputImage", PerToken, input_image;
        OUTPUT_IMAGE = "OutputImage", PerToken, output_image;
    }

    const WRITE_LONG: Field<ChatPrice> = Field {
        name: "_CacheWriteLong",
        get: |row| row.cache_write_long.map(|PerToken(amount)| amount),
        hidden: |own| own.cache_write.is_some(),
    };

    pub(in crate::price) const SEARCH: Field<ChatPrice> = Field {
        name: "_Search",
        get: |row| row.search.map(|PerCall(amount)| amount),
        hidden: |_| false,
    };

    pub(in crate::price) const TOKENS: &[Field<ChatPrice>] = &[
        INPUT,
        OUTPUT,
        CACHED,
        WRITE,
        WRITE_LONG,
        REASON,
        INPUT_AUDIO,
        OUTPUT_AUDIO,
        CACHED_AUDIO,
        INPUT_IMAGE,
        OUTPUT_IMAGE,
    ];

    pub(in crate::price) const KINDS: &[Kind<ChatPrice>] = &[
        kind(|q| q.input, &[INPUT]),
        kind(|q| q.cached, &[CACHED, INPUT]),
        kind(|q| q.cache_write, &[WRITE, INPUT]),
        kind(|q| q.cache_write_long, &[WRITE_LONG, WRITE, INPUT]),
        kind(|q| q.input_audio, &[INPUT_AUDIO, INPUT]),
        kind(
            |q| q.cached_audio,
            &[CACHED_AUDIO, INPUT_AUDIO, CACHED, INPUT],
        ),
        kind(|q| q.input_image, &[INPUT_IMAGE, INPUT]),
        kind(|q| q.output, &[OUTPUT, OUTPUT_IMAGE]),
        kind(|q| q.reasoning, &[REASON, OUTPUT]),
        kind(|q| q.output_audio, &[OUTPUT_AUDIO, OUTPUT]),
        kind(|q| q.output_image, &[OUTPUT_IMAGE, OUTPUT]),
    ];
}

/// The fields of `FineTuningPricing`.
pub(super) mod tuned {
    use super::{Field, FineTuningPrice, Kind, PerToken, kind};

    fields! { FineTuningPrice:
        INPUT = "InputText", PerToken, input_text;
        OUTPUT = "OutputText", PerToken, output_text;
    }

    const CACHED: Field<FineTuningPrice> = Field {
        name: "_CachedText",
        get: |row| row.cached_text.map(|PerToken(amount)| amount),
        hidden: |own| own.input_text.is_some(),
    };

    pub(in crate::price) const TOKENS: &[Field<FineTuningPrice>] = &[INPUT, OUTPUT, CACHED];

    pub(in crate::price) const KINDS: &[Kind<FineTuningPrice>] = &[
        kind(|q| q.input, &[INPUT]),
        kind(|q| q.cached, &[CACHED, INPUT]),
        kind(|q| q.cache_write, &[INPUT]),
        kind(|q| q.cache_write_long, &[INPUT]),
        kind(|q| q.input_audio, &[INPUT]),
        kind(|q| q.cached_audio, &[CACHED, INPUT]),
        kind(|q| q.input_image, &[INPUT]),
        kind(|q| q.output, &[OUTPUT]),
        kind(|q| q.reasoning, &[OUTPUT]),
        kind(|q| q.output_audio, &[OUTPUT]),
        kind(|q| q.output_image, &[OUTPUT]),
    ];
}

/// The fields of `AudioPricing`.
pub(super) mod sound {
    use super::{AudioPrice, Field, Kind, PerCall, PerToken, kind};

    fields! { AudioPrice:
        INPUT = "Input", PerToken, input;
        OUTPUT = "Output", PerToken, output;
        INPUT_AUDIO = "InputAudio", PerToken, input_audio;
        OUTPUT_AUDIO = "OutputAudio", PerToken, output_audio;
    }

    pub(in crate::price) const CALL: Field<AudioPrice> = Field {
        name: "Call",
        get: |row| row.call.map(|PerCall(amount)| amount),
        hidden: |_| false,
    };

    pub(in crate::price) const PER_SECOND: Field<AudioPrice> = Field {
        name: "_PerSecond",
        get: |row| row.per_second.map(|PerCall(amount)| amount),
        hidden: has_amount,
    };

    pub(in crate::price) const PER_CHARACTER: Field<AudioPrice> = Field {
        name: "_PerMChar",
        get: |row| row.per_character.map(|PerToken(amount)| amount),
        hidden: has_amount,
    };

    /// Whether the owner names an amount of any kind.
    fn has_amount(own: &AudioPrice) -> bool {
        let tokens = [own.input, own.output, own.input_audio, own.output_audio];
        own.call.is_some() || tokens.iter().any(Option::is_some)
    }

    pub(in crate::price) const TOKENS: &[Field<AudioPrice>] =
        &[INPUT, OUTPUT, INPUT_AUDIO, OUTPUT_AUDIO];

    pub(in crate::price) const KINDS: &[Kind<AudioPrice>] = &[
        kind(|q| q.input, &[INPUT]),
        kind(|q| q.cached, &[INPUT]),
        kind(|q| q.cache_write, &[INPUT]),
        kind(|q| q.cache_write_long, &[INPUT]),
        kind(|q| q.input_audio, &[INPUT_AUDIO, INPUT]),
        kind(|q| q.cached_audio, &[INPUT_AUDIO, INPUT]),
        kind(|q| q.input_image, &[INPUT]),
        kind(|q| q.output, &[OUTPUT]),
        kind(|q| q.reasoning, &[OUTPUT]),
        kind(|q| q.output_audio, &[OUTPUT_AUDIO, OUTPUT]),
        kind(|q| q.output_image, &[OUTPUT]),
    ];

    /// What a character costs that no token was counted for.
    pub(in crate::price) const CHARACTER: &[Field<AudioPrice>] = &[PER_CHARACTER, INPUT, OUTPUT];

    /// What 100 ms cost that no token was counted for.
    pub(in crate::price) const TENTH: &[Field<AudioPrice>] =
        &[INPUT_AUDIO, INPUT, OUTPUT_AUDIO, OUTPUT];
}

pub(super) const IMAGE: Field<ImgPrice> = Field {
    name: "Call",
    get: |row| row.call.map(|PerCall(amount)| amount),
    hidden: |_| false,
};

pub(super) const RERANK_INPUT: Field<RerankPrice> = Field {
    name: "Input",
    get: |row| row.input.map(|PerToken(amount)| amount),
    hidden: |_| false,
};

pub(super) const RERANK_CALL: Field<RerankPrice> = Field {
    name: "Call",
    get: |row| row.call.map(|PerCall(amount)| amount),
    hidden: |_| false,
};

pub(super) const CALL: Field<CallPrice> = Field {
    name: "Call",
    get: |row| row.call.map(|PerCall(amount)| amount),
    hidden: |_| false,
};
