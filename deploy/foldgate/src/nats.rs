//! The log's view of the NATS settings.

use foldgate_log::jetstream::{Options, Source};
use foldgate_runtime::settings::{Follow, Settings};

/// The hub's JetStream domain, unless settings name another; the server
/// configurations in `deploy/nats` call it so.
pub(crate) const HUB_DOMAIN: &str = "hub";

/// How this process reaches NATS, and what it is there.
pub(crate) fn options(settings: &Settings, client: &str) -> Options {
    let nats = &settings.nats;
    let source = match nats.follow {
        Follow::Hub => Source::Hub,
        Follow::Mirror => Source::Mirror,
    };
    let named = nats.hub_domain.as_ref().map(ToString::to_string);
    let by_mirror = (nats.follow == Follow::Mirror).then(|| HUB_DOMAIN.to_owned());
    let monitors = nats.monitor_url.join(",");
    Options {
        urls: nats.url.expose(),
        name: format!("foldgate {} {client}", settings.role.as_str()),
        region: settings.region.to_string(),
        source,
        hub_domain: named.or(by_mirror),
        monitor_url: (!monitors.is_empty()).then_some(monitors),
        system_url: (!nats.system_url.is_empty()).then(|| nats.system_url.expose()),
        replicas: nats.replicas,
        allow_weak: nats.allow_weak_log,
    }
}
