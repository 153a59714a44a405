//! The lists that say what an account may use: addresses, models, Levels, API
//! paths. How their items are written, edited and compared.
//!
//! A list is edited by items, separated by commas or white space: `x` adds, `-x`
//! removes, `*` lifts the restriction, `-*` allows nothing. Adding to a list that
//! does not restrict makes it one that allows just what was added.

use std::collections::BTreeSet;
use std::net::IpAddr;

use foldgate_proto::{Level, List};
use ipnet::{IpNet, Ipv4Net};

use crate::config_text::{self, check_model_pattern, check_resource};
use crate::pattern::PatternMap;
use crate::table::resources::Resources;

mod meet;
#[cfg(test)]
mod tests;

pub use meet::meet;

/// The most items of one list; each is looked at per request at worst, and two
/// lists of a parent and its child are compared item by item when one is written.
pub const MAX_ITEMS: usize = 256;
/// The most bytes of one list's items together: what each comparison reads.
pub const MAX_BYTES: usize = 16_384;

/// The most steps of one edit: a full list out, another in.
const MAX_STEPS: usize = 2 * MAX_ITEMS;

/// The items an empty list of addresses still allows.
const LOOPBACK: [&str; 2] = ["127.0.0.0/8", "::1"];

/// A list that cannot be edited so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nothing was said.
    #[error("must name at least one item, * for no restriction, or -* for nothing at all")]
    Empty,
    /// An item is not of its kind.
    #[error("{0}")]
    Item(String),
    /// An item cannot be removed that is not there.
    #[error("{0:?} is not on the list, so it cannot be removed")]
    NotThere(String),
    /// Nothing can be taken from a list without bounds.
    #[error("the list does not restrict, so {0:?} cannot be taken from it; name what is allowed")]
    Unbounded(String),
    /// More than [`MAX_ITEMS`].
    #[error("{0} items are more than {MAX_ITEMS}")]
    TooMany(usize),
    /// More than [`MAX_BYTES`].
    #[error("items of {0} bytes together are more than {MAX_BYTES}")]
    TooLong(usize),
    /// A child may not do what its parent may not.
    #[error("{0:?} is more than the account above allows")]
    Exceeds(String),
}

/// One edit of a list, step by step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListEdit<T> {
    steps: Vec<Step<T>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step<T> {
    All,
    Nothing,
    Add(T),
    Remove(T),
}

/// Something that stands on a list.
pub trait Item: Ord + Clone + std::fmt::Display {
    /// Reads one, in its one spelling.
    ///
    /// # Errors
    /// Says why it is none.
    fn read(text: &str) -> Result<Self, Error>;

    /// A list that bounds others, compiled once to be asked of many items.
    type Above;

    /// Compiles a list.
    fn above(list: &BTreeSet<Self>) -> Self::Above;

    /// Whether a list allows everything that this item allows.
    fn is_within(&self, above: &Self::Above) -> bool;
}

impl<T: Item> ListEdit<T> {
    /// An edit after which a list is this one, whatever it was; `None` does not
    /// restrict.
    pub fn whole(list: Option<BTreeSet<T>>) -> Self {
        let steps = match list {
            None => vec![Step::All],
            Some(items) => std::iter::once(Step::Nothing)
                .chain(items.into_iter().map(Step::Add))
                .collect(),
        };
        Self { steps }
    }

    /// Reads an edit from a text of items.
    ///
    /// # Errors
    /// Names the item at fault; refuses an empty text.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::of(text.split(|c: char| c == ',' || c.is_whitespace()))
    }

    /// Reads an edit from items one by one.
    ///
    /// # Errors
    /// As [`ListEdit::parse`].
    pub fn of<'t>(items: impl IntoIterator<Item = &'t str>) -> Result<Self, Error> {
        let items = items.into_iter().map(str::trim).filter(|i| !i.is_empty());
        let steps: Vec<Step<T>> = items.map(step).collect::<Result<_, _>>()?;
        match steps.len() {
            0 => Err(Error::Empty),
            count if count > MAX_STEPS => Err(Error::TooMany(count)),
            _ => Ok(Self { steps }),
        }
    }

    /// The list after this edit. What is taken from a list without bounds of its
    /// own is taken from `above`, the one that bounds it.
    ///
    /// # Errors
    /// An item that cannot be removed; too many items.
    pub fn apply(
        &self,
        list: Option<&BTreeSet<T>>,
        above: Option<&BTreeSet<T>>,
    ) -> Result<Option<BTreeSet<T>>, Error> {
        let mut list = list.cloned();
        for step in &self.steps {
            match step {
                Step::All => list = None,
                Step::Nothing => list = Some(BTreeSet::new()),
                Step::Add(item) => {
                    list.get_or_insert_default().insert(item.clone());
                }
                Step::Remove(item) => {
                    let bounded = list.take().or_else(|| above.cloned());
                    let mut left = bounded.ok_or_else(|| Error::Unbounded(item.to_string()))?;
                    if !left.remove(item) {
                        return Err(Error::NotThere(item.to_string()));
                    }
                    list = Some(left);
                }
            }
        }
        list.as_ref().map_or(Ok(()), check_size)?;
        Ok(list)
    }
}

fn check_size<T: Item>(list: &BTreeSet<T>) -> Result<(), Error> {
    if list.len() > MAX_ITEMS {
        return Err(Error::TooMany(list.len()));
    }
    match list.iter().map(|item| item.to_string().len()).sum() {
        bytes if bytes > MAX_BYTES => Err(Error::TooLong(bytes)),
        _ => Ok(()),
    }
}

