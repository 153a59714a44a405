//! Either SDK, in two major versions each, with models of every vendor: what the SDK
//! says reaches an upstream that insists on its own dialect, and comes back.

use std::fs;
use std::path::PathBuf;

use foldgate_tests::admin::CANARY;
use foldgate_tests::foldgate::OWNER_KEY;
use foldgate_tests::upstream::vendor::DEPLOYMENT;
use foldgate_tests::upstream::{FakeUpstream, Vendor};
use foldgate_tests::{Foldgate, Settings, paths};
use serde_json::{Map, Value, json};

use crate::run_script;

/// The vendor, a model of it, one that makes vectors, and what else the scripts ask.
const MODELS: [(Vendor, &str, Option<&str>, Extra); 6] = [
    (
        Vendor::OpenAi,
        "gpt-4o",
        Some("text-embedding-3-small"),
        Extra::None,
    ),
    (Vendor::Azure, "gpt-4.1", Some("gpt-4.1-embed"), Extra::None),
    (Vendor::Anthropic, "claude-opus-4-6", None, Extra::Claude),
    (
        Vendor::Gemini,
        "gemini-2.5-pro",
        Some("gemini-embedding-001"),
        Extra::Counts,
    ),
    (
        Vendor::Vertex,
        "gemini-2.5-flash",
        Some("text-embedding-005"),
        Extra::Counts,
    ),
    (Vendor::Vertex, "claude-sonnet-4-6", None, Extra::Claude),
];

/// What a model can or cannot beside a conversation.
#[derive(Clone, Copy, PartialEq)]
enum Extra {
    None,
    /// Its tokens can be counted.
    Counts,
    /// So they can, and it is Anthropic's.
    Claude,
}

#[tokio::test]
async fn the_openai_sdk_speaks_with_every_vendor() {
    World::start()
        .await
        .passes(paths::python(), "openai_dialects.py")
        .await;
}

#[tokio::test]
async fn an_older_openai_sdk_speaks_with_every_vendor() {
    World::start()
        .await
        .passes(paths::older_python(), "openai_dialects.py")
        .await;
}

#[tokio::test]
async fn the_anthropic_sdk_speaks_with_every_vendor() {
    World::start()
        .await
        .passes(paths::python(), "anthropic_dialects.py")
        .await;
}

#[tokio::test]
async fn an_older_anthropic_sdk_speaks_with_every_vendor() {
    World::start()
        .await
        .passes(paths::older_python(), "anthropic_dialects.py")
        .await;
}

/// A gateway with keys of all vendors.
struct World {
    foldgate: Foldgate,
    _upstreams: Vec<(Vendor, FakeUpstream)>,
}

impl World {
    async fn start() -> Self {
        let vertex = FakeUpstream::speaking(Vendor::Vertex).await;
        let trusted = vertex.ca_file();
        let foldgate = Settings::standalone()
            .env("FOLDGATE_UPSTREAM_CA_FILE", &trusted.to_string_lossy())
            .start()
            .await;
        let mut upstreams = vec![(Vendor::Vertex, vertex)];
        for vendor in [
            Vendor::OpenAi,
            Vendor::Azure,
            Vendor::Anthropic,
            Vendor::Gemini,
        ] {
            upstreams.push((vendor, FakeUpstream::speaking(vendor).await));
        }
        let mut levels = Map::new();
        let mut level = 0;
        for (vendor, model, embeds, _) in MODELS {
            let mut upstream = upstreams.iter().filter(|(of, _)| *of == vendor);
            let (_, upstream) = upstream.next().expect("every vendor has one");
            // A rate limit puts its key to sleep: each misfortune has one of its own.
            for fate in ["", "-refused", "-limited", "-overloaded"] {
                level += 1;
                add(&foldgate, (vendor, upstream), level).await;
                levels.insert(format!("{model}{fate}"), level.into());
                if let Some(embeds) = embeds.filter(|_| fate.is_empty()) {
                    levels.insert(embeds.to_owned(), level.into());
                }
            }
        }
        let mapper = json!({ "LEVEL_MAPPER": levels });
        foldgate.admin().config(&mapper).await;
        Self {
            foldgate,
            _upstreams: upstreams,
        }
    }

    async fn passes(&self, python: PathBuf, script: &str) {
        let vendors = MODELS.map(|(vendor, model, embeds, extra)| {
            let mut told = json!({
                "vendor": format!("{vendor:?} {model}"), "model": model,
                "counts": extra != Extra::None, "claude": extra == Extra::Claude,
            });
            if let Some(embeds) = embeds {
                told["embeds"] = embeds.into();
            }
            told
        });
        let told = [(
            "FOLDGATE_VENDORS",
            Value::from(vendors.to_vec()).to_string(),
        )];
        run_script((&python, script), (&self.foldgate, OWNER_KEY), &told).await;
    }
}

/// Adds a key of a vendor.
pub(crate) async fn add(
    foldgate: &Foldgate,
    (vendor, upstream): (Vendor, &FakeUpstream),
    level: u64,
) {
    let url = upstream.url();
    let mut key = json!({"SecretKey": CANARY, "Level": level, "Provider": url});
    let config = match vendor {
        Vendor::OpenAi => None,
        Vendor::Anthropic => Some(json!({"dialect": "anthropic"})),
        Vendor::Gemini => Some(json!({"dialect": "gemini"})),
        Vendor::Azure => Some(json!({
            "provider_type": "azure", "model_mapping": {"*": DEPLOYMENT},
        })),
        Vendor::Vertex => Some(json!({
            "provider_type": "vertex",
            "base_url": format!("{url}/v1/projects/{{project}}/locations/us-central1"),
            "project_id": "our-project",
            "client_email": "robot@our-project.iam.gserviceaccount.com",
            "private_key": pem(),
            "token_uri": format!("{url}/token"),
        })),
    };
    if let Some(config) = config {
        key["Config"] = config;
    }
    foldgate.admin().post("/x-keys", &key).await.ok();
}

/// A key of a service account that nobody has.
fn pem() -> String {
    let path = paths::workspace().join("data-plane/fixtures/vertex/pkcs8.pem");
    fs::read_to_string(path).expect("the data plane's fixture")
}
