//! The log's view of the NATS settings.

use foldgate_log::jetstream::{Access, Options, Source};
use foldgate_runtime::settings::{Follow, Role, Settings};

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
        access: Access {
            ca_file: nats.ca_file.clone(),
            credentials_file: nats.credentials_file.clone(),
            nkey_file: nats.nkey_file.clone(),
            inbox: inbox(settings.role).to_owned(),
        },
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

/// Where a role hears answers. The permissions in `deploy/nats` let each user hear
/// its own role's only: answers to a control plane are nothing for a data node.
const fn inbox(role: Role) -> &'static str {
    match role {
        Role::DataPlane => "_INBOX_node",
        // The commands are run as `control`, or as `bootstrap`, who may hear all.
        Role::Standalone | Role::ControlPlane | Role::Tool => "_INBOX_control",
    }
}