fn step<T: Item>(text: &str) -> Result<Step<T>, Error> {
    match text {
        "*" => Ok(Step::All),
        "-*" => Ok(Step::Nothing),
        _ => match text.strip_prefix('-') {
            Some(item) => T::read(item).map(Step::Remove),
            None => T::read(text).map(Step::Add),
        },
    }
}

/// Checks that a list stays within the one above it. A list of its own that does
/// not restrict takes the bounds of the one above.
///
/// # Errors
/// Names the first item that goes beyond.
pub fn check_within<T: Item>(
    list: Option<&BTreeSet<T>>,
    above: Option<&BTreeSet<T>>,
) -> Result<(), Error> {
    let (Some(list), Some(above)) = (list, above) else {
        return Ok(());
    };
    let above = T::above(above);
    match list.iter().find(|item| !item.is_within(&above)) {
        None => Ok(()),
        Some(item) => Err(Error::Exceeds(item.to_string())),
    }
}

/// An address or a range of them (CIDR).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address(pub String);

/// A model pattern.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Model(pub String);

/// An API path; allows all below it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path(pub String);

macro_rules! texts {
    ($($name:ident),*) => {$(
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl $name {
            /// A list as accounts keep it, as one of these.
            pub fn list(texts: Option<&BTreeSet<String>>) -> Option<BTreeSet<Self>> {
                texts.map(|texts| texts.iter().cloned().map(Self).collect())
            }

            /// A list of these as accounts keep it.
            pub fn texts(list: Option<BTreeSet<Self>>) -> Option<List<String>> {
                list.map(|list| List::from(list.into_iter().map(|item| item.0).collect::<BTreeSet<_>>()))
            }
        }
    )*};
}

texts!(Address, Model, Path);

impl Item for Address {
    fn read(text: &str) -> Result<Self, Error> {
        let net = net(text).filter(|_| is_plain(text)).ok_or_else(|| {
            let problem = format!("{text:?} is no IP address or range such as 10.0.0.0/8");
            Error::Item(problem)
        })?;
        let whole = net.prefix_len() == net.max_prefix_len();
        Ok(Self(if whole {
            net.addr().to_string()
        } else {
            net.to_string()
        }))
    }

    type Above = Vec<IpNet>;

    fn above(list: &BTreeSet<Self>) -> Vec<IpNet> {
        if list.is_empty() {
            return LOOPBACK.iter().filter_map(|range| net(range)).collect();
        }
        list.iter().filter_map(|item| net(&item.0)).collect()
    }

    fn is_within(&self, above: &Vec<IpNet>) -> bool {
        net(&self.0).is_some_and(|mine| above.iter().any(|range| range.contains(&mine)))
    }
}

/// Whether no number of a range is written with zeros in front: who reads them as
/// octal means another range.
fn is_plain(range: &str) -> bool {
    let Some((address, bits)) = range.split_once('/') else {
        return true;
    };
    address.parse::<IpAddr>().is_ok() && (bits == "0" || !bits.starts_with('0'))
}

/// A range as a list may write it: an address alone is a range of one. IPv4 in
/// IPv6 form is IPv4, as callers' addresses are.
pub(crate) fn net(text: &str) -> Option<IpNet> {
    let net = match text.parse::<IpNet>() {
        Ok(net) => net.trunc(),
        Err(_) => text.parse::<IpAddr>().ok().map(IpNet::from)?,
    };
    let IpNet::V6(six) = net else {
        return Some(net);
    };
    let four = six
        .addr()
        .to_ipv4_mapped()
        .zip(six.prefix_len().checked_sub(96));
    match four {
        Some((address, prefix)) => Ipv4Net::new(address, prefix).ok().map(IpNet::V4),
        None => Some(net),
    }
}

impl Item for Model {
    fn read(text: &str) -> Result<Self, Error> {
        check_model_pattern(text).map_err(|error| Error::Item(error.to_string()))?;
        Ok(Self(text.to_owned()))
    }

    type Above = PatternMap<()>;

    fn above(list: &BTreeSet<Self>) -> PatternMap<()> {
        PatternMap::new(list.iter().map(|model| (model.0.as_str(), ())))
    }

    /// One pattern matches all that another matches if it matches the other's text,
    /// in which only a `*` can stand for a `*`.
    fn is_within(&self, above: &PatternMap<()>) -> bool {
        above.get(&self.0).is_some()
    }
}

impl Item for Path {
    fn read(text: &str) -> Result<Self, Error> {
        check_resource(text).map_err(|error| Error::Item(error.to_string()))?;
        Ok(Self(text.to_owned()))
    }

    type Above = Resources;

    fn above(list: &BTreeSet<Self>) -> Resources {
        Resources::new(list.iter().map(|path| path.0.as_str()))
    }

    fn is_within(&self, above: &Resources) -> bool {
        above.allows(&self.0)
    }
}

impl Item for Level {
    fn read(text: &str) -> Result<Self, Error> {
        let digits = text.strip_prefix(['L', 'l']).unwrap_or(text);
        config_text::level(digits).map_err(|error| Error::Item(error.to_string()))
    }

    type Above = BTreeSet<Self>;

    fn above(list: &BTreeSet<Self>) -> BTreeSet<Self> {
        list.clone()
    }

    fn is_within(&self, above: &BTreeSet<Self>) -> bool {
        above.contains(self)
    }
}
