//! Which addresses may be connected to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use url::Host;

use super::ProviderUrl;
use super::special::{LOOPBACK_NAMES, METADATA_NAMES, embedded, kind};

/// The most networks an installation may allow; each connect tries all of them.
pub const MAX_CIDRS: usize = 256;

/// The kinds of address that matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Public,
    Loopback,
    /// Private, shared (carrier-grade NAT), unique local, benchmarking.
    Private,
    LinkLocal,
    Metadata,
    Multicast,
    Unspecified,
    Broadcast,
    Documentation,
    Reserved,
}

/// Where upstream connections may go. Public addresses always; loopback and
/// private ones only inside an allowed network; link-local, metadata, multicast
/// and reserved ones never, whatever is allowed.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct AddressPolicy {
    allowed: Vec<IpNet>,
}

/// An address, or a host, that may not be connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Loopback, and not allowed.
    #[error("a loopback address is not in allowed_provider_cidrs")]
    Loopback,
    /// Private, and not allowed.
    #[error("a private address is not in allowed_provider_cidrs")]
    Private,
    /// Link-local.
    #[error("link-local addresses are never allowed")]
    LinkLocal,
    /// A cloud's metadata service.
    #[error("cloud metadata services are never allowed")]
    Metadata,
    /// Multicast.
    #[error("multicast addresses are never allowed")]
    Multicast,
    /// 0.0.0.0 or ::
    #[error("the unspecified address is never allowed")]
    Unspecified,
    /// 255.255.255.255
    #[error("the broadcast address is never allowed")]
    Broadcast,
    /// Documentation.
    #[error("documentation addresses are never allowed")]
    Documentation,
    /// Reserved, or of no known use.
    #[error("reserved addresses are never allowed")]
    Reserved,
    /// Neither a name nor an address.
    #[error("not a host")]
    NotAHost,
}

/// A text that is no list of networks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CidrError {
    /// One is no network.
    #[error("{0:?} is neither a network (10.0.0.0/8) nor an address")]
    Syntax(String),
    /// More than [`MAX_CIDRS`].
    #[error("more than {MAX_CIDRS} networks")]
    TooMany,
}

impl AddressPolicy {
    /// Allows these networks beside the public addresses.
    pub fn new(allowed: impl IntoIterator<Item = IpNet>) -> Self {
        Self {
            allowed: allowed.into_iter().collect(),
        }
    }

    /// Reads networks, comma or space separated; a bare address is a network of one.
    ///
    /// # Errors
    /// Names the item that is no network; refuses more than [`MAX_CIDRS`].
    pub fn parse(text: &str) -> Result<Self, CidrError> {
        let items = text.split(|c: char| c == ',' || c.is_whitespace());
        let allowed = items
            .filter(|item| !item.is_empty())
            .map(|item| {
                let address = |_| item.parse::<IpAddr>().map(IpNet::from);
                let net = item.parse::<IpNet>().or_else(address);
                net.map_err(|_| CidrError::Syntax(item.chars().take(64).collect()))
            })
            .collect::<Result<Vec<_>, _>>()?;
        if allowed.len() > MAX_CIDRS {
            return Err(CidrError::TooMany);
        }
        Ok(Self { allowed })
    }

    /// Allows loopback and all private networks: one machine's own default.
    pub fn loopback_and_private() -> Self {
        let v4 = |a, b, prefix| IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, 0, 0), prefix));
        let ula = Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0);
        Self::new([
            v4(127, 0, 8),
            v4(10, 0, 8),
            v4(172, 16, 12),
            v4(192, 168, 16),
            v4(100, 64, 10),
            v4(198, 18, 15),
            IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128)),
            IpNet::V6(Ipv6Net::new_assert(ula, 7)),
        ])
    }

    /// The networks that are allowed.
    pub fn allowed(&self) -> &[IpNet] {
        &self.allowed
    }

    /// Whether this address may be connected to. An IPv6 address that leads to
    /// an IPv4 one (mapped, NAT64, 6to4, Teredo) is judged by that one.
    ///
    /// # Errors
    /// Says which kind of address it is.
    pub fn check(&self, ip: IpAddr) -> Result<(), Refused> {
        let inner = match ip {
            IpAddr::V4(_) => Vec::new(),
            IpAddr::V6(ip) => embedded(ip),
        };
        if inner.is_empty() {
            return self.check_one(ip);
        }
        inner
            .into_iter()
            .try_for_each(|ip| self.check_one(IpAddr::V4(ip)))
    }

    /// Whether this host may be named in a URL: judges addresses in any spelling
    /// (`0x7f.1`, `2130706433`) and the names whose meaning is fixed. Any other
    /// name passes here; its addresses are checked at connect time.
    ///
    /// # Errors
    /// See [`Refused`].
    pub fn check_host(&self, host: &str) -> Result<(), Refused> {
        let bare = host.strip_suffix('.').unwrap_or(host);
        let parsed = match Ipv6Addr::from_str(bare) {
            Ok(ip) => Host::Ipv6(ip),
            Err(_) => Host::parse(bare).map_err(|_| Refused::NotAHost)?,
        };
        match parsed {
            Host::Ipv4(ip) => self.check(IpAddr::V4(ip)),
            Host::Ipv6(ip) => self.check(IpAddr::V6(ip)),
            Host::Domain(name) => self.check_name(name.strip_suffix('.').unwrap_or(&name)),
        }
    }

    /// Whether this provider's host may be named.
    ///
    /// # Errors
    /// See [`AddressPolicy::check_host`].
    pub fn check_url(&self, url: &ProviderUrl) -> Result<(), Refused> {
        match url.ip() {
            Some(ip) => self.check(ip),
            None => self.check_host(url.host()),
        }
    }

    fn check_name(&self, name: &str) -> Result<(), Refused> {
        let below = |parent: &str| {
            name.strip_suffix(parent)
                .is_some_and(|start| start.is_empty() || start.ends_with('.'))
        };
        if METADATA_NAMES.iter().any(|known| below(known)) {
            return Err(Refused::Metadata);
        }
        if below("localhost") || LOOPBACK_NAMES.contains(&name) {
            // Either family will do: the address itself is checked again at connect time.
            return self
                .check(IpAddr::V4(Ipv4Addr::LOCALHOST))
                .or_else(|_| self.check(IpAddr::V6(Ipv6Addr::LOCALHOST)));
        }
        Ok(())
    }

    fn check_one(&self, ip: IpAddr) -> Result<(), Refused> {
        let unless_allowed = |refused| {
            let allowed = self.allowed.iter().any(|net| net.contains(&ip));
            if allowed { Ok(()) } else { Err(refused) }
        };
        match kind(ip) {
            Kind::Public => Ok(()),
            Kind::Loopback => unless_allowed(Refused::Loopback),
            Kind::Private => unless_allowed(Refused::Private),
            Kind::LinkLocal => Err(Refused::LinkLocal),
            Kind::Metadata => Err(Refused::Metadata),
            Kind::Multicast => Err(Refused::Multicast),
            Kind::Unspecified => Err(Refused::Unspecified),
            Kind::Broadcast => Err(Refused::Broadcast),
            Kind::Documentation => Err(Refused::Documentation),
            Kind::Reserved => Err(Refused::Reserved),
        }
    }
}
