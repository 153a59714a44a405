//! The table of known providers. Model names and hosts as the providers' own
//! documentation gives them.

use super::Family;

/// One known provider.
pub(super) struct Known {
    pub(super) family: Family,
    /// Hosts; a leading `*` stands for any beginning.
    pub(super) hosts: &'static [&'static str],
    /// The patterns that adding a key completes.
    pub(super) models: &'static [&'static str],
    /// Served too, but not worth a mapping of their own.
    pub(super) also: &'static [&'static str],
    /// Serves other houses' models too, so is never known not to serve one.
    pub(super) open: bool,
}

pub(super) const KNOWN: &[Known] = &[
    Known {
        family: Family::OpenAi,
        hosts: &["api.openai.com", "*.api.openai.com"],
        models: &[
            "gpt*",
            "o1*",
            "o3*",
            "o4*",
            "chatgpt*",
            "text-embedding*",
            "dall-e*",
            "whisper*",
            "tts*",
            "omni-moderation*",
        ],
        also: &[
            "babbage-*",
            "codex-*",
            "computer-use-*",
            "davinci-*",
            "ft:*",
            "sora-*",
            "text-moderation-*",
        ],
        open: false,
    },
    closed(Family::Anthropic, &["api.anthropic.com"], &["claude*"]),
    closed(Family::DeepSeek, &["api.deepseek.com"], &["deepseek*"]),
    Known {
        family: Family::Mistral,
        hosts: &["api.mistral.ai", "codestral.mistral.ai"],
        models: &["mistral*", "codestral*", "magistral*", "ministral*"],
        also: &[
            "devstral*",
            "ft:*",
            "open-codestral-*",
            "open-mistral-*",
            "open-mixtral-*",
            "pixtral*",
            "voxtral*",
        ],
        open: false,
    },
    Known {
        family: Family::Gemini,
        hosts: &["generativelanguage.googleapis.com"],
        models: &["gemini*"],
        also: &["gemma*", "text-embedding-00*"],
        open: false,
    },
    Known {
        family: Family::Vertex,
        hosts: &["*aiplatform.googleapis.com"],
        models: &["gemini*"],
        also: &[],
        open: true,
    },
    closed(Family::Xai, &["api.x.ai", "*.api.x.ai"], &["grok*"]),
    closed(
        Family::Cohere,
        &["api.cohere.com", "api.cohere.ai"],
        &[
            "command*",
            "c4ai-*",
            "embed-english-*",
            "embed-multilingual-*",
            "embed-v*",
            "rerank-english-*",
            "rerank-multilingual-*",
            "rerank-v*",
        ],
    ),
    Known {
        family: Family::Perplexity,
        hosts: &["api.perplexity.ai"],
        models: &["sonar*"],
        also: &[],
        open: true,
    },
    closed(
        Family::Moonshot,
        &["api.moonshot.ai", "api.moonshot.cn"],
        &["kimi*", "moonshot*"],
    ),
    closed(Family::Zhipu, &["api.z.ai", "open.bigmodel.cn"], &["glm*"]),
    Known {
        family: Family::DashScope,
        hosts: &[
            "dashscope.aliyuncs.com",
            "dashscope-intl.aliyuncs.com",
            "dashscope-us.aliyuncs.com",
        ],
        models: &["qwen*", "qwq*"],
        also: &[],
        open: true,
    },
    closed(Family::Jina, &["api.jina.ai"], &["jina-*"]),
    closed(Family::Voyage, &["api.voyageai.com"], &["voyage-*"]),
    closed(Family::Ai21, &["api.ai21.com"], &["jamba*"]),
];

const fn closed(
    family: Family,
    hosts: &'static [&'static str],
    models: &'static [&'static str],
) -> Known {
    Known {
        family,
        hosts,
        models,
        also: &[],
        open: false,
    }
}
