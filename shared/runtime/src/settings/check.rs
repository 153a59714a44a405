//! Faults that show only when settings are seen together, or against the role.

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};

use super::{Follow, Role, Settings};

/// The shortest owner key: it is the only thing between a stranger and all keys.
const MIN_OWNER_KEY: usize = 20;

/// The longest, so that it fits any header.
const MAX_OWNER_KEY: usize = 512;

/// What is wrong with settings that are each readable.
pub(super) fn faults(settings: &Settings) -> Vec<String> {
    let mut faults = Vec::new();
    keys(settings, &mut faults);
    log(settings, &mut faults);
    listeners(settings, &mut faults);
    plain_url(("admin.url", &settings.admin_url), 3001, &mut faults);
    plain_url(
        ("playground.url", &settings.playground_url),
        3000,
        &mut faults,
    );
    origins(&settings.http.allowed_origins, &mut faults);
    bounds(settings, &mut faults);
    faults
}

/// Whether a text may be an owner's key.
///
/// # Errors
/// Says what is needed; holds nothing of the text.
pub fn owner_key(key: &str) -> Result<(), String> {
    let fits = (MIN_OWNER_KEY..=MAX_OWNER_KEY).contains(&key.len())
        && key.bytes().all(|b| b.is_ascii_graphic());
    fits.then_some(()).ok_or_else(|| {
        format!(
            "{MIN_OWNER_KEY} to {MAX_OWNER_KEY} printable ASCII characters without spaces are needed"
        )
    })
}

fn keys(settings: &Settings, faults: &mut Vec<String>) {
    if let Some(key) = &settings.owner.key
        && let Err(problem) = owner_key(key.expose_secret())
    {
        faults.push(format!("owner.key: {problem}"));
    }
    let master = &settings.master;
    if master.key.as_ref().is_some_and(|key| !is_master_key(key)) {
        faults.push("master.key: 32 bytes of base64 are needed".to_owned());
    }
    let wrong = master
        .previous_keys
        .iter()
        .filter(|key| !is_master_key(key));
    for _ in wrong {
        faults.push("master.previous_keys: one is not 32 bytes of base64".to_owned());
    }
    if master.key.is_some() && master.key_file.is_some() {
        faults.push("master.key and master.key_file: only one of them may be set".to_owned());
    }
    let needs_key = matches!(settings.role, Role::ControlPlane | Role::DataPlane);
    if needs_key && master.key.is_none() && master.key_file.is_none() {
        faults.push(format!(
            "a {} needs FOLDGATE_MASTER_KEY or FOLDGATE_MASTER_KEY_FILE, the same on every node (make one: openssl rand -base64 32)",
            settings.role.as_str()
        ));
    }
}

fn log(settings: &Settings, faults: &mut Vec<String>) {
    let nats = &settings.nats;
    let needs_nats = matches!(settings.role, Role::ControlPlane | Role::DataPlane);
    if needs_nats && nats.url.is_empty() {
        faults.push(format!(
            "a {} needs FOLDGATE_NATS_URL (standalone alone has an embedded log)",
            settings.role.as_str()
        ));
    }
    let files = [
        ("nats.credentials_file", &nats.credentials_file),
        ("nats.nkey_file", &nats.nkey_file),
    ];
    let set: Vec<&str> = files
        .iter()
        .filter(|(_, file)| file.is_some())
        .map(|(name, _)| *name)
        .collect();
    if set.len() > 1 {
        faults.push(format!(
            "{}: only one of them may be set",
            set.join(" and ")
        ));
    }
    for name in set {
        if nats.url.is_empty() {
            faults.push(format!("{name}: nats.url is not set"));
        } else if nats.url.has_credentials() {
            faults.push(format!("{name}: nats.url holds credentials too"));
        }
    }
    if !matches!(nats.replicas, 1 | 3 | 5) {
        faults.push(format!("nats.replicas: 1, 3 or 5, not {}", nats.replicas));
    }
    if nats.follow == Follow::Mirror && settings.role.has_admin() {
        faults.push(
            "nats.follow: only a data plane may follow a mirror; writers read the hub".to_owned(),
        );
    }
    for url in &nats.monitor_url {
        let fits = ::url::Url::parse(url)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if !fits {
            faults.push("nats.monitor_url: one is not an HTTP URL (http://host:8222)".to_owned());
        }
    }
}

