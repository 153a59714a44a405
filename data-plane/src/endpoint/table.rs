//! The rows.

use foldgate_proto::JobKind;

use super::{BATCHES, Binds, Endpoint, Gives, OnJobs, Streams, Takes, Verb};

/// What ends a response's stream.
const RESPONSE_ENDS: &[&str] = &[
    "response.completed",
    "response.incomplete",
    "response.failed",
    "response.cancelled",
];

const CHAT: &str = r#"[{"role": "user", "content": "Say hello"}]"#;

/// Every call that is passed on.
pub(crate) static ENDPOINTS: [Endpoint; 35] = numbered([
    post("chat", "/v1/chat/completions")
        .does("Complete a chat", ("messages", CHAT))
        .streaming(Streams::Chunks),
    post("messages", "/v1/messages")
        .does("Go on with a conversation", ("messages", CHAT))
        .streaming(Streams::Messages),
    post("count_tokens", "/v1/messages/count_tokens")
        .does("Count a conversation's tokens", ("messages", CHAT)),
    post("message_batch_create", BATCHES)
        .taking(Takes::Plain)
        .does("Begin a batch of messages", ("requests", REQUESTS))
        .binding(Binds::Makes(None))
        .tells(JobKind::MessageBatch),
    get("message_batches", BATCHES)
        .does("List the batches of messages", NONE)
        .binding(Binds::Lists)
        .tells(JobKind::MessageBatch),
    get("message_batch", "/v1/messages/batches/{id}")
        .does("Show a batch of messages", NONE)
        .binding(Binds::Follows(&[]))
        .tells(JobKind::MessageBatch),
    delete("message_batch_delete", "/v1/messages/batches/{id}")
        .does("Delete a batch of messages", NONE)
        .binding(Binds::Follows(&[]))
        .deletes(JobKind::MessageBatch),
    post("message_batch_cancel", "/v1/messages/batches/{id}/cancel")
        .taking(Takes::Nothing)
        .does("Cancel a batch of messages", NONE)
        .binding(Binds::Follows(&[]))
        .tells(JobKind::MessageBatch),
    get("message_batch_results", "/v1/messages/batches/{id}/results")
        .does("Fetch what a batch of messages came to", NONE)
        .giving(Gives::Bytes)
        .binding(Binds::Follows(&[])),
    post("completions", "/v1/completions")
        .does("Complete a text", ("prompt", r#""Say hello""#))
        .streaming(Streams::Chunks),
    post("embeddings", "/v1/embeddings").does("Turn texts into vectors", ("input", r#"["hello"]"#)),
    post("responses", "/v1/responses")
        .does("Make a response", ("input", r#""Say hello""#))
        .streaming(Streams::Named(RESPONSE_ENDS))
        .binding(Binds::Makes(Some("previous_response_id")))
        .tells(JobKind::Response),
    get("response", "/v1/responses/{id}")
        .does("Show a response", NONE)
        .streaming(Streams::Named(RESPONSE_ENDS))
        .binding(Binds::Follows(&[]))
        .tells(JobKind::Response),
    delete("response_delete", "/v1/responses/{id}")
        .does("Delete a response", NONE)
        .binding(Binds::Follows(&[]))
        .deletes(JobKind::Response),
    post("response_cancel", "/v1/responses/{id}/cancel")
        .taking(Takes::Nothing)
        .does("Cancel a response in the background", NONE)
        .binding(Binds::Follows(&[]))
        .tells(JobKind::Response),
    get("response_input", "/v1/responses/{id}/input_items")
        .does("List what a response was made of", NONE)
        .binding(Binds::Follows(&[])),
    post("images", "/v1/images/generations")
        .does("Make images", ("prompt", r#""a foggy gate""#))
        .usually("dall-e-2")
        .streaming(Streams::Named(&["image_generation.completed"])),
    post("image_edits", "/v1/images/edits")
        .taking(Takes::Form)
        .does("Edit images", ("prompt", r#""add fog""#))
        .usually("dall-e-2")
        .streaming(Streams::Named(&["image_edit.completed"])),
    post("image_variations", "/v1/images/variations")
        .taking(Takes::Form)
        .does("Vary an image", ("n", "1"))
        .usually("dall-e-2"),
    post("transcriptions", "/v1/audio/transcriptions")
        .taking(Takes::Form)
        .does("Write down what is said", ("language", r#""en""#))
        .giving(Gives::Text)
        .streaming(Streams::Named(&["transcript.text.done"])),
    post("translations", "/v1/audio/translations")
        .taking(Takes::Form)
        .does(
            "Write down in English what is said",
            ("prompt", r#""A gate.""#),
        )
        .giving(Gives::Text),
    post("speech", "/v1/audio/speech")
        .does("Say a text aloud", ("input", r#""Hello""#))
        .giving(Gives::Bytes)
        .streaming(Streams::Named(&["speech.audio.done"])),
    post("moderations", "/v1/moderations")
        .does("Judge texts and images", ("input", r#"["hello"]"#))
        .usually("omni-moderation-latest"),
    post("rerank", "/v1/rerank").does("Put documents in order", ("query", r#""fog""#)),
    post("file_upload", "/v1/files")
        .taking(Takes::Upload)
        .does("Upload a file", ("purpose", r#""batch""#))
        .binding(Binds::Makes(None)),
    get("files", "/v1/files")
        .does("List the files", NONE)
        .binding(Binds::Lists),
    get("file", "/v1/files/{id}")
        .does("Show a file", NONE)
        .binding(Binds::Follows(&[])),
    delete("file_delete", "/v1/files/{id}")
        .does("Delete a file", NONE)
        .binding(Binds::Follows(&[]))
        .deletes_output(),
    get("file_content", "/v1/files/{id}/content")
        .does("Fetch what a file holds", NONE)
        .giving(Gives::Bytes)
        .binding(Binds::Follows(&[])),
    post("batch_create", "/v1/batches")
        .taking(Takes::Plain)
        .does(
            "Begin a batch of calls",
            ("input_file_id", r#""file-abc123""#),
        )
        .binding(Binds::Makes(Some("input_file_id")))
        .tells(JobKind::Batch),
    get("batches", "/v1/batches")
        .does("List the batches", NONE)
        .binding(Binds::Lists)
        .tells(JobKind::Batch),
    get("batch", "/v1/batches/{id}")
        .does("Show a batch", NONE)
        .binding(Binds::Follows(&["output_file_id", "error_file_id"]))
        .tells(JobKind::Batch),
    post("batch_cancel", "/v1/batches/{id}/cancel")
        .taking(Takes::Nothing)
        .does("Cancel a batch", NONE)
        .binding(Binds::Follows(&["output_file_id", "error_file_id"]))
        .tells(JobKind::Batch),
    get("realtime", "/v1/realtime")
        .taking(Takes::Query)
        .does("Hold a session over a WebSocket", NONE)
        .giving(Gives::Socket),
    post("realtime_secret", "/v1/realtime/client_secrets")
        .taking(Takes::Session)
        .does(
            "Mint a secret for a session of a browser",
            ("expires_after", EXPIRY),
        ),
]);

const NONE: (&str, &str) = ("", "");

const REQUESTS: &str = r#"[{"custom_id": "one", "params": {"model": "claude-sonnet-4-5", "max_tokens": 256, "messages": [{"role": "user", "content": "Say hello"}]}}]"#;

const EXPIRY: &str = r#"{"anchor": "created_at", "seconds": 600}"#;

const fn post(name: &'static str, path: &'static str) -> Endpoint {
    row(name, (Verb::Post, path), Takes::Json)
}

const fn get(name: &'static str, path: &'static str) -> Endpoint {
    row(name, (Verb::Get, path), Takes::Nothing)
}

const fn delete(name: &'static str, path: &'static str) -> Endpoint {
    row(name, (Verb::Delete, path), Takes::Nothing)
}

const fn row(name: &'static str, (method, path): (Verb, &'static str), takes: Takes) -> Endpoint {
    Endpoint {
        name,
        method,
        path,
        takes,
        usual: None,
        gives: Gives::Json,
        streams: Streams::Never,
        binds: Binds::Nothing,
        on_jobs: OnJobs::Nothing,
        index: 0,
        about: "",
        example: NONE,
    }
}

const fn numbered<const N: usize>(mut rows: [Endpoint; N]) -> [Endpoint; N] {
    let mut at = 0;
    while at < N {
        rows[at].index = at;
        at += 1;
    }
    rows
}

impl Endpoint {
    const fn does(mut self, about: &'static str, example: (&'static str, &'static str)) -> Self {
        self.about = about;
        self.example = example;
        self
    }

    const fn taking(mut self, takes: Takes) -> Self {
        self.takes = takes;
        self
    }

    const fn giving(mut self, gives: Gives) -> Self {
        self.gives = gives;
        self
    }

    const fn streaming(mut self, streams: Streams) -> Self {
        self.streams = streams;
        self
    }

    const fn usually(mut self, model: &'static str) -> Self {
        self.usual = Some(model);
        self
    }

    const fn tells(mut self, kind: JobKind) -> Self {
        self.on_jobs = OnJobs::Tells(kind);
        self
    }

    const fn deletes(mut self, kind: JobKind) -> Self {
        self.on_jobs = OnJobs::Deletes(kind);
        self
    }

    const fn deletes_output(mut self) -> Self {
        self.on_jobs = OnJobs::DeletesOutput;
        self
    }

    const fn binding(mut self, binds: Binds) -> Self {
        self.binds = binds;
        self
    }
}
