//! By what an endpoint is paid.

use crate::table::resources::normalise;

/// By what an endpoint is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tariff {
    /// Nothing at all, whatever the prices say: moderations, counting tokens.
    Free,
    /// Tokens: chats, completions, embeddings, responses, messages, realtime.
    Tokens,
    /// Images, by number and size; by tokens where those were counted.
    Images,
    /// Speech made or understood.
    Sound,
    /// Reranking.
    Rerank,
    /// Nothing but `CallPricing`.
    Call,
}

/// Paths, in the one spelling of [`normalise`], with how they are paid.
const PATHS: &[(&str, Tariff)] = &[
    ("/v1/audio/speech", Tariff::Sound),
    ("/v1/audio/transcriptions", Tariff::Sound),
    ("/v1/audio/translations", Tariff::Sound),
    ("/v1/chat/completions", Tariff::Tokens),
    ("/v1/completions", Tariff::Tokens),
    ("/v1/embeddings", Tariff::Tokens),
    ("/v1/images/edits", Tariff::Images),
    ("/v1/images/generations", Tariff::Images),
    ("/v1/images/variations", Tariff::Images),
    ("/v1/messages", Tariff::Tokens),
    ("/v1/messages/count_tokens", Tariff::Free),
    ("/v1/moderations", Tariff::Free),
    ("/v1/realtime", Tariff::Tokens),
    ("/v1/rerank", Tariff::Rerank),
    ("/v1/responses", Tariff::Tokens),
];

impl Tariff {
    /// How calls of a path are paid, whatever its alias. What is not in the table uses
    /// nothing that is counted: reading, listing and taking away.
    pub fn of_path(path: &str) -> Self {
        let path = normalise(path).unwrap_or_default();
        let listed = PATHS.iter().find(|(listed, _)| *listed == path);
        listed.map_or(Self::Call, |(_, tariff)| *tariff)
    }
}