fn listeners(settings: &Settings, faults: &mut Vec<String>) {
    let listen = &settings.listen;
    let mut used: Vec<(&str, SocketAddr)> = Vec::new();
    if settings.role.has_proxy() {
        used.push(("proxy.addr", listen.proxy));
    }
    if settings.role.has_admin() {
        used.push(("admin.addr", listen.admin));
    }
    if settings.role != Role::Tool {
        used.push(("status.addr", listen.status));
    }
    for (at, (name, address)) in used.iter().enumerate() {
        let same = used[..at].iter().find(|(_, other)| other == address);
        if let Some((other, _)) = same.filter(|_| address.port() != 0) {
            faults.push(format!("{other} and {name} are both {address}"));
        }
    }
}

fn plain_url((name, text): (&str, &str), port: u16, faults: &mut Vec<String>) {
    // Credentials in it would be shown; the key has a setting of its own.
    let fits = text.is_empty()
        || ::url::Url::parse(text).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.fragment().is_none()
        });
    if !fits {
        faults.push(format!(
            "{name}: it is no plain HTTP URL (http://host:{port})"
        ));
    }
}

/// Browsers say where a page is from in just one spelling.
fn origins(origins: &[String], faults: &mut Vec<String>) {
    let said = |text: &str| ::url::Url::parse(text).map(|url| url.origin().ascii_serialization());
    for text in origins.iter().filter(|text| *text != "*") {
        // A host may have a star in it, as no browser's has.
        let is_one = said(text).is_ok_and(|origin| origin == *text) && !text.contains('*');
        if !is_one {
            faults.push(format!(
                "allowed_origins: `{text}` is no origin as browsers say it (https://app.example.com)"
            ));
        }
    }
}

fn bounds(settings: &Settings, faults: &mut Vec<String>) {
    let (upstream, http, pace) = (&settings.upstream, &settings.http, &settings.pace);
    let mut within = |name: &str, value: usize, least: usize, most: usize| {
        if !(least..=most).contains(&value) {
            faults.push(format!("{name}: {value} is not within {least} and {most}"));
        }
    };
    within("upstream.max_attempts", upstream.max_attempts, 1, 100);
    within("http.max_body_bytes", http.max_body_bytes.0, 1024, 1 << 30);
    within("http.max_connections", http.max_connections, 1, 1_000_000);
    let spool = settings.usage.spool_max_bytes.0;
    within("usage.spool_max_bytes", spool, 1 << 20, 1 << 40);
    within("worker_threads", settings.worker_threads, 0, 512);
    let (tenth, hour) = (Duration::from_millis(100), Duration::from_hours(1));
    for (name, value, least, most) in [
        (
            "upstream.request_timeout",
            upstream.request_timeout,
            tenth,
            hour * 24,
        ),
        (
            "upstream.first_byte_timeout",
            upstream.first_byte_timeout,
            tenth,
            hour,
        ),
        (
            "upstream.connect_timeout",
            upstream.connect_timeout,
            tenth,
            hour,
        ),
        (
            "upstream.stream_idle_timeout",
            upstream.stream_idle_timeout,
            tenth,
            hour,
        ),
        ("http.header_timeout", http.header_timeout, tenth, hour),
        ("http.idle_timeout", http.idle_timeout, tenth, hour * 24),
        ("http.write_timeout", http.write_timeout, tenth, hour),
        ("drain_timeout", http.drain_timeout, Duration::ZERO, hour),
        (
            "heartbeat_interval",
            pace.heartbeat_interval,
            tenth / 2,
            hour / 60,
        ),
    ] {
        if value < least || value > most {
            faults.push(format!(
                "{name}: {value:?} is not within {least:?} and {most:?}"
            ));
        }
    }
    if upstream.first_byte_timeout > upstream.request_timeout {
        faults
            .push("upstream.first_byte_timeout is longer than upstream.request_timeout".to_owned());
    }
    if let Err(error) = tracing_subscriber::EnvFilter::try_new(&settings.log.level) {
        faults.push(format!("log.level: {error}"));
    }
}

fn is_master_key(key: &SecretString) -> bool {
    let text = key.expose_secret().trim();
    let bytes = STANDARD
        .decode(text)
        .or_else(|_| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')));
    bytes.is_ok_and(|bytes| bytes.len() == 32)
}
